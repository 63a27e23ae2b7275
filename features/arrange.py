"""Putting events in order: by entity in one pass, then each entity's own by time, and gathering what the kernel reads.

Events stay where they came; only their positions are sorted, until ``gather`` copies each once to where it is read.
The compiled functions fill arrays that are made outside: to compile an allocation takes longer than to make it.
"""

import numpy as np
import numpy.typing as npt

from features.compiled import compiled

Ints = npt.NDArray[np.int64]
Codes = npt.NDArray[np.int32]
Floats = npt.NDArray[np.float64]

OCCURRED, KNOWN, CLASS, BITS, NUMBERS = range(5)
"""The columns of a record: times, the event's class, the conditions that hold, and from here on numbers and codes."""
DAY_COLUMN = -1
"""In the place of an offset: the column is the UTC day."""


def itself(count: int) -> Codes:
    """``entity_of`` where each lead is an entity of its own."""
    return np.append(np.arange(count, dtype=np.int32), np.int32(-1))


def by_entity(leads: Codes, entity_of: Codes, count: int) -> tuple[Ints, Codes]:
    """A stable counting sort: where each entity starts (count + 1), and the positions; entity -1 is left out.

    ``entity_of`` (leads + 1) is the entity of each lead; its last entry, for the lead -1, is -1.
    """
    start = np.zeros(count + 1, np.int64)
    _count(leads, entity_of, start)
    np.cumsum(start, out=start)
    order = np.empty(start[-1], np.int32)
    _place(leads, entity_of, start[:-1].copy(), order)
    return start, order


@compiled
def _count(leads: Codes, entity_of: Codes, start: Ints) -> None:
    for position in range(len(leads)):
        entity = entity_of[leads[position]]
        if entity >= 0:
            start[entity + 1] += 1


@compiled
def _place(leads: Codes, entity_of: Codes, free: Ints, order: Codes) -> None:
    for position in range(len(leads)):
        entity = entity_of[leads[position]]
        if entity >= 0:
            order[free[entity]] = position
            free[entity] += 1


def by_time(start: Ints, order: Codes, record: Ints) -> Codes:
    """Sort the positions of each entity in place by occurred_at and known_at; most are sorted as they came.

    Returns (n,) for events of an entity with equal times the number of their tie, from 1, growing; 0 for all others.
    """
    tie = np.zeros(len(order), np.int32)
    _by_time(start, order, record, np.empty_like(order), tie)
    return tie


@compiled
def _by_time(start: Ints, order: Codes, record: Ints, other: Codes, tie: Codes) -> None:
    fresh = 0
    for entity in range(len(start) - 1):
        first, last = start[entity], start[entity + 1]
        for event in range(first + 1, last):
            if _later(order[event - 1], order[event], record):
                _merge_sort(order, first, last, record, other)
                break
        for event in range(first + 1, last):
            if not _later(order[event], order[event - 1], record):
                if tie[event - 1] == 0:
                    fresh += 1
                    tie[event - 1] = fresh
                tie[event] = fresh


@compiled
def _later(a: int, b: int, record: Ints) -> bool:
    """Whether event ``a`` comes after event ``b``."""
    if record[a, OCCURRED] != record[b, OCCURRED]:
        return bool(record[a, OCCURRED] > record[b, OCCURRED])
    return bool(record[a, KNOWN] > record[b, KNOWN])


@compiled
def _merge_sort(order: Codes, first: int, last: int, record: Ints, other: Codes) -> None:
    """Sort some positions in place, bottom up: never slower than n log n, whatever order the source had."""
    width = 1
    while width < last - first:
        for low in range(first, last, 2 * width):
            middle, high = min(low + width, last), min(low + 2 * width, last)
            left, right = low, middle
            for to in range(low, high):
                if right >= high or (left < middle and not _later(order[left], order[right], record)):
                    other[to] = order[left]
                    left += 1
                else:
                    other[to] = order[right]
                    right += 1
        for to in range(first, last):
            order[to] = other[to]
        width *= 2


def gather(
    start: Ints, order: Codes, record: Ints, offsets: Ints, seen: Codes, entity: int, day: int
) -> tuple[Ints, Ints, Codes, Ints, Floats, Codes]:
    """The events in order: occurred, known, class, bits, numbers (n, columns) and codes (n, columns).

    Codes are numbered afresh from 0 within each entity, so that what a row has seen fits a few bytes; null becomes 0.
    ``seen`` (codes, 2) keeps the entity that saw a code last and its number; the codes of column *c* start at
    ``offsets[c]``. ``entity`` is the number of the first entity; no two calls with one ``seen`` may share one.
    """
    count, columns = len(order), len(offsets)
    out = (
        np.empty(count, np.int64),
        np.empty(count, np.int64),
        np.empty(count, np.int32),
        np.empty(count, np.int64),
        np.empty((count, record.shape[1] - NUMBERS - columns), np.float64),
        np.empty((count, columns), np.int32),
    )
    fresh = np.empty(columns, np.int32)
    _gather(start, order, record, record.view(np.float64), offsets, seen, fresh, entity, day, *out)
    return out


@compiled
def _gather(
    start: Ints,
    order: Codes,
    record: Ints,
    reals: Floats,
    offsets: Ints,
    seen: Codes,
    fresh: Codes,
    entity: int,
    day: int,
    occurred: Ints,
    known: Ints,
    classes: Codes,
    bits: Ints,
    numbers: Floats,
    codes: Codes,
) -> None:
    first_code = NUMBERS + numbers.shape[1]
    for own in range(len(start) - 1):
        for c in range(len(fresh)):
            fresh[c] = 0
        for event in range(start[own], start[own + 1]):
            at = order[event]
            occurred[event], known[event] = record[at, OCCURRED], record[at, KNOWN]
            classes[event], bits[event] = record[at, CLASS], record[at, BITS]
            for c in range(numbers.shape[1]):
                numbers[event, c] = reals[at, NUMBERS + c]
            for c in range(len(fresh)):
                code = record[at, first_code + c]
                if offsets[c] == DAY_COLUMN:
                    before = event - 1
                    if before >= start[own] and occurred[event] // day != occurred[before] // day:
                        fresh[c] += 1
                    codes[event, c] = fresh[c]
                elif code < 0:
                    codes[event, c] = 0
                else:
                    slot = offsets[c] + code
                    if seen[slot, 0] != entity + own:
                        seen[slot, 0] = entity + own
                        seen[slot, 1] = fresh[c]
                        fresh[c] += 1
                    codes[event, c] = seen[slot, 1]
