"""What a lead's account brings: its attributes, and what its other leads did."""

from array import array
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import BindParameter, Connection, bindparam, select

from data.store.tables import account_changes, accounts, events, leads
from features.lead import Event
from serving.deciding.attributes import NONE, Attributes, attributes_of
from serving.deciding.event_rows import EVENT_COLUMNS, event_of
from serving.deciding.fingerprint import Inputs, Row
from serving.deciding.needs import Needs

_NAMED: BindParameter[str] = bindparam("names", expanding=True)
_ACCOUNTS = select(accounts.c.account_id, accounts.c.attributes).where(accounts.c.account_id.in_(_NAMED))
_CHANGES = select(
    account_changes.c.account_id, account_changes.c.field, account_changes.c.value, account_changes.c.known_at
).where(account_changes.c.account_id.in_(_NAMED))
_EVENTS = (
    select(*EVENT_COLUMNS, leads.c.account_id, leads.c.lead_id, leads.c.created_at)
    .select_from(events.join(leads))
    .where(leads.c.account_id.in_(_NAMED))
    .order_by(events.c.lead_id, events.c.occurred_at, events.c.event_id)
)


@dataclass(frozen=True)
class AccountFacts:
    """The account's attributes as of a moment, and the events of its other leads that were known by then."""

    attributes: Attributes = NONE
    events: tuple[Event, ...] = ()
    contents: tuple[bytes, ...] = ()

    def tell(self, inputs: Inputs) -> None:
        """Add them to a fingerprint."""
        inputs.values(self.attributes.rows)
        inputs.events(self.contents, array("q", [event.known_at for event in self.events]))


def account_facts(
    connection: Connection, rows: Sequence[Row], moments: Mapping[str, int], needs: Needs
) -> dict[str, AccountFacts]:
    """The facts of the accounts of leads by lead_id.

    ``rows`` begin with lead_id, created_at and account_id; ``moments`` holds the moment asked about of each lead.
    """
    named = {"names": sorted({row[2] for row in rows})}
    present = dict(map(tuple, connection.execute(_ACCOUNTS, named))) if needs.account_attributes else {}
    logged = _grouped(connection.execute(_CHANGES, named)) if needs.account_attributes else {}
    others = _grouped((row[8], *row) for row in connection.execute(_EVENTS, named)) if needs.account_events else {}
    found = {}
    for lead_id, _, account_id, *_ in rows:
        as_of = moments[lead_id]
        attributes = attributes_of(present.get(account_id, "{}"), logged.get(account_id, []), as_of)
        seen = [row for row in others.get(account_id, ()) if _counts(row, lead_id, as_of)]
        theirs = tuple(event_of(row, row[9])._replace(known_at=max(row[2], row[10])) for row in seen)
        found[lead_id] = AccountFacts(attributes, theirs, tuple(row[7] for row in seen))
    return found


def _counts(row: Row, lead_id: str, as_of: int) -> bool:
    """Whether it is another lead's event, known as one of the account before ``as_of``."""
    return bool(row[9] != lead_id and row[1] < as_of and max(row[2], row[10]) < as_of)


def _grouped(rows: Iterable[Sequence[object]]) -> dict[object, list[Row]]:
    """Rows by their first column, without it."""
    found: dict[object, list[Row]] = defaultdict(list)
    for key, *rest in rows:
        found[key].append(tuple(rest))
    return found
