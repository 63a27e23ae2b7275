"""What sales said, told to the standings of leads: touches and outcomes.

A lead gets its standing when it is first looked at; until then what sales said is only among its facts. The first look
reads it there (``words_of``), every later word is told as it comes (``tell``), in the transaction that stores it. What
could not be told then is heard by the next look.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, bindparam, select

from data.clock import wall_clock
from data.store.tables import outcomes
from features.lead import Event, Scalar
from models.states import Transition, Word, step
from serving.deciding.rules import Rules, remembered
from serving.deciding.standings import Kept, kept_many, put
from serving.deciding.transitions import Crossed, write_crossings

_OUTCOMES = select(outcomes.c.lead_id, outcomes.c.kind, outcomes.c.occurred_at, outcomes.c.known_at).where(
    outcomes.c.lead_id.in_(bindparam("lead_ids", expanding=True))
)

_YES = frozenset({"true", "1", "yes"})

Closing = tuple[str, int, int]
"""Kind, occurred_at and known_at of an outcome."""


@dataclass(frozen=True)
class Said:
    """A word about a lead, and the ``moment`` (microseconds) at which it was known; ``cause``: touch or outcome."""

    lead_id: str
    word: Word
    moment: int
    cause: str


def tell(connection: Connection, rules: Rules | None, said: Sequence[Said], now: int | None = None) -> list[Transition]:
    """Move the standings of leads by what was said of them, in this order, in the caller's transaction.

    ``rules`` None: those that the store was last decided by. A lead without a standing is left to its first look.
    A word that is known before its lead came into its state is told right after that. ``now``: the wall clock.
    """
    rules = rules or remembered(connection)
    if rules is None or not said:
        return []
    rows = kept_many(connection, sorted({one.lead_id for one in said}), locked=True)
    crossed: list[Crossed] = []
    for one in said:
        if one.lead_id in rows:
            rows[one.lead_id] = heard(rules, rows[one.lead_id], one, crossed)
    put(connection, rows.values())
    write_crossings(connection, rules, crossed, wall_clock() if now is None else now)
    return [one.transition for one in crossed]


def heard(rules: Rules, row: Kept, said: Said, crossed: list[Crossed]) -> Kept:
    """The row after a word; what crossed is added."""
    moment = max(said.moment, row.since + 1)
    standing, transition = step(rules.policy, row.standing, said.word, moment)
    if transition is not None:
        crossed.append(Crossed(said.lead_id, transition, said.cause, standing.next_at))
    touched = row.touched_at if said.cause == "outcome" else max(row.touched_at or said.moment, said.moment)
    return row.after(standing, decided_at=max(row.decided_at, moment), touched_at=touched)


def words_of(rules: Rules, lead_id: str, events: Iterable[Event], closings: Iterable[Closing]) -> list[Said]:
    """What sales said of a lead, as it became known; ``closings`` are (kind, occurred_at, known_at) of outcomes."""
    touches = [
        (event.occurred_at, touch(lead_id, event.known_at, given_back=gives_back(event.extra)))
        for event in events
        if event.actor == "sales"
    ]
    closed = [(occurred_at, closing(rules, lead_id, kind, known_at)) for kind, occurred_at, known_at in closings]
    return in_order([*touches, *closed])


def touch(lead_id: str, known_at: int, *, given_back: bool) -> Said:
    """What a sales touch says: that sales has taken the lead up, or gives it back."""
    return Said(lead_id, "given back" if given_back else "taken", known_at, "touch")


def gives_back(extra: Mapping[str, Scalar]) -> bool:
    """Whether a touch with these further columns returns its lead: ``given_back`` is true, 1, or says so as a text."""
    told = extra.get("given_back")
    return told.strip().lower() in _YES if isinstance(told, str) else bool(told)


def closing(rules: Rules, lead_id: str, kind: str, known_at: int) -> Said | None:
    """What an outcome says; None where it does not close its lead."""
    word = rules.word_of(kind)
    return None if word is None else Said(lead_id, word, known_at, "outcome")


def in_order(said: Iterable[tuple[int, Said | None]]) -> list[Said]:
    """Words, each with when what it speaks of occurred, as they became known: the same whatever came first."""
    words = [(one.lead_id, one.moment, occurred_at, one.word, one) for occurred_at, one in said if one is not None]
    return [one for *_, one in sorted(words, key=lambda word: word[:4])]


def closings_of(connection: Connection, lead_ids: Iterable[str]) -> dict[str, list[Closing]]:
    """The outcomes of leads as (kind, occurred_at, known_at)."""
    found: dict[str, list[Closing]] = defaultdict(list)
    for lead_id, kind, occurred_at, known_at in connection.execute(_OUTCOMES, {"lead_ids": list(lead_ids)}):
        found[lead_id].append((kind, occurred_at, known_at))
    return found
