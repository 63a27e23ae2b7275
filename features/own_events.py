"""One lead's own events as columns: nulls made one thing, in the total order, each event_id once."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, cast

import numpy as np

from data.errors import SchemaError
from features.feature import ACTORS
from features.kernel import Floats, Ints
from features.lead import Event, Scalar
from features.reading import NAN, read_number, read_text

_ACTOR = {actor: k for k, actor in enumerate(ACTORS)}
_PLAIN = {float, type(None)}
_TEXT = {str, type(None)}
LAST = np.iinfo(np.int64).max
"""Where null stands in the total order."""


class OwnTexts(NamedTuple):
    """A text column: a code (n) for each event, -1 where null; the codes of ``levels`` are in no particular order."""

    codes: Ints
    levels: list[str]

    def take(self, order: Ints) -> "OwnTexts":
        """The texts at these positions."""
        return OwnTexts(self.codes[order], self.levels)

    def ranks(self) -> Ints:
        """(n,) Numbers in the order of the texts, null last."""
        rank = {text: k for k, text in enumerate(sorted(self.levels))}
        return np.array([*(rank[text] for text in self.levels), LAST], np.int64)[self.codes]


NO_TEXTS = OwnTexts(np.empty(0, np.int64), [])
"""Nobody asked."""


@dataclass(frozen=True)
class OwnEvents:
    """Events as columns (n); ``reals`` and ``texts`` hold the raw columns that a plan reads, nulls as NaN and -1."""

    occurred: Ints
    known: Ints
    kind: OwnTexts
    actor: Ints
    lead: OwnTexts
    reals: dict[str, Floats]
    texts: dict[str, OwnTexts]

    def column(self, name: str) -> OwnTexts:
        """A text column, the kind, or the lead where it was asked for."""
        return self.kind if name == "kind" else self.lead if name == "lead" else self.texts[name]

    def take(self, order: Ints) -> "OwnEvents":
        """The events at these positions."""
        return OwnEvents(
            self.occurred[order],
            self.known[order],
            self.kind.take(order),
            self.actor[order],
            self.lead.take(order) if len(self.lead.codes) else self.lead,
            {name: column[order] for name, column in self.reals.items()},
            {name: column.take(order) for name, column in self.texts.items()},
        )

    def events(self) -> list[Event]:
        """The events as custom features see them, null as None."""
        reals = {name: [None if is_nan(x) else x for x in column.tolist()] for name, column in self.reals.items()}
        texts = {name: _words(column) for name, column in self.texts.items()}
        value, item = reals.pop("value"), texts.pop("item")
        further: dict[str, Sequence[Scalar]] = {**reals, **texts}
        times = zip(self.occurred.tolist(), self.known.tolist(), self.actor.tolist(), strict=True)
        rows = zip(_words(self.kind), times, value, item, strict=True)
        return [
            Event(str(kind), occurred, known, ACTORS[actor], x, text, {name: c[k] for name, c in further.items()})
            for k, (kind, (occurred, known, actor), x, text) in enumerate(rows)
        ]


def own_events(events: Sequence[Event], reals: Sequence[str], texts: Sequence[str], *, leads: bool = True) -> OwnEvents:
    """The events that count, in the total order of ``features.block.Block``; with ``leads`` whose each is.

    Raises SchemaError for unknown actors.
    """
    columns = _read(events, reals, texts, leads=leads)
    times = columns.occurred
    if bool((times[1:] > times[:-1]).all()):
        return columns
    return columns.take(_total_order(columns))


def is_nan(number: float) -> bool:
    """Whether a float is NaN, without a call into a library."""
    return number != number  # noqa: PLR0124  # only NaN differs from itself


def _read(events: Sequence[Event], reals: Sequence[str], texts: Sequence[str], *, leads: bool) -> OwnEvents:
    kind, occurred, known, actor, value, item, extra, ids, lead = _columns(events)
    named = [event_id for event_id in ids if event_id is not None]
    if len(set(named)) < len(named):
        kind, occurred, known, actor, value, item, extra, _, lead = _columns(_first_known(events))
    count = len(kind)
    try:
        actors = np.fromiter(map(_ACTOR.__getitem__, actor), np.int64, count)
    except KeyError as error:
        raise SchemaError(f"An event has the actor {error}. Expected one of {ACTORS}. Name one of them.") from None

    def raw(name: str) -> Sequence[Scalar]:
        known_as: dict[str, Sequence[Scalar]] = {"value": value, "item": item}
        return known_as[name] if name in known_as else [more.get(name) for more in extra]

    return OwnEvents(
        np.fromiter(occurred, np.int64, count),
        np.fromiter(known, np.int64, count),
        _coded(kind),
        actors,
        _coded(lead) if leads else NO_TEXTS,
        {name: _numbers(raw(name)) for name in reals},
        {name: _texts(raw(name)) for name in texts},
    )


def _columns(events: Sequence[Event]) -> Sequence[Any]:
    columns: tuple[Any, ...] = tuple(zip(*events, strict=True))
    return columns or ((),) * len(Event._fields)


def _numbers(column: Sequence[Scalar]) -> Floats:
    """``read_number`` of each value; floats need no reading but for what is not finite and the sign of zero."""
    if _PLAIN.issuperset(map(type, column)):
        numbers = np.array(column, np.float64) + 0.0
        numbers[~np.isfinite(numbers)] = NAN
        return numbers
    return np.array([NAN if raw is None else read_number(raw) for raw in column], np.float64)


def _coded(column: Sequence[str]) -> OwnTexts:
    levels = list(dict.fromkeys(column))
    return OwnTexts(_codes(column, dict(zip(levels, range(len(levels)), strict=True))), levels)


def _codes(column: Sequence[object], code_of: dict[Any, int]) -> Ints:
    return np.fromiter(map(code_of.__getitem__, column), np.int64, len(column))


def _texts(column: Sequence[Scalar]) -> OwnTexts:
    """``read_text`` of each value, as codes; it is asked once for each different one."""
    if _TEXT.issuperset(map(type, column)):  # a text is read as it is
        levels = [raw for raw in dict.fromkeys(cast("Sequence[str | None]", column)) if raw]
        code_of: dict[Any, int] = dict(zip(levels, range(len(levels)), strict=True))
        code_of[None] = code_of[""] = -1
        return OwnTexts(_codes(column, code_of), levels)
    keys = [(type(raw), raw) for raw in column]  # 1, 1.0 and True are equal, but not as texts
    reads = {key: read_text(key[1]) for key in dict.fromkeys(keys)}
    found = _texts(list(reads.values()))
    code_of = dict(zip(reads, found.codes.tolist(), strict=True))
    return OwnTexts(_codes(keys, code_of), found.levels)


def _words(column: OwnTexts) -> list[str | None]:
    return [None if code < 0 else column.levels[code] for code in column.codes.tolist()]


def _total_order(columns: OwnEvents) -> Ints:
    """The positions in the total order."""
    reals = ["value", *(name for name in columns.reals if name != "value")]
    texts = ["item", *(name for name in columns.texts if name != "item")]
    numbers = [_nulls_last(columns.reals[name]) for name in reals]
    ranks = [columns.texts[name].ranks() for name in texts]
    others = [numbers[0], ranks[0], *numbers[1:], *ranks[1:]]
    keys = (columns.occurred, columns.known, columns.kind.ranks(), columns.actor, *others)
    return np.lexsort(tuple(reversed(keys)))


def _nulls_last(numbers: Floats) -> Floats:
    """No number is infinite: null takes the place after all of them."""
    return np.where(np.isnan(numbers), np.inf, numbers)


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


def _number_key(number: float) -> tuple[bool, float]:
    """Null after all numbers."""
    return (True, 0.0) if is_nan(number) else (False, number)


def _text_key(text: str | None) -> tuple[bool, str]:
    """Null after all texts."""
    return (True, "") if text is None else (False, text)
