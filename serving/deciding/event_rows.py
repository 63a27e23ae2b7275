"""Rows of the events table made values."""

import json
from array import array
from collections.abc import Mapping, Sequence

from data.store.tables import events
from features.event_columns import EventColumns
from features.lead import NOTHING_MORE, Event, Scalar
from serving.deciding.fingerprint import Row

EVENT_COLUMNS = (
    *(events.c.kind, events.c.occurred_at, events.c.known_at, events.c.actor, events.c.value, events.c.item),
    *(events.c.extra, events.c.content),
)
"""In the order of ``Event``, then what was sent: 16 bytes of its SHA-256."""


def event_of(row: Row, lead_id: str = "") -> Event:
    """A row that begins with ``EVENT_COLUMNS``. The store keeps each event once: it needs no event_id here."""
    kind, occurred_at, known_at, actor, value, item, extra, *_ = row
    return Event(kind, occurred_at, known_at, actor, value, item, _extra(extra), None, lead_id)


def columns_of(rows: Sequence[Row]) -> tuple[EventColumns, Sequence[bytes]]:
    """The columns of such rows, and what was sent of each."""
    if not rows:
        return EventColumns.of(()), ()
    kinds, occurred, known, actors, values, items, extras, contents = zip(*rows, strict=True)
    some = extras.count(None) < len(extras)
    further = list(map(_extra, extras)) if some else None
    return EventColumns(kinds, array("q", occurred), array("q", known), actors, values, items, further), contents


def _extra(text: str | None) -> Mapping[str, Scalar]:
    return NOTHING_MORE if text is None else json.loads(text)
