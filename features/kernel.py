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

from features.compiled import compiled, inlined, within

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Singles = npt.NDArray[np.float32]
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

# Columns of a group: some rows of one entity that are computed together, and its events and changes.
ENTITY, EVENT, EVENT_STOP, CHANGE, CHANGE_STOP, ROW, ROW_STOP = range(7)

# What is known of a lane besides its states: the edges that it has passed, the time of the event that it saw before.
PASSED, NEWER = range(2)

NEVER = np.iinfo(np.int64).max
HOUR_US = 3_600_000_000
DAY_US = 86_400_000_000
CACHE_LINE = 16
"""Cells of float32."""
LARGEST = float(np.finfo(np.float32).max)
"""Numbers beyond the range of float32 are written as its ends, never as infinities."""


@compiled
def compute_rows(plan: Arrays, block: Arrays, scratch: Arrays, out: Singles) -> None:
    """Fill the rows of ``out`` (rows, features) that ``block`` asks for. The three tuples come from ``features.block``.

    Rows of an entity are computed together, in lanes: an event is then looked at once for all. Those that see an event
    are the last ones: from the first whose cutoff lies after both clocks of the event (``low``), up to the first that
    has passed its widest window (``high``). Where one passes an edge, what is asked of that window is kept.
    """
    edges, kept_start, kept, program_start, program, initial, half_lives, derived, factors, written = plan
    groups, record, reals, cutoffs, row_out, created, fixed, known, fields, values = block
    state, cells, narrow, attributes, weights, ages, lanes, earliest = scratch
    for g in range(len(groups)):
        top, rows = groups[g, ROW], groups[g, ROW_STOP] - groups[g, ROW]
        _open(state, initial, lanes, earliest, groups[g, EVENT_STOP] - groups[g, EVENT], rows)
        _touch(out, row_out, top, rows, written)
        low, high = rows, rows
        for event in range(groups[g, EVENT_STOP] - 1, groups[g, EVENT] - 1, -1):
            at = record[event, OCCURRED]
            seen = at if at > record[event, KNOWN] else record[event, KNOWN]
            while low > 0 and cutoffs[top + low - 1] > seen:
                low -= 1
            while low < rows and cutoffs[top + low] <= seen:
                low += 1
            for r in range(low, high):
                ages[r] = cutoffs[top + r] - at
                _pass(cells, state, kept, kept_start, edges, lanes, ages, r)
            while high > low and lanes[PASSED, high - 1] == len(edges):
                high -= 1
            if low >= high:
                if high == 0:
                    break
                continue
            _weigh(weights, half_lives, lanes, ages, at, low, high)
            missing = ~record[event, BITS]
            for p in range(program_start[record[event, CLASS]], program_start[record[event, CLASS] + 1]):
                if program[p, 3] & missing:
                    continue
                what, to, argument, other = program[p, 0], program[p, 1], program[p, 2], program[p, 4]
                if what == EVENTS:
                    _events(state, to, ages, low, high)
                elif what == DECAY:
                    for r in range(low, high):
                        state[to, r] += weights[argument, r]
                elif what == DISTINCT:
                    before = earliest[other, record[event, argument]]
                    if before > seen:  # it is new to rows that know none of its newer events
                        earliest[other, record[event, argument]] = seen
                        for r in range(low, high):
                            state[to, r] += 1.0 if cutoffs[top + r] <= before else 0.0
                elif what == GAPS:
                    _gaps(state, to, ages, low, high)
                elif what == VALUES:
                    _values(state, to, reals[event, argument], low, high)
                elif what == DECAY_NUMBER:
                    for r in range(low, high):
                        state[to, r] += weights[other, r] * reals[event, argument]
                else:
                    _level(state, to, reals[event, argument], what == FIRST, low, high)
        for r in range(rows):
            for k in range(kept_start[lanes[PASSED, r]], len(kept)):
                cells[r, k] = state[kept[k], r]
            entity, cutoff = groups[g, ENTITY], cutoffs[top + r]
            for a in range(len(attributes)):
                attributes[a] = fixed[entity, a]
            _change(attributes, known, fields, values, groups[g, CHANGE], groups[g, CHANGE_STOP], cutoff)
            _derive(derived, factors, attributes, cutoff, created[entity], cells, r, len(kept))
            _write(cells, r, narrow, written, out, row_out[top + r])


@within
def _open(state: Floats, initial: Floats, lanes: Ints, earliest: Ints, events: int, rows: int) -> None:
    """The states before any event."""
    for s in range(len(initial)):
        for r in range(rows):
            state[s, r] = initial[s]
    for r in range(rows):
        lanes[PASSED, r], lanes[NEWER, r] = 0, NEVER
    for which in range(earliest.shape[0]):
        for code in range(events):
            earliest[which, code] = NEVER


