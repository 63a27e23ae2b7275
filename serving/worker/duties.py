"""What one worker at a time does for all, and which workers are at work."""

from sqlalchemy import Connection, and_, delete, or_, select, update

from data.clock import HOUR
from serving.store.tables import duties, workers
from serving.store.upsert import insert_new, upsert

_D = duties.c


def hold(connection: Connection, name: str, holder: str, now: int, until: int, since: int) -> bool:
    """Take a duty until the moment ``until``, unless somebody holds it or has done it at or after ``since``.

    Whoever holds it already may take it again, which makes it last longer. Moments in microseconds.
    """
    insert_new(connection, duties, [{"name": name, "holder": "", "held_until": 0, "done_at": 0}])
    free = or_(_D.held_until <= now, _D.holder == holder)
    mine = and_(_D.name == name, _D.done_at < since, free)
    taken = connection.execute(update(duties).where(mine).values(holder=holder, held_until=until))
    return bool(taken.rowcount)


def done(connection: Connection, name: str, holder: str, now: int) -> None:
    """Say that a duty was done; it counts only from whoever holds it."""
    mine = and_(_D.name == name, _D.holder == holder)
    connection.execute(update(duties).where(mine).values(held_until=0, done_at=now))


def let_go(connection: Connection, name: str, holder: str) -> None:
    """Give a duty back undone, for another worker to go on with."""
    connection.execute(update(duties).where(_D.name == name, _D.holder == holder).values(held_until=0))


def beat(connection: Connection, worker_id: str, started_at: int, now: int) -> None:
    """Say that a worker is at work, and forget those that were not seen for an hour."""
    upsert(connection, workers, [{"worker_id": worker_id, "started_at": started_at, "seen_at": now}])
    connection.execute(delete(workers).where(workers.c.seen_at < now - HOUR))


def leave(connection: Connection, worker_id: str) -> None:
    """Say that a worker has ended."""
    connection.execute(delete(workers).where(workers.c.worker_id == worker_id))


def at_work(connection: Connection, since: int) -> int:
    """How many workers were seen since a moment."""
    return len(connection.execute(select(workers.c.worker_id).where(workers.c.seen_at >= since)).all())
