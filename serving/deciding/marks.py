"""Marks on leads about which something new is stored: made with the news, taken away before the look."""

from collections.abc import Iterable, Sequence

from sqlalchemy import Connection, bindparam, delete, func, select

from serving.store.tables import looks
from serving.store.upsert import insert_into

_UNMARK = delete(looks).where(looks.c.lead_id.in_(bindparam("lead_ids", expanding=True)))
_OLDEST = (
    select(looks.c.lead_id)
    .where(looks.c.since <= bindparam("now"))
    .order_by(looks.c.since, looks.c.lead_id)
    .limit(bindparam("at_most"))
)


def mark(connection: Connection, lead_ids: Iterable[str], since: int) -> None:
    """Mark leads as worth a look from ``since`` on; of two such moments the earlier one counts.

    The mark is locked until the news is committed: whoever takes it away before a look waits for the news.
    """
    rows = [{"lead_id": lead_id, "since": since} for lead_id in sorted(set(lead_ids))]
    if rows:
        statement = insert_into(connection, looks)
        earlier = func.min if connection.dialect.name == "sqlite" else func.least
        keep = {"since": earlier(looks.c.since, statement.excluded.since)}
        connection.execute(statement.on_conflict_do_update(index_elements=["lead_id"], set_=keep), rows)


def unmark(connection: Connection, lead_ids: Sequence[str]) -> None:
    """Take the marks away; what was committed with them is seen by every statement after this one."""
    connection.execute(_UNMARK, {"lead_ids": list(lead_ids)})


def marked(connection: Connection, now: int, at_most: int) -> list[str]:
    """Leads that wait for a look at ``now``, those that wait longest first."""
    return list(connection.execute(_OLDEST, {"now": now, "at_most": at_most}).scalars())
