"""The one compiled reading of every feature: a fold over the events of an entity, newest first, driven by tables.

An entity is a lead, or an account with the events of all its leads. For each row (an entity and a cutoff) the events
seen are scanned once from the newest to the oldest. Each event takes a few steps (``program``: which, by its class) on
running states. When the scan passes the far edge of a window, what is asked of that window is kept (``kept``), so that
a number depends on its own window alone and never on which other windows there are. What is made of states or
needs no event is derived last. All is computed in float64 and rounded once, to float32, at the write.

``features.plan`` makes the tables, ``features.fold`` is the same in plain Python. The codes below stay in this file:
numba's cache on disk knows of changes to this file only.
"""

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from features.compiled import compiled, inlined

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Arrays = tuple[Any, ...]
"""A plan or a block as a plain tuple: numba looks into these quickly, into named ones slowly."""

# Steps: what an event does to running states, and how many of them.
EVENTS, VALUES, FIRST, LAST, DECAY, DECAY_NUMBER, DISTINCT, GAPS = range(8)
STATES = {EVENTS: 3, VALUES: 4, FIRST: 1, LAST: 1, DECAY: 1, DECAY_NUMBER: 1, DISTINCT: 1, GAPS: 5}
"""EVENTS: count, age of the newest, of the oldest. VALUES: count, sum, largest, smallest. GAPS: age of the previous
event, gaps, first gap, mean and squares of gap - first gap."""

# Derived cells: made of other cells, of attributes, or of the cutoff.
DAYS, MEAN, GAP_MEAN, GAP_STD, RATIO, DIFFERENCE, ATTRIBUTE, ATTRIBUTE_AGE, TENURE, MONTH, WEEKDAY, HOUR = range(12)

# Columns of a record, which is an event as a row: its times, its class, the conditions that hold as bits; from COLUMNS
# on the numbers (float64 seen through ``reals``), then the codes of distinct counts.
OCCURRED, KNOWN, CLASS, BITS, COLUMNS = range(5)

NEVER = np.iinfo(np.int64).max
HOUR_US = 3_600_000_000
DAY_US = 86_400_000_000
CACHE_LINE = 16
"""Cells of float32."""
LARGEST = float(np.finfo(np.float32).max)
"""Numbers beyond the range of float32 are written as its ends, never as infinities."""


@compiled
def compute_rows(plan: Arrays, block: Arrays, scratch: Arrays, out: npt.NDArray[np.float32]) -> None:
    """Fill the rows of ``out`` (rows, features) that ``block`` asks for. See ``plan.Tables`` and ``block.Block``.

    ``scratch`` comes from ``features.block``: what is allocated there need not be compiled here. Its ``state`` has a
    lane for each of several rows of an entity, which are computed together: an event is then looked at once for all.
    """
    kept, initial, derived, factors, sources, columns = plan[2], plan[5], plan[7], plan[8], plan[9], plan[10]
    event_start, created, fixed = block[0], block[3], block[4]
    change_start, change_known, change_field, change_value, row_start, row_cutoff, row_out = block[5:]
    state, cells, narrow, attributes = scratch[:4]
    for entity in range(len(event_start) - 1):
        top = row_start[entity]
        while top < row_start[entity + 1]:
            rows = min(row_start[entity + 1] - top, state.shape[1])
            for s in range(len(initial)):
                for r in range(rows):
                    state[s, r] = initial[s]
            _touch(out, row_out, top, rows, columns)
            _scan(plan, block, scratch, event_start[entity], event_start[entity + 1], top, rows)
            for r in range(rows):
                cutoff = row_cutoff[top + r]
                for a in range(len(attributes)):
                    attributes[a] = fixed[entity, a]
                for change in range(change_start[entity], change_start[entity + 1]):
                    if change_known[change] >= cutoff:
                        break
                    attributes[change_field[change]] = change_value[change]
                _derive(derived, factors, attributes, cutoff, created[entity], cells[r], len(kept))
                _write(cells[r], narrow, sources, columns, out, row_out[top + r])
            top += rows


@inlined
def _touch(out: npt.NDArray[np.float32], row_out: Ints, top: int, rows: int, columns: Ints) -> None:
    """Ask for the memory that will be written: it comes while the events are scanned, and nobody waits for it."""
    for r in range(rows):
        for f in range(0, len(columns), CACHE_LINE):
            out[row_out[top + r], columns[f]] = 0.0


