"""Definitions lowered to tables that the kernel and the fold read.

- *Selections* (kinds, actor, conditions) become *classes* (a kind and an actor) and *bits* (the conditions and
  non-null columns that hold for an event). Each class has its list of steps; each step names the bits it needs.
- *States* are shared: a count of the same events over 7 and 30 days is one running state, kept at two edges.
- *Cells* are what features are read from: first what is kept at the first edge, then at the next, and so on; then what
  is derived.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from data.errors import ContractError
from features import kernel
from features.context import Attribute
from features.custom import Custom
from features.definitions import PSEUDO_COLUMNS
from features.feature import ACTORS, Feature, Per
from features.kernel import Floats, Ints
from features.lowering import Cell, Condition, Draft, Kept, Step

_NAN_STATES = {
    kernel.EVENTS: (1, 2),
    kernel.VALUES: (2, 3),
    kernel.FIRST: (0,),
    kernel.LAST: (0,),
    kernel.GAPS: (0,),
}
"""The states of a step that are null before any event; the others are 0."""
_NUMERIC = {kernel.VALUES, kernel.FIRST, kernel.LAST, kernel.DECAY_NUMBER}
MOST_CONDITIONS = 62


class Tables(NamedTuple):
    """What the kernel reads.

    edges (G) int64: window lengths, growing; without a window ``EVER`` · kept_start (G + 1) and kept (K): the states
    that are asked for at each edge · program_start (classes + 1) · program (P, 5): step, its first state, argument,
    bits needed, other argument · initial (S) float64: states before any event · half_lives (H) float64, microseconds ·
    derived (D, 4): what, and up to three cells, and factors (D) · written (F, 2): the cell of each feature, and the
    column where it goes.
    """

    edges: Ints
    kept_start: Ints
    kept: Ints
    program_start: Ints
    program: Ints
    initial: Floats
    half_lives: Floats
    derived: Ints
    factors: Floats
    written: Ints


@dataclass(frozen=True)
class Plan:
    """The tables for the features of one entity, and what the feeds must bring: in which order, read how.

    An event's class is ``3 * (index of its kind in kinds, or len(kinds)) + index of its actor in ACTORS``.
    ``conditions[k]`` is bit *k*. From ``kernel.COLUMNS`` on a record has ``numbers``, the codes of ``levels`` (columns
    whose level is an output), and the values of ``distinct``. ``texts``: all columns
    read as text, ``reals``: all columns read as numbers. ``attributes``: the columns of the block's fixed values.
    ``distinct_counts``: how many there are, whatever their columns.
    """

    per: Per
    tables: Tables
    kinds: tuple[str, ...]
    conditions: tuple[Condition, ...]
    numbers: tuple[str, ...]
    levels: tuple[str, ...]
    distinct: tuple[str, ...]
    distinct_counts: int
    texts: tuple[str, ...]
    reals: tuple[str, ...]
    attributes: tuple[Attribute, ...]
    customs: tuple[tuple[int, Custom], ...]

    @property
    def first_value(self) -> int:
        """The first column of a record that holds a value of a distinct count."""
        return kernel.COLUMNS + len(self.numbers) + len(self.levels)

    @property
    def width(self) -> int:
        """The columns of a record."""
        return self.first_value + len(self.distinct)


def make_plans(features: Iterable[Feature]) -> tuple[Plan, ...]:
    """A plan for the features of leads and, if there are any, one for those of accounts.

    Feature *k* goes to column *k* of the matrix. Raises ContractError for more than 62 conditions.
    """
    wanted = list(enumerate(features))
    own = [(column, feature) for column, feature in wanted if feature.per == "lead"]
    shared = [(column, feature) for column, feature in wanted if feature.per == "account"]
    return (_plan("lead", own), *([_plan("account", shared)] if shared else []))


def _plan(per: Per, wanted: Sequence[tuple[int, Feature]]) -> Plan:
    draft = Draft()
    customs = [(column, feature) for column, feature in wanted if isinstance(feature, Custom)]
    cells = [(column, draft.cell(feature)) for column, feature in wanted if not isinstance(feature, Custom)]
    if len(draft.conditions) > MOST_CONDITIONS:
        raise ContractError(
            f"The features ask for {len(draft.conditions)} different conditions and columns of events. "
            f"Expected at most {MOST_CONDITIONS}. Use fewer `where` values and columns."
        )
    kinds = tuple(sorted({kind for step in draft.steps for kind in step.kinds}))
    texts = {c.column for c in draft.conditions if c.is_text} | {text for _, custom in customs for text in custom.texts}
    reals = {c.column for c in draft.conditions if not c.is_text}
    reals |= {real for _, custom in customs for real in custom.numbers}
    return Plan(
        per=per,
        tables=_tables(draft, kinds, cells),
        kinds=kinds,
        conditions=tuple(draft.conditions),
        numbers=tuple(column for column, level in draft.numbers if not level),
        levels=tuple(column for column, level in draft.numbers if level),
        distinct=tuple(draft.distinct),
        distinct_counts=sum(step.what == kernel.DISTINCT for step in draft.steps),
        texts=tuple(sorted((texts | {"item"}) - set(PSEUDO_COLUMNS))),
        reals=tuple(sorted(reals | {"value"})),
        attributes=tuple(draft.attributes.values()),
        customs=tuple(customs),
    )


def _tables(draft: Draft, kinds: tuple[str, ...], cells: Sequence[tuple[int, Cell]]) -> Tables:
    wanted = [cell for _, cell in cells] + [side for made in draft.derived for side in made.of]
    kept = sorted(dict.fromkeys(cell for cell in wanted if isinstance(cell, Kept)), key=lambda cell: cell.edge)
    edges = sorted({cell.edge for cell in kept})
    every: list[Cell] = [*kept, *draft.derived]
    place = {cell: k for k, cell in enumerate(every)}
    derived = [
        [made.what, *(place[side] if not isinstance(side, int) else side for side in made.of)] for made in draft.derived
    ]
    initial = np.zeros(draft.state_count)
    for step, state in draft.steps.items():
        initial[[state + nth for nth in _NAN_STATES.get(step.what, ())]] = np.nan
    program_start, program = _programs(draft, kinds)
    return Tables(
        edges=np.array(edges, np.int64),
        kept_start=np.array([*(sum(cell.edge < edge for cell in kept) for edge in edges), len(kept)], np.int64),
        kept=np.array([cell.state for cell in kept], np.int64),
        program_start=program_start,
        program=program,
        initial=initial,
        half_lives=np.array(list(draft.half_lives), np.float64),
        derived=np.array([row + [0] * (4 - len(row)) for row in derived], np.int64).reshape(-1, 4),
        factors=np.array([made.factor for made in draft.derived], np.float64),
        written=np.array([(place[cell], column) for column, cell in cells], np.int64).reshape(-1, 2),
    )


def _programs(draft: Draft, kinds: tuple[str, ...]) -> tuple[Ints, Ints]:
    """For each class, the steps that its events take."""
    coded = _coded(draft)
    rows: list[tuple[int, int, int, int, int]] = []
    starts = [0]
    for kind in (*kinds, None):
        for actor in ACTORS:
            rows += [row for step, row in coded if _selects(step, kind, actor)]
            starts.append(len(rows))
    return np.array(starts, np.int64), np.array(rows, np.int64).reshape(-1, 5)


def _coded(draft: Draft) -> list[tuple[Step, tuple[int, int, int, int, int]]]:
    """Each step as a row of the table; distinct counts are numbered, for the stamps of what they have seen."""
    number_at = _number_positions(draft)
    coded = []
    distinct = 0
    for step, state in draft.steps.items():
        need = sum(1 << draft.conditions[condition] for condition in step.conditions)
        argument = step.argument
        if step.what in _NUMERIC:
            argument = kernel.COLUMNS + number_at[step.argument]
        elif step.what == kernel.DISTINCT:
            argument = kernel.COLUMNS + len(draft.numbers) + step.argument
        other = distinct if step.what == kernel.DISTINCT else step.other
        distinct += step.what == kernel.DISTINCT
        coded.append((step, (step.what, state, argument, need, other)))
    return sorted(coded, key=lambda entry: entry[1])


def _number_positions(draft: Draft) -> list[int]:
    """Where each column asked for ends up: plain numbers first, then levels."""
    plain = sum(not level for _, level in draft.numbers)
    seen = [0, plain]
    positions = []
    for _, level in draft.numbers:
        positions.append(seen[level])
        seen[level] += 1
    return positions


def _selects(step: Step, kind: str | None, actor: str) -> bool:
    """Whether events of this kind (None: any other) and actor take part."""
    by = actor != "sales" if step.actor is None else actor == step.actor
    return by and (not step.kinds or kind in step.kinds)
