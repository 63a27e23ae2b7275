"""The one compiled reading of every feature: a fold over a lead's events, newest first, driven by tables.

For each row (a lead and a cutoff) the events seen are scanned once from the newest to the oldest. Each event updates a
few running states (``updates``: which, by its class). When the scan passes the far edge of a window, the outputs of
that window are read from the running states (``reads``), so that a number depends on its own window alone and never on
which other windows there are. Outputs made of outputs come last (``lates``). All is computed in float64 and rounded
once, to float32, at the write.

``features.plan`` makes the tables, ``features.fold`` is the same in plain Python. The codes below stay in this file:
numba's cache on disk knows of changes to this file only.
"""

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from features.compiled import compiled

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Arrays = tuple[Any, ...]
"""A plan or a block as a plain tuple: numba looks into these quickly, into named ones slowly."""

# Updates of a running state by an event.
COUNT, NEWEST, OLDEST, SUM, MAX, MIN, LAST, FIRST, DECAY, DECAY_NUMBER, DISTINCT, GAP = range(12)
GAP_STATES = 6
"""A GAP keeps: age of the previous event, age of the newest, gaps, first gap, mean and squares of gap - first gap."""

# Reads of an output from running states.
PLAIN, AGE, MEAN, GAP_MEAN, GAP_STD = range(5)

# Outputs that need no event, or other outputs.
RATIO, DIFFERENCE, SCALED_RATIO, ATTRIBUTE, ATTRIBUTE_AGE, TENURE, MONTH, WEEKDAY, HOUR = range(9)

HOUR_US = 3_600_000_000
DAY_US = 86_400_000_000
LARGEST = float(np.finfo(np.float32).max)
"""Numbers beyond the range of float32 are written as its ends, never as infinities."""


@compiled
def compute_rows(plan: Arrays, block: Arrays, out: npt.NDArray[np.float32]) -> None:
    """Fill the rows of ``out`` (rows, features) that ``block`` asks for. See ``plan.Tables`` and ``block.Block``."""
    edges, read_start, reads, lates, factors, update_start, updates, initial, half_lives, sizes = plan
    event_start, occurred, known, event_class, bits, numbers, codes, created, fixed = block[:9]
    change_start, change_known, change_field, change_value, row_start, row_cutoff, row_out = block[9:]
    longest = 0
    for lead in range(len(created)):
        longest = max(longest, event_start[lead + 1] - event_start[lead])
    state = np.empty(len(initial))
    values = np.full(sizes[0], np.nan)
    weights = np.zeros(max(1, len(half_lives)))
    steps = np.empty((longest + 1, len(half_lives)))
    stamps = np.zeros((sizes[1], longest + 1), np.int64)
    attributes = np.empty(fixed.shape[1])
    stamp = 0
    for lead in range(len(created)):
        first, last = event_start[lead], event_start[lead + 1]
        if row_start[lead] == row_start[lead + 1]:
            continue
        _decay_steps(occurred, first, last, half_lives, steps)
        for row in range(row_start[lead], row_start[lead + 1]):
            cutoff = row_cutoff[row]
            stamp += 1
            for s in range(len(initial)):
                state[s] = initial[s]
            group = 0
            newer = first - 1
            for event in range(_before(occurred, first, last, cutoff) - 1, first - 1, -1):
                if known[event] >= cutoff:
                    continue
                age = cutoff - occurred[event]
                while age > edges[group]:
                    _read(reads, read_start[group], read_start[group + 1], state, values)
                    group += 1
                if group == len(edges) - 1 and read_start[group] == read_start[group + 1]:
                    break
                _weigh(weights, half_lives, steps, occurred, cutoff, event, newer, first)
                newer = event
                start, stop = update_start[event_class[event]], update_start[event_class[event] + 1]
                _update(updates, start, stop, bits[event], age, numbers, codes, event, weights, state, stamps, stamp)
            _read(reads, read_start[group], read_start[len(edges)], state, values)
            _attributes(fixed, lead, change_start, change_known, change_field, change_value, cutoff, attributes)
            _late(lates, factors, attributes, cutoff, created[lead], values)
            _write(values, out, row_out[row])


@compiled
def _before(occurred: Ints, first: int, last: int, cutoff: int) -> int:
    """The first event at or after the cutoff; those before it can be seen."""
    low, high = first, last
    while low < high:
        middle = (low + high) // 2
        if occurred[middle] < cutoff:
            low = middle + 1
        else:
            high = middle
    return low


@compiled
def _decay_steps(occurred: Ints, first: int, last: int, half_lives: Floats, steps: Floats) -> None:
    """How much each weight shrinks from an event to the one before it."""
    for event in range(first + 1, last):
        for h in range(len(half_lives)):
            steps[event - first, h] = math.exp2(-(occurred[event] - occurred[event - 1]) / half_lives[h])


@compiled
def _weigh(
    weights: Floats, half_lives: Floats, steps: Floats, occurred: Ints, cutoff: int, event: int, newer: int, first: int
) -> None:
    """Carry the weights to ``event`` from the newer event seen before it.

    An event that is not known yet must leave no trace, so over one of these the step is computed afresh.
    """
    for h in range(len(half_lives)):
        if newer < first:
            weights[h] = math.exp2(-(cutoff - occurred[event]) / half_lives[h])
        elif newer == event + 1:
            weights[h] *= steps[newer - first, h]
        else:
            weights[h] *= math.exp2(-(occurred[newer] - occurred[event]) / half_lives[h])


