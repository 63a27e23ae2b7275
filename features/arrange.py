"""Putting events in order: by lead in one pass, then each lead's own in the total order."""

import numpy as np
import numpy.typing as npt

from features.compiled import compiled

Ints = npt.NDArray[np.int64]
Codes = npt.NDArray[np.int32]


@compiled
def by_lead(leads: Codes, count: int) -> tuple[Ints, Ints]:
    """A stable counting sort: where each lead starts (count + 1), and the positions; negative leads are left out."""
    start = np.zeros(count + 1, np.int64)
    for lead in leads:
        if lead >= 0:
            start[lead + 1] += 1
    for lead in range(count):
        start[lead + 1] += start[lead]
    order = np.empty(start[count], np.int64)
    free = start[:-1].copy()
    for position in range(len(leads)):
        lead = leads[position]
        if lead >= 0:
            order[free[lead]] = position
            free[lead] += 1
    return start, order


@compiled
def strictly_ordered(start: Ints, occurred: Ints, known: Ints) -> bool:
    """Whether each lead's events already grow in (occurred, known), without ties."""
    for lead in range(len(start) - 1):
        for event in range(start[lead] + 1, start[lead + 1]):
            before = event - 1
            if occurred[before] > occurred[event]:
                return False
            if occurred[before] == occurred[event] and known[before] >= known[event]:
                return False
    return True


@compiled
def _after(a: int, b: int, occurred: Ints, known: Ints, ties: Ints) -> bool:
    """Whether event ``a`` comes after event ``b`` in the total order."""
    if occurred[a] != occurred[b]:
        return bool(occurred[a] > occurred[b])
    if known[a] != known[b]:
        return bool(known[a] > known[b])
    for column in range(ties.shape[0]):
        if ties[column, a] != ties[column, b]:
            return bool(ties[column, a] > ties[column, b])
    return False


@compiled
def total_order(start: Ints, occurred: Ints, known: Ints, ties: Ints) -> Ints:
    """The positions of all events, each lead's in the total order. ``ties`` (columns, n) settles equal times."""
    order = np.arange(len(occurred))
    for lead in range(len(start) - 1):
        first, last = start[lead], start[lead + 1]
        for event in range(first + 1, last):
            if _after(order[event - 1], order[event], occurred, known, ties):
                _merge_sort(order[first:last], occurred, known, ties)
                break
    return order


@compiled
def _merge_sort(order: Ints, occurred: Ints, known: Ints, ties: Ints) -> None:
    """Sort positions in place, bottom up: never slower than n log n, whatever order the source had."""
    count = len(order)
    other = np.empty_like(order)
    width = 1
    while width < count:
        for low in range(0, count, 2 * width):
            middle, high = min(low + width, count), min(low + 2 * width, count)
            left, right = low, middle
            for to in range(low, high):
                if right >= high or (left < middle and not _after(order[left], order[right], occurred, known, ties)):
                    other[to] = order[left]
                    left += 1
                else:
                    other[to] = order[right]
                    right += 1
        order[:] = other
        width *= 2


@compiled
def renumber(start: Ints, codes: Codes, levels: int, out: Codes) -> None:
    """Number each lead's codes afresh from 0, so that what was seen fits a few bytes. Null (negative) becomes 0."""
    owner = np.full(levels, -1, np.int64)
    number = np.empty(levels, np.int32)
    for lead in range(len(start) - 1):
        fresh = 0
        for event in range(start[lead], start[lead + 1]):
            code = codes[event]
            if code < 0:
                out[event] = 0
                continue
            if owner[code] != lead:
                owner[code] = lead
                number[code] = fresh
                fresh += 1
            out[event] = number[code]


@compiled
def number_days(start: Ints, occurred: Ints, day: int, out: Codes) -> None:
    """Number each lead's different UTC days from 0; events stand in order of time."""
    for lead in range(len(start) - 1):
        fresh = 0
        for event in range(start[lead], start[lead + 1]):
            if event > start[lead] and occurred[event] // day != occurred[event - 1] // day:
                fresh += 1
            out[event] = fresh
