"""Thresholds from what sales can work, or from what its calls cost and bring."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

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
    return thresholds_for_capacities(scores, cutoffs, leads, (capacity_per_week,), eligible, rest)[0]


def thresholds_for_capacities(
    scores: Floats,
    cutoffs: Ints,
    leads: npt.NDArray[np.generic],
    capacities: Sequence[float],
    eligible: npt.NDArray[np.bool_] | None = None,
    rest: int = NEVER_AGAIN,
) -> list[float]:
    """``threshold_for_capacity`` of each of ``capacities`` (a week, in rising order), in one walk through the rows."""
    if not len(scores):
        raise ContractError("No held-out rows to set a threshold by. Widen [backtest], or bring more history.")
    able = np.ones(len(scores), bool) if eligible is None else np.asarray(eligible)
    if not able.any():
        return [1.0] * len(capacities)
    rows = Walked.of(scores, cutoffs, leads, able)
    falling = np.argsort(-rows.values, kind="stable")
    allowed = np.asarray(capacities, np.float64) * rows.weeks
    found = _lowest(rows.values, rows.at, rows.first, rows.codes, falling, allowed, rows.backlog, rest)
    return [
        float(lowest) if math.isfinite(lowest) else min(1.0, math.nextafter(float(refused), 2.0))
        for lowest, refused in found
    ]


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
    rows = Walked.of(scores, cutoffs, leads, eligible)
    ends = zip(rows.first[:-1].tolist(), rows.first[1:].tolist(), strict=True)
    counts = (_handed_off(rows.values, rows.at, begin, end, threshold, rows.backlog, rest) for begin, end in ends)
    by_threshold = sum(counts) / rows.weeks
    waiting = below.sum() / len(np.unique(cutoffs)) / rows_kept
    return min(1.0, share / (1.0 - share) * by_threshold / float(waiting))


@dataclass(frozen=True, eq=False)
class Walked:
    """The m rows that may be handed off, sorted by lead and time; those of lead i from ``first[i]`` to ``first[i+1]``.

    ``order`` is where each was among the rows given, ``codes`` number the leads in the order of their ids. Hand-offs at
    or before ``backlog`` (microseconds) are from before; the others came in ``weeks``.
    """

    values: Floats
    at: Ints
    codes: Ints
    first: Ints
    order: Ints
    backlog: int
    weeks: float

    @classmethod
    def of(cls, scores: Floats, cutoffs: Ints, leads: npt.NDArray[np.generic], able: npt.NDArray[np.bool_]) -> "Walked":
        """The rows that are ``able``. Weeks and backlog are those of all rows."""
        _, codes = np.unique(leads, return_inverse=True)
        codes = codes.reshape(-1).astype(np.int64)
        order = np.lexsort((cutoffs, codes))
        order = order[able[order]].astype(np.int64)
        start, end = int(cutoffs.min()), int(cutoffs.max())
        return cls(
            np.asarray(scores, np.float64)[order],
            np.asarray(cutoffs, np.int64)[order],
            codes[order],
            np.searchsorted(codes[order], np.arange(int(codes.max()) + 2)).astype(np.int64),
            order,
            start if end > start else start - 1,
            max((end - start) / WEEK, 1.0),
        )


@numba.njit(cache=True)
def _lowest(
    values: Floats, at: Ints, first: Ints, codes: Ints, falling: Ints, allowed: Floats, backlog: int, rest: int
) -> Floats:
    """Of each of k ``allowed`` (rising), as (k, 2): the last score that brings a hand-off, and the first too many.

    Scores go down as ``falling``. Infinite: there is none; without one too many, it is the highest. A lower threshold
    changes the hand-offs only of leads whose rows it lets in, so each is counted anew when one of its rows comes in.
    """
    counted = np.zeros(len(first) - 1, np.int64)
    found = np.empty((len(allowed), 2), np.float64)
    total, lowest, place, done = 0, np.inf, 0, 0
    while place < len(falling) and done < len(allowed):
        threshold, before = values[falling[place]], total
        while place < len(falling) and values[falling[place]] == threshold:
            lead = codes[falling[place]]
            total -= counted[lead]
            counted[lead] = _handed_off(values, at, first[lead], first[lead + 1], threshold, backlog, rest)
            total += counted[lead]
            place += 1
        while done < len(allowed) and total > allowed[done]:
            found[done, 0], found[done, 1] = lowest, threshold
            done += 1
        if total > before:
            lowest = threshold
    for rest_of_them in range(done, len(allowed)):
        found[rest_of_them, 0], found[rest_of_them, 1] = lowest, values[falling[0]]
    return found


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
