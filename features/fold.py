"""The fold of ``features.kernel`` in plain Python: the executable specification, equal to it to the last bit.

It reads the same plan and the same block, a row at a time. Sums are explicit loops, because newer Pythons add up
``sum()`` with compensation, and powers are ``math.exp2``, which the compiled code calls too.
"""

import math

import numpy as np

from data.clock import DAY, from_micros
from features import kernel as k
from features.block import Block, Matrix
from features.plan import Tables


def fold(tables: Tables, block: Block, out: Matrix) -> None:
    """Fill the rows of ``out`` (rows, features) that ``block`` asks for, one by one."""
    for entity in range(len(block.created)):
        for row in range(int(block.row_start[entity]), int(block.row_start[entity + 1])):
            values = fold_row(tables, block, entity, int(block.row_cutoff[row]))
            for column, value in zip(tables.written[:, 1].tolist(), values, strict=True):
                limited = value if math.isnan(value) else max(-k.LARGEST, min(k.LARGEST, value))
                out[block.row_out[row], column] = np.float32(limited)


def fold_row(tables: Tables, block: Block, entity: int, cutoff: int) -> list[float]:
    """The features of one entity at one cutoff, in float64."""
    state = tables.initial.tolist()
    cells: list[float] = []
    half_lives = tables.half_lives.tolist()
    weights = [math.nan] * len(half_lives)
    seen: set[tuple[int, int]] = set()
    group = 0
    newer: int | None = None
    for event in range(int(block.event_start[entity + 1]) - 1, int(block.event_start[entity]) - 1, -1):
        occurred = int(block.record[event, k.OCCURRED])
        if occurred >= cutoff or int(block.record[event, k.KNOWN]) >= cutoff:
            continue
        age = cutoff - occurred
        while group < len(tables.edges) and age > int(tables.edges[group]):
            cells += _kept(tables, group, state)
            group += 1
        for h, half_life in enumerate(half_lives):
            weights[h] = (
                math.exp2(-age / half_life)
                if newer is None
                else weights[h] * math.exp2(-(newer - occurred) / half_life)
            )
        newer = occurred
        _act(tables, block, event, float(age), weights, state, seen)
    for remaining in range(group, len(tables.edges)):
        cells += _kept(tables, remaining, state)
    _derive(tables, _attributes(block, entity, cutoff), int(block.created[entity]), cutoff, cells)
    return [cells[source] for source in tables.written[:, 0].tolist()]


def _kept(tables: Tables, group: int, state: list[float]) -> list[float]:
    """What is asked for at one edge, as it stands."""
    return [state[s] for s in tables.kept[tables.kept_start[group] : tables.kept_start[group + 1]].tolist()]


def _act(
    tables: Tables,
    block: Block,
    event: int,
    age: float,
    weights: list[float],
    state: list[float],
    seen: set[tuple[int, int]],
) -> None:
    kind = int(block.record[event, k.CLASS])
    bits = int(block.record[event, k.BITS])
    steps = tables.program[tables.program_start[kind] : tables.program_start[kind + 1]]
    for what, at, argument, need, other in steps.tolist():
        if need & ~bits:
            continue
        if what == k.EVENTS:
            newest = age if state[at] == 0.0 else state[at + 1]
            state[at : at + 3] = [state[at] + 1.0, newest, age]
        elif what == k.DECAY:
            state[at] += weights[argument]
        elif what == k.DISTINCT:
            value = int(block.record[event, argument])
            if (other, value) not in seen:
                seen.add((other, value))
                state[at] += 1.0
        elif what == k.GAPS:
            state[at : at + 5] = _gaps(state[at : at + 5], age)
        elif what == k.VALUES:
            state[at : at + 4] = _values(state[at : at + 4], float(block.reals[event, argument]))
        elif what == k.DECAY_NUMBER:
            state[at] += weights[other] * float(block.reals[event, argument])
        elif what == k.FIRST or math.isnan(state[at]):
            state[at] = float(block.reals[event, argument])


def _values(state: list[float], number: float) -> list[float]:
    count, total, largest, smallest = state
    if count == 0.0:
        return [1.0, total + number, number, number]
    return [count + 1.0, total + number, max(largest, number), min(smallest, number)]


def _gaps(state: list[float], age: float) -> list[float]:
    before, gaps, base, mean, squares = state
    if math.isnan(before):
        return [age, gaps, base, mean, squares]
    gap = age - before
    gaps += 1.0
    base = gap if gaps == 1.0 else base
    shifted = gap - base
    delta = shifted - mean
    mean += delta / gaps
    return [age, gaps, base, mean, squares + delta * (shifted - mean)]


def _attributes(block: Block, entity: int, cutoff: int) -> list[float]:
    found: list[float] = block.fixed[entity].tolist()
    for change in range(int(block.change_start[entity]), int(block.change_start[entity + 1])):
        if int(block.change_known[change]) >= cutoff:
            break
        found[int(block.change_field[change])] = float(block.change_value[change])
    return found


def _derive(tables: Tables, attributes: list[float], created: int, cutoff: int, cells: list[float]) -> None:
    for (what, a, b, c), factor in zip(tables.derived.tolist(), tables.factors.tolist(), strict=True):
        cells.append(_derived(what, a, b, c, factor, attributes, created, cutoff, cells))


def _derived(
    what: int,
    a: int,
    b: int,
    c: int,
    factor: float,
    attributes: list[float],
    created: int,
    cutoff: int,
    cells: list[float],
) -> float:
    match what:
        case k.DAYS:
            return cells[a] / DAY
        case k.RATIO:
            return cells[a] / cells[b] * factor if cells[b] != 0.0 else math.nan
        case k.DIFFERENCE:
            return cells[a] - cells[b]
        case k.MEAN:
            return cells[b] / cells[a] if cells[a] > 0.0 else math.nan
        case k.GAP_MEAN:
            return (cells[c] - cells[b]) / (cells[a] - 1.0) / DAY if cells[a] > 1.0 else math.nan
        case k.GAP_STD:
            return math.sqrt(cells[b] / cells[a]) / DAY if cells[a] > 1.0 else math.nan
        case k.ATTRIBUTE:
            return attributes[a]
        case k.ATTRIBUTE_AGE:
            return (cutoff - attributes[a]) / DAY
        case k.TENURE:
            return (cutoff - created) / DAY
        case k.MONTH:
            return float(from_micros(cutoff).month)
        case k.WEEKDAY:
            return float(from_micros(cutoff).weekday())
        case _:
            return float(from_micros(cutoff).hour)
