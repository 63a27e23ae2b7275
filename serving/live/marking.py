"""Every open lead looked at again by a new model: the same facts may mean something else to it."""

import time

from sqlalchemy import Connection, select

from serving.store.store import Store
from serving.store.tables import looks, meta, standings
from serving.store.upsert import insert_new, upsert

AT_ONCE = 5_000
_CLOSED = ("won", "lost")
_DECIDED_WITH = "decided_with"


def mark_open_leads(store: Store, bundle_id: str) -> int:
    """Mark every open lead as worth a look, unless that was done for this bundle; returns how many.

    Piece by piece, so that ingest is not kept waiting. Killed in the middle it is done again; twice does no harm.
    """
    if store.read(_decided_with) == bundle_id:
        return 0
    count, last = 0, ""
    while True:
        found = store.write(lambda connection, after=last: _mark(connection, after))  # type: ignore[misc]
        count += len(found)
        if len(found) < AT_ONCE:
            break
        last = found[-1]
    store.write(lambda connection: upsert(connection, meta, [{"name": _DECIDED_WITH, "value": bundle_id}]))
    return count


def _decided_with(connection: Connection) -> str | None:
    return connection.execute(select(meta.c.value).where(meta.c.name == _DECIDED_WITH)).scalar()


def _mark(connection: Connection, after: str) -> list[str]:
    """Mark the open leads next to ``after``."""
    open_leads = select(standings.c.lead_id).where(standings.c.lead_id > after, standings.c.state.not_in(_CLOSED))
    found = list(connection.execute(open_leads.order_by(standings.c.lead_id).limit(AT_ONCE)).scalars())
    moment = time.time_ns() // 1_000
    insert_new(connection, looks, [{"lead_id": lead_id, "since": moment} for lead_id in found])
    return found
