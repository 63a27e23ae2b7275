"""Event tables as arrays: the raw columns, and what a plan makes of them, packed so that an event is a few cache lines.

Everything here stands in the order in which the events came.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from data.errors import SchemaError
from data.spine import micros
from features.arrange import DAY_COLUMN, scatter
from features.block import Codes
from features.columns import Texts, column_of, numbers_of, texts_of
from features.feature import ACTORS
from features.kernel import Floats, Ints
from features.lowering import Condition, Present
from features.plan import Plan
from features.vocabulary import Vocabulary

LAST = np.iinfo(np.int64).max
"""Where null stands in the total order."""
TILE = 1 << 13
"""So many events are packed at a time, column by column: their records stay in the cache until they are whole."""
SHARE = 16 * TILE
"""So many a thread takes on."""


@dataclass(frozen=True)
class Events:
    """All events as parallel arrays (n): their leads and the raw columns that the plans read."""

    lead: Codes
    occurred: Ints
    known: Ints
    kind: Texts
    actor: npt.NDArray[np.int8]
    reals: dict[str, Floats]
    texts: dict[str, Texts]

    def column(self, name: str) -> Texts:
        """A text column, or the kind."""
        return self.kind if name == "kind" else self.texts[name]


def read_events(table: pa.Table, plans: Sequence[Plan], lead: Codes, pool: Executor) -> Events:
    """The columns that any of ``plans`` reads, one task each. Raises SchemaError for columns that are not there."""
    texts = sorted({name for plan in plans for name in plan.texts})
    reals = sorted({name for plan in plans for name in plan.reals})
    columns = [column_of(table, name, "events") for name in ("kind", "actor", *texts)]
    numbers = pool.map(numbers_of, [column_of(table, name, "events") for name in reals])
    kind, actor, *found = pool.map(texts_of, columns)
    strange = [word for word in actor.levels if word not in ACTORS]
    if strange:
        raise SchemaError(
            f"Events have {len(strange)} unknown actors (first: {strange[0]!r}). Expected one of {ACTORS}."
        )
    actor_of = np.array([*(ACTORS.index(word) for word in actor.levels), 0], np.int8)
    return Events(
        lead,
        micros(table["occurred_at"]),
        micros(table["known_at"]),
        kind,
        actor_of[actor.codes],
        dict(zip(reals, numbers, strict=True)),
        dict(zip(texts, found, strict=True)),
    )


Column = Callable[[slice], npt.NDArray[Any]]
"""The values of a column of the record for some of the events, as they came."""


@dataclass(frozen=True)
class Packed:
    """What one plan reads of events: record (n, columns) as ``features.block`` says, by entity, in the order they came.

    The codes of distinct columns are those that all events share, -1 where null; column *c* has those from
    ``offsets[c]`` on among ``code_count``.
    """

    record: Ints
    offsets: Ints
    code_count: int


def pack(events: Events, plan: Plan, vocabulary: Vocabulary, created: Ints, order: Codes, pool: Executor) -> Packed:
    """The records of ``plan`` of the events at the positions ``order``; ``created`` (leads): when leads were created.

    To its account an event is known from the creation of its lead on: before that nobody knew whose it is.
    """
    offsets, codes, code_count = _distinct(events, plan, len(created))
    columns = [*_columns(events, plan, vocabulary, created), *codes]
    count = len(events.occurred)
    to = np.full(count, -1, np.int32)
    to[order] = np.arange(len(order), dtype=np.int32)
    record = np.empty((len(order), len(columns)), np.int64)
    shares = [slice(start, min(start + SHARE, count)) for start in range(0, count, SHARE)]
    list(pool.map(lambda share: _pack(columns, share, to, record), shares))
    return Packed(record, offsets, code_count)


def _pack(columns: Sequence[Column], share: slice, to: Codes, record: Ints) -> None:
    tile = np.empty((TILE, len(columns)), np.int64)
    for start in range(share.start, share.stop, TILE):
        part = slice(start, min(start + TILE, share.stop))
        for position, column in enumerate(columns):
            tile[: part.stop - start, position] = column(part)
        scatter(tile, to[part], record)


def _columns(events: Events, plan: Plan, vocabulary: Vocabulary, created: Ints) -> list[Column]:
    """The columns of the record but for the codes of distinct counts."""
    kind_class = np.array([*(_class_of(kind, plan) for kind in events.kind.levels), 0], np.int64)
    shared = plan.per == "account"
    columns: list[Column] = [
        events.occurred.__getitem__,
        (lambda at: np.maximum(events.known[at], created[events.lead[at]])) if shared else events.known.__getitem__,
        lambda at: kind_class[events.kind.codes[at]] + events.actor[at],
        _bits(events, plan),
    ]
    columns += [events.reals[name].view(np.int64).__getitem__ for name in plan.numbers]
    for name in plan.levels:
        level, column = vocabulary.codes(f"events.{name}"), events.column(name)
        columns.append(_level(column.codes, column.map(level, float(len(level)))))
    return columns


def _level(codes: Codes, numbers: Floats) -> Column:
    bits = numbers.view(np.int64)
    return lambda at: bits[codes[at]]


def _class_of(kind: str, plan: Plan) -> int:
    return len(ACTORS) * (plan.kinds.index(kind) if kind in plan.kinds else len(plan.kinds))


def _bits(events: Events, plan: Plan) -> Column:
    held = [_holds(events, condition) for condition in plan.conditions]

    def bits(at: slice) -> Ints:
        found = np.zeros(at.stop - at.start, np.int64)
        for position, holds in enumerate(held):
            found |= holds(at).astype(np.int64) << position
        return found

    return bits


def _holds(events: Events, condition: Condition) -> Column:
    """For which events a condition holds."""
    if condition.is_text:
        column = events.column(condition.column)
        texts = {*(column.levels if isinstance(condition, Present) else condition.values)}
        holds = np.array([*(level in texts for level in column.levels), False])
        return lambda at: holds[column.codes[at]]
    numbers = events.reals[condition.column]
    if isinstance(condition, Present):
        return lambda at: ~np.isnan(numbers[at])
    if condition.values:
        return lambda at: np.isin(numbers[at], condition.values)
    low = -np.inf if condition.at_least is None else condition.at_least
    high = np.inf if condition.below is None else condition.below
    return lambda at: (numbers[at] >= low) & (numbers[at] < high)


def _distinct(events: Events, plan: Plan, leads: int) -> tuple[Ints, list[Column], int]:
    """Where the codes of each distinct column start, the codes, and how many there are in all."""
    offsets: list[int] = []
    columns: list[Column] = []
    total = 0
    for name in plan.distinct:
        codes = events.lead if name in ("day", "lead") else events.column(name).codes
        offsets.append(DAY_COLUMN if name == "day" else total)
        columns.append(codes.__getitem__)
        if name != "day":
            total += leads if name == "lead" else len(events.column(name).levels)
    return np.array(offsets, np.int64), columns, total


def settle(events: Events, tied: Codes, tie: Codes) -> Ints:
    """The total order of events with equal times, the ones at ``tied``, each tie (growing numbers) by itself."""
    others = [name for name in events.reals if name != "value"], [name for name in events.texts if name != "item"]
    keys: list[npt.NDArray[np.generic]] = [events.kind.codes[tied], events.actor[tied]]
    keys += [_nulls_last_number(events.reals["value"][tied]), _nulls_last(events.texts["item"].codes[tied])]
    keys += [_nulls_last_number(events.reals[name][tied]) for name in others[0]]
    keys += [_nulls_last(events.texts[name].codes[tied]) for name in others[1]]
    varying = [key for key in keys if (key != key[0]).any()]
    return np.lexsort((*reversed(varying), tie))


def _nulls_last_number(numbers: Floats) -> Ints:
    """Integers in the order of the floats, NaN last: the bits of a negative float fall as the float grows."""
    bits = numbers.view(np.int64)
    return np.where(np.isnan(numbers), LAST, np.where(bits < 0, bits ^ LAST, bits))


def _nulls_last(codes: Codes) -> Ints:
    return np.where(codes < 0, LAST, codes.astype(np.int64))
