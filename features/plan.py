"""Definitions lowered to tables that the kernel and the fold read.

- *Selections* (kinds, actor, conditions) become *classes* (a kind and an actor) and *bits* (the conditions and
  non-null columns that hold for an event). Each class has its list of updates; each update names the bits it needs.
- *States* are shared: a count of the same events over 7 and 30 days is one running state, read at two edges.
- *Reads* are grouped by window edge; the last group has no edge.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import singledispatch
from typing import NamedTuple

import numpy as np

from data.errors import ContractError
from features import kernel
from features.custom import Custom
from features.definitions import (
    PSEUDO_COLUMNS,
    Attribute,
    Calendar,
    Count,
    DaysSince,
    DecayedSum,
    Difference,
    DistinctCount,
    First,
    GapMean,
    GapStd,
    Last,
    Max,
    Mean,
    Min,
    Ratio,
    Sum,
    Tenure,
    Trend,
)
from features.feature import ACTORS, Feature, OverEvents, Where
from features.kernel import Floats, Ints

EVER = np.iinfo(np.int64).max
"""The edge of a feature without a window."""

NAN_STATES = {kernel.NEWEST, kernel.OLDEST, kernel.MAX, kernel.MIN, kernel.LAST, kernel.FIRST, kernel.GAP}


class Tables(NamedTuple):
    """What the kernel reads.

    edges (G) int64: window lengths, growing, the last one ``EVER`` · read_start (G + 1) · reads (R, 4): how, output,
    state, other state · lates (L, 4) and factors (L): what, output, argument, other · update_start (classes + 1) ·
    updates (U, 5): what, state, argument, bits needed, other argument · initial (S) float64: states before any event ·
    half_lives (H) float64, microseconds · sizes: number of outputs, number of distinct counts.
    """

    edges: Ints
    read_start: Ints
    reads: Ints
    lates: Ints
    factors: Floats
    update_start: Ints
    updates: Ints
    initial: Floats
    half_lives: Floats
    sizes: Ints


@dataclass(frozen=True)
class Present:
    """The condition that a column is not null, read as text or as a number."""

    column: str
    is_text: bool


Condition = Where | Present


@dataclass(frozen=True)
class Plan:
    """The tables, and what the feeds must bring: in which order, read how.

    An event's class is ``3 * (index of its kind in kinds, or len(kinds)) + index of its actor in ACTORS``.
    ``conditions[k]`` is bit *k*. ``numbers`` are the leading columns of the block's numbers, the codes of ``levels``
    (columns whose level is an output) follow. ``distinct`` are the columns of the block's codes. ``texts``: all columns
    read as text, ``reals``: all columns read as numbers. ``attributes``: the columns of the block's fixed values.
    """

    tables: Tables
    kinds: tuple[str, ...]
    conditions: tuple[Condition, ...]
    numbers: tuple[str, ...]
    levels: tuple[str, ...]
    distinct: tuple[str, ...]
    texts: tuple[str, ...]
    reals: tuple[str, ...]
    attributes: tuple[Attribute, ...]
    customs: tuple[tuple[int, Custom], ...]

    @property
    def classes(self) -> int:
        """How many classes there are."""
        return len(ACTORS) * (len(self.kinds) + 1)


@dataclass(frozen=True)
class _Update:
    what: int
    kinds: tuple[str, ...]
    actor: str | None
    conditions: tuple[Condition, ...]
    argument: int = 0
    other: int = 0


@dataclass
class _Draft:
    """The tables while they are made."""

    outputs: dict[Feature, int] = field(default_factory=dict)
    lowered: set[Feature] = field(default_factory=set)
    size: int = 0
    states: dict[_Update, int] = field(default_factory=dict)
    state_count: int = 0
    reads: list[tuple[int, int, int, int, int]] = field(default_factory=list)
    lates: list[tuple[int, int, int, int, float]] = field(default_factory=list)
    half_lives: dict[int, int] = field(default_factory=dict)
    numbers: dict[tuple[str, bool], int] = field(default_factory=dict)
    distinct: dict[str, int] = field(default_factory=dict)
    conditions: dict[Condition, int] = field(default_factory=dict)
    attributes: dict[tuple[str, str, str], Attribute] = field(default_factory=dict)
    customs: list[tuple[int, Custom]] = field(default_factory=list)

    def output(self, feature: Feature) -> int:
        """The output of a feature, lowered before whatever is made of it; equal features share one."""
        if feature not in self.outputs:
            self.outputs[feature] = self.size
            self.size += 1
        if feature not in self.lowered:
            self.lowered.add(feature)
            _lower(feature, self, self.outputs[feature])
        return self.outputs[feature]

    def state(
        self, what: int, of: OverEvents, present: Present | None = None, argument: int = 0, other: int = 0
    ) -> int:
        """The running state of an update over the events that ``of`` selects, shared by all that ask alike."""
        conditions = tuple(condition for condition in (of.where, present) if condition is not None)
        for condition in conditions:
            self.conditions.setdefault(condition, len(self.conditions))
        update = _Update(what, tuple(sorted(of.kinds)), of.actor, conditions, argument, other)
        if update not in self.states:
            self.states[update] = self.state_count
            self.state_count += kernel.GAP_STATES if what == kernel.GAP else 1
        return self.states[update]

    def read(self, of: OverEvents, how: int, output: int, state: int, other: int = 0) -> None:
        """Read an output when the scan passes the edge of the window."""
        self.reads.append((EVER if of.window is None else of.window, how, output, state, other))

    def late(self, what: int, output: int, argument: int = 0, other: int = 0, factor: float = 1.0) -> None:
        """Make an output after all reads."""
        self.lates.append((what, output, argument, other, factor))

    def number(self, column: str, *, level: bool = False) -> int:
        """The index of a number column, or of the codes of a text column's levels; settled in ``_finish``."""
        return self.numbers.setdefault((column, level), len(self.numbers))

    def half_life(self, span: int) -> int:
        """The index of a half-life."""
        return self.half_lives.setdefault(span, len(self.half_lives))


