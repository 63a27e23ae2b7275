"""What could be known of a lead at a moment, and which of its events a feature looks at."""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
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


class Chosen:
    """Some events of a lead, oldest first, read column by column; ``times`` are their occurred_at."""

    __slots__ = ("_events", "_places", "times")

    def __init__(self, events: EventColumns, places: list[int], times: list[int] | None = None) -> None:
        self._events, self._places = events, places
        self.times = [events.occurred[place] for place in places] if times is None else times

    def column(self, name: str) -> list[Scalar]:
        """What the events hold in a column, as it came."""
        found = self._events.column(name)
        return [found[place] for place in self._places]

    def in_turn(self, name: str, *, latest_first: bool) -> Iterator[tuple[Scalar, int]]:
        """What one event after the other holds in a column, and when it happened."""
        held, places, times = self._events.column(name), self._places, self.times
        every = range(len(places))
        return ((held[places[k]], times[k]) for k in (reversed(every) if latest_first else every))

    def since(self, moment: int) -> "Chosen":
        """Those from a moment on."""
        first = bisect_left(self.times, moment)
        return Chosen(self._events, self._places[first:], self.times[first:]) if first else self

    def where(self, condition: Where) -> "Chosen":
        """Those for which a condition holds."""
        raws = self.column(condition.column)
        if condition.is_text:
            holds = [read_text(raw) in condition.values for raw in raws]
        else:
            holds = [condition.holds(read_number(raw)) for raw in raws]
        return Chosen(self._events, list(compress(self._places, holds)), list(compress(self.times, holds)))

    def __len__(self) -> int:
        return len(self._places)


def latest_run(times: Sequence[int]) -> int:
    """Where the latest events without a lull between them begin, of moments oldest first."""
    gaps = list(map(sub, times[1:], times))
    if max(gaps, default=0) < LULL:
        return 0
    return max([place for place, gap in enumerate(gaps, 1) if gap >= LULL])


def selected(feature: OverEvents, facts: Facts, window: int | None) -> Chosen:
    """The events that a feature looks at."""
    asked = looks_at(feature)
    events: Chosen | None = facts.known.get(asked)
    if events is None:
        events = facts.known[asked] = _selected(feature, facts)
    return events if window is None else events.since(facts.as_of - window)


def looks_at(feature: OverEvents) -> tuple[Any, ...]:
    """Equal for features that look at the same events of a lead, but for the window."""
    return (feature.kinds, feature.actor, feature.where, feature.per)


def _selected(feature: OverEvents, facts: Facts) -> Chosen:
    """One plain pass for each thing that is asked: most features ask for little, and leads have many events.

    Engagement is what the lead did; a kind by its name is told whoever did it, sales touches only if asked for.
    """
    told = facts.account_events if feature.per == "account" else facts.events
    actors, kinds = told.actors, feature.kinds
    actor = feature.actor or ("lead" if not kinds else None)
    named = [place for place, kind in enumerate(told.kinds) if kind in kinds] if kinds else range(len(actors))
    if actor is None:
        events = Chosen(told, [place for place in named if actors[place] != "sales"])
    else:
        events = Chosen(told, [place for place in named if actors[place] == actor])
    for where in feature.conditions:
        events = events.where(where)
    return events


def told_apart(raw: Scalar, time: int, column: str) -> object:
    """What a distinct count tells apart in an event: a text, the UTC day, or the lead; None where it is null."""
    if column == "day":
        return time // DAY
    return raw if column == "lead" else read_text(raw)


def all_told_apart(events: Chosen, column: str) -> set[object]:
    """The different ones of many events, None among them where it is null."""
    if column == "day":
        return {time // DAY for time in events.times}
    raws = events.column(column)
    if column == "lead":
        return set(raws)
    if set(map(type, raws)) <= _TEXTS:
        return set(map(read_text, set(raws)))
    # 1, 1.0 and true are equal, but not as texts.
    return {read_text(raw) for _, raw in set(zip(map(type, raws), raws, strict=True))}


_TEXTS = {str, type(None)}
