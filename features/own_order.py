"""One lead's events in the total order of ``features.block.Block``, each event_id once."""

from collections.abc import Sequence

import numpy as np

from features.event_columns import EventColumns
from features.feature import ACTORS
from features.kernel import Floats, Ints
from features.lead import Event, Scalar
from features.reading import NAN, read_number, read_text

LAST = np.iinfo(np.int64).max
"""Where null stands in the total order."""


def in_total_order(events: EventColumns, reals: Sequence[str], texts: Sequence[str]) -> EventColumns:
    """The events in the total order; ``reals`` and ``texts`` name the columns of a plan, value and item among them."""
    numbers = [_nulls_last(numbers_of(events.column(name))) for name in _first("value", reals)]
    words = [_ranks(list(map(read_text, events.column(name)))) for name in _first("item", texts)]
    actors = np.array([ACTORS.index(actor) for actor in events.actors], np.int64)
    times = np.array(events.occurred, np.int64), np.array(events.known, np.int64)
    others = [numbers[0], words[0], *numbers[1:], *words[1:]]
    keys = (*times, _ranks(events.kinds), actors, *others)
    return events.take(np.lexsort(tuple(reversed(keys))).tolist())


def numbers_of(column: Sequence[Scalar]) -> Floats:
    """(n,) ``read_number`` of each value."""
    return np.array([NAN if raw is None else read_number(raw) for raw in column], np.float64)


def _first(name: str, names: Sequence[str]) -> list[str]:
    return [name, *(one for one in names if one != name)]


def _ranks(texts: Sequence[str | None]) -> Ints:
    """(n,) Numbers in the order of the texts, null last."""
    rank: dict[str | None, int] = {
        text: k for k, text in enumerate(sorted({text for text in texts if text is not None}))
    }
    return np.array([rank.get(text, LAST) for text in texts], np.int64)


def _nulls_last(numbers: Floats) -> Floats:
    """No number is infinite: null takes the place after all of them."""
    return np.where(np.isnan(numbers), np.inf, numbers)


def each_once(events: EventColumns) -> EventColumns:
    """Of events with one event_id only the one known first counts; among equals the least by the total order."""
    if events.different() == len(events.kinds):
        return events
    kept: dict[str, Event] = {}
    for event in events:
        if event.event_id is not None:
            before = kept.get(event.event_id)
            if before is None or _precedence(event) < _precedence(before):
                kept[event.event_id] = event
    return EventColumns.of([event for event in events if event.event_id is None] + list(kept.values()))


def _precedence(event: Event) -> tuple[object, ...]:
    extra = tuple(sorted((name, *_text_key(read_text(raw))) for name, raw in event.extra.items()))
    keys = (_number_key(read_number(event.value)), _text_key(read_text(event.item)))
    return (event.known_at, event.occurred_at, event.kind, event.actor, *keys, extra)


def _number_key(number: float) -> tuple[bool, float]:
    """Null after all numbers."""
    return (True, 0.0) if number != number else (False, number)  # noqa: PLR0124  # only NaN differs from itself


def _text_key(text: str | None) -> tuple[bool, str]:
    """Null after all texts."""
    return (True, "") if text is None else (False, text)


def as_read(events: EventColumns, reals: Sequence[str], texts: Sequence[str]) -> list[Event]:
    """The events as custom features see them: of the further columns those of the plan, null as None."""
    numbers = {name: [_or_none(x) for x in numbers_of(events.column(name)).tolist()] for name in reals}
    words = {name: list(map(read_text, events.column(name))) for name in texts}
    value, item = numbers.pop("value"), words.pop("item")
    further: dict[str, Sequence[Scalar]] = {**numbers, **words}
    rows = zip(events.kinds, events.occurred, events.known, events.actors, value, item, strict=True)
    return [
        Event(kind, occurred, known, actor, number, text, {name: column[k] for name, column in further.items()})
        for k, (kind, occurred, known, actor, number, text) in enumerate(rows)
    ]


def _or_none(number: float) -> float | None:
    return None if number != number else number  # noqa: PLR0124  # only NaN differs from itself
