"""What each kind of feature asks of the events: running states, kept at the edge of a window, and what is made of them.

``lower`` is the one place that says how a definition is computed; ``features.plan`` turns the draft into tables.
"""

from dataclasses import dataclass, field, replace
from functools import singledispatch

import numpy as np

from data.errors import ContractError
from features import kernel
from features.compared import Difference, Ratio, Trend
from features.context import Attribute, Calendar, Tenure
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
class Step:
    """What the events of a selection do to their running states."""

    what: int
    kinds: tuple[str, ...]
    actor: str | None
    conditions: tuple[Condition, ...]
    argument: int = 0
    other: int = 0


@dataclass(frozen=True)
class Kept:
    """A cell: a running state as it stood at the far edge of a window."""

    edge: int
    state: int


@dataclass(frozen=True)
class Derived:
    """A cell made of others, or of an attribute."""

    what: int
    of: tuple["Cell | int", ...]
    factor: float = 1.0


Cell = Kept | Derived


@dataclass
class Draft:
    """The tables while they are made."""

    cells: dict[Feature, Cell] = field(default_factory=dict)
    derived: dict[Derived, int] = field(default_factory=dict)
    steps: dict[Step, int] = field(default_factory=dict)
    state_count: int = 0
    half_lives: dict[int, int] = field(default_factory=dict)
    numbers: dict[tuple[str, bool], int] = field(default_factory=dict)
    distinct: dict[str, int] = field(default_factory=dict)
    conditions: dict[Condition, int] = field(default_factory=dict)
    attributes: dict[tuple[str, str, str], Attribute] = field(default_factory=dict)

    def cell(self, feature: Feature) -> Cell:
        """Where a feature is found, lowered before whatever is made of it; equal features share one."""
        if feature not in self.cells:
            self.cells[feature] = lower(feature, self)
        return self.cells[feature]

    def keep(
        self,
        what: int,
        of: OverEvents,
        place: int = 0,
        *,
        present: Present | None = None,
        argument: int = 0,
        other: int = 0,
    ) -> Kept:
        """State number ``place`` of a step over the events that ``of`` selects, at the edge of its window.

        The running states are shared by all that ask alike.
        """
        conditions = tuple(condition for condition in (*of.conditions, present) if condition is not None)
        for condition in conditions:
            self.conditions.setdefault(condition, len(self.conditions))
        step = Step(what, tuple(sorted(of.kinds)), of.actor, conditions, argument, other)
        if step not in self.steps:
            self.steps[step] = self.state_count
            self.state_count += kernel.STATES[what]
        return Kept(EVER if of.window is None else of.window, self.steps[step] + place)

    def derive(self, what: int, *of: Cell | int, factor: float = 1.0) -> Derived:
        """A derived cell, after those that it is made of."""
        made = Derived(what, of, factor)
        self.derived.setdefault(made, len(self.derived))
        return made

    def number(self, column: str, *, level: bool = False) -> int:
        """The index of a number column, or of the codes of a text column's levels; settled in ``features.plan``."""
        return self.numbers.setdefault((column, level), len(self.numbers))

    def half_life(self, span: int) -> int:
        """The index of a half-life."""
        return self.half_lives.setdefault(span, len(self.half_lives))


@singledispatch
def lower(feature: Feature, _draft: Draft) -> Cell:
    """The cell of ``feature``, after adding to the draft what it needs."""
    raise ContractError(
        f"{type(feature).__name__} features cannot be computed. Expected those of features.definitions."
    )


@lower.register
def _(feature: Count, draft: Draft) -> Cell:
    return draft.keep(kernel.EVENTS, feature)


@lower.register
def _(feature: DaysSince, draft: Draft) -> Cell:
    return draft.derive(kernel.DAYS, draft.keep(kernel.EVENTS, feature, 2 if feature.first else 1))


@lower.register
def _(feature: GapMean, draft: Draft) -> Cell:
    return draft.derive(kernel.GAP_MEAN, *(draft.keep(kernel.EVENTS, feature, place) for place in range(3)))


@lower.register
def _(feature: GapStd, draft: Draft) -> Cell:
    return draft.derive(kernel.GAP_STD, *(draft.keep(kernel.GAPS, feature, place) for place in (1, 4)))


@lower.register
def _(feature: DistinctCount, draft: Draft) -> Cell:
    column = draft.distinct.setdefault(feature.column, len(draft.distinct))
    present = None if feature.column in PSEUDO_COLUMNS else Present(feature.column, is_text=True)
    return draft.keep(kernel.DISTINCT, feature, present=present, argument=column)


@lower.register
def _(feature: Sum, draft: Draft) -> Cell:
    return _values(feature, draft, 1)


@lower.register
def _(feature: Max, draft: Draft) -> Cell:
    return _values(feature, draft, 2)


@lower.register
def _(feature: Min, draft: Draft) -> Cell:
    return _values(feature, draft, 3)


@lower.register
def _(feature: Mean, draft: Draft) -> Cell:
    return draft.derive(kernel.MEAN, *(_values(feature, draft, place) for place in range(2)))


def _values(feature: Sum | Max | Min | Mean, draft: Draft, place: int) -> Kept:
    present, argument = Present(feature.column, is_text=False), draft.number(feature.column)
    return draft.keep(kernel.VALUES, feature, place, present=present, argument=argument)


@lower.register
def _(feature: DecayedSum, draft: Draft) -> Cell:
    half_life = draft.half_life(feature.half_life)
    if feature.column is None:
        return draft.keep(kernel.DECAY, feature, argument=half_life)
    present, argument = Present(feature.column, is_text=False), draft.number(feature.column)
    return draft.keep(kernel.DECAY_NUMBER, feature, present=present, argument=argument, other=half_life)


@lower.register(First)
@lower.register(Last)
def _(feature: First | Last, draft: Draft) -> Cell:
    level = feature.dtype == "category"
    present = None if feature.column == "kind" else Present(feature.column, is_text=level)
    what = kernel.FIRST if isinstance(feature, First) else kernel.LAST
    return draft.keep(what, feature, present=present, argument=draft.number(feature.column, level=level))


@lower.register
def _(feature: Trend, draft: Draft) -> Cell:
    long = feature.long
    short = replace(long, window=feature.short)
    factor = (feature.window or 0) / feature.short
    return draft.derive(kernel.RATIO, draft.cell(short), draft.cell(long), factor=factor)


@lower.register(Ratio)
@lower.register(Difference)
def _(feature: Ratio | Difference, draft: Draft) -> Cell:
    what = kernel.RATIO if isinstance(feature, Ratio) else kernel.DIFFERENCE
    return draft.derive(what, draft.cell(feature.left), draft.cell(feature.right))


@lower.register
def _(feature: Attribute, draft: Draft) -> Cell:
    key = (feature.source, feature.column, feature.type)
    draft.attributes.setdefault(key, feature)
    what = kernel.ATTRIBUTE_AGE if feature.type == "time" else kernel.ATTRIBUTE
    return draft.derive(what, list(draft.attributes).index(key))


@lower.register
def _(_feature: Tenure, draft: Draft) -> Cell:
    return draft.derive(kernel.TENURE)


@lower.register
def _(feature: Calendar, draft: Draft) -> Cell:
    return draft.derive({"month": kernel.MONTH, "weekday": kernel.WEEKDAY, "hour": kernel.HOUR}[feature.part])
