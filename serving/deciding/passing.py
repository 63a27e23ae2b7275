"""The pass over every open lead, since silence too is information: nightly, and when a model is new.

How far a pass is stands in the store, written with what it decided: a pass that was killed goes on where it was, and
two workers never do the same leads. What is seen is computed without a lock; what follows is written in short
transactions, and a lead that somebody else looked at meanwhile is left to what he saw.
"""

import json
from collections import Counter
from collections.abc import Callable, Collection
from dataclasses import asdict, dataclass, field, replace

from sqlalchemy import Connection, bindparam, func, or_, select

from data.clock import MINUTE, wall_clock
from data.store.tables import leads
from models.states import OPEN_STATES
from serving.deciding.looking import Decided, Seen, see, settle, unchanged
from serving.deciding.rules import remember, rules_of
from serving.deciding.score_rows import new_id
from serving.deciding.standings import Kept, kept_many
from serving.deciding.waiting import look_at_marked
from serving.live.loading import Loaded
from serving.store.store import Store
from serving.store.tables import meta, standings
from serving.store.upsert import upsert

CHUNK = 128
"""So many leads are seen together and written together."""
LEASE = MINUTE
_NAME = "pass"
_IS_OPEN = or_(standings.c.state.is_(None), standings.c.state.in_(OPEN_STATES))
_NEXT = (
    select(leads.c.lead_id)
    .outerjoin(standings, standings.c.lead_id == leads.c.lead_id)
    .where(leads.c.lead_id > bindparam("reached"), _IS_OPEN)
    .order_by(leads.c.lead_id)
    .limit(bindparam("at_most"))
)
_OPEN = (
    select(func.count()).select_from(leads).outerjoin(standings, standings.c.lead_id == leads.c.lead_id).where(_IS_OPEN)
)
_STATE = select(meta.c.value).where(meta.c.name == _NAME)

Progress = Callable[[int, int], None]
"""Told how many leads were looked at, of how many."""


@dataclass(frozen=True)
class Pass:
    """A pass as the store keeps it: why (night, model or policy), since when, by what, how far, and what came of it.

    ``bundle_id`` and ``policy`` (the version that people agreed on, 0 for the bundle's own) are what it decides by.
    ``reached`` is the last lead that is done; ``counts`` hold what became of leads (looked, and states that leads came
    into); ``leased_until`` is for whom works on it.
    """

    pass_id: str
    cause: str
    began_at: int
    bundle_id: str
    total: int
    reached: str = ""
    counts: dict[str, int] = field(default_factory=dict)
    leased_until: int = 0
    finished_at: int | None = None
    policy: int = 0

    def is_by(self, loaded: Loaded) -> bool:
        """Whether it decides by this bundle and this policy."""
        return (self.bundle_id, self.policy) == (loaded.bundle.bundle_id, loaded.policy_version)


def latest(connection: Connection, *, locked: bool = False) -> Pass | None:
    """The pass that is under way, or the last one that was."""
    text = connection.execute(_STATE.with_for_update() if locked else _STATE).scalar()
    return None if text is None else Pass(**json.loads(text))


def begin_pass(connection: Connection, loaded: Loaded, cause: str, now: int) -> Pass:
    """Begin a pass, or go on with the one under way if it is by the same bundle and as urgent."""
    under_way = latest(connection, locked=True)
    if under_way is not None and under_way.finished_at is None and under_way.is_by(loaded):
        return under_way
    total = connection.execute(_OPEN).scalar_one()
    begun = Pass(new_id(now), cause, now, loaded.bundle.bundle_id, total, policy=loaded.policy_version)
    _keep(connection, begun)
    remember(connection, rules_of(loaded.bundle, loaded.version))
    return begun


def step_back(connection: Connection, lead_ids: Collection[str]) -> None:
    """A pass that has reached one of these leads, which are erased, has reached the one before it."""
    state = latest(connection, locked=True)
    if state is not None and state.reached in lead_ids:
        before = select(func.max(leads.c.lead_id)).where(leads.c.lead_id < state.reached)
        _keep(connection, replace(state, reached=connection.execute(before).scalar() or "", leased_until=0))


