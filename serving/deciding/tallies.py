"""What came of looks, counted."""

from collections import Counter

from sqlalchemy import Connection, bindparam, func, select

from serving.store.tables import standings, transitions

_MOVED = (
    select(transitions.c.before, transitions.c.after, func.count())
    .where(transitions.c.at >= bindparam("since"))
    .group_by(transitions.c.before, transitions.c.after)
)
_LOOKED = select(func.count()).select_from(standings).where(standings.c.decided_at >= bindparam("since"))


def looked_since(connection: Connection, since: int) -> int:
    """How many leads were looked at since a moment (microseconds)."""
    return int(connection.execute(_LOOKED, {"since": since}).scalar_one())


def moved_since(connection: Connection, since: int) -> Counter[str]:
    """How many leads came into each state since then; ``cooled`` are those that are no longer ready."""
    moved: Counter[str] = Counter()
    for before, after, count in connection.execute(_MOVED, {"since": since}):
        moved["cooled" if (before, after) == ("ready", "nurture") else after] += count
    return moved
