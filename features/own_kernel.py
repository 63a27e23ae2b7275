"""One lead's events, coded, made records and computed, in one compiled call.

The small arrays of one lead cost more in NumPy's calls than the arithmetic does, and most so in a service whose caches
hold other things. Like the plan, what is asked of columns is told by tables: a new catalog compiles nothing.
"""

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from features import arrange, kernel
from features.arrange import Codes, sort_by_time
from features.compiled import compiled, compiled_over
from features.kernel import BITS, CLASS, COLUMNS, DAY_US, KNOWN, OCCURRED, Arrays, Floats, Ints, compute_rows

PRESENT, AMONG, RANGE = range(3)
"""What a condition on a number asks: that there is one, that it is among some, that it is in a range."""
DAY_VALUES = -1
"""In the place of a text column: the values of the distinct count are UTC days."""
Moments = Any
"""(n,) int64: an ``array.array`` or NumPy's."""
_compiled = compiled_over(kernel, arrange)


@_compiled
def own_row(
    plan: Arrays,
    own: Arrays,
    work: Arrays,
    scratch: Arrays,
    told: Arrays,
    out: npt.NDArray[np.float32],
    ordered: bool,
) -> bool:
    """Fill a row of ``out`` (1, features); False where times alone do not say in which order the events stand.

    ``ordered``: the caller has put them in the total order. ``plan`` and ``scratch`` as ``kernel.compute_rows`` takes
    them, ``own`` and ``work`` as ``features.own_block`` makes them, ``told`` as ``encode_own`` takes it, then fixed
    attributes (A), (creation, cutoff), and changes: known_at, attribute and value (m,).
    """
    occurred, known, codes, numbers, attributes, moments, changed, fields, values = told
    if not encode_own(own, (occurred, known, codes, numbers), work[:8], ordered):
        return False
    created, fixed, change_start, change_known, change_field, change_value, row_start, row_cutoff, row_out = work[8:]
    created[0], row_cutoff[0] = moments[0], moments[1]
    for a in range(fixed.shape[1]):
        fixed[0, a] = attributes[a]
    change_start[1] = len(changed)
    for k in range(len(changed)):
        change_known[k], change_field[k], change_value[k] = changed[k], fields[k], values[k]
    record, reals, event_start = work[0], work[1], work[2]
    changes = (change_start, change_known, change_field, change_value)
    block = (event_start, record, reals, created, fixed, *changes, row_start, row_cutoff, row_out)
    compute_rows(plan, block, scratch, out)
    return True


@_compiled
def encode_own(own: Arrays, told: Arrays, work: Arrays, ordered: bool) -> bool:
    """Write the records of n events to the first rows of a block's; what it returns and ``ordered`` as in ``own_row``.

    ``told``: occurred_at and known_at (n,); codes (n * (1 + texts)): actors, then column by column those of the texts
    (-1 where null), numbers (n * reals) likewise. ``work``: records, their memory as float64, where events start (2,),
    and scratch.
    """
    classes, first_of, bits_of, conditions, limits, from_reals, level_from, level_of, distinct_from = own
    occurred, known, codes, numbers = told
    record, reals, start, fresh, spare, order, other, tie = work
    n = len(occurred)
    start[1] = n
    first_level = COLUMNS + len(from_reals)
    first_value = first_level + len(level_from)
    for i in range(n):
        record[i, OCCURRED], record[i, KNOWN] = occurred[i], known[i]
        record[i, CLASS] = classes[min(codes[n + i], len(classes) - 1)] + codes[i]
        record[i, BITS] = _bits(first_of, bits_of, conditions, limits, codes, numbers, n, i)
        for k in range(len(from_reals)):
            reals[i, COLUMNS + k] = _finite(numbers[from_reals[k] * n + i])
        for k in range(len(level_from)):
            column = level_from[k]
            reals[i, first_level + k] = level_of[k, _place(first_of, column, codes[(1 + column) * n + i])]
    for k in range(len(distinct_from)):
        if distinct_from[k] != DAY_VALUES:
            _renumber(record, codes, distinct_from[k], first_value + k, n, fresh)
    if not ordered and not _in_order(start, record, spare, order, other, tie):
        return False
    for k in range(len(distinct_from)):
        if distinct_from[k] == DAY_VALUES:
            _number_days(record, first_value + k, n)
    return True


@_compiled
def _in_order(start: Ints, record: Ints, spare: Ints, order: Codes, other: Codes, tie: Codes) -> bool:
    """Put the records in the order of their times; False where two have the same."""
    n = start[1]
    for i in range(n):
        order[i], tie[i] = i, 0
    sort_by_time(start, order, record, other, tie)
    moved = False
    for i in range(n):
        if tie[i] != 0:
            return False
        moved = moved or order[i] != i
    if moved:
        for i in range(n):
            for column in range(record.shape[1]):
                spare[i, column] = record[order[i], column]
        for i in range(n):
            for column in range(record.shape[1]):
                record[i, column] = spare[i, column]
    return True


@compiled
def _place(first_of: Ints, column: int, code: int) -> int:
    """Where the tables hold what is to know of a code: of a known one, of any other one, of null."""
    first, last = first_of[column], first_of[column + 1] - 1
    return int(last if code < 0 else min(first + code, last - 1))


@compiled
def _bits(
    first_of: Ints, bits_of: Ints, conditions: Ints, limits: Floats, codes: Moments, numbers: Moments, n: int, i: int
) -> int:
    """The conditions that hold for an event."""
    bits = 0
    for column in range(len(first_of) - 1):
        bits |= bits_of[_place(first_of, column, codes[(1 + column) * n + i])]
    for c in range(len(conditions)):
        bit, column, what, first, last = conditions[c]
        number = _finite(numbers[column * n + i])
        if what == PRESENT:
            holds = not math.isnan(number)
        elif what == RANGE:
            holds = limits[first] <= number < limits[last]
        else:
            holds = False
            for k in range(first, last):
                holds = holds or limits[k] == number
        if holds:
            bits |= 1 << bit
    return bits


@compiled
def _finite(number: float) -> float:
    """NaN for what is not finite; zero without a sign."""
    return number + 0.0 if math.isfinite(number) else math.nan


@compiled
def _renumber(record: Ints, codes: Moments, column: int, to: int, n: int, fresh: Ints) -> None:
    """Number the values of a distinct count from 0; null becomes 0, nobody reads it."""
    first, most, count = (1 + column) * n, -1, 0
    for i in range(n):
        most = max(most, codes[first + i])
    for code in range(most + 1):
        fresh[code] = -1
    for i in range(n):
        code = codes[first + i]
        if code < 0:
            record[i, to] = 0
            continue
        if fresh[code] < 0:
            fresh[code] = count
            count += 1
        record[i, to] = fresh[code]


@_compiled
def _number_days(record: Ints, to: int, n: int) -> None:
    """Number the UTC days of events in their order from 0."""
    count = 0
    for i in range(n):
        if i > 0 and record[i, OCCURRED] // DAY_US != record[i - 1, OCCURRED] // DAY_US:
            count += 1
        record[i, to] = count
