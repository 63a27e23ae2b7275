"""One lead's own events as parallel lists: nulls made one thing, in the total order, each event_id once."""

from collections.abc import Sequence
from dataclasses import dataclass

from data.errors import SchemaError
from features.feature import ACTORS
from features.lead import Event, Scalar
from features.reading import NAN, read_number, read_text

_ACTOR = {actor: k for k, actor in enumerate(ACTORS)}


@dataclass(frozen=True)
class OwnEvents:
    """Events as columns; ``reals`` and ``texts`` hold the raw columns that a plan reads, nulls as NaN and None."""

    occurred: list[int]
    known: list[int]
    kind: list[str]
    actor: list[int]
    lead: list[str]
    reals: dict[str, list[float]]
    texts: dict[str, list[str | None]]

    def take(self, order: Sequence[int]) -> "OwnEvents":
        """The events at these positions."""
        return OwnEvents(
            [self.occurred[k] for k in order],
            [self.known[k] for k in order],
            [self.kind[k] for k in order],
            [self.actor[k] for k in order],
            [self.lead[k] for k in order],
            {name: [column[k] for k in order] for name, column in self.reals.items()},
            {name: [column[k] for k in order] for name, column in self.texts.items()},
        )

    def events(self) -> list[Event]:
        """The events as custom features see them, null as None."""
        reals = {name: [None if is_nan(number) else number for number in column] for name, column in self.reals.items()}
        table: dict[str, Sequence[Scalar]] = {**reals, **self.texts}
        value, item = table.pop("value"), table.pop("item")
        rows = zip(self.kind, self.occurred, self.known, self.actor, value, item, strict=True)
        return [
            Event(
                kind, occurred, known, ACTORS[actor], number, text, {name: column[k] for name, column in table.items()}
            )
            for k, (kind, occurred, known, actor, number, text) in enumerate(rows)
        ]


def own_events(events: Sequence[Event], reals: Sequence[str], texts: Sequence[str]) -> OwnEvents:
    """The events that count, in the total order of ``features.block.Block``. Raises SchemaError for unknown actors."""
    if any(event[7] is not None for event in events):
        events = _first_known(events)
    columns = _read(events, reals, texts)
    times = columns.occurred
    if all(map(int.__lt__, times, times[1:])):
        return columns
    return columns.take(sorted(range(len(times)), key=lambda k: _order(columns, k)))


def is_nan(number: float) -> bool:
    """Whether a float is NaN, without a call into a library."""
    return number != number  # noqa: PLR0124  # only NaN differs from itself


def _read(events: Sequence[Event], reals: Sequence[str], texts: Sequence[str]) -> OwnEvents:
    try:
        actor = [_ACTOR[event[3]] for event in events]
    except KeyError as error:
        raise SchemaError(f"An event has the actor {error}. Expected one of {ACTORS}. Name one of them.") from None
    return OwnEvents(
        [event[1] for event in events],
        [event[2] for event in events],
        [event[0] for event in events],
        actor,
        [event[8] for event in events],
        {name: [NAN if (raw := _raw(event, name)) is None else read_number(raw) for event in events] for name in reals},
        {name: [None if (raw := _raw(event, name)) is None else read_text(raw) for event in events] for name in texts},
    )


def _raw(event: Event, name: str) -> Scalar:
    """A column of an event."""
    if name == "value":
        return event[4]
    return event[5] if name == "item" else event[6].get(name)


def _first_known(events: Sequence[Event]) -> list[Event]:
    """Of events with one event_id only the one known first counts; among equals the least by the total order."""
    kept: dict[str, Event] = {}
    for event in events:
        if event.event_id is not None:
            before = kept.get(event.event_id)
            if before is None or _precedence(event) < _precedence(before):
                kept[event.event_id] = event
    return [event for event in events if event.event_id is None] + list(kept.values())


def _precedence(event: Event) -> tuple[object, ...]:
    extra = tuple(sorted((name, *_text_key(read_text(raw))) for name, raw in event.extra.items()))
    keys = (_number_key(read_number(event.value)), _text_key(read_text(event.item)))
    return (event.known_at, event.occurred_at, event.kind, event.actor, *keys, extra)


def _order(columns: OwnEvents, k: int) -> tuple[object, ...]:
    """What the total order compares."""
    value, item = _number_key(columns.reals["value"][k]), _text_key(columns.texts["item"][k])
    reals = [_number_key(column[k]) for name, column in columns.reals.items() if name != "value"]
    texts = [_text_key(column[k]) for name, column in columns.texts.items() if name != "item"]
    return (columns.occurred[k], columns.known[k], columns.kind[k], columns.actor[k], value, item, *reals, *texts)


def _number_key(number: float) -> tuple[bool, float]:
    """Null after all numbers."""
    return (True, 0.0) if is_nan(number) else (False, number)


def _text_key(text: str | None) -> tuple[bool, str]:
    """Null after all texts."""
    return (True, "") if text is None else (False, text)