def make_plan(features: Iterable[Feature]) -> Plan:
    """The plan of features; output *k* is that of feature *k*. Raises ContractError for more than 62 conditions."""
    draft = _Draft()
    wanted = list(features)
    draft.size = len(wanted)
    draft.outputs = {feature: k for k, feature in enumerate(wanted)}
    for feature in wanted:
        draft.output(feature)
    if len(draft.conditions) > 62:
        raise ContractError(
            f"The features ask for {len(draft.conditions)} different conditions and columns of events. Expected at most "
            "62. Use fewer `where` values and columns."
        )
    return _finish(draft, wanted)


def _finish(draft: _Draft, wanted: list[Feature]) -> Plan:
    kinds = tuple(sorted({kind for update in draft.states for kind in update.kinds}))
    customs = [custom for _, custom in draft.customs]
    texts = {c.column for c in draft.conditions if c.is_text} | {text for custom in customs for text in custom.texts}
    reals = {c.column for c in draft.conditions if not c.is_text} | {
        real for custom in customs for real in custom.numbers
    }
    return Plan(
        tables=_tables(draft, kinds),
        kinds=kinds,
        conditions=tuple(draft.conditions),
        numbers=tuple(column for column, level in draft.numbers if not level),
        levels=tuple(column for column, level in draft.numbers if level),
        distinct=tuple(draft.distinct),
        texts=tuple(sorted((texts | {"item"}) - set(PSEUDO_COLUMNS))),
        reals=tuple(sorted(reals | {"value"})),
        attributes=tuple(draft.attributes.values()),
        customs=tuple(draft.customs),
    )


