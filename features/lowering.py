"""What each kind of feature asks of a lead's events: running states, reads at the edge of a window, late outputs.

``lower`` is the one place that says how a definition is computed; ``features.plan`` turns the draft into tables.
"""

from dataclasses import dataclass, field, replace
from functools import singledispatch

import numpy as np

from data.errors import ContractError
from features import kernel
from features.compared import Difference, Ratio, Trend
from features.context import Attribute, Calendar, Tenure
from features.custom import Custom
from features.definitions import (
    PSEUDO_COLUMNS,
    Count,
    DaysSince,
    DecayedSum,
    DistinctCount,
    First,
    GapMean,
    GapStd,
    Last,
    Max,
    Mean,
    Min,
    Sum,
)
from features.feature import Feature, OverEvents, Where

EVER = np.iinfo(np.int64).max
"""The edge of a feature without a window."""


@dataclass(frozen=True)
class Present:
    """The condition that a column is not null, read as text or as a number."""

    column: str
    is_text: bool


Condition = Where | Present


@dataclass(frozen=True)
class Update:
    """How the events of a selection change one running state."""

    what: int
    kinds: tuple[str, ...]
    actor: str | None
    conditions: tuple[Condition, ...]
    argument: int = 0
    other: int = 0


@dataclass
class Draft:
    """The tables while they are made."""

    outputs: dict[Feature, int] = field(default_factory=dict)
    lowered: set[Feature] = field(default_factory=set)
    size: int = 0
    states: dict[Update, int] = field(default_factory=dict)
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
            lower(feature, self, self.outputs[feature])
        return self.outputs[feature]

    def state(
        self, what: int, of: OverEvents, present: Present | None = None, argument: int = 0, other: int = 0
    ) -> int:
        """The running state of an update over the events that ``of`` selects, shared by all that ask alike."""
        conditions = tuple(condition for condition in (of.where, present) if condition is not None)
        for condition in conditions:
            self.conditions.setdefault(condition, len(self.conditions))
        update = Update(what, tuple(sorted(of.kinds)), of.actor, conditions, argument, other)
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


@singledispatch
def lower(feature: Feature, _draft: Draft, _output: int) -> None:
    """Add what ``feature`` needs to the draft."""
    raise ContractError(
        f"{type(feature).__name__} features cannot be computed. Expected those of features.definitions."
    )


@lower.register
def _(feature: Count, draft: Draft, output: int) -> None:
    draft.read(feature, kernel.PLAIN, output, draft.state(kernel.COUNT, feature))


@lower.register
def _(feature: DistinctCount, draft: Draft, output: int) -> None:
    column = draft.distinct.setdefault(feature.column, len(draft.distinct))
    present = None if feature.column in PSEUDO_COLUMNS else Present(feature.column, is_text=True)
    draft.read(feature, kernel.PLAIN, output, draft.state(kernel.DISTINCT, feature, present, column))


@lower.register
def _(feature: Sum, draft: Draft, output: int) -> None:
    draft.read(feature, kernel.PLAIN, output, _numeric(kernel.SUM, feature, feature.column, draft))


@lower.register
def _(feature: Mean, draft: Draft, output: int) -> None:
    count = draft.state(kernel.COUNT, feature, Present(feature.column, is_text=False))
    draft.read(feature, kernel.MEAN, output, _numeric(kernel.SUM, feature, feature.column, draft), count)


@lower.register
def _(feature: Max, draft: Draft, output: int) -> None:
    draft.read(feature, kernel.PLAIN, output, _numeric(kernel.MAX, feature, feature.column, draft))


@lower.register
def _(feature: Min, draft: Draft, output: int) -> None:
    draft.read(feature, kernel.PLAIN, output, _numeric(kernel.MIN, feature, feature.column, draft))


def _numeric(what: int, feature: OverEvents, column: str, draft: Draft, other: int = 0) -> int:
    return draft.state(what, feature, Present(column, is_text=False), draft.number(column), other)


@lower.register
def _(feature: DaysSince, draft: Draft, output: int) -> None:
    draft.read(feature, kernel.AGE, output, draft.state(kernel.OLDEST if feature.first else kernel.NEWEST, feature))


@lower.register
def _(feature: DecayedSum, draft: Draft, output: int) -> None:
    half_life = draft.half_life(feature.half_life)
    if feature.column is None:
        state = draft.state(kernel.DECAY, feature, argument=half_life)
    else:
        state = _numeric(kernel.DECAY_NUMBER, feature, feature.column, draft, half_life)
    draft.read(feature, kernel.PLAIN, output, state)


@lower.register(GapMean)
@lower.register(GapStd)
def _(feature: GapMean | GapStd, draft: Draft, output: int) -> None:
    how = kernel.GAP_MEAN if isinstance(feature, GapMean) else kernel.GAP_STD
    draft.read(feature, how, output, draft.state(kernel.GAP, feature))


@lower.register(First)
@lower.register(Last)
def _(feature: First | Last, draft: Draft, output: int) -> None:
    present = None if feature.column == "kind" else Present(feature.column, is_text=True)
    what = kernel.FIRST if isinstance(feature, First) else kernel.LAST
    state = draft.state(what, feature, present, draft.number(feature.column, level=True))
    draft.read(feature, kernel.PLAIN, output, state)


@lower.register
def _(feature: Trend, draft: Draft, output: int) -> None:
    long = Count(kinds=feature.kinds, actor=feature.actor, where=feature.where, window=feature.window)
    short = replace(long, window=feature.short)
    factor = (feature.window or 0) / feature.short
    draft.late(kernel.SCALED_RATIO, output, draft.output(short), draft.output(long), factor)


@lower.register(Ratio)
@lower.register(Difference)
def _(feature: Ratio | Difference, draft: Draft, output: int) -> None:
    sides = draft.output(feature.left), draft.output(feature.right)
    draft.late(kernel.RATIO if isinstance(feature, Ratio) else kernel.DIFFERENCE, output, *sides)


@lower.register
def _(feature: Attribute, draft: Draft, output: int) -> None:
    key = (feature.source, feature.column, feature.type)
    draft.attributes.setdefault(key, feature)
    what = kernel.ATTRIBUTE_AGE if feature.type == "time" else kernel.ATTRIBUTE
    draft.late(what, output, list(draft.attributes).index(key))


@lower.register
def _(_feature: Tenure, draft: Draft, output: int) -> None:
    draft.late(kernel.TENURE, output)


@lower.register
def _(feature: Calendar, draft: Draft, output: int) -> None:
    draft.late({"month": kernel.MONTH, "weekday": kernel.WEEKDAY, "hour": kernel.HOUR}[feature.part], output)


@lower.register
def _(feature: Custom, draft: Draft, output: int) -> None:
    draft.customs.append((output, feature))
