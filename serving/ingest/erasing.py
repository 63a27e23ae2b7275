"""A person who wants to be forgotten: every row that names the lead goes, a line in the audit trail stays.

That line holds no id but a hash of it, keyed by the store's own id: it shows whoever asks with the lead's id at hand
that the erasure was done, and tells nothing to anybody else. A later event of the same id starts a new lead.
"""

import hashlib
import hmac
from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Connection, Table, bindparam, delete, func, or_, select, update

from data.store.tables import changes, events, leads, links, outcomes, visits
from serving.beside import beside
from serving.deciding.owners import that_counts
from serving.deciding.passing import step_back
from serving.store.store import Store
from serving.store.tables import (
    audit,
    callbacks,
    deliveries,
    looks,
    messages,
    meta,
    score_jobs,
    scores,
    shadow_scores,
    standings,
    transitions,
)

_BY_LEAD = (transitions, standings, scores, shadow_scores, looks, events, outcomes, changes, leads)
"""Tables whose rows belong to one lead, in an order that their references allow."""


class Erased(NamedTuple):
    """Every id under which the person was known, and how many rows went, by table."""

    ids: tuple[str, ...]
    rows: dict[str, int]

    @property
    def total(self) -> int:
        """How many rows went."""
        return sum(self.rows.values())


def subject_of(connection: Connection, lead_id: str) -> str:
    """By what name the audit trail knows an erased lead."""
    store_id = connection.execute(select(meta.c.value).where(meta.c.name == "store_id")).scalar_one()
    return hmac.new(store_id.encode(), lead_id.encode("utf-8", "replace"), hashlib.sha256).hexdigest()


def erase(connection: Connection, lead_id: str, by: str, at: int) -> Erased:
    """Forget the lead and every id that was linked to it; ``by`` is who asked, ``at`` microseconds. Safe to repeat."""
    ids = _ids(connection, lead_id)
    connection.execute(
        select(leads.c.lead_id).where(leads.c.lead_id.in_(ids)).order_by(leads.c.lead_id).with_for_update()
    )
    told = select(messages.c.message_id).where(messages.c.lead_id.in_(ids))
    rows = {"deliveries": connection.execute(delete(deliveries).where(deliveries.c.message_id.in_(told))).rowcount}
    for table in (messages, *_BY_LEAD):
        rows[table.name] = connection.execute(delete(table).where(table.c.lead_id.in_(ids))).rowcount
    rows["visits"] = connection.execute(delete(visits).where(visits.c.visitor_id.in_(ids))).rowcount
    named = or_(links.c.lead_id.in_(ids), links.c.other_id.in_(ids))
    rows["links"] = connection.execute(delete(links).where(named)).rowcount
    rows["callbacks"] = _unask(connection, ids) + _strike_out(connection, callbacks, ("lead_ids", "asked"), ids)
    rows["score_jobs"] = _strike_out(connection, score_jobs, ("leads", "refused"), ids)
    _step_back(connection, ids)
    found = {name: count for name, count in rows.items() if count}
    for one in dict.fromkeys([lead_id, *ids]):
        line = {"at": at, "action": "erase", "subject": subject_of(connection, one), "by": by}
        connection.execute(audit.insert(), [{**line, "detail": msgspec.json.encode(found).decode()}])
    return Erased(tuple(ids), found)


def _ids(connection: Connection, lead_id: str) -> list[str]:
    """Every id of the same person."""
    lead = that_counts(connection, lead_id)
    others = connection.execute(select(links.c.other_id).where(links.c.lead_id == lead)).scalars()
    return sorted({lead_id, lead, *others})


def _unask(connection: Connection, ids: Sequence[str]) -> int:
    """Delete what a platform waits for about nobody but this person; returns how many rows went."""
    parts = [callbacks.c.lead_ids.contains(_inside(one), autoescape=True) for one in ids]
    found = connection.execute(select(callbacks.c.callback_id, callbacks.c.lead_ids).where(or_(*parts))).all()
    alone = [key for key, told in found if set(map(str, msgspec.json.decode(told))) <= set(ids)]
    if alone:
        connection.execute(delete(callbacks).where(callbacks.c.callback_id.in_(alone)))
    return len(alone)


def _strike_out(connection: Connection, table: Table, columns: Sequence[str], ids: Sequence[str]) -> int:
    """Take the ids out of JSON columns; returns how many rows named one of them."""
    key = next(iter(table.primary_key))
    parts = [table.c[column].contains(_inside(one), autoescape=True) for column in columns for one in ids]
    found = connection.execute(select(key, *(table.c[column] for column in columns)).where(or_(*parts))).all()
    struck = []
    for row in found:
        before = dict(zip(columns, row[1:], strict=True))
        after = {column: _without_text(text, set(ids)) for column, text in before.items()}
        if after != before:
            struck.append({"row": row[0], **{f"new_{column}": text for column, text in after.items()}})
    if struck:
        values: dict[str, Any] = {column: bindparam(f"new_{column}") for column in columns}
        connection.execute(update(table).where(key == bindparam("row")).values(**values), struck)
    return len(struck)


def _inside(lead_id: str) -> str:
    """How an id looks inside JSON text, whoever wrote it."""
    return msgspec.json.encode(lead_id).decode()[1:-1]


def _without_text(text: str | None, ids: set[str]) -> str | None:
    """JSON text without the ids."""
    if text is None:
        return None
    try:
        told = msgspec.json.decode(text)
    except msgspec.DecodeError:
        return text
    return msgspec.json.encode(_without(told, ids)).decode() if _names(told, ids) else text


def _step_back(connection: Connection, ids: Sequence[str]) -> None:
    """A job or a pass that had reached an erased lead has reached the one before it, by the order of ids."""
    step_back(connection, ids)
    for job_id, reached in connection.execute(
        select(score_jobs.c.job_id, score_jobs.c.reached).where(score_jobs.c.reached.in_(ids))
    ).all():
        before = select(func.max(leads.c.lead_id)).where(leads.c.lead_id < reached)
        stepped = update(score_jobs).where(score_jobs.c.job_id == job_id)
        connection.execute(stepped.values(reached=connection.execute(before).scalar()))


def _without(told: Any, ids: set[str]) -> Any:
    """``told`` without list entries that name one of the ids anywhere; elsewhere its value becomes empty."""
    if isinstance(told, list):
        return [_without(one, ids) for one in told if not _names(one, ids)]
    if isinstance(told, dict):
        return {key: _without(one, ids) for key, one in told.items() if key not in ids}
    return "" if _is_one(told, ids) else told


def _names(told: Any, ids: set[str]) -> bool:
    if isinstance(told, list):
        return any(_names(one, ids) for one in told)
    if isinstance(told, dict):
        return any(key in ids or _names(one, ids) for key, one in told.items())
    return _is_one(told, ids)


def _is_one(told: Any, ids: set[str]) -> bool:
    return not isinstance(told, bool | float | None) and str(told) in ids


async def fold(store: Store) -> None:
    """Fold SQLite's log into its file, so that what was deleted is in neither; a reader that is busy puts it off."""
    if store.embedded:
        await beside(_fold, store)


def _fold(store: Store) -> None:
    raw = store.engine.raw_connection()
    try:
        raw.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)")
    finally:
        raw.close()