def _tables(draft: _Draft, kinds: tuple[str, ...]) -> Tables:
    reads = sorted(draft.reads, key=lambda read: read[0])
    edges = sorted({read[0] for read in reads} | {EVER})
    update_start, updates = _updates(draft, kinds)
    initial = np.zeros(draft.state_count)
    for update, state in draft.states.items():
        if update.what in NAN_STATES:
            initial[state] = np.nan
    return Tables(
        edges=np.array(edges, np.int64),
        read_start=np.array([*(sum(read[0] < edge for read in reads) for edge in edges), len(reads)], np.int64),
        reads=np.array([read[1:] for read in reads], np.int64).reshape(-1, 4),
        lates=np.array([late[:4] for late in draft.lates], np.int64).reshape(-1, 4),
        factors=np.array([late[4] for late in draft.lates], np.float64),
        update_start=update_start,
        updates=updates,
        initial=initial,
        half_lives=np.array(list(draft.half_lives), np.float64),
        sizes=np.array([draft.size, sum(update.what == kernel.DISTINCT for update in draft.states)], np.int64),
    )


def _updates(draft: _Draft, kinds: tuple[str, ...]) -> tuple[Ints, Ints]:
    """For each class, the updates that its events make."""
    coded = _coded(draft)
    rows: list[tuple[int, int, int, int, int]] = []
    starts = [0]
    for kind in (*kinds, None):
        for actor in ACTORS:
            rows += [row for update, row in coded if _selects(update, kind, actor)]
            starts.append(len(rows))
    return np.array(starts, np.int64), np.array(rows, np.int64).reshape(-1, 5)


def _coded(draft: _Draft) -> list[tuple[_Update, tuple[int, int, int, int, int]]]:
    """Each update as a row of the table; distinct counts are numbered, for the stamps of what they have seen."""
    number_at = _number_positions(draft)
    coded = []
    distinct = 0
    for update, state in draft.states.items():
        need = sum(1 << draft.conditions[condition] for condition in update.conditions)
        argument = number_at[update.argument] if update.what in _NUMERIC else update.argument
        other = distinct if update.what == kernel.DISTINCT else update.other
        distinct += update.what == kernel.DISTINCT
        coded.append((update, (update.what, state, argument, need, other)))
    return coded


_NUMERIC = {kernel.SUM, kernel.MAX, kernel.MIN, kernel.LAST, kernel.FIRST, kernel.DECAY_NUMBER}


def _number_positions(draft: _Draft) -> list[int]:
    """Where each column asked for ends up: plain numbers first, then levels."""
    plain = sum(not level for _, level in draft.numbers)
    seen = [0, plain]
    positions = []
    for _, level in draft.numbers:
        positions.append(seen[level])
        seen[level] += 1
    return positions


def _selects(update: _Update, kind: str | None, actor: str) -> bool:
    """Whether events of this kind (None: any other) and actor take part."""
    by = actor != "sales" if update.actor is None else actor == update.actor
    return by and (not update.kinds or kind in update.kinds)


@singledispatch
def _lower(feature: Feature, draft: _Draft, output: int) -> None:
    """Add what ``feature`` needs to the draft."""
    raise ContractError(
        f"{type(feature).__name__} features cannot be computed. Expected those of features.definitions."
    )


@_lower.register
def _(feature: Count, draft: _Draft, output: int) -> None:
    draft.read(feature, kernel.PLAIN, output, draft.state(kernel.COUNT, feature))


@_lower.register
def _(feature: DistinctCount, draft: _Draft, output: int) -> None:
    column = draft.distinct.setdefault(feature.column, len(draft.distinct))
    present = None if feature.column in PSEUDO_COLUMNS else Present(feature.column, is_text=True)
    draft.read(feature, kernel.PLAIN, output, draft.state(kernel.DISTINCT, feature, present, column))


@_lower.register
def _(feature: Sum, draft: _Draft, output: int) -> None:
    draft.read(feature, kernel.PLAIN, output, _numeric(kernel.SUM, feature, feature.column, draft))