@compiled
def _scan(plan: Arrays, block: Arrays, scratch: Arrays, first: int, stop: int, top: int, rows: int) -> None:
    """Let the events take the steps of their classes, the newest first, and keep the states at each edge.

    Rows grow by cutoff. Those that see an event are the last ones: from the first whose cutoff lies after both clocks
    of the event (``low``), up to the first that has passed its widest window (``high``).
    """
    edges, kept_start, kept, program_start, program, _, half_lives = plan[:7]
    record, reals = block[1], block[2]
    cutoffs = block[10][top : top + rows]
    state, cells, _, _, weights, group, newer, ages, earliest = scratch
    for which in range(earliest.shape[0]):
        for code in range(stop - first):
            earliest[which, code] = NEVER
    for r in range(rows):
        group[r], newer[r] = 0, NEVER
    low, high = rows, rows
    for event in range(_before(record, first, stop, cutoffs[rows - 1]) - 1, first - 1, -1):
        at = record[event, OCCURRED]
        seen = max(at, record[event, KNOWN])
        while low > 0 and cutoffs[low - 1] > seen:
            low -= 1
        while low < rows and cutoffs[low] <= seen:
            low += 1
        for r in range(low, high):
            age = cutoffs[r] - at
            ages[r] = age
            while group[r] < len(edges) and age > edges[group[r]]:
                for k in range(kept_start[group[r]], kept_start[group[r] + 1]):
                    cells[r, k] = state[kept[k], r]
                group[r] += 1
        while high > low and group[high - 1] == len(edges):
            high -= 1
        if high == 0:
            break
        _weigh(weights, half_lives, newer, ages, at, low, high)
        kind, missing = record[event, CLASS], ~record[event, BITS]
        for p in range(program_start[kind], program_start[kind + 1]):
            if program[p, 3] & missing:
                continue
            what, to, argument, other = program[p, 0], program[p, 1], program[p, 2], program[p, 4]
            if what == EVENTS:
                _events(state, to, ages, low, high)
            elif what == DECAY:
                _add(state, to, weights, argument, 1.0, low, high)
            elif what == DISTINCT:
                code = record[event, argument]
                if earliest[other, code] > seen:
                    _fresh(state, to, cutoffs, earliest[other, code], low, high)
                    earliest[other, code] = seen
            elif what == GAPS:
                _gaps(state, to, ages, low, high)
            elif what == VALUES:
                _values(state, to, reals[event, argument], low, high)
            elif what == DECAY_NUMBER:
                _add(state, to, weights, other, reals[event, argument], low, high)
            else:
                _level(state, to, reals[event, argument], what == FIRST, low, high)
    for r in range(rows):
        for k in range(kept_start[group[r]], len(kept)):
            cells[r, k] = state[kept[k], r]


@inlined
def _weigh(weights: Floats, half_lives: Floats, newer: Ints, ages: Floats, at: int, low: int, high: int) -> None:
    """Carry the weights to an event from the newer one that each row saw before it.

    An event that a row does not know yet leaves no trace in it. Most rows come from the same event.
    """
    for h in range(len(half_lives)):
        before, step = NEVER, 1.0
        for r in range(low, high):
            if newer[r] == NEVER:
                weights[h, r] = math.exp2(-ages[r] / half_lives[h])
            else:
                if newer[r] != before:
                    before = newer[r]
                    step = math.exp2(-(before - at) / half_lives[h])
                weights[h, r] *= step
    for r in range(low, high):
        newer[r] = at


@inlined
def _events(state: Floats, at: int, ages: Floats, low: int, high: int) -> None:
    for r in range(low, high):
        state[at + 1, r] = ages[r] if state[at, r] == 0.0 else state[at + 1, r]
        state[at, r] += 1.0
        state[at + 2, r] = ages[r]


@inlined
def _values(state: Floats, at: int, number: float, low: int, high: int) -> None:
    for r in range(low, high):
        first = state[at, r] == 0.0
        state[at + 2, r] = number if first or number > state[at + 2, r] else state[at + 2, r]
        state[at + 3, r] = number if first or number < state[at + 3, r] else state[at + 3, r]
        state[at, r] += 1.0
        state[at + 1, r] += number


