"""Visitors who turn out to be leads, and leads who turn out to be one: ids that mean another id.

What a visitor did is kept apart until somebody says who it is, and known from that moment on. What it does later is the
lead's at once. What has been given to a lead stays its own, also where the same visitor turns out to be somebody else
later on: a score was made of it. A lead that is linked to another one becomes part of it.
"""

from collections.abc import Iterable
from typing import Any

import msgspec
from sqlalchemy import Connection, bindparam, delete, select, update

from data.store.tables import changes, events, leads, links, outcomes, visits
from serving.ingest.attributes import Said
from serving.ingest.items import EventItem, LinkItem, OutcomeItem
from serving.ingest.judging import News
from serving.ingest.people import be_there, read_leads, write_leads
from serving.store.tables import looks, messages, scores, standings, transitions
from serving.store.upsert import upsert

_LINKS = select(links.c.other_id, links.c.lead_id, links.c.known_at).where(
    links.c.other_id.in_(bindparam("ids", expanding=True))
)
_VISITS = select(visits.c.event_id, visits.c.told, visits.c.content, visits.c.known_at).where(
    visits.c.visitor_id == bindparam("visitor")
)


class _Visit(msgspec.Struct):
    event: EventItem | None = None
    outcome: OutcomeItem | None = None


def owners(connection: Connection, ids: Iterable[str]) -> dict[str, tuple[str, int]]:
    """Of those ``ids`` that mean another one: which, and since when that is known."""
    wanted = sorted(set(ids))
    if not wanted:
        return {}
    return {other: (lead, known) for other, lead, known in connection.execute(_LINKS, {"ids": wanted})}


def link(connection: Connection, item: LinkItem, known_at: int, received_at: int) -> tuple[str, list[News], bool]:
    """Take in a link; returns the lead, what it has been given of the visitor's, and whether the link is news.

    A link alone makes no lead: there is one as soon as it has done something, or is described.
    """
    known = owners(connection, [item.other_id, item.lead_id])
    lead_id = known.get(item.lead_id, (item.lead_id, 0))[0]
    before = known.get(item.other_id)
    if before is not None and before[0] == lead_id:
        return lead_id, [], False
    if item.other_id != lead_id:
        _merge(connection, item.other_id, lead_id, received_at)
        connection.execute(update(links).where(links.c.lead_id == item.other_id).values(lead_id=lead_id))
    row = {"other_id": item.other_id, "lead_id": lead_id, "said_at": item.said_at}
    upsert(connection, links, [{**row, "known_at": known_at, "received_at": received_at}])
    given = _given(connection, item.other_id, lead_id, known_at)
    if given:
        be_there(connection, {lead_id: item.said_at}, received_at)
    return lead_id, given, True


def _given(connection: Connection, visitor: str, lead_id: str, known_at: int) -> list[News]:
    """The visitor's doings as news of the lead; they are no visits any more."""
    found = []
    for event_id, told, content, seen_at in connection.execute(_VISITS, {"visitor": visitor}):
        visit = msgspec.json.decode(told, type=_Visit)
        item = visit.event or visit.outcome
        assert item is not None  # noqa: S101 - one of both was written
        found.append(News(-1, item, lead_id, max(seen_at, known_at), event_id, content))
    if found:
        connection.execute(delete(visits).where(visits.c.visitor_id == visitor))
    return found


def _merge(connection: Connection, old: str, new: str, received_at: int) -> None:
    """Make the lead ``old``, if there is one, part of the lead ``new``."""
    found = read_leads(connection, [old, new])
    if old not in found:
        return
    if new not in found:
        be_there(connection, {new: found[old].created_at}, received_at)
        found |= read_leads(connection, [new])
    gone, kept = found[old], found[new]
    kept.created_at, kept.implied = min(gone.created_at, kept.created_at), gone.implied and kept.implied
    kept.account_id = kept.account_id or gone.account_id
    for name, log in gone.attributes.log.items():
        for known_at, value in sorted(log.items()):
            latest = known_at == max(log) and value is not None
            kept.attributes.say(Said(name, gone.attributes.present[name] if latest else value, known_at, given=True))
    for table in (events, outcomes, transitions, messages):
        connection.execute(update(table).where(table.c.lead_id == old).values(lead_id=new))
    # A job scores each lead once: what it said of the old id is kept as a score, not as that job's answer for the new.
    connection.execute(update(scores).where(scores.c.lead_id == old).values(lead_id=new, job_id=None))
    if connection.execute(select(standings.c.lead_id).where(standings.c.lead_id == new)).first() is None:
        connection.execute(update(standings).where(standings.c.lead_id == old).values(lead_id=new))
    for entity in (changes, standings, looks, leads):
        connection.execute(delete(entity).where(entity.c.lead_id == old))
    rows: dict[str, Any] = {new: kept}
    write_leads(connection, rows, received_at)
