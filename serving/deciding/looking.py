"""Looking at leads in two halves: what is seen, which takes time and no lock, and what follows, which is written."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from models.reasons import REASONS
from models.scorer import Looked, Score
from models.states import step
from serving.agreeing.versions import apply, latest
from serving.deciding.histories import Read, read_histories
from serving.deciding.needs import needs_of
from serving.deciding.rules import Rules, rules_of
from serving.deciding.score_rows import Made, new_id, score_row, write_scores
from serving.deciding.standings import Kept, claim, kept_many, new, put
from serving.deciding.statements import Quick
from serving.deciding.transitions import Crossed, write_crossings
from serving.deciding.words import Closing, closings_of, heard, words_of
from serving.live.loading import Loaded
from serving.store.tables import policies

_AGREED = Quick(select(func.max(policies.c.version)))


@dataclass(frozen=True)
class Seen:
    """What was seen in a lead, by its history ``read``.

    ``before`` is its row as found, None when it had none; ``row`` the same after what sales had said until then, and
    ``crossed`` what that moved. ``looked`` is None for a lead that is closed by now.
    """

    before: Kept | None
    row: Kept
    crossed: tuple[Crossed, ...]
    read: Read
    looked: Looked | None = None


@dataclass(frozen=True)
class Decided:
    """What followed: where the lead stands, what moved, and its score unless it is closed.

    ``pending``: when something more that is stored of it becomes known, if there is anything.
    """

    row: Kept
    crossed: tuple[Crossed, ...]
    made: Made | None
    pending: int | None

    @property
    def score(self) -> Score | None:
        """The score."""
        return None if self.made is None else self.made.score


def see(
    connection: Connection, loaded: Loaded, lead_ids: Iterable[str], rows: Mapping[str, Kept], moment: int
) -> list[Seen]:
    """What is seen just after ``moment`` (microseconds) in the leads of ``lead_ids``; ``rows`` are theirs, if any.

    A lead that was looked at later than that is looked at just after then: moments of one lead only grow. Leads that
    are closed, unknown, or not created yet are left out.
    """
    rules = rules_of(loaded.bundle, loaded.version)
    moments = {
        one: max(moment, rows[one].decided_at if one in rows else moment) + 1
        for one in lead_ids
        if one not in rows or rows[one].is_open
    }
    reads = {
        lead_id: read
        for lead_id, read in read_histories(connection, moments, needs_of(loaded.bundle)).items()
        if read.lead.created_at < moments[lead_id]
    }
    closings = closings_of(connection, reads) if reads else {}
    seen = []
    for lead_id, read in reads.items():
        known = [one for one in closings.get(lead_id, ()) if one[2] < moments[lead_id]]
        seen.append(Seen(rows.get(lead_id), *_heard(rules, rows.get(lead_id), read, known), read))
    asked = [(one.read.lead, moments[one.row.lead_id]) for one in seen if one.row.is_open]
    looked = iter(loaded.scorer.look_many(asked))
    return [Seen(one.before, one.row, one.crossed, one.read, next(looked) if one.row.is_open else None) for one in seen]


def _heard(
    rules: Rules, before: Kept | None, read: Read, closings: Sequence[Closing]
) -> tuple[Kept, tuple[Crossed, ...]]:
    """The row after all that sales said and nobody has told it, and what that moved.

    A lead without a row hears what was said all its life. Another one hears of touches that became known since it was
    last looked at, and of outcomes: where no model was loaded when they came, nobody could tell them.
    """
    lead, crossed = read.lead, list[Crossed]()
    row = new(rules, lead.lead_id, lead.created_at) if before is None else before
    touches = [one for one in lead.events if one.actor == "sales" and (before is None or one.known_at > row.decided_at)]
    for said in words_of(rules, lead.lead_id, touches, closings):
        row = heard(rules, row, said, crossed)
    return row, tuple(crossed)


def unchanged(connection: Connection, seen: Sequence[Seen]) -> list[Seen]:
    """Those whose rows are as they were found; they are locked until the transaction ends."""
    rows = kept_many(connection, sorted(one.row.lead_id for one in seen if one.before), locked=True)
    return [one for one in seen if one.before is None or rows.get(one.row.lead_id) == one.before]


def settle(
    connection: Connection, loaded: Loaded, seen: Sequence[Seen], cause: str, now: int, *, reasons: bool = False
) -> list[Decided]:
    """Write what follows: scores, standings, transitions and messages.

    The rows of ``seen`` must be locked, or not be there. A lead that somebody else looked at first meanwhile is left
    out. Reasons are told where something crossed; ``reasons``: of every lead. ``now``: the wall clock. What was agreed
    meanwhile decides, whether this process has heard of it or not.
    """
    loaded = _as_agreed(connection, loaded)
    rules = rules_of(loaded.bundle, loaded.version)
    firsts = claim(connection, [one.row for one in seen if one.before is None])
    mine = [one for one in seen if one.before is not None or one.row.lead_id in firsts]
    decided = [_followed(loaded, rules, one, cause, now, reasons=reasons) for one in mine]
    write_scores(connection, [score_row(one.made, loaded) for one in decided if one.made])
    put(connection, [one.row for one in decided])
    write_crossings(connection, rules, [crossed for one in decided for crossed in one.crossed], now)
    return decided


def _as_agreed(connection: Connection, loaded: Loaded) -> Loaded:
    """The bundle, deciding by what is agreed as of this transaction."""
    version = _AGREED(connection)[0][0]
    newer = version is not None and version > loaded.policy_version
    return apply(loaded, latest(connection)) if newer else loaded


def _followed(loaded: Loaded, rules: Rules, one: Seen, cause: str, now: int, *, reasons: bool) -> Decided:
    if one.looked is None:
        return Decided(one.row, one.crossed, None, one.read.pending)
    looked, row = one.looked, one.row
    standing, transition = step(rules.policy, row.standing, looked.look, looked.as_of)
    score = loaded.scorer.told(looked, standing, REASONS if transition or reasons else 0)
    made = Made(new_id(now), score, one.read.inputs, one.read.used, one.read.ignored, now, cause)
    loaded.told(made.score_id, one.read.lead, looked.as_of, row.standing, stored=True)
    crossed = one.crossed
    if transition is not None:
        crossed = (*crossed, Crossed(row.lead_id, transition, cause, standing.next_at, score, made.score_id))
    after = row.after(
        standing,
        readiness=score.readiness,
        index=score.index,
        score_id=made.score_id,
        model_version=loaded.version,
        decided_at=looked.as_of,
        touched_at=_last(one.read, "sales", row.touched_at),
        nurtured_at=_last(one.read, "marketing", row.nurtured_at),
    )
    return Decided(after, crossed, made, one.read.pending)


def _last(read: Read, actor: str, before: int | None) -> int | None:
    """The last touch by ``actor``, or what was known of it before."""
    moments = [event.occurred_at for event in read.lead.events if event.actor == actor]
    return max([*moments, *([] if before is None else [before])], default=None)
