"""What a definition would have meant on later rows: who is handed off when, and what came of it."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from data.clock import DAY, WEEK

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class LaterRows:
    """n rows that were not learned from: leads as codes, cutoffs and times to the outcome in microseconds.

    ``enough``: whether the rule of evidence allows a hand-off. Every row has matured for ``horizon``.
    """

    codes: Ints
    cutoffs: Ints
    time_to: Ints
    enough: Mask
    horizon: int

    @property
    def weeks(self) -> float:
        """How long the rows go on after the first cutoff, in weeks."""
        return max(float(np.ptp(self.cutoffs)) / WEEK, 1.0)

    @property
    def came(self) -> Mask:
        """Whether the outcome came within the horizon."""
        return np.asarray(self.time_to < self.horizon)


def handed_off(rows: LaterRows, readiness: Floats, threshold: float, rest: int) -> Ints:
    """The rows at which leads are handed off: the first at or above the threshold, and again after ``rest``."""
    able = np.flatnonzero((readiness >= threshold) & rows.enough)
    order = able[np.lexsort((rows.cutoffs[able], rows.codes[able]))]
    chosen, last_lead, last_at = [], -1, 0
    for row in order.tolist():
        lead, at = int(rows.codes[row]), int(rows.cutoffs[row])
        if lead != last_lead or at - last_at >= rest:
            chosen.append(row)
            last_lead, last_at = lead, at
    return np.array(chosen, np.int64)


def meaning(rows: LaterRows, readiness: Floats, threshold: float, rest: int) -> dict[str, Any]:
    """Hand-offs, their volume a week, how many were right, how early, and how many of the outcomes they caught.

    Hand-offs at the first cutoff are the backlog from before and no part of the weekly volume. A lead time is from the
    hand-off to the outcome, in days. An outcome is caught when a hand-off came within the horizon before it.
    """
    chosen = handed_off(rows, readiness, threshold, rest)
    right = chosen[rows.came[chosen]]
    fresh = int((rows.cutoffs[chosen] > rows.cutoffs.min(initial=np.iinfo(np.int64).max)).sum())
    outcomes, caught = _outcomes(rows, np.flatnonzero(rows.came)), _outcomes(rows, right)
    return {
        "threshold": float(threshold),
        "handed_off": len(chosen),
        "per_week": fresh / rows.weeks,
        "right": len(right),
        "precision": len(right) / len(chosen) if len(chosen) else None,
        "lead_time_days": float(np.median(rows.time_to[right])) / DAY if len(right) else None,
        "outcomes": len(outcomes),
        "caught": len(caught),
        "share_caught": len(caught) / len(outcomes) if outcomes else None,
    }


def _outcomes(rows: LaterRows, places: Ints) -> set[tuple[int, int]]:
    """The different outcomes (lead, moment) that rows lead up to."""
    moments = rows.cutoffs[places] + rows.time_to[places]
    return set(zip(rows.codes[places].tolist(), moments.tolist(), strict=True))
