"""Thresholds from what sales can work, or from what its calls cost and bring."""

import math

import numba
import numpy as np
import numpy.typing as npt

from data.clock import WEEK
from data.errors import ContractError

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

NEVER_AGAIN = np.iinfo(np.int64).max
"""A rest that does not end."""
HYSTERESIS = 1.5
"""A ready lead falls back where its odds are so many times below those of the threshold."""


def break_even(call: float, premature: float, win: float) -> float:
    """The readiness p at which a call pays for itself: ``p * win = call + (1 - p) * premature``.

    ``call`` is what a call costs, ``premature`` what is lost besides when the lead was not ready, ``win`` what a call
    to a ready lead brings. Raises ContractError unless 0 <= premature and 0 < call < win.
    """
    if not (premature >= 0.0 and 0.0 < call < win and math.isfinite(win) and math.isfinite(premature)):
        raise ContractError(
            f"A call of {call:g}, a premature call of {premature:g} and a win of {win:g} have no break-even. Expected "
            "a call above 0, a premature call from 0 and a win worth more than a call. Correct [policy.costs]."
        )
    return (call + premature) / (win + premature)


def exit_for(threshold: float) -> float:
    """Where a ready lead falls back: at the odds of the threshold divided by HYSTERESIS."""
    return threshold / (threshold + HYSTERESIS * (1.0 - threshold))


def threshold_for_capacity(
    scores: Floats,
    cutoffs: Ints,
    leads: npt.NDArray[np.generic],
    capacity_per_week: float,
    eligible: npt.NDArray[np.bool_] | None = None,
    rest: int = NEVER_AGAIN,
) -> float:
    """The lowest threshold that hands off no more leads a week than sales can work.

    The n rows are periodic cutoffs (microseconds) of held-out leads (any ids) with their readiness. A lead is handed
    off at its first row at or above the threshold, and again at the first such row at least ``rest`` later
    (microseconds: the time in the hands of sales and the cool-down). Hand-offs at the first cutoff are the backlog from
    before and do not count, unless there is one cutoff only: then the ``capacity`` best are it. Rows that are not
    ``eligible`` (too little evidence) cannot be handed off. Returns a readiness within [0, 1]: a little above the first
    score that is too many when nothing above it brings a hand-off. Raises ContractError without rows.
    """
    if not len(scores):
        raise ContractError("No held-out rows to set a threshold by. Widen [backtest], or bring more history.")
    able = np.ones(len(scores), bool) if eligible is None else np.asarray(eligible)
    if not able.any():
        return 1.0
    _, codes = np.unique(leads, return_inverse=True)
    order = np.lexsort((cutoffs, codes))
    order = order[able[order]]
    values, at = np.asarray(scores, np.float64)[order], np.asarray(cutoffs, np.int64)[order]
    start, end = int(cutoffs.min()), int(cutoffs.max())
    first = np.searchsorted(codes[order], np.arange(int(codes.max()) + 2))
    falling = np.argsort(-values, kind="stable")
    allowed = capacity_per_week * max((end - start) / WEEK, 1.0)
    backlog = start if end > start else start - 1
    lowest, refused = _lowest(values, at, first, codes[order], falling, allowed, backlog, rest)
    return float(lowest) if math.isfinite(lowest) else min(1.0, math.nextafter(float(refused), 2.0))


@numba.njit(cache=True)
def _lowest(
    values: Floats, at: Ints, first: Ints, codes: Ints, falling: Ints, allowed: float, backlog: int, rest: int
) -> tuple[float, float]:
    """Going down through ``falling``, the last score that brings a hand-off within ``allowed``, and the first too many.

    Infinite: there is none; without one too many, the second is the highest score. Rows are sorted by lead and time,
    those of lead i from ``first[i]`` to ``first[i + 1]``. A lower threshold changes the hand-offs only of the leads
    whose rows it lets in, so each is counted anew when one of its rows comes in.
    """
    counted = np.zeros(len(first) - 1, np.int64)
    total, lowest, place = 0, np.inf, 0
    while place < len(falling):
        threshold, before = values[falling[place]], total
        while place < len(falling) and values[falling[place]] == threshold:
            lead = codes[falling[place]]
            total -= counted[lead]
            counted[lead] = _handed_off(values, at, first[lead], first[lead + 1], threshold, backlog, rest)
            total += counted[lead]
            place += 1
        if total > allowed:
            return lowest, threshold
        if total > before:
            lowest = threshold
    return lowest, values[falling[0]]


@numba.njit(cache=True)
def _handed_off(values: Floats, at: Ints, begin: int, end: int, threshold: float, backlog: int, rest: int) -> int:
    """How often a lead is handed off after ``backlog`` (microseconds)."""
    count, handed = 0, False
    last = np.int64(0)
    for row in range(begin, end):
        if values[row] >= threshold and (not handed or at[row] - last >= rest):
            handed, last = True, at[row]
            count += at[row] > backlog
    return count
