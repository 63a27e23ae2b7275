"""Leads' histories out of the store, as they were known before a moment.

Attributes are what ``changes`` says of them: every value that one ever had is logged there. A model whose features
log an attribute reads the changes themselves, one whose attributes are static the value as of the moment.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter

from sqlalchemy import ARRAY, Connection, Text, any_, bindparam, select

from data.errors import ReadinessError
from data.store.tables import changes, events, leads
from features.lead import LeadHistory
from serving.deciding.account_facts import AccountFacts, account_facts
from serving.deciding.attributes import NONE, Attributes, attributes_of
from serving.deciding.event_rows import EVENT_COLUMNS, columns_of
from serving.deciding.fingerprint import Inputs, Row
from serving.deciding.needs import Needs
from serving.deciding.statements import Quick, Rows

LEAD_COLUMNS = (leads.c.lead_id, leads.c.created_at, leads.c.account_id, leads.c.attributes)
_EVERYTHING = 1 << 31

_LEAD = Quick(select(*LEAD_COLUMNS).where(leads.c.lead_id == bindparam("lead_id")))
_EVENTS = Quick(
    select(*EVENT_COLUMNS)
    .where(events.c.lead_id == bindparam("lead_id"))
    .order_by(events.c.occurred_at, events.c.event_id)
    .limit(bindparam("at_most"))
)
_CHANGES = Quick(
    select(changes.c.field, changes.c.value, changes.c.known_at).where(changes.c.lead_id == bindparam("lead_id"))
)

_IDS = bindparam("lead_ids", type_=ARRAY(Text))  # PostgreSQL: one round trip for many leads
_MANY_LEADS = Quick(select(*LEAD_COLUMNS).where(leads.c.lead_id == any_(_IDS)))
_MANY_EVENTS = Quick(
    select(events.c.lead_id, *EVENT_COLUMNS)
    .where(events.c.lead_id == any_(_IDS))
    .order_by(events.c.lead_id, events.c.occurred_at, events.c.event_id)
)
_MANY_CHANGES = Quick(
    select(changes.c.lead_id, changes.c.field, changes.c.value, changes.c.known_at)
    .where(changes.c.lead_id == any_(_IDS))
    .order_by(changes.c.lead_id)
)


class UnknownLead(ReadinessError):  # noqa: N818 - what it is, not what went wrong
    """The store has no lead of this id."""

    def __init__(self, lead_id: str) -> None:
        super().__init__(
            f"There is no lead {lead_id[:200]!r} in the store. Expected one that was sent: check its id, or send it."
        )


class LongHistory(ReadinessError):  # noqa: N818 - likewise
    """More events than were asked for."""


@dataclass(frozen=True)
class Read:
    """A lead as it was known before a moment.

    ``inputs`` is the SHA-256 of all that is in ``lead``. ``used`` events are in it, ``ignored`` ones were not known
    yet; ``pending`` is the moment at which something more that is stored of the lead becomes known, if there is one.
    """

    lead: LeadHistory
    inputs: str
    used: int
    ignored: int
    pending: int | None


def read_history(
    connection: Connection, lead_id: str, as_of: int, needs: Needs | None = None, *, at_most: int | None = None
) -> Read:
    """What was known of a lead just before ``as_of`` (microseconds).

    ``needs``: what the model reads (None: everything). Raises UnknownLead, and LongHistory when it has more than
    ``at_most`` events.
    """
    found = _LEAD(connection, lead_id=lead_id)
    if not found:
        raise UnknownLead(lead_id)
    wanted = needs or Needs()
    rows = _EVENTS(connection, lead_id=lead_id, at_most=_EVERYTHING if at_most is None else at_most + 1)
    if at_most is not None and len(rows) > at_most:
        raise LongHistory(f"Lead {lead_id[:200]!r} has more than {at_most:,} events.")
    logged = _CHANGES(connection, lead_id=lead_id) if wanted.attributes else None
    account = None
    if wanted.account and found[0][2] is not None:
        account = account_facts(connection, found, {lead_id: as_of}, wanted)[lead_id]
    return history_of(found[0], rows, logged, account, as_of)


def read_histories(connection: Connection, moments: Mapping[str, int], needs: Needs) -> dict[str, Read]:
    """What was known of many leads, of each just before its own moment; unknown leads are left out."""
    ids = sorted(moments)
    if connection.dialect.name == "sqlite":  # the file is at hand: one lead after the other costs least
        found = [row for lead_id in ids for row in _LEAD(connection, lead_id=lead_id)]
        told = {one: _EVENTS(connection, lead_id=one, at_most=_EVERYTHING) for one in ids}
        logged = {one: _CHANGES(connection, lead_id=one) for one in ids if needs.attributes}
    else:
        found = _MANY_LEADS(connection, lead_ids=ids)
        told = _by_lead(_MANY_EVENTS(connection, lead_ids=ids))
        logged = _by_lead(_MANY_CHANGES(connection, lead_ids=ids)) if needs.attributes else {}
    having = [row for row in found if row[2] is not None]
    accounts = account_facts(connection, having, moments, needs) if needs.account and having else {}
    return {
        row[0]: history_of(
            row,
            told.get(row[0], []),
            logged.get(row[0], []) if needs.attributes else None,
            accounts.get(row[0]),
            moments[row[0]],
        )
        for row in found
    }


def history_of(lead: Row, rows: Rows, logged: Rows | None, account: AccountFacts | None, as_of: int) -> Read:
    """The history in rows: ``LEAD_COLUMNS``; ``EVENT_COLUMNS`` in order; field, value and known_at of changes.

    ``logged`` None: nobody asked for attributes.
    """
    lead_id, created_at, _, present = lead
    events, contents = columns_of(rows)
    seen = len(rows)
    if rows and events.latest() >= as_of:
        known = _seen(rows, as_of)
        seen, (events, contents) = len(known), columns_of(known)
    attributes = NONE if logged is None else attributes_of(present, logged, as_of)
    inputs = Inputs(created_at)
    inputs.events(contents, events.known)
    inputs.values(attributes.rows)
    account = account or AccountFacts()
    account.tell(inputs)
    history = LeadHistory(
        lead_id,
        created_at,
        attributes.values,
        account.attributes.values,
        attributes.changes,
        events,
        account.events,
        account.attributes.changes,
    )
    return Read(history, inputs.hex(), seen, len(rows) - seen, _pending(rows, seen, attributes, as_of))


def _seen(rows: Rows, as_of: int) -> Rows:
    return [row for row in rows if row[2] < as_of and row[1] < as_of]


def _pending(rows: Rows, seen: int, attributes: Attributes, as_of: int) -> int | None:
    later = [] if attributes.pending is None else [attributes.pending]
    if seen < len(rows):
        later += [known for row in rows if (known := max(row[1], row[2])) >= as_of]
    return min(later, default=None)


def _by_lead(rows: Rows) -> dict[str, Rows]:
    return {lead_id: [row[1:] for row in group] for lead_id, group in groupby(rows, itemgetter(0))}
