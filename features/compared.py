"""Features that compare: two windows, or two other features."""

from dataclasses import dataclass
from typing import Any, ClassVar

from data.clock import format_duration
from features.custom import Custom
from features.definitions import Count, Sum
from features.feature import Feature, OverEvents, Per, require_span


@dataclass(frozen=True, kw_only=True)
class Trend(OverEvents):
    """The rate of a short window over the rate of a longer one: ``(n_short / n_long) * (long / short)``.

    1 is steady, 0 means silent in the short window, ``long / short`` means all of it was recent. Nothing in the long
    window: null. ``window`` is the long one. With a ``column`` its sums are compared instead of counts of events.
    """

    short: int
    column: str | None = None

    unit: ClassVar[str] = "ratio of rates"
    null: ClassVar[str] = "nothing of it in the long window"

    def __post_init__(self) -> None:
        super().__post_init__()
        require_span(self, "window", self.window, needed=True)
        require_span(self, "short", self.short, needed=True)
        self.require(self.short < (self.window or 0), f"short {self.short} and window {self.window}", "short < window")

    @property
    def derived_name(self) -> str:
        """Such as ``page_view_trend_7d_30d``."""
        return self.worded(f"trend_{format_duration(self.short)}", self.column)

    @property
    def long(self) -> Count | Sum:
        """What is compared, over the long window."""
        whose = {"kinds": self.kinds, "actor": self.actor, "where": self.where, "per": self.per, "window": self.window}
        selection: dict[str, Any] = whose
        return Count(**selection) if self.column is None else Sum(column=self.column, **selection)

    @property
    def question(self) -> str:
        """Momentum: more or less than before, of the column where there is one."""
        return self.column or "momentum"


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
        same = self.left.per == self.right.per
        self.require(same, f"sides per {self.left.per} and per {self.right.per}", "both per lead or both per account")

    @property
    def per(self) -> Per:
        """That of both sides."""
        return self.left.per

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
