"""Leads: that they are there, and what is said of them.

A lead that nobody has described exists from the first thing on that is told of it; ``implied`` says that its
``created_at`` is such a guess, which something earlier moves back and a sender who knows replaces.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Connection, bindparam, select, update

from data.store.tables import changes, leads
from serving.ingest.attributes import Attributes, Log, Said
from serving.ingest.items import LeadItem
from serving.ingest.judging import When
from serving.ingest.tally import Moved, Tally
from serving.store.upsert import insert_new

LEAD_LOG = Log(changes, changes.c.lead_id)
_THERE = select(leads.c.lead_id, leads.c.created_at, leads.c.implied).where(
    leads.c.lead_id.in_(bindparam("ids", expanding=True))
)
_LEADS = (
    select(leads.c.lead_id, leads.c.created_at, leads.c.account_id, leads.c.implied, leads.c.attributes)
    .where(leads.c.lead_id.in_(bindparam("ids", expanding=True)))
    .order_by(leads.c.lead_id)
    .with_for_update(key_share=True)
)
_OF = leads.c.lead_id == bindparam("lead")
_EARLIER = (
    update(leads)
    .where(_OF, leads.c.implied, leads.c.created_at > bindparam("at"))
    .values(created_at=bindparam("at"), updated_at=bindparam("now"))
)
_DESCRIBE = (
    update(leads)
    .where(_OF)
    .values(
        created_at=bindparam("born"),
        account_id=bindparam("account"),
        implied=bindparam("guess"),
        attributes=bindparam("told"),
        updated_at=bindparam("now"),
    )
)


class LeadTold(NamedTuple):
    """A lead item in its place; ``lead_id`` may be another than the item's, by a link."""

    place: int
    item: LeadItem
    lead_id: str


@dataclass
class Lead:
    """A row of ``leads`` while it is worked on. ``fresh``: it was just made, and nothing was said of it yet."""

    created_at: int
    account_id: str | None
    implied: bool
    attributes: Attributes
    fresh: bool = False
    changed: bool = False


def be_there(connection: Connection, first: Mapping[str, int], received_at: int, *, guess: bool = True) -> None:
    """Every lead of ``first`` exists, made as of the moment told with it.

    ``guess``: of one that was there a guessed ``created_at`` is not after that moment either.
    """
    if not first:
        return
    found = {row[0]: row for row in connection.execute(_THERE, {"ids": sorted(first)})}
    born = {lead: min(at, received_at) for lead, at in first.items()}
    insert_new(connection, leads, [_implied(lead, born[lead], received_at) for lead in sorted(born.keys() - found)])
    earlier = {lead: born[lead] for lead, at, implied in found.values() if implied and born[lead] < at}
    if earlier and guess:
        rows = [{"lead": lead, "at": at, "now": received_at} for lead, at in sorted(earlier.items())]
        connection.execute(_EARLIER, rows)


def is_there(connection: Connection, lead_id: str) -> bool:
    """Whether there is such a lead."""
    return connection.execute(_THERE, {"ids": [lead_id]}).first() is not None


def make(connection: Connection, lead_ids: Sequence[str], received_at: int) -> frozenset[str]:
    """Make those of the leads (in the order of their ids) that are not there; returns these."""
    made = insert_new(connection, leads, [_implied(lead, received_at, received_at) for lead in lead_ids])
    return frozenset(key[0] for key in made)


def _implied(lead_id: str, created_at: int, received_at: int) -> dict[str, Any]:
    return {
        "lead_id": lead_id,
        "created_at": created_at,
        "account_id": None,
        "implied": True,
        "attributes": "{}",
        "received_at": received_at,
        "updated_at": received_at,
    }


def read_leads(connection: Connection, lead_ids: Sequence[str], fresh: frozenset[str] = frozenset()) -> dict[str, Lead]:
    """Those of the leads that are there, with their logs, locked in the order of their ids."""
    found = {
        lead: Lead(created, account, implied, Attributes(msgspec.json.decode(attributes)), lead in fresh)
        for lead, created, account, implied, attributes in connection.execute(_LEADS, {"ids": sorted(lead_ids)})
    }
    LEAD_LOG.read(connection, {lead: row.attributes for lead, row in found.items() if lead not in fresh})
    return found


def write_leads(connection: Connection, rows: Mapping[str, Lead], received_at: int) -> None:
    """Keep what has changed in ``rows``."""
    LEAD_LOG.write(connection, [(lead, row.attributes) for lead, row in rows.items()], received_at)
    told = [
        {
            "lead": lead,
            "born": row.created_at,
            "account": row.account_id,
            "guess": row.implied,
            "told": row.attributes.json(),
            "now": received_at,
        }
        for lead, row in sorted(rows.items())
    ]
    if told:
        connection.execute(_DESCRIBE, told)


def describe_leads(connection: Connection, told: Sequence[LeadTold], when: When, tally: Tally) -> set[str]:
    """Take in what is said of leads, in its order; returns the leads of which something is new. Raises Moved."""
    if not told:
        return set()
    ids = sorted({one.lead_id for one in told})
    found = read_leads(connection, ids, make(connection, ids, when.received_at))
    if len(found) < len(ids):
        raise Moved
    for one in told:
        lead = found[one.lead_id]
        if describe(lead, one.item, when):
            lead.changed = True
            tally.new(one.place)
        else:
            tally.known(one.place)
    changed = {lead: row for lead, row in found.items() if row.changed}
    write_leads(connection, changed, when.received_at)
    return set(changed)


def describe(lead: Lead, item: LeadItem, when: When) -> bool:
    """Take in what one item says of a lead; whether that is news."""
    before = (lead.created_at, lead.account_id, lead.implied, lead.fresh)
    lead.fresh = False
    if item.created_at is not None:
        lead.created_at, lead.implied = min(item.created_at, when.received_at), False
    elif lead.implied and item.said_at is not None:
        lead.created_at = min(lead.created_at, item.said_at)
    if item.account_id is not None and (lead.account_id is None or not item.keep_account):
        lead.account_id = item.account_id
    known_at, given = known_from(item.known_at, item.created_at if item.said_at is None else item.said_at, when)
    news = [lead.attributes.say(Said(name, value, known_at, given)) for name, value in item.attributes.items()]
    return any(news) or before != (lead.created_at, lead.account_id, lead.implied, lead.fresh)


def known_from(known_at: int | None, since: int | None, when: When) -> tuple[int, bool]:
    """When it was known, and whether that is given: by the sender, or by the past that is loaded."""
    if known_at is None and when.backfill and since is not None:
        return since, True
    return (when.received_at, False) if known_at is None else (known_at, True)
