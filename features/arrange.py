"""Putting events in order: by entity in one pass, then each entity's own by time, and its values numbered afresh.

Records are written once, to where their entity stands; from then on the memory is read in its own order.
The compiled functions fill arrays that are made outside: to compile an allocation takes longer than to make it.
"""

import numpy as np
import numpy.typing as npt

from features.compiled import compiled, inlined, within

Ints = npt.NDArray[np.int64]
Codes = npt.NDArray[np.int32]

DAY_COLUMN = -1
"""In the place of an offset: the column is the UTC day."""


def itself(count: int) -> Codes:
    """``entity_of`` where each lead is an entity of its own."""
    return np.append(np.arange(count, dtype=np.int32), np.int32(-1))


def by_entity(leads: Codes, entity_of: Codes, count: int) -> tuple[Ints, Codes]:
    """A stable counting sort: where each entity starts (count + 1), and the positions; entity -1 is left out.

    ``entity_of`` (leads + 1) is the entity of each lead; its last entry, for the lead -1, is -1.
    """
    start, order = np.zeros(count + 2, np.int64), np.empty(len(leads), np.int32)
    _by_entity(leads, entity_of, start, order)
    return start[:-1], order[: start[-2]]


def scatter(records: Ints, to: Codes, out: Ints) -> None:
    """Write each of ``records`` (n, columns) to its row of ``out``, those for -1 nowhere."""
    _scatter(records, to, out)


@compiled
def _scatter(records: Ints, to: Codes, out: Ints) -> None:
    for position in range(len(to)):
        row = to[position]
        if row >= 0:
            for column in range(records.shape[1]):
                out[row, column] = records[position, column]


@compiled
def _by_entity(leads: Codes, entity_of: Codes, start: Ints, order: Codes) -> None:
    """``start`` (entities + 2) comes as zeros: two entries on it counts an entity, one entry on it then grows."""
    for position in range(len(leads)):
        entity = entity_of[leads[position]]
        if entity >= 0:
            start[entity + 2] += 1
    for entity in range(2, len(start)):
        start[entity] += start[entity - 1]
    for position in range(len(leads)):
        entity = entity_of[leads[position]]
        if entity >= 0:
            order[start[entity + 1]] = position
            start[entity + 1] += 1


def by_time(start: Ints, record: Ints) -> tuple[Codes, Codes]:
    """The order of each entity's events by occurred_at and known_at, the first columns; most are sorted as they came.

    Returns the positions (n,), and for events of an entity with equal times the number of their tie, from 1, growing;
    0 for all others.
    """
    order = np.arange(len(record), dtype=np.int32)
    tie = np.zeros(len(order), np.int32)
    sort_by_time(start, order, record, np.empty_like(order), tie)
    return order, tie


@compiled
def sort_by_time(start: Ints, order: Codes, record: Ints, other: Codes, tie: Codes) -> None:
    """``by_time`` for compiled code: ``order`` comes as the positions, ``tie`` as zeros, ``other`` is scratch."""
    fresh = 0
    for entity in range(len(start) - 1):
        first, last = start[entity], start[entity + 1]
        for event in range(first + 1, last):
            if _later(event - 1, event, record):
                _merge_sort(order, first, last, record, other)
                break
        for event in range(first + 1, last):
            if not _later(order[event], order[event - 1], record):
                if tie[event - 1] == 0:
                    fresh += 1
                    tie[event - 1] = fresh
                tie[event] = fresh


@inlined
def _later(a: int, b: int, record: Ints) -> bool:
    """Whether event ``a`` comes after event ``b``."""
    if record[a, 0] != record[b, 0]:
        return bool(record[a, 0] > record[b, 0])
    return bool(record[a, 1] > record[b, 1])


@within
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


def renumber(start: Ints, record: Ints, first: int, days: Ints, offsets: Ints, seen: Codes, entity: int) -> None:
    """Number the values of distinct counts, the columns from ``first`` on, from 0 within each entity; null becomes 0.

    What a row has seen then fits a few bytes. ``seen`` (codes, 2) keeps the entity that saw a code last and its number;
    the codes of column *c* start at ``offsets[c]``; where that is DAY_COLUMN the values are those of ``days`` (n).
    ``entity`` is the number of the first entity; no two calls with one ``seen`` may share one.
    """
    _renumber(start, record, first, days, offsets, seen, np.empty(len(offsets), np.int32), entity)


@compiled
def _renumber(
    start: Ints, record: Ints, first: int, days: Ints, offsets: Ints, seen: Codes, fresh: Codes, entity: int
) -> None:
    for own in range(len(start) - 1):
        for c in range(len(fresh)):
            fresh[c] = 0
        for event in range(start[own], start[own + 1]):
            for c in range(len(fresh)):
                code = record[event, first + c]
                if offsets[c] == DAY_COLUMN:
                    if event > start[own] and days[event] != days[event - 1]:
                        fresh[c] += 1
                    record[event, first + c] = fresh[c]
                elif code < 0:
                    record[event, first + c] = 0
                else:
                    slot = offsets[c] + code
                    if seen[slot, 0] != entity + own:
                        seen[slot, 0] = entity + own
                        seen[slot, 1] = fresh[c]
                        fresh[c] += 1
                    record[event, first + c] = seen[slot, 1]
