"""The kinds of features, each a frozen value.

    over events   Count, DistinctCount, Sum, Mean, Max, Min, DaysSince, DecayedSum, GapMean, GapStd, First, Last

A count, sum or decayed sum over nothing is 0; anything else over nothing is null. What needs no event is in
``features.context``, what compares two features in ``features.compared``; own classes derive from
``features.custom.Custom``.
"""

from dataclasses import dataclass
from typing import ClassVar

from data.clock import format_duration
from features.feature import Dtype, OverEvents, require_span, slug

PSEUDO_COLUMNS = ("kind", "day", "lead")
"""Columns that every event has without being read as text: its kind, its UTC day, and the lead that it belongs to."""


@dataclass(frozen=True, kw_only=True)
class Count(OverEvents):
    """How many events. Nothing: 0."""

    unit: ClassVar[str] = "events"

    @property
    def derived_name(self) -> str:
        """Such as ``pricing_view_count_7d``."""
        return self.worded("count")


@dataclass(frozen=True, kw_only=True)
class DistinctCount(OverEvents):
    """How many different values of a column, of ``kind``, ``day`` (UTC) or, of an account, ``lead``. Nothing: 0."""

    column: str

    unit: ClassVar[str] = "different values"

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require(self.column != "lead" or self.per == "account", "column 'lead' per lead", "per='account'")

    @property
    def derived_name(self) -> str:
        """Such as ``distinct_item_30d``."""
        subject = self._subject(None) if self.kinds or self.actor or self.where else ()
        words = (*self._whose(), *subject, "distinct", slug(self.column), *self._reach())
        return "_".join(word for word in words if word)

    @property
    def question(self) -> str:
        """Breadth: how many sides the interest has."""
        return "breadth"


@dataclass(frozen=True, kw_only=True)
class _OverNumber(OverEvents):
    """A summary of a number column; the statistic's word is the lower-case class name."""

    column: str = "value"

    @property
    def derived_name(self) -> str:
        """Such as ``value_sum_30d``."""
        return self.worded(type(self).__name__.lower(), self.column)

    @property
    def unit(self) -> str:
        """That of the column."""
        return f"unit of {self.column}"

    @property
    def question(self) -> str:
        """The column."""
        return self.column


@dataclass(frozen=True, kw_only=True)
class Sum(_OverNumber):
    """The sum of a number column. Nothing: 0."""


@dataclass(frozen=True, kw_only=True)
class Mean(_OverNumber):
    """The mean of a number column. Nothing: null."""

    null: ClassVar[str] = "no such number"


@dataclass(frozen=True, kw_only=True)
class Max(_OverNumber):
    """The largest value of a number column. Nothing: null."""

    null: ClassVar[str] = "no such number"


@dataclass(frozen=True, kw_only=True)
class Min(_OverNumber):
    """The smallest value of a number column. Nothing: null."""

    null: ClassVar[str] = "no such number"


@dataclass(frozen=True, kw_only=True)
class DaysSince(OverEvents):
    """Days from the latest event to the cutoff (recency), or from the earliest one with ``first``. Nothing: null."""

    first: bool = False

    unit: ClassVar[str] = "days"
    null: ClassVar[str] = "no such event"

    @property
    def derived_name(self) -> str:
        """Such as ``reply_days_since`` or ``engagement_days_since_first``."""
        return self.worded("days_since_first" if self.first else "days_since")

    @property
    def question(self) -> str:
        """Recency, or how long the interest has lasted."""
        return "length of interest" if self.first else "recency"


@dataclass(frozen=True, kw_only=True)
class DecayedSum(OverEvents):
    """Events (or a number column) summed with weights that halve every ``half_life``. Nothing: 0.

    An event of age *a* weighs ``2 ** (-a / half_life)``.
    """

    half_life: int
    column: str | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        require_span(self, "half_life", self.half_life, needed=True)

    @property
    def derived_name(self) -> str:
        """Such as ``page_view_decayed_7d``."""
        return self.worded(f"decayed_{format_duration(self.half_life)}" + ("_in" if self.window else ""), self.column)

    @property
    def unit(self) -> str:
        """Fresh events, or the unit of the column."""
        return f"unit of {self.column}, fresh" if self.column else "fresh events"

    @property
    def question(self) -> str:
        """The column, or how warm the interest is."""
        return self.column or "engagement"


@dataclass(frozen=True, kw_only=True)
class _Gap(OverEvents):
    unit: ClassVar[str] = "days"

    @property
    def question(self) -> str:
        """Rhythm: how regularly the lead comes back."""
        return "rhythm"


@dataclass(frozen=True, kw_only=True)
class GapMean(_Gap):
    """Mean days between one event and the next. Fewer than two events: null."""

    null: ClassVar[str] = "fewer than two such events"

    @property
    def derived_name(self) -> str:
        """Such as ``order_gap_mean``."""
        return self.worded("gap_mean")


@dataclass(frozen=True, kw_only=True)
class GapStd(_Gap):
    """Standard deviation (of the population) of the days between events. Fewer than three events: null."""

    null: ClassVar[str] = "fewer than three such events"

    @property
    def derived_name(self) -> str:
        """Such as ``order_gap_std``."""
        return self.worded("gap_std")


@dataclass(frozen=True, kw_only=True)
class _OneEvent(OverEvents):
    column: str = "kind"
    type: Dtype = "category"

    null: ClassVar[str] = "no such event with a value"

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require(self.column not in ("day", "lead"), f"column {self.column!r}", "kind, item or another column")
        self.require(self.type in ("category", "number"), f"type {self.type!r}", "category or number")
        self.require(self.type == "category" or self.column != "kind", "kind as a number", "type='category'")

    @property
    def dtype(self) -> Dtype:
        """As the column is read: a category, unless said otherwise."""
        return self.type

    @property
    def unit(self) -> str:
        """A level, or the unit of the column."""
        return "level" if self.type == "category" else f"unit of {self.column}"

    @property
    def derived_name(self) -> str:
        """Such as ``first_kind`` or ``form_last_item``."""
        subject = self._subject(None) if self.kinds or self.actor or self.where else ()
        words = (*self._whose(), *subject, type(self).__name__.lower(), slug(self.column), *self._reach())
        return "_".join(word for word in words if word)

    @property
    def question(self) -> str:
        """The column."""
        return f"{type(self).__name__.lower()} {self.column}"


@dataclass(frozen=True, kw_only=True)
class First(_OneEvent):
    """The level or number of a column, or the kind, at the earliest event that has one. Nothing: null."""


@dataclass(frozen=True, kw_only=True)
class Last(_OneEvent):
    """The level or number of a column, or the kind, at the latest event that has one. Nothing: null."""
