"""Event tables as arrays: the raw columns, and what a plan makes of them, packed so that an event is a few cache lines.

Everything here stands in the order in which the events came.
"""

from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from data.errors import SchemaError
from data.spine import micros
from features.arrange import BITS, CLASS, DAY_COLUMN, KNOWN, NUMBERS, OCCURRED
from features.block import Codes
from features.columns import Texts, column_of, numbers_of, texts_of
from features.feature import ACTORS
from features.kernel import Floats, Ints
from features.lowering import Condition, Present
from features.plan import Plan
from features.vocabulary import Vocabulary

LAST = np.iinfo(np.int64).max
"""Where null stands in the total order."""

Bools = npt.NDArray[np.bool_]


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


@dataclass(frozen=True)
class Packed:
    """What one plan reads of all events, an event in a row, so that to read it is to wait for the memory once.

    record (n, columns) int64: see ``features.arrange``, then the bits of the plan's numbers as float64 (values, then
    codes of levels; NaN where null), then the codes of its distinct counts, -1 where null. The codes of distinct column
    *c* start at ``offsets[c]`` among ``code_count``.
    """

    record: Ints
    offsets: Ints
    code_count: int


def pack(events: Events, plan: Plan, vocabulary: Vocabulary, created: Ints) -> Packed:
    """The arrays of ``plan``; ``created`` (leads) is when each lead was created.

    To its account an event is known from the creation of its lead on: before that nobody knew whose it is.
    """
    values = len(plan.numbers) + len(plan.levels)
    record = np.empty((len(events.occurred), NUMBERS + values + len(plan.distinct)), np.int64)
    record[:, OCCURRED], record[:, KNOWN] = events.occurred, events.known
    if plan.per == "account":
        np.maximum(events.known, created[events.lead], out=record[:, KNOWN])
    kind_class = np.array([*(_class_of(kind, plan) for kind in events.kind.levels), 0], np.int64)
    record[:, CLASS] = kind_class[events.kind.codes]
    record[:, CLASS] += events.actor
    record[:, BITS] = _bits(events, plan)
    numbers = record.view(np.float64)
    for position, name in enumerate(plan.numbers, NUMBERS):
        numbers[:, position] = events.reals[name]
    for position, name in enumerate(plan.levels, NUMBERS + len(plan.numbers)):
        level = vocabulary.codes(f"events.{name}")
        column = events.column(name)
        numbers[:, position] = column.map(level, float(len(level)))[column.codes]
    return Packed(record, *_distinct(events, plan, len(created), record[:, NUMBERS + values :]))


def _class_of(kind: str, plan: Plan) -> int:
    return len(ACTORS) * (plan.kinds.index(kind) if kind in plan.kinds else len(plan.kinds))


def _bits(events: Events, plan: Plan) -> Ints | int:
    bits: Ints | int = 0
    for position, condition in enumerate(plan.conditions):
        bits |= _holds(events, condition).astype(np.int64) << position
    return bits


def _holds(events: Events, condition: Condition) -> Bools:
    """For which events a condition holds."""
    if isinstance(condition, Present):
        name = condition.column
        return events.column(name).codes >= 0 if condition.is_text else ~np.isnan(events.reals[name])
    if condition.is_text:
        column = events.column(condition.column)
        return np.array([*(level in condition.values for level in column.levels), False])[column.codes]
    numbers = events.reals[condition.column]
    if condition.values:
        return np.isin(numbers, condition.values)
    low = -np.inf if condition.at_least is None else condition.at_least
    high = np.inf if condition.below is None else condition.below
    return np.asarray((numbers >= low) & (numbers < high))


def _distinct(events: Events, plan: Plan, leads: int, codes: Ints) -> tuple[Ints, int]:
    offsets, total = [], 0
    for position, name in enumerate(plan.distinct):
        if name == "day":
            offsets.append(DAY_COLUMN)
            continue
        offsets.append(total)
        codes[:, position] = events.lead if name == "lead" else events.column(name).codes
        total += leads if name == "lead" else len(events.column(name).levels)
    return np.array(offsets, np.int64), total


def settle(events: Events, tied: Codes, tie: Codes) -> Codes:
    """The positions ``tied`` of events with equal times, each tie (growing numbers) in the total order."""
    others = [name for name in events.reals if name != "value"], [name for name in events.texts if name != "item"]
    keys: list[npt.NDArray[np.generic]] = [events.kind.codes[tied], events.actor[tied]]
    keys += [_nulls_last_number(events.reals["value"][tied]), _nulls_last(events.texts["item"].codes[tied])]
    keys += [_nulls_last_number(events.reals[name][tied]) for name in others[0]]
    keys += [_nulls_last(events.texts[name].codes[tied]) for name in others[1]]
    varying = [key for key in keys if (key != key[0]).any()]
    return tied[np.lexsort((*reversed(varying), tie))]


def _nulls_last_number(numbers: Floats) -> Ints:
    """Integers in the order of the floats, NaN last: the bits of a negative float fall as the float grows."""
    bits = numbers.view(np.int64)
    return np.where(np.isnan(numbers), LAST, np.where(bits < 0, bits ^ LAST, bits))


def _nulls_last(codes: Codes) -> Ints:
    return np.where(codes < 0, LAST, codes.astype(np.int64))
