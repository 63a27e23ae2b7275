"""What could be known of a lead at a moment, and which of its events a feature looks at."""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import compress
from operator import attrgetter, lt, sub
from typing import Any

from data.clock import DAY
from features.event_columns import EventColumns
from features.feature import OverEvents, Where
from features.lead import Event, LeadHistory, Scalar
from features.reading import NAN, read_number, read_text

LULL = 30 * DAY
"""A silence this long ends a run of events; a lead that has been silent for so long is told as silent."""


@dataclass(frozen=True)
class Facts:
    """A lead as seen at a moment.

    ``events`` are those known before it, oldest first, ``account_events`` those of all the leads of its account;
    ``value`` is the number of the feature that is told.
    """

    lead: LeadHistory
    events: EventColumns
    account_events: EventColumns
    as_of: int
    value: float = NAN
    known: dict[Any, Any] = field(default_factory=dict, repr=False, compare=False)
    """What was asked about the lead before: many features look at the same events."""

    @cached_property
    def silent(self) -> bool:
        """Whether the lead has not done anything yet."""
        return "lead" not in self.events.actors


def facts_of(lead: LeadHistory, as_of: int) -> Facts:
    """What could be known of ``lead`` just before ``as_of``; of events with one id the one known first."""
    own = _seen(EventColumns.of(lead.events), as_of)
    if not lead.account_events:
        return Facts(lead, own, own, as_of)
    return Facts(lead, own, _seen(EventColumns.of((*lead.events, *lead.account_events)), as_of), as_of)


def _seen(every: EventColumns, as_of: int) -> EventColumns:
    """The events before a moment, each once, oldest first."""
    events = every.seen(as_of)
    if all(map(lt, events.occurred, events.occurred[1:])) and events.different() == len(events):
        return events
    seen: dict[object, Event] = {}
    for place, event in enumerate(events):
        key: object = place if event.event_id is None else event.event_id
        if event.known_at < seen.setdefault(key, event).known_at:
            seen[key] = event
    return EventColumns.of(sorted(seen.values(), key=_IN_ORDER))


_IN_ORDER = attrgetter("occurred_at", "known_at", "kind")


def latest_run(events: Sequence[Event]) -> Sequence[Event]:
    """The latest events without a lull between them."""
    times = list(map(_OCCURRED, events))
    gaps = list(map(sub, times[1:], times))
    if max(gaps, default=0) < LULL:
        return events
    return events[max(place for place, gap in enumerate(gaps, 1) if gap >= LULL) :]


def selected(feature: OverEvents, facts: Facts, window: int | None) -> Sequence[Event]:
    """The events that a feature looks at, oldest first."""
    asked = looks_at(feature)
    events: list[Event] | None = facts.known.get(asked)
    if events is None:
        events = facts.known[asked] = _selected(feature, facts)
    return events if window is None else events[bisect_left(events, facts.as_of - window, key=_OCCURRED) :]


_OCCURRED = attrgetter("occurred_at")


def looks_at(feature: OverEvents) -> tuple[Any, ...]:
    """Equal for features that look at the same events of a lead, but for the window."""
    return (feature.kinds, feature.actor, feature.where, feature.per)


def _selected(feature: OverEvents, facts: Facts) -> list[Event]:
    """One plain pass for each thing that is asked: most features ask for little, and leads have many events.

    Engagement is what the lead did; a kind by its name is told whoever did it, sales touches only if asked for.
    """
    told = facts.account_events if feature.per == "account" else facts.events
    actor = feature.actor or ("lead" if not feature.kinds else None)
    wanted = [one != "sales" for one in told.actors] if actor is None else [one == actor for one in told.actors]
    if feature.kinds:
        kinds = frozenset(feature.kinds)
        wanted = [yes and kind in kinds for yes, kind in zip(wanted, told.kinds, strict=True)]
    events = list(compress(told, wanted)) if any(wanted) else []
    for where in feature.conditions:
        events = [event for event in events if _holds(where, event)]
    return events


def _holds(where: Where, event: Event) -> bool:
    raw = raw_value(event, where.column)
    return read_text(raw) in where.values if where.is_text else where.holds(read_number(raw))


def raw_value(event: Event, column: str) -> Scalar:
    """What the event holds in a column, as it came."""
    return getattr(event, column) if column in _OWN else event.extra.get(column)


_OWN = frozenset({"kind", "value", "item"})


def told_apart(event: Event, column: str) -> object:
    """What a distinct count tells apart: a text, the UTC day, or the lead."""
    return next(iter(all_told_apart([event], column)))


def all_told_apart(events: Sequence[Event], column: str) -> set[object]:
    """The different ones of many events, None among them where it is null."""
    if column == "day":
        return {event.occurred_at // DAY for event in events}
    if column == "lead":
        return {event.lead_id for event in events}
    raws = [raw_value(event, column) for event in events]
    # 1, 1.0 and true are equal, but not as texts.
    return {read_text(raw) for _, raw in set(zip(map(type, raws), raws, strict=True))}
