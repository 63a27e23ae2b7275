"""The kinds of features, each a frozen value.

    over events   Count, DistinctCount, Sum, Mean, Max, Min, DaysSince, DecayedSum, GapMean, GapStd, First, Last, Trend
    of features   Ratio, Difference
    of the lead   Attribute, Tenure
    of the day    Calendar

A count, sum or decayed sum over nothing is 0; anything else over nothing is null. Own classes: ``features.custom``.
"""

from dataclasses import dataclass
from typing import ClassVar, Literal

from data.clock import format_duration
from features.custom import Custom
from features.feature import Dtype, Feature, OverEvents, require_span, slug

PSEUDO_COLUMNS = ("kind", "day")
"""Columns that every event has without a column of that name in the table: its kind, and its UTC day."""


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
    """How many different values of a text column, or of ``kind`` or ``day`` (UTC). Nothing: 0."""

    column: str

    unit: ClassVar[str] = "different values"

    @property
    def derived_name(self) -> str:
        """Such as ``distinct_item_30d``."""
        plain = not (self.kinds or self.actor or self.where)
        words = "" if plain else "_".join(part for part in self._subject(None) if part) + "_"
        return "_".join((f"{words}distinct_{slug(self.column)}", *self._reach()))

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

    dtype: ClassVar[Dtype] = "category"
    unit: ClassVar[str] = "level"
    null: ClassVar[str] = "no such event with a value"

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require(self.column != "day", "column 'day'", "kind, item or another text column")

    @property
    def derived_name(self) -> str:
        """Such as ``first_kind`` or ``form_last_item``."""
        subject = () if not (self.kinds or self.actor or self.where) else self._subject(None)
        words = (*subject, type(self).__name__.lower(), slug(self.column), *self._reach())
        return "_".join(word for word in words if word)

    @property
    def question(self) -> str:
        """The column."""
        return f"{type(self).__name__.lower()} {self.column}"


@dataclass(frozen=True, kw_only=True)
class First(_OneEvent):
    """The level of a text column, or the kind, at the earliest event that has one. Nothing: null."""


@dataclass(frozen=True, kw_only=True)
class Last(_OneEvent):
    """The level of a text column, or the kind, at the latest event that has one. Nothing: null."""


@dataclass(frozen=True, kw_only=True)
class Trend(OverEvents):
    """The rate of a short window over the rate of a longer one: ``(n_short / n_long) * (long / short)``.

    1 is steady, 0 means silent in the short window, ``long / short`` means all of it was recent. Nothing in the long
    window: null. ``window`` is the long one.
    """

    short: int

    unit: ClassVar[str] = "ratio of rates"
    null: ClassVar[str] = "no such event in the long window"

    def __post_init__(self) -> None:
        super().__post_init__()
        require_span(self, "window", self.window, needed=True)
        require_span(self, "short", self.short, needed=True)
        self.require(self.short < (self.window or 0), f"short {self.short} and window {self.window}", "short < window")

    @property
    def derived_name(self) -> str:
        """Such as ``page_view_trend_7d_30d``."""
        return self.worded(f"trend_{format_duration(self.short)}")

    @property
    def question(self) -> str:
        """Momentum: more or less than before."""
        return "momentum"


@dataclass(frozen=True, kw_only=True)
class _OfTwo(Feature):
    left: Feature
    right: Feature

    null: ClassVar[str] = "either side is null"

    def __post_init__(self) -> None:
        super().__post_init__()
        for side in (self.left, self.right):
            number = isinstance(side, Feature) and side.dtype == "number" and not isinstance(side, Custom)
            self.require(number, f"the side {side!r}", "two number features that are not custom")

    @property
    def group(self) -> str:
        """That of the left side."""
        return self.left.group


@dataclass(frozen=True, kw_only=True)
class Ratio(_OfTwo):
    """``left / right``; null when either is null or ``right`` is 0."""

    unit: ClassVar[str] = "ratio"
    null: ClassVar[str] = "either side is null, or the right one is 0"

    @property
    def derived_name(self) -> str:
        """Such as ``reply_count_30d_per_email_count_30d``."""
        return f"{self.left.name}_per_{self.right.name}"


@dataclass(frozen=True, kw_only=True)
class Difference(_OfTwo):
    """``left - right``; null when either is null."""

    @property
    def derived_name(self) -> str:
        """Such as ``order_days_since_minus_order_gap_mean``."""
        return f"{self.left.name}_minus_{self.right.name}"

    @property
    def unit(self) -> str:
        """That of the left side."""
        return self.left.unit


@dataclass(frozen=True, kw_only=True)
class Attribute(Feature):
    """An attribute of the lead or its account, as of the cutoff.

    ``type``: ``number``; ``category`` (a level of the vocabulary); ``time`` (days from that moment to the cutoff,
    negative when it lies ahead). It is part of the definition, so that a value of another type is parsed or null, but
    never changes what the feature means. ``source``:

    - ``leads``: the column of the leads table, as known at creation.
    - ``changes``: only the changes with ``known_at < cutoff``, the latest wins; before the first one the attribute is
      null and the leads column is *not* looked at. That defeats fields that were filled in later. It holds for all
      leads as soon as the history logs changes of the field for any of them, and is frozen here so that a cut history,
      a partition and one lead alone are read alike.
    - ``accounts``: the column of the accounts table, joined by account_id.
    """

    column: str
    type: Literal["number", "category", "time"] = "category"
    source: Literal["leads", "changes", "accounts"] = "leads"

    null: ClassVar[str] = "not known"

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require(isinstance(self.column, str) and bool(self.column), f"column {self.column!r}", "a name")
        self.require(self.type in ("number", "category", "time"), f"type {self.type!r}", "number, category or time")
        self.require(
            self.source in ("leads", "changes", "accounts"), f"source {self.source!r}", "leads, changes or accounts"
        )

    @property
    def dtype(self) -> Dtype:  # type: ignore[override]  # a class variable elsewhere, it depends on the type here
        """A category, or a number."""
        return "category" if self.type == "category" else "number"

    @property
    def derived_name(self) -> str:
        """Such as ``industry``, ``account_size``, ``days_since_renewal``."""
        words = ("days_since" if self.type == "time" else "", "account" if self.source == "accounts" else "")
        return "_".join(word for word in (*words, slug(self.column)) if word)

    @property
    def unit(self) -> str:
        """A level, days, or the unit of the column."""
        return {"category": "level", "time": "days", "number": f"unit of {self.column}"}[self.type]

    @property
    def group(self) -> str:
        """Such as ``profile: industry``."""
        return f"profile: {'account ' if self.source == 'accounts' else ''}{self.column}"


@dataclass(frozen=True, kw_only=True)
class Tenure(Feature):
    """Days from the lead's creation to the cutoff."""

    derived_name: ClassVar[str] = "tenure_days"  # type: ignore[misc]  # a constant suffices
    unit: ClassVar[str] = "days"
    group: ClassVar[str] = "time since creation"


@dataclass(frozen=True, kw_only=True)
class Calendar(Feature):
    """A part of the cutoff in UTC: ``month`` 1 to 12, ``weekday`` 0 (Monday) to 6, ``hour`` 0 to 23."""

    part: Literal["month", "weekday", "hour"]

    group: ClassVar[str] = "season"

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require(self.part in ("month", "weekday", "hour"), f"part {self.part!r}", "month, weekday or hour")

    @property
    def derived_name(self) -> str:
        """Such as ``cutoff_month``."""
        return f"cutoff_{self.part}"

    @property
    def unit(self) -> str:
        """The part."""
        return self.part