@_lower.register
def _(feature: Mean, draft: _Draft, output: int) -> None:
    count = draft.state(kernel.COUNT, feature, Present(feature.column, is_text=False))
    draft.read(feature, kernel.MEAN, output, _numeric(kernel.SUM, feature, feature.column, draft), count)


@_lower.register
def _(feature: Max, draft: _Draft, output: int) -> None:
    draft.read(feature, kernel.PLAIN, output, _numeric(kernel.MAX, feature, feature.column, draft))


@_lower.register
def _(feature: Min, draft: _Draft, output: int) -> None:
    draft.read(feature, kernel.PLAIN, output, _numeric(kernel.MIN, feature, feature.column, draft))


def _numeric(what: int, feature: OverEvents, column: str, draft: _Draft, other: int = 0) -> int:
    return draft.state(what, feature, Present(column, is_text=False), draft.number(column), other)


@_lower.register
def _(feature: DaysSince, draft: _Draft, output: int) -> None:
    draft.read(feature, kernel.AGE, output, draft.state(kernel.OLDEST if feature.first else kernel.NEWEST, feature))


@_lower.register
def _(feature: DecayedSum, draft: _Draft, output: int) -> None:
    half_life = draft.half_life(feature.half_life)
    if feature.column is None:
        state = draft.state(kernel.DECAY, feature, argument=half_life)
    else:
        state = _numeric(kernel.DECAY_NUMBER, feature, feature.column, draft, half_life)
    draft.read(feature, kernel.PLAIN, output, state)


@_lower.register(GapMean)
@_lower.register(GapStd)
def _(feature: GapMean | GapStd, draft: _Draft, output: int) -> None:
    how = kernel.GAP_MEAN if isinstance(feature, GapMean) else kernel.GAP_STD
    draft.read(feature, how, output, draft.state(kernel.GAP, feature))


@_lower.register(First)
@_lower.register(Last)
def _(feature: First | Last, draft: _Draft, output: int) -> None:
    present = None if feature.column == "kind" else Present(feature.column, is_text=True)
    what = kernel.FIRST if isinstance(feature, First) else kernel.LAST
    state = draft.state(what, feature, present, draft.number(feature.column, level=True))
    draft.read(feature, kernel.PLAIN, output, state)


@_lower.register
def _(feature: Trend, draft: _Draft, output: int) -> None:
    same = {"kinds": feature.kinds, "actor": feature.actor, "where": feature.where}
    short, long = Count(**same, window=feature.short), Count(**same, window=feature.window)
    factor = (feature.window or 0) / feature.short
    draft.late(kernel.SCALED_RATIO, output, draft.output(short), draft.output(long), factor)


@_lower.register(Ratio)
@_lower.register(Difference)
def _(feature: Ratio | Difference, draft: _Draft, output: int) -> None:
    sides = draft.output(feature.left), draft.output(feature.right)
    draft.late(kernel.RATIO if isinstance(feature, Ratio) else kernel.DIFFERENCE, output, *sides)


@_lower.register
def _(feature: Attribute, draft: _Draft, output: int) -> None:
    key = (feature.source, feature.column, feature.type)
    draft.attributes.setdefault(key, feature)
    what = kernel.ATTRIBUTE_AGE if feature.type == "time" else kernel.ATTRIBUTE
    draft.late(what, output, list(draft.attributes).index(key))


@_lower.register
def _(feature: Tenure, draft: _Draft, output: int) -> None:
    draft.late(kernel.TENURE, output)


@_lower.register
def _(feature: Calendar, draft: _Draft, output: int) -> None:
    draft.late({"month": kernel.MONTH, "weekday": kernel.WEEKDAY, "hour": kernel.HOUR}[feature.part], output)


@_lower.register
def _(feature: Custom, draft: _Draft, output: int) -> None:
    draft.customs.append((output, feature))