@compiled
def _update(
    updates: Ints,
    start: int,
    stop: int,
    bits: int,
    age: int,
    numbers: Floats,
    codes: npt.NDArray[np.int32],
    event: int,
    weights: Floats,
    state: Floats,
    stamps: Ints,
    stamp: int,
) -> None:
    """Let one event act on the states of its class. A row of ``updates``: what, state, argument, bits needed, other."""
    for u in range(start, stop):
        if updates[u, 3] & ~bits:
            continue
        what, at, argument = updates[u, 0], updates[u, 1], updates[u, 2]
        if what == COUNT:
            state[at] += 1.0
        elif what == NEWEST:
            state[at] = age if math.isnan(state[at]) else state[at]
        elif what == OLDEST:
            state[at] = age
        elif what == DECAY:
            state[at] += weights[argument]
        elif what == DISTINCT:
            state[at] += _fresh(stamps, updates[u, 4], codes[event, argument], stamp)
        elif what == GAP:
            _gap(state, at, age)
        else:
            _update_number(what, state, at, numbers[event, argument], weights[updates[u, 4]])


@compiled
def _fresh(stamps: Ints, which: int, code: int, stamp: int) -> float:
    """1 when this row sees the value for the first time, else 0."""
    if stamps[which, code] == stamp:
        return 0.0
    stamps[which, code] = stamp
    return 1.0


@compiled
def _update_number(what: int, state: Floats, at: int, number: float, weight: float) -> None:
    if what == SUM:
        state[at] += number
    elif what == DECAY_NUMBER:
        state[at] += weight * number
    elif what == FIRST or math.isnan(state[at]):
        state[at] = number
    elif what == MAX:
        state[at] = max(state[at], number)
    elif what == MIN:
        state[at] = min(state[at], number)


@compiled
def _gap(state: Floats, at: int, age: int) -> None:
    """Welford's running variance (Technometrics 4(3), 1962) of the gaps, shifted by the first gap to keep digits."""
    if math.isnan(state[at]):
        state[at + 1] = age
    else:
        gap = age - state[at]
        state[at + 2] += 1.0
        if state[at + 2] == 1.0:
            state[at + 3] = gap
        shifted = gap - state[at + 3]
        delta = shifted - state[at + 4]
        state[at + 4] += delta / state[at + 2]
        state[at + 5] += delta * (shifted - state[at + 4])
    state[at] = age


@compiled
def _read(reads: Ints, start: int, stop: int, state: Floats, values: Floats) -> None:
    """Read outputs from the running states. A row of ``reads``: how, output, state, other state."""
    for r in range(start, stop):
        how, to, at = reads[r, 0], reads[r, 1], reads[r, 2]
        if how == PLAIN:
            values[to] = state[at]
        elif how == AGE:
            values[to] = state[at] / DAY_US
        elif how == MEAN:
            count = state[reads[r, 3]]
            values[to] = state[at] / count if count > 0.0 else math.nan
        elif how == GAP_MEAN:
            values[to] = (state[at] - state[at + 1]) / state[at + 2] / DAY_US if state[at + 2] > 0.0 else math.nan
        else:
            values[to] = math.sqrt(state[at + 5] / state[at + 2]) / DAY_US if state[at + 2] > 1.0 else math.nan


@compiled
def _attributes(
    fixed: Floats,
    lead: int,
    change_start: Ints,
    change_known: Ints,
    change_field: npt.NDArray[np.int32],
    change_value: Floats,
    cutoff: int,
    attributes: Floats,
) -> None:
    """The attributes as of the cutoff: changes come in the order they became known."""
    for a in range(len(attributes)):
        attributes[a] = fixed[lead, a]
    for change in range(change_start[lead], change_start[lead + 1]):
        if change_known[change] >= cutoff:
            break
        attributes[change_field[change]] = change_value[change]


@compiled
def _late(lates: Ints, factors: Floats, attributes: Floats, cutoff: int, created: int, values: Floats) -> None:
    """Outputs that need no event, and those made of others. A row of ``lates``: what, output, argument, other."""
    for o in range(len(lates)):
        what, to, a, b = lates[o, 0], lates[o, 1], lates[o, 2], lates[o, 3]
        if what in (RATIO, SCALED_RATIO):
            values[to] = values[a] / values[b] * factors[o] if values[b] != 0.0 else math.nan
        elif what == DIFFERENCE:
            values[to] = values[a] - values[b]
        elif what == ATTRIBUTE:
            values[to] = attributes[a]
        elif what == ATTRIBUTE_AGE:
            values[to] = (cutoff - attributes[a]) / DAY_US
        elif what == TENURE:
            values[to] = (cutoff - created) / DAY_US
        elif what == MONTH:
            values[to] = _month(cutoff // DAY_US)
        elif what == WEEKDAY:
            values[to] = (cutoff // DAY_US + 3) % 7
        else:
            values[to] = cutoff % DAY_US // HOUR_US


@compiled
def _month(day: int) -> int:
    """The month, 1 to 12, of a day since 1970: Hinnant's ``civil_from_days``, counting from 1 March."""
    of_era = (day + 719_468) % 146_097
    year = (of_era - of_era // 1_460 + of_era // 36_524 - of_era // 146_096) // 365
    of_year = of_era - (365 * year + year // 4 - year // 100)
    march = (5 * of_year + 2) // 153
    return march + 3 if march < 10 else march - 9


@compiled
def _write(values: Floats, out: npt.NDArray[np.float32], row: int) -> None:
    """The only rounding."""
    for f in range(out.shape[1]):
        value = values[f]
        value = min(value, LARGEST)
        value = max(value, -LARGEST)
        out[row, f] = value
