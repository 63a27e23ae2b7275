"""Leads that wait for a look, looked at: many together, and one with a very long history apart from the others.

That one is read and scored without keeping the writer. Its mark is put off meanwhile, not taken away: what arrives in
between marks the lead for now again, so that no news goes unseen; and where the process ends in between, the mark is
due again some minutes later.
"""

from collections.abc import Sequence

from sqlalchemy import Connection, bindparam, delete, func, select, update

from data.clock import MINUTE, wall_clock
from data.store.tables import events
from serving.deciding.decide import decide, mark_again
from serving.deciding.looking import Seen, see, settle, unchanged
from serving.deciding.marks import marked
from serving.deciding.standings import Kept, kept_many
from serving.live.loading import Loaded
from serving.store.store import Store
from serving.store.tables import looks

MARKED = 16
"""So many marked leads are decided about in one transaction: it holds the lock while it looks."""
LONG = 5_000
"""A lead with more events than this takes long to score."""
PUT_OFF = 5 * MINUTE
_COUNTED = (
    select(events.c.lead_id)
    .where(events.c.lead_id.in_(bindparam("ids", expanding=True)))
    .group_by(events.c.lead_id)
    .having(func.count() > bindparam("long"))
)


def look_at_marked(store: Store, loaded: Loaded, at_most: int = 1_000) -> int:
    """Decide about the leads that wait for a look, those that wait longest first; returns how many there were."""
    done = 0
    while done < at_most:
        now = wall_clock()
        waiting, long = store.read(lambda connection, now=now: _waiting(connection, now))  # type: ignore[misc]
        if not waiting:
            break
        for lead_id in long:
            _look_apart(store, loaded, lead_id, now)
        short = [one for one in waiting if one not in long]
        store.write(lambda connection, ids=short, now=now: decide(connection, loaded, ids, now, "event"))  # type: ignore[misc]
        done += len(waiting)
    return done


def _waiting(connection: Connection, now: int) -> tuple[list[str], set[str]]:
    """The next marked leads, and those of them that are looked at apart."""
    waiting = marked(connection, now, MARKED)
    return waiting, _long_ones(connection, waiting)


def _long_ones(connection: Connection, lead_ids: Sequence[str]) -> set[str]:
    """Those of the leads that have very long histories."""
    return set(connection.execute(_COUNTED, {"ids": list(lead_ids), "long": LONG}).scalars())


def _look_apart(store: Store, loaded: Loaded, lead_id: str, now: int) -> None:
    """Look at a marked lead as of just after ``now`` (microseconds), and write what follows; as ``decide`` does."""
    until = now + PUT_OFF
    mine = looks.c.lead_id == lead_id
    put_off = update(looks).where(mine, looks.c.since <= now).values(since=until)
    if not store.write(lambda connection: connection.execute(put_off).rowcount):
        return  # somebody else looks at it

    def look(connection: Connection) -> tuple[dict[str, Kept], list[Seen]]:
        rows = kept_many(connection, [lead_id])
        return rows, see(connection, loaded, [lead_id], rows, now)

    rows, seen = store.read(look)

    def write(connection: Connection) -> None:
        connection.execute(delete(looks).where(mine, looks.c.since == until))
        decided = settle(connection, loaded, unchanged(connection, seen), "event", now)
        mark_again(connection, [lead_id], rows, decided, now)

    store.write(write)