@inlined
def _level(state: Floats, at: int, number: float, first: bool, low: int, high: int) -> None:
    """The oldest number comes last, the newest is the one that finds nothing before it."""
    for r in range(low, high):
        state[at, r] = number if first or math.isnan(state[at, r]) else state[at, r]


@inlined
def _add(state: Floats, at: int, weights: Floats, which: int, number: float, low: int, high: int) -> None:
    for r in range(low, high):
        state[at, r] += weights[which, r] * number


@inlined
def _fresh(state: Floats, at: int, cutoffs: Ints, earliest: int, low: int, high: int) -> None:
    """A value is new to the rows that know none of its newer events: the earliest of these was known from then on."""
    for r in range(low, high):
        state[at, r] += 1.0 if cutoffs[r] <= earliest else 0.0


@inlined
def _gaps(state: Floats, at: int, ages: Floats, low: int, high: int) -> None:
    """Welford's running variance (Technometrics 4(3), 1962) of the gaps, shifted by the first gap to keep digits."""
    for r in range(low, high):
        if not math.isnan(state[at, r]):
            gap = ages[r] - state[at, r]
            state[at + 1, r] += 1.0
            if state[at + 1, r] == 1.0:
                state[at + 2, r] = gap
            shifted = gap - state[at + 2, r]
            delta = shifted - state[at + 3, r]
            state[at + 3, r] += delta / state[at + 1, r]
            state[at + 4, r] += delta * (shifted - state[at + 3, r])
        state[at, r] = ages[r]


@compiled
def _before(record: Ints, first: int, last: int, cutoff: int) -> int:
    """The first event at or after the cutoff; those before it can be seen."""
    low, high = first, last
    while low < high:
        middle = (low + high) // 2
        if record[middle, OCCURRED] < cutoff:
            low = middle + 1
        else:
            high = middle
    return low


@compiled
def _derive(
    derived: Ints, factors: Floats, attributes: Floats, cutoff: int, created: int, cells: Floats, to: int
) -> None:
    """Fill the cells from ``to`` on. A row of ``derived``: what, then up to three cells before its own."""
    for d in range(len(derived)):
        what, a, b, c = derived[d, 0], derived[d, 1], derived[d, 2], derived[d, 3]
        value = math.nan
        if what == DAYS:
            value = cells[a] / DAY_US
        elif what == RATIO:
            if cells[b] != 0.0:
                value = cells[a] / cells[b] * factors[d]
        elif what == DIFFERENCE:
            value = cells[a] - cells[b]
        elif what == MEAN:
            if cells[a] > 0.0:
                value = cells[b] / cells[a]
        elif what == GAP_MEAN:
            if cells[a] > 1.0:
                value = (cells[c] - cells[b]) / (cells[a] - 1.0) / DAY_US
        elif what == GAP_STD:
            if cells[a] > 1.0:
                value = math.sqrt(cells[b] / cells[a]) / DAY_US
        elif what == ATTRIBUTE:
            value = attributes[a]
        elif what == ATTRIBUTE_AGE:
            value = (cutoff - attributes[a]) / DAY_US
        elif what == TENURE:
            value = (cutoff - created) / DAY_US
        elif what == MONTH:
            value = float(_month(cutoff // DAY_US))
        elif what == WEEKDAY:
            value = float((cutoff // DAY_US + 3) % 7)
        else:
            value = float(cutoff % DAY_US // HOUR_US)
        cells[to + d] = value


@compiled
def _month(day: int) -> int:
    """The month, 1 to 12, of a day since 1970: Hinnant's ``civil_from_days``, counting from 1 March."""
    of_era = (day + 719_468) % 146_097
    year = (of_era - of_era // 1_460 + of_era // 36_524 - of_era // 146_096) // 365
    of_year = of_era - (365 * year + year // 4 - year // 100)
    march = (5 * of_year + 2) // 153
    return march + 3 if march < 10 else march - 9


@compiled
def _write(
    cells: Floats,
    narrow: npt.NDArray[np.float32],
    sources: Ints,
    columns: Ints,
    out: npt.NDArray[np.float32],
    row: int,
) -> None:
    """The only rounding: all cells at once, which goes faster than one by one, then each to its column."""
    for c in range(len(cells)):
        value = cells[c]
        value = LARGEST if value > LARGEST else value
        narrow[c] = -LARGEST if value < -LARGEST else value
    for f in range(len(sources)):
        out[row, columns[f]] = narrow[sources[f]]
