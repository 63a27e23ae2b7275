"""How figures, dates and models are told to people: in the version card, the plots and the report alike."""

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

MODEL_NAMES = {
    "prior": "base rate",
    "points": "points",
    "odoo": "Odoo's method",
    "logistic": "logistic regression",
    "gbm": "LightGBM",
    "blend": "blend",
    "ceiling": "exact ceiling",
}
METRIC_NAMES = {
    "auc": "AUC",
    "average_precision": "average precision",
    "log_loss": "log loss",
    "brier": "Brier score",
    "ece": "calibration error",
    "lift_at_10": "lift at 10 %",
}
DECIMALS = {"auc": 3, "average_precision": 3, "log_loss": 4, "brier": 4, "ece": 4, "lift_at_10": 2}
PARTS = {3: "third", 4: "quarter", 5: "fifth", 6: "sixth", 7: "seventh", 8: "eighth", 9: "ninth", 10: "tenth"}
"""What one of so many equal groups is called."""
UNITS = {"d": "day", "h": "hour", "min": "minute", "s": "second", "w": "week"}


def whole(number: float) -> str:
    """``12,345``."""
    return f"{number:,.0f}"


def counted(number: float, name: str) -> str:
    """``1 win``, ``12,345 wins``."""
    return f"{whole(number)} {name}{'' if number == 1 else 's'}"


def percent(share: float | None) -> str:
    """``4.2 %``, with as many decimals as small rates need; a dash where it is not defined."""
    if share is None or not math.isfinite(share):
        return "-"
    value = share * 100.0
    return f"{value:.0f} %" if value >= 20 else f"{value:.1f} %" if value >= 1 else f"{value:.2g} %"


def day(moment: str) -> str:
    """``12 May 2025`` (UTC) of an ISO 8601 time."""
    found = datetime.fromisoformat(moment).astimezone(UTC)
    return f"{found.day} {found:%b %Y}"


def long_duration(text: str) -> str:
    """``30 days`` of ``30d``."""
    number = text.rstrip("dhminsw")
    unit = UNITS.get(text[len(number) :], text[len(number) :])
    return f"{number} {unit}" if number == "1" else f"{number} {unit}s"


def figure(metric: str, value: float | None) -> str:
    """A metric with the decimals that it deserves; a dash where it is not defined."""
    return "-" if value is None or not math.isfinite(value) else f"{value:.{DECIMALS.get(metric, 3)}f}"


def interval(figures: Mapping[str, Any], metric: str) -> str:
    """``0.801 to 0.823``; nothing where no interval is given."""
    bounds = figures.get("intervals", {}).get(metric)
    if not bounds or any(bound is None or not math.isfinite(bound) for bound in bounds):
        return ""
    return f"{figure(metric, bounds[0])} to {figure(metric, bounds[1])}"


def with_interval(figures: Mapping[str, Any], metric: str) -> str:
    """``0.812 (0.801 to 0.823)``, or the figure alone where no interval is given."""
    told, bounds = figure(metric, figures[metric]), interval(figures, metric)
    return f"{told} ({bounds})" if bounds else told
