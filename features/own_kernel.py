"""One lead's events coded and made records in one compiled call.

The small arrays of one lead cost more in NumPy's calls than the arithmetic does, and most so in a service whose caches
hold other things. Like the plan, what is asked of columns is told by tables: a new catalog compiles nothing.
"""

import math
from typing import Any

from features import kernel
from features.compiled import compiled_over, inlined
from features.kernel import BITS, CLASS, COLUMNS, DAY_US, KNOWN, OCCURRED, Arrays, Ints

MOST_MOVES = 256
"""So many events at the most, for each that there is, are moved to put all in order."""
DAY_VALUES = -1
"""In the place of a text column: the values of the distinct count are UTC days."""
Moments = Any
"""(n,) int64: an ``array.array`` or NumPy's."""


@compiled_over(kernel, allocates=False)
def encode_own(own: Arrays, told: Arrays, work: Arrays) -> bool:
    """Write the records of n events to the first rows of a block's, by their times; whether no two are of the same.

    ``told``: occurred_at and known_at (n,); codes (n * (1 + texts)): actors, then column by column those of the texts
    (-1 where null); numbers (n * reals) likewise, made finite or NaN in place. ``own``: see ``features.own_tables``.
    ``work``: records, their memory as float64, and scratch. Events that are told in the order of their times stay in
    it, those of the same times too; otherwise these stand in any order.
    """
    classes, first_of, bits_of, conditions, limits, from_reals, level_from, level_of, distinct_from = own
    occurred, known, codes, numbers = told
    record, reals, fresh, order = work
    n, first_level = len(occurred), COLUMNS + len(from_reals)
    for j in range(len(numbers)):
        numbers[j] = numbers[j] + 0.0 if math.isfinite(numbers[j]) else math.nan  # zero without a sign
    apart = _order(order, occurred, known, n)
    for i in range(n):
        of = order[i]
        record[i, OCCURRED], record[i, KNOWN] = occurred[of], known[of]
        record[i, CLASS] = classes[_place(0, len(classes), codes[n + of])] + codes[of]
        bits = 0
        for column in range(len(first_of) - 1):
            bits |= bits_of[_place(first_of[column], first_of[column + 1], codes[(1 + column) * n + of])]
        for c in range(len(conditions)):
            if limits[c, 0] <= numbers[conditions[c, 1] * n + of] < limits[c, 1]:
                bits |= 1 << conditions[c, 0]
        record[i, BITS] = bits
        for k in range(len(from_reals)):
            reals[i, COLUMNS + k] = numbers[from_reals[k] * n + of]
        for k in range(len(level_from)):
            column = level_from[k]
            at = _place(first_of[column], first_of[column + 1], codes[(1 + column) * n + of])
            reals[i, first_level + k] = level_of[k, at]
    for k in range(len(distinct_from)):
        to = first_level + len(level_from) + k
        if distinct_from[k] == DAY_VALUES:
            _number_days(record, to, n)
        else:
            column = distinct_from[k]
            most = first_of[column + 1] - first_of[column] + n
            _renumber(record, codes, (1 + column) * n, to, n, fresh[:most], order)
    return apart


@inlined
def _order(order: Ints, occurred: Moments, known: Moments, n: int) -> bool:
    """Put events in the order of their times; whether that is done and no two are of the same.

    By insertion, which suits what comes nearly in order, or newest first; many in great disorder are left.
    """
    apart, moves, most = True, 0, MOST_MOVES * n + 1
    for i in range(n):
        at, before = i, True
        while at > 0 and moves < most:
            other = order[at - 1]
            later = occurred[i] - occurred[other] if occurred[i] != occurred[other] else known[i] - known[other]
            if later >= 0:
                before = later > 0
                break
            order[at] = other
            at -= 1
            moves += 1
        order[at] = i
        apart = apart and before
    return apart and moves < most


@inlined
def _place(first: int, stop: int, code: int) -> int:
    """Where the tables hold what is to know of a code: of a known one, then of any other one, last of null."""
    known = first + code if first + code < stop - 1 else stop - 2
    return stop - 1 if code < 0 else known


@inlined
def _renumber(record: Ints, codes: Moments, first: int, to: int, n: int, fresh: Ints, order: Ints) -> None:
    """Number the values of a distinct count from 0; null becomes 0, nobody reads it."""
    count = 0
    for code in range(len(fresh)):
        fresh[code] = -1
    for i in range(n):
        code = codes[first + order[i]]
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
