"""Visitors who turn out to be leads, and leads who turn out to be one: ids that mean another id.

What a visitor did is kept apart until somebody says who it is, and known from that moment on. What it does later is the
lead's at once. What has been given to a lead stays its own, also where the same visitor turns out to be somebody else
later on: a score was made of it. A lead that is linked to another one becomes part of it.
"""

from collections.abc import Mapping
from typing import Any

import msgspec
from sqlalchemy import Connection, bindparam, delete, select, update

from data.store.tables import changes, events, leads, links, outcomes, visits
from serving.deciding.owners import owners
from serving.ingest.attributes import Said
from serving.ingest.items import EventItem, LinkItem, OutcomeItem
from serving.ingest.judging import News
from serving.ingest.people import be_there, make, read_leads, write_leads
from serving.ingest.tally import Moved
from serving.store.tables import looks, messages, scores, shadow_scores, standings, transitions
from serving.store.upsert import upsert

_VISITS = select(visits.c.visitor_id, visits.c.event_id, visits.c.told, visits.c.content, visits.c.known_at).where(
    visits.c.visitor_id.in_(bindparam("ids", expanding=True))
)
_LOCK = (
    select(leads.c.lead_id)
    .where(leads.c.lead_id.in_(bindparam("ids", expanding=True)))
    .order_by(leads.c.lead_id)
    .with_for_update()
)


class _Visit(msgspec.Struct):
    event: EventItem | None = None
    outcome: OutcomeItem | None = None


def link(connection: Connection, item: LinkItem, known_at: int, received_at: int) -> tuple[str, list[News], bool]:
    """Take in a link; returns the lead, what it has been given of the visitor's, and whether the link is news.

    A link alone makes no lead: there is one as soon as it has done something, or is described. Raises Moved when
    somebody else moved one of the leads meanwhile.
    """
    known = owners(connection, [item.other_id, item.lead_id])
    lead_id = known.get(item.lead_id, (item.lead_id, 0))[0]
    new = known.get(item.other_id, ("", 0))[0] != lead_id
    if new:
        if item.other_id != lead_id:
            _take_over(connection, item.other_id, lead_id, received_at)
        row = {"other_id": item.other_id, "lead_id": lead_id, "said_at": item.said_at}
        upsert(connection, links, [{**row, "known_at": known_at, "received_at": received_at}])
    since = known_at if new else known[item.other_id][1]
    visited = given(connection, {item.other_id: (lead_id, since)})
    if visited:
        be_there(connection, {lead_id: item.said_at}, received_at)
    return lead_id, visited, new


def given(connection: Connection, linked: Mapping[str, tuple[str, int]]) -> list[News]:
    """What was kept of visitors, as news of the leads that they are since a moment; these are no visits any more."""
    found: list[News] = []
    if not linked:
        return found
    ids = {"ids": sorted(linked)}
    for visitor, event_id, told, content, seen_at in connection.execute(_VISITS, ids):
        visit = msgspec.json.decode(told, type=_Visit)
        item = visit.event or visit.outcome
        assert item is not None  # noqa: S101 - one of both was written
        lead_id, since = linked[visitor]
        found.append(News(-1, item, lead_id, max(seen_at, since), event_id, content))
    if found:
        connection.execute(delete(visits).where(visits.c.visitor_id.in_(ids["ids"])))
    return found


def _take_over(connection: Connection, old: str, new: str, received_at: int) -> None:
    """Make what is known under ``old`` part of ``new``."""
    if connection.dialect.name == "sqlite":
        there = connection.execute(select(leads.c.lead_id).where(leads.c.lead_id == old)).first() is not None
    else:  # who makes this lead just now is waited for; who comes after finds the link
        there = not make(connection, [old], received_at)
    if there:
        _merge(connection, old, new, received_at)
    else:
        connection.execute(delete(leads).where(leads.c.lead_id == old))
    connection.execute(update(links).where(links.c.lead_id == old).values(lead_id=new))


def _merge(connection: Connection, old: str, new: str, received_at: int) -> None:
    """Make the lead ``old`` part of the lead ``new``. Raises Moved when one of them is gone."""
    # A lock that also keeps others from adding rows to them; who comes too late is tried again, and finds the link.
    connection.execute(_LOCK, {"ids": [old, new]})
    found = read_leads(connection, [old, new])
    if old not in found:
        raise Moved
    if new not in found:
        be_there(connection, {new: found[old].created_at}, received_at)
        found |= read_leads(connection, [new])
        if owners(connection, [new]):
            raise Moved
    gone, kept = found[old], found[new]
    kept.created_at, kept.implied = min(gone.created_at, kept.created_at), gone.implied and kept.implied
    kept.account_id = kept.account_id or gone.account_id
    for name, log in gone.attributes.log.items():
        for known_at, value in sorted(log.items()):
            latest = known_at == max(log) and value is not None
            kept.attributes.say(Said(name, gone.attributes.present[name] if latest else value, known_at, given=True))
    for table in (events, outcomes, transitions, messages, shadow_scores):
        connection.execute(update(table).where(table.c.lead_id == old).values(lead_id=new))
    # A job scores each lead once: what it said of the old id is kept as a score, not as that job's answer for the new.
    connection.execute(update(scores).where(scores.c.lead_id == old).values(lead_id=new, job_id=None))
    if connection.execute(select(standings.c.lead_id).where(standings.c.lead_id == new)).first() is None:
        connection.execute(update(standings).where(standings.c.lead_id == old).values(lead_id=new))
    for entity in (changes, standings, looks, leads):
        connection.execute(delete(entity).where(entity.c.lead_id == old))
    rows: dict[str, Any] = {new: kept}
    write_leads(connection, rows, received_at)