def renew(store: Store, loaded: Loaded) -> bool:
    """Let every open lead be looked at again if the last pass was by another bundle or policy; whether that is so.

    A policy that was agreed before the one of the last pass is old news: whoever has not heard of that one will.
    """

    def change(connection: Connection) -> bool:
        last = latest(connection, locked=True)
        same = last is not None and last.bundle_id == loaded.bundle.bundle_id
        if last is not None and (last.policy > loaded.policy_version or (same and last.is_by(loaded))):
            return False
        begin_pass(connection, loaded, "policy" if same else "model", wall_clock())
        return True

    return store.write(change)


def run_pass(
    store: Store, loaded: Loaded, progress: Progress | None = None, *, chunks: int | None = None
) -> Pass | None:
    """Work on the pass under way until it is done, or for so many ``chunks``; returns it as it then is.

    Does nothing while another worker is at it, or when it is by another bundle or policy. Marked leads come first.
    """
    tell = progress or (lambda _done, _total: None)
    look_at_marked(store, loaded)
    state = store.write(lambda connection: _lease(connection, loaded, wall_clock()))
    while state is not None and state.finished_at is None and (chunks is None or chunks > 0):
        tell(state.counts.get("looked", 0), state.total)
        following = _chunk(store, loaded, state)
        if following is None:
            break
        state, chunks = following, None if chunks is None else chunks - 1
    if state is not None:
        tell(state.counts.get("looked", 0), state.total)
        if state.finished_at is None:
            state = store.write(lambda connection, held=state: _release(connection, held))  # type: ignore[misc]
    return state


def _release(connection: Connection, held: Pass) -> Pass:
    """Let others, or the same worker a little later, go on with the pass."""
    if latest(connection, locked=True) != held:
        return held
    free = replace(held, leased_until=0)
    _keep(connection, free)
    return free


def _lease(connection: Connection, loaded: Loaded, now: int) -> Pass | None:
    """Take on the pass under way, if nobody else is at it."""
    state = latest(connection, locked=True)
    if state is None or state.finished_at is not None or state.leased_until > now:
        return None
    if not state.is_by(loaded):
        return None
    taken = replace(state, leased_until=now + LEASE)
    _keep(connection, taken)
    return taken


def _chunk(store: Store, loaded: Loaded, state: Pass) -> Pass | None:
    """Do the next leads; None: somebody else has taken the pass over."""
    now = wall_clock()

    def look(connection: Connection) -> tuple[list[str], list[Seen]]:
        ids = list(connection.execute(_NEXT, {"reached": state.reached, "at_most": CHUNK}).scalars())
        rows = kept_many(connection, ids) if ids else {}
        waiting = [one for one in ids if one not in rows or _is_due(state, rows[one])]
        return ids, see(connection, loaded, waiting, rows, now) if waiting else []

    ids, seen = store.read(look)

    def write(connection: Connection) -> Pass | None:
        if latest(connection, locked=True) != state:
            return None
        decided = settle(connection, loaded, unchanged(connection, seen), state.cause, now)
        return _went_on(connection, state, ids, decided)

    return store.write(write)


def _is_due(state: Pass, row: Kept) -> bool:
    """Whether the pass has to look at a lead: somebody may have done so since it began, by whatever bundle."""
    return state.cause != "night" or row.decided_at < state.began_at


def _went_on(connection: Connection, state: Pass, ids: list[str], decided: list[Decided]) -> Pass:
    now = wall_clock()
    became = Counter(one.transition.after for lead in decided for one in lead.crossed)
    cooled = sum(1 for lead in decided for one in lead.crossed if _fell(one.transition.before, one.transition.after))
    counts = Counter(state.counts) + Counter({"looked": len(ids), "cooled": cooled}) + became
    if ids:
        after = replace(state, reached=ids[-1], counts=dict(counts), leased_until=now + LEASE)
    else:
        after = replace(state, reached="", leased_until=0, finished_at=now)
    _keep(connection, after)
    return after


def _fell(before: str, after: str) -> bool:
    return (before, after) == ("ready", "nurture")


def _keep(connection: Connection, state: Pass) -> None:
    upsert(connection, meta, [{"name": _NAME, "value": json.dumps(asdict(state))}])
