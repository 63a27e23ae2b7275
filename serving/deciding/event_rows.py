"""Rows of the events table made values."""

import json
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from data.store.tables import events
from features.lead import Event, Scalar
from serving.deciding.fingerprint import Row

EVENT_COLUMNS = (
    *(events.c.kind, events.c.occurred_at, events.c.known_at, events.c.actor, events.c.value, events.c.item),
    *(events.c.extra, events.c.content),
)
"""In the order of ``Event``, then what was sent: 16 bytes of its SHA-256."""


NO_EXTRA: Mapping[str, Scalar] = MappingProxyType({})


def event_of(row: Row, lead_id: str = "") -> Event:
    """A row that begins with ``EVENT_COLUMNS``. The store keeps each event once: it needs no event_id here."""
    extra = NO_EXTRA if row[6] is None else json.loads(row[6])
    return tuple.__new__(Event, (*row[:6], extra, None, lead_id))


def events_of(rows: Sequence[Row]) -> list[Event]:
    """Many of them: by the constructor of tuples, which takes a third of the time that naming the fields takes."""
    new = tuple.__new__
    return [new(Event, (*row[:6], NO_EXTRA, None, "")) if row[6] is None else event_of(row) for row in rows]
