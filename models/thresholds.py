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
    values, at, first, codes = _by_lead(scores, cutoffs, leads, able)
    backlog, weeks = _span(cutoffs)
    falling = np.argsort(-values, kind="stable")
    lowest, refused = _lowest(values, at, first, codes, falling, capacity_per_week * weeks, backlog, rest)
    return float(lowest) if math.isfinite(lowest) else min(1.0, math.nextafter(float(refused), 2.0))


def chance_to_explore(
    share: float,
    threshold: float,
    scores: Floats,
    cutoffs: Ints,
    leads: npt.NDArray[np.generic],
    eligible: npt.NDArray[np.bool_],
    rest: int = NEVER_AGAIN,
    rows_kept: float = 1.0,
) -> float:
    """How likely a lead below ``threshold`` must be handed off a week for such leads to be ``share`` of all hand-offs.

    The rows and ``rest`` are those of ``threshold_for_capacity``. Hand-offs by the threshold are counted on them; the
    leads that chance chooses from are the eligible ones below it, on the average over the cutoffs. ``rows_kept``: of
    all rows, how many these are. 0 where nobody is handed off by the threshold, or nobody is left to choose from.
    """
    below = eligible & (scores < threshold)
    if not below.any():
        return 0.0
    values, at, first, _ = _by_lead(scores, cutoffs, leads, eligible)
    backlog, weeks = _span(cutoffs)
    ends = zip(first[:-1].tolist(), first[1:].tolist(), strict=True)
    by_threshold = sum(_handed_off(values, at, begin, end, threshold, backlog, rest) for begin, end in ends) / weeks
    waiting = below.sum() / len(np.unique(cutoffs)) / rows_kept
    return min(1.0, share / (1.0 - share) * by_threshold / float(waiting))


def _by_lead(
    scores: Floats, cutoffs: Ints, leads: npt.NDArray[np.generic], able: npt.NDArray[np.bool_]
) -> tuple[Floats, Ints, Ints, Ints]:
    """The able rows sorted by lead and time: scores, cutoffs, where each lead's begin (and the end), leads as codes."""
    _, codes = np.unique(leads, return_inverse=True)
    order = np.lexsort((cutoffs, codes))
    order = order[able[order]]
    first = np.searchsorted(codes[order], np.arange(int(codes.max()) + 2))
    return np.asarray(scores, np.float64)[order], np.asarray(cutoffs, np.int64)[order], first, codes[order]


def _span(cutoffs: Ints) -> tuple[int, float]:
    """The moment up to which hand-offs are the backlog from before, and the weeks after it; at least one."""
    start, end = int(cutoffs.min()), int(cutoffs.max())
    return start if end > start else start - 1, max((end - start) / WEEK, 1.0)


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
