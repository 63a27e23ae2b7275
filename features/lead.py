"""One lead's own facts, as the service and custom features see them: plain values, no table library."""

from collections.abc import Mapping, Sequence
from itertools import repeat
from types import MappingProxyType
from typing import NamedTuple

Scalar = str | float | int | bool | None

NOTHING_MORE: Mapping[str, Scalar] = MappingProxyType({})


class Event(NamedTuple):
    """Something that happened. Times in microseconds since 1970, UTC. ``extra``: further columns by name.

    ``lead_id`` says whose it is where several leads meet, in ``LeadHistory.account_events``.
    """

    kind: str
    occurred_at: int
    known_at: int
    actor: str = "lead"
    value: Scalar = None
    item: Scalar = None
    extra: Mapping[str, Scalar] = NOTHING_MORE
    event_id: str | None = None
    lead_id: str = ""


class Change(NamedTuple):
    """What an attribute became, and when we could have known it (microseconds since 1970)."""

    field: str
    value: Scalar
    known_at: int


class LeadHistory(NamedTuple):
    """All that is known of one lead, in no particular order.

    ``attributes``: as known at creation. Of an attribute whose changes are logged (``Attribute.source`` is
    ``changes``) only ``changes`` count, here as in the tables. A caller who tells what is true now uses ``told``.
    ``account_events``: what the *other* leads of its account did, each with its ``lead_id``, and with a ``known_at``
    not before that lead's creation: earlier nobody knew whose event it was.
    """

    lead_id: str
    created_at: int
    attributes: Mapping[str, Scalar] = NOTHING_MORE
    account_attributes: Mapping[str, Scalar] = NOTHING_MORE
    changes: Sequence[Change] = ()
    events: Sequence[Event] = ()
    account_events: Sequence[Event] = ()
    account_changes: Sequence[Change] = ()

    def told(self, as_of: int) -> "LeadHistory":
        """The same lead where each attribute without logged changes counts as known just before ``as_of``.

        For callers that send a lead's present attributes and keep no log of changes.
        """
        return self._replace(
            changes=told_changes(self.attributes, self.changes, as_of),
            account_changes=told_changes(self.account_attributes, self.account_changes, as_of),
        )


def told_changes(attributes: Mapping[str, Scalar], changes: Sequence[Change], as_of: int) -> Sequence[Change]:
    """``changes``, and attributes without logged changes as what became known just before ``as_of``."""
    logged = {change.field for change in changes} if changes else ()
    told = {name: value for name, value in attributes.items() if name not in logged} if logged else attributes
    # By the constructor of tuples, which takes a third of the time that naming the fields takes.
    return (*changes, *map(tuple.__new__, repeat(Change), zip(told, told.values(), repeat(as_of - 1))))
