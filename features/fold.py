"""The fold of ``features.kernel`` in plain Python: the executable specification, equal to it to the last bit.

It reads the same plan and the same block. Sums are explicit loops, because newer Pythons add up ``sum()`` with
compensation, and powers are ``math.exp2``, which the compiled code calls too.
"""

import math

import numpy as np

from data.clock import DAY, from_micros
from features import kernel as k
from features.block import Block, Matrix
from features.plan import Tables


def fold(tables: Tables, block: Block, out: Matrix) -> None:
    """Fill the rows of ``out`` (rows, features) that ``block`` asks for, one by one."""
    for lead in range(len(block.created)):
        for row in range(int(block.row_start[lead]), int(block.row_start[lead + 1])):
            values = fold_row(tables, block, lead, int(block.row_cutoff[row]))
            for column in range(out.shape[1]):
                limited = (
                    max(-k.LARGEST, min(k.LARGEST, values[column])) if values[column] == values[column] else math.nan
                )
                out[block.row_out[row], column] = np.float32(limited)


def fold_row(tables: Tables, block: Block, lead: int, cutoff: int) -> list[float]:
    """All outputs of one lead at one cutoff, in float64."""
    values = [math.nan] * int(tables.sizes[0])
    state = tables.initial.tolist()
    half_lives = tables.half_lives.tolist()
    weights = [0.0] * max(1, len(half_lives))
    seen: set[tuple[int, int]] = set()
    group = 0
    newer: int | None = None
    for event in range(int(block.event_start[lead + 1]) - 1, int(block.event_start[lead]) - 1, -1):
        occurred = int(block.occurred[event])
        if occurred >= cutoff or int(block.known[event]) >= cutoff:
            continue
        age = cutoff - occurred
        while age > int(tables.edges[group]):
            _read(tables, group, state, values)
            group += 1
        for h, half_life in enumerate(half_lives):
            weights[h] = (
                math.exp2(-age / half_life)
                if newer is None
                else weights[h] * math.exp2(-(newer - occurred) / half_life)
            )
        newer = occurred
        _update(tables, block, event, float(age), weights, state, seen)
    for remaining in range(group, len(tables.edges)):
        _read(tables, remaining, state, values)
    _late(tables, _attributes(block, lead, cutoff), int(block.created[lead]), cutoff, values)
    return values


def _update(
    tables: Tables,
    block: Block,
    event: int,
    age: float,
    weights: list[float],
    state: list[float],
    seen: set[tuple[int, int]],
) -> None:
    kind = int(block.event_class[event])
    bits = int(block.bits[event])
    for what, at, argument, need, other in tables.updates[
        tables.update_start[kind] : tables.update_start[kind + 1]
    ].tolist():
        if need & ~bits:
            continue
        if what == k.COUNT:
            state[at] += 1.0
        elif what == k.OLDEST or (what == k.NEWEST and math.isnan(state[at])):
            state[at] = age
        elif what == k.DECAY:
            state[at] += weights[argument]
        elif what == k.DISTINCT:
            value = int(block.codes[event, argument])
            if (other, value) not in seen:
                seen.add((other, value))
                state[at] += 1.0
        elif what == k.GAP:
            _gap(state, at, age)
        elif what != k.NEWEST:
            state[at] = _with_number(what, state[at], float(block.numbers[event, argument]), weights[other])


def _with_number(what: int, state: float, number: float, weight: float) -> float:
    match what:
        case k.SUM:
            return state + number
        case k.DECAY_NUMBER:
            return state + weight * number
        case k.FIRST:
            return number
        case k.LAST:
            return number if math.isnan(state) else state
        case k.MAX:
            return number if math.isnan(state) else max(state, number)
        case _:
            return number if math.isnan(state) else min(state, number)


def _gap(state: list[float], at: int, age: float) -> None:
    previous, _, gaps, shift, mean, _ = state[at : at + k.GAP_STATES]
    if math.isnan(previous):
        state[at + 1] = age
    else:
        gap = age - previous
        gaps += 1.0
        shift = gap if gaps == 1.0 else shift
        delta = gap - shift - mean
        mean += delta / gaps
        state[at + 2 : at + 5] = [gaps, shift, mean]
        state[at + 5] += delta * (gap - shift - mean)
    state[at] = age


def _read(tables: Tables, group: int, state: list[float], values: list[float]) -> None:
    for how, to, at, other in tables.reads[tables.read_start[group] : tables.read_start[group + 1]].tolist():
        match how:
            case k.PLAIN:
                values[to] = state[at]
            case k.AGE:
                values[to] = state[at] / DAY
            case k.MEAN:
                values[to] = state[at] / state[other] if state[other] else math.nan
            case k.GAP_MEAN:
                values[to] = (state[at] - state[at + 1]) / state[at + 2] / DAY if state[at + 2] else math.nan
            case _:
                values[to] = math.sqrt(state[at + 5] / state[at + 2]) / DAY if state[at + 2] > 1 else math.nan


def _attributes(block: Block, lead: int, cutoff: int) -> list[float]:
    attributes: list[float] = block.fixed[lead].tolist()
    for change in range(int(block.change_start[lead]), int(block.change_start[lead + 1])):
        if int(block.change_known[change]) < cutoff:
            attributes[int(block.change_field[change])] = float(block.change_value[change])
    return attributes


def _late(tables: Tables, attributes: list[float], created: int, cutoff: int, values: list[float]) -> None:
    moment = from_micros(cutoff)
    parts = {
        k.TENURE: (cutoff - created) / DAY,
        k.MONTH: moment.month,
        k.WEEKDAY: moment.weekday(),
        k.HOUR: moment.hour,
    }
    for (what, to, a, b), factor in zip(tables.lates.tolist(), tables.factors.tolist(), strict=True):
        if what in (k.RATIO, k.SCALED_RATIO):
            values[to] = values[a] / values[b] * factor if values[b] != 0.0 else math.nan
        elif what == k.DIFFERENCE:
            values[to] = values[a] - values[b]
        elif what == k.ATTRIBUTE:
            values[to] = attributes[a]
        elif what == k.ATTRIBUTE_AGE:
            values[to] = (cutoff - attributes[a]) / DAY
        else:
            values[to] = float(parts[what])
