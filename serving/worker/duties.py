"""What one worker does for all, and which workers are at work."""

from sqlalchemy import Connection, and_, delete, func, select, update

from data.clock import HOUR
from serving.store.tables import duties, workers
from serving.store.upsert import insert_new, upsert


def take(connection: Connection, name: str, worker_id: str, now: int, since: int) -> bool:
    """Take on a duty that nobody has done at or after ``since``; it counts as done with this transaction."""
    insert_new(connection, duties, [{"name": name, "done_by": "", "done_at": -1}])
    undone = and_(duties.c.name == name, duties.c.done_at < since)
    return bool(connection.execute(update(duties).where(undone).values(done_by=worker_id, done_at=now)).rowcount)


def beat(connection: Connection, worker_id: str, started_at: int, now: int) -> None:
    """Say that a worker is at work, and forget those that were not seen for an hour."""
    upsert(connection, workers, [{"worker_id": worker_id, "started_at": started_at, "seen_at": now}])
    connection.execute(delete(workers).where(workers.c.seen_at < now - HOUR))


def leave(connection: Connection, worker_id: str) -> None:
    """Say that a worker has ended."""
    connection.execute(delete(workers).where(workers.c.worker_id == worker_id))


def at_work(connection: Connection, since: int) -> int:
    """How many workers were seen since a moment (microseconds)."""
    return connection.execute(select(func.count()).where(workers.c.seen_at >= since)).scalar_one()