@inlined
def _touch(out: Singles, row_out: Ints, top: int, rows: int, written: Ints) -> None:
    """Ask for the memory that will be written: it comes while the events are scanned, and nobody waits for it."""
    for r in range(rows):
        for f in range(0, len(written), CACHE_LINE):
            out[row_out[top + r], written[f, 1]] = 0.0


@inlined
def _pass(
    cells: Floats, state: Floats, kept: Ints, kept_start: Ints, edges: Ints, lanes: Ints, ages: Floats, r: int
) -> None:
    """Keep what is asked of the windows whose edges a row passes on its way to an older event."""
    passed = lanes[PASSED, r]
    while passed < len(edges) and ages[r] > edges[passed]:
        passed += 1
    for k in range(kept_start[lanes[PASSED, r]], kept_start[passed]):
        cells[r, k] = state[kept[k], r]
    lanes[PASSED, r] = passed


@inlined
def _weigh(weights: Floats, half_lives: Floats, lanes: Ints, ages: Floats, at: int, low: int, high: int) -> None:
    """Carry the weights to an event from the newer one that each row saw before it.

    An event that a row does not know yet leaves no trace in it. Most rows come from the same event.
    """
    for h in range(len(half_lives)):
        before, step = NEVER, 1.0
        for r in range(low, high):
            newer = lanes[NEWER, r]
            if newer == NEVER:
                weights[h, r] = math.exp2(-ages[r] / half_lives[h])
            else:
                if newer != before:
                    before = newer
                    step = math.exp2(-(before - at) / half_lives[h])
                weights[h, r] *= step
    for r in range(low, high):
        lanes[NEWER, r] = at


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


@inlined
def _change(attributes: Floats, known: Ints, fields: Ints, values: Floats, first: int, stop: int, cutoff: int) -> None:
    """Bring attributes to what was known of them before the cutoff; changes stand in the order they became known."""
    for change in range(first, stop):
        if known[change] >= cutoff:
            break
        attributes[fields[change]] = values[change]


@within
def _derive(
    derived: Ints, factors: Floats, attributes: Floats, cutoff: int, created: int, cells: Floats, r: int, to: int
) -> None:
    """Fill the cells of lane ``r`` from ``to`` on. A row of ``derived``: what, then up to three cells before its own.

    The month is that of Hinnant's ``civil_from_days``, counting from 1 March.
    """
    for d in range(len(derived)):
        what, a, b, c = derived[d, 0], derived[d, 1], derived[d, 2], derived[d, 3]
        value = math.nan
        if what == DAYS:
            value = cells[r, a] / DAY_US
        elif what == RATIO:
            if cells[r, b] != 0.0:
                value = cells[r, a] / cells[r, b] * factors[d]
        elif what == DIFFERENCE:
            value = cells[r, a] - cells[r, b]
        elif what == MEAN:
            if cells[r, a] > 0.0:
                value = cells[r, b] / cells[r, a]
        elif what == GAP_MEAN:
            if cells[r, a] > 1.0:
                value = (cells[r, c] - cells[r, b]) / (cells[r, a] - 1.0) / DAY_US
        elif what == GAP_STD:
            if cells[r, a] > 1.0:
                value = math.sqrt(cells[r, b] / cells[r, a]) / DAY_US
        elif what == ATTRIBUTE:
            value = attributes[a]
        elif what == ATTRIBUTE_AGE:
            value = (cutoff - attributes[a]) / DAY_US
        elif what == TENURE:
            value = (cutoff - created) / DAY_US
        elif what == MONTH:
            of_era = (cutoff // DAY_US + 719_468) % 146_097
            year = (of_era - of_era // 1_460 + of_era // 36_524 - of_era // 146_096) // 365
            march = (5 * (of_era - (365 * year + year // 4 - year // 100)) + 2) // 153
            value = march + 3.0 if march < 10 else march - 9.0
        elif what == WEEKDAY:
            value = float((cutoff // DAY_US + 3) % 7)
        else:
            value = float(cutoff % DAY_US // HOUR_US)
        cells[r, to + d] = value


@within
def _write(cells: Floats, r: int, narrow: Singles, written: Ints, out: Singles, row: int) -> None:
    """The only rounding: all cells at once, which goes faster than one by one, then each to its column."""
    for c in range(len(narrow)):
        value = cells[r, c]
        value = LARGEST if value > LARGEST else value
        narrow[c] = -LARGEST if value < -LARGEST else value
    for f in range(len(written)):
        out[row, written[f, 1]] = narrow[written[f, 0]]
