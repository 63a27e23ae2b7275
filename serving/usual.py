"""A lead as nearly everybody sends it, read in one go: a tenth of what the schema takes.

Whatever is not plainly right is left to ``serving.schemas``, which takes it or says what is wrong with it: what is read
here is read there alike.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from math import isfinite
from types import MappingProxyType
from typing import Any, NamedTuple, TypeGuard

from features.feature import ACTORS
from features.lead import Event, LeadHistory, Scalar
from serving.schemas import MAX_COLUMNS, MAX_EVENTS, flat_columns, moment

_LEAD = frozenset({"lead_id", "created_at", "as_of", "attributes", "events"})
_EVENT = frozenset({"kind", "occurred_at", "known_at", "actor", "value", "item", "event_id"})
_ACTORS = frozenset(ACTORS)
_NOTHING: Mapping[str, Scalar] = MappingProxyType({})
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LAST_DAY = (datetime(2200, 1, 1, tzinfo=UTC) - _EPOCH).days


class Usual(NamedTuple):
    """A lead of a request. ``as_of`` is None where it asks about now; ``events`` are all that were sent."""

    lead_id: str
    created_at: int
    as_of: int | None
    attributes: dict[str, str | float]
    events: list[Event]


def usual_lead(raw: Any) -> Usual | None:
    """The lead in the JSON of a request; None where anything about it is unusual."""
    if type(raw) is not dict or not _LEAD.issuperset(raw):
        return None
    lead_id, events = raw.get("lead_id"), raw.get("events")
    attributes = raw.get("attributes")
    if not _name(lead_id) or (events is not None and (type(events) is not list or len(events) > MAX_EVENTS)):
        return None
    if attributes is not None and type(attributes) is not dict:
        return None
    try:
        as_of = raw.get("as_of")
        return Usual(
            lead_id,
            moment(raw.get("created_at")),
            None if as_of is None else moment(as_of),
            flat_columns(attributes) if attributes else {},
            [_event(event) for event in events] if events else [],
        )
    except ValueError:
        return None


def history_of(lead: Usual, as_of: int) -> LeadHistory:
    """The lead as the online engine takes it, with the events that had happened and were known before ``as_of``."""
    seen = [event for event in lead.events if event.occurred_at < as_of and event.known_at < as_of]
    return LeadHistory(lead.lead_id, lead.created_at, lead.attributes, events=seen)


def _event(raw: Any) -> Event:
    """One event. Raises ValueError where it is unusual."""
    if type(raw) is not dict:
        raise ValueError
    get = raw.get
    kind, occurred, known, actor = get("kind"), get("occurred_at"), get("known_at"), get("actor")
    value, item, event_id = get("value"), get("item"), get("event_id")
    occurred_at = known_at = _moment(occurred)
    if known is not None and known != occurred:
        known_at = _moment(known)
    if not _name(kind) or known_at < occurred_at:
        raise ValueError
    if actor is None:
        actor = "lead"
    elif type(actor) is not str or actor not in _ACTORS:
        raise ValueError
    if (item is not None and not _text(item)) or (event_id is not None and not _text(event_id)):
        raise ValueError
    if value is not None:
        value = _number(value)
    extra = _NOTHING if _EVENT.issuperset(raw) else _extra(raw)
    return Event(kind, occurred_at, known_at, actor, value, item, extra, event_id)


def _extra(raw: dict[str, Any]) -> dict[str, str | float]:
    """The further columns. Raises ValueError for what is not flat."""
    found: dict[str, str | float] = {}
    for name in raw.keys() - _EVENT:
        value = raw[name]
        if _text(value) and "\x00" not in name:
            found[name] = value
        else:
            return flat_columns({name: raw[name] for name in raw if name not in _EVENT})
    if len(found) > MAX_COLUMNS:
        raise ValueError
    return found


def _moment(text: Any) -> int:
    """``schemas.moment`` of a time in UTC. Raises ValueError for what is none."""
    if type(text) is not str:
        raise ValueError
    found = datetime.fromisoformat(text)
    if found.tzinfo is not UTC:
        return moment(text)
    past = found - _EPOCH
    days = past.days
    if not 0 <= days < _LAST_DAY:
        raise ValueError
    return (days * 86_400 + past.seconds) * 1_000_000 + past.microseconds


def _number(value: Any) -> float:
    """A number as a float. Raises ValueError for what is none."""
    if type(value) is float and isfinite(value):
        return value
    if type(value) is int and -(2**53) <= value <= 2**53:
        return float(value)
    raise ValueError


def _name(value: Any) -> TypeGuard[str]:
    return type(value) is str and 0 < len(value) <= 200 and "\x00" not in value


def _text(value: Any) -> TypeGuard[str]:
    return type(value) is str and len(value) <= 1_000 and "\x00" not in value
