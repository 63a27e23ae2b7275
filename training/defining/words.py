"""The candidates of a workshop as rows of a table."""

from collections.abc import Iterator, Mapping
from typing import Any

from training.wording import figure, percent

COLUMNS = ("no.", "outcome", "within", "threshold", "a week", "right", "days ahead", "caught", "AUC", "kappa")


def rows(found: Mapping[str, Any]) -> Iterator[list[str]]:
    """A row for each candidate, in COLUMNS."""
    for one in found["candidates"]:
        ahead, sure = one["lead_time_days"], one["agreement"]
        yield [
            str(one["number"]),
            one["outcome"],
            one["horizon"],
            percent(one["threshold"]),
            f"{one['per_week']:.1f}",
            _share(one["precision"], one["handed_off"]),
            "-" if ahead is None else f"{ahead:.0f}",
            _share(one["share_caught"], one["outcomes"]),
            figure("auc", one["auc"]),
            "-" if sure is None or sure["kappa"] is None else f"{sure['kappa']:.2f} of {sure['n']}",
        ]


def _share(share: float | None, of: int) -> str:
    return "-" if share is None else f"{percent(share)} of {of}"
