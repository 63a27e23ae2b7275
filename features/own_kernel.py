"""One lead's events coded and made records in one compiled call.

The small arrays of one lead cost more in NumPy's calls than the arithmetic does, and most so in a service whose caches
hold other things. Like the plan, what is asked of columns is told by tables: a new catalog compiles nothing.
"""

import math
from typing import Any

from features import kernel
from features.compiled import compiled_over, inlined
from features.kernel import BITS, CLASS, COLUMNS, DAY_US, KNOWN, OCCURRED, Arrays, Ints

DAY_VALUES = -1
"""In the place of a text column: the values of the distinct count are UTC days."""
Moments = Any
"""(n,) int64: an ``array.array`` or NumPy's."""


@compiled_over(kernel, allocates=False)
def encode_own(own: Arrays, told: Arrays, work: Arrays) -> bool:
    """Write the records of n events to the first rows of a block's; whether they stand in the order of their times.

    ``told``: occurred_at and known_at (n,); codes (n * (1 + texts)): actors, then column by column those of the texts
    (-1 where null); numbers (n * reals) likewise, made finite or NaN in place. ``own``: see ``features.own_tables``.
    ``work``: records, their memory as float64, and scratch. Where the order is not theirs, or two times are equal,
    the days of distinct counts mean nothing.
    """
    classes, first_of, bits_of, conditions, limits, from_reals, level_from, level_of, distinct_from = own
    occurred, known, codes, numbers = told
    record, reals, fresh = work
    n, first_level = len(occurred), COLUMNS + len(from_reals)
    for j in range(len(numbers)):
        numbers[j] = numbers[j] + 0.0 if math.isfinite(numbers[j]) else math.nan  # zero without a sign
    ordered = True
    for i in range(n):
        record[i, OCCURRED], record[i, KNOWN] = occurred[i], known[i]
        ordered = ordered and (i == 0 or _after(occurred[i], known[i], occurred[i - 1], known[i - 1]))
        record[i, CLASS] = classes[_place(0, len(classes), codes[n + i])] + codes[i]
        bits = 0
        for column in range(len(first_of) - 1):
            bits |= bits_of[_place(first_of[column], first_of[column + 1], codes[(1 + column) * n + i])]
        for c in range(len(conditions)):
            if limits[c, 0] <= numbers[conditions[c, 1] * n + i] < limits[c, 1]:
                bits |= 1 << conditions[c, 0]
        record[i, BITS] = bits
        for k in range(len(from_reals)):
            reals[i, COLUMNS + k] = numbers[from_reals[k] * n + i]
        for k in range(len(level_from)):
            column = level_from[k]
            at = _place(first_of[column], first_of[column + 1], codes[(1 + column) * n + i])
            reals[i, first_level + k] = level_of[k, at]
    for k in range(len(distinct_from)):
        to = first_level + len(level_from) + k
        if distinct_from[k] == DAY_VALUES:
            _number_days(record, to, n)
        else:
            _renumber(record, codes, (1 + distinct_from[k]) * n, to, n, fresh)
    return ordered


@inlined
def _after(occurred: int, known: int, occurred_before: int, known_before: int) -> bool:
    return occurred > occurred_before or (occurred == occurred_before and known > known_before)


@inlined
def _place(first: int, stop: int, code: int) -> int:
    """Where the tables hold what is to know of a code: of a known one, then of any other one, last of null."""
    known = first + code if first + code < stop - 1 else stop - 2
    return stop - 1 if code < 0 else known


@inlined
def _renumber(record: Ints, codes: Moments, first: int, to: int, n: int, fresh: Ints) -> None:
    """Number the values of a distinct count from 0; null becomes 0, nobody reads it."""
    count = 0
    for code in range(len(fresh)):
        fresh[code] = -1
    for i in range(n):
        code = codes[first + i]
        if code >= 0 and fresh[code] < 0:
            fresh[code] = count
            count += 1
        record[i, to] = fresh[code] if code >= 0 else 0


@inlined
def _number_days(record: Ints, to: int, n: int) -> None:
    """Number the UTC days of events in their order from 0."""
    count = 0
    for i in range(n):
        if i > 0 and record[i, OCCURRED] // DAY_US != record[i - 1, OCCURRED] // DAY_US:
            count += 1
        record[i, to] = count
