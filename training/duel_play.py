"""Sales works a list: in each period the free leads with the highest scores are called, as many as there is capacity.

A lead that was called is in hand for the horizon and takes no other call meanwhile: sales works it, and the answer to
the first call is not in before. So every outcome answers one call at the most, and nobody wins by calling the same
leads again and again. Whoever has equal scores is called in an order drawn by lot.
"""

from dataclasses import dataclass

import numba
import numpy as np
import numpy.typing as npt

from data.clock import WEEK

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class DuelRows:
    """n questions with known answers, in periods: ``lead`` a code from 0, ``cutoff`` microseconds, ``period`` from 0.

    ``outcome`` numbers the outcome that came within the horizon, -1 where none came; ``weeks`` (periods,) is how many
    weeks of sales each period stands for.
    """

    lead: Ints
    cutoff: Ints
    period: Ints
    outcome: Ints
    weeks: Floats
    horizon: int

    @property
    def won(self) -> Mask:
        """(n,) whether the outcome came within the horizon."""
        return self.outcome >= 0

    @property
    def outcomes(self) -> int:
        """How many different outcomes a call could have caught."""
        return len(np.unique(self.outcome[self.won]))

    @property
    def leads(self) -> int:
        """How many leads there are."""
        return int(self.lead.max(initial=-1)) + 1


def periods_of(cutoffs: Ints) -> tuple[Ints, Floats]:
    """The week of each cutoff, counted from the first, as a period (n,), and the weeks until the next period.

    Weeks without a cutoff belong to the period before; the last period is as long as the usual one.
    """
    week = (cutoffs - cutoffs.min(initial=np.iinfo(np.int64).max)) // WEEK
    found, period = np.unique(week, return_inverse=True)
    gaps = np.diff(found).astype(np.float64)
    usual = float(np.median(gaps)) if len(gaps) else 1.0
    return period.reshape(-1).astype(np.int64), np.append(gaps, usual) if len(found) else np.empty(0)


def capacities(weeks: Floats, capacity: float) -> Ints:
    """Whole calls of each period; what rounding leaves over goes to the next."""
    return np.diff(np.floor(np.cumsum(np.append(0.0, weeks * capacity)) + 1e-9)).astype(np.int64)


@dataclass(frozen=True, eq=False)
class Ranked:
    """The rows in the order of calling: by period, then from the highest score; ``tie`` is where equal scores begin."""

    order: Ints
    tie: Ints

    @classmethod
    def of(cls, rows: DuelRows, score: Floats) -> "Ranked":
        """The order by ``score`` (n,); rows without a score come last."""
        worth = np.where(np.isnan(score), -np.inf, score)
        order = np.lexsort((-worth, rows.period))
        fresh = np.ones(len(order) + 1, bool)
        fresh[1:-1] = (np.diff(rows.period[order]) != 0) | (worth[order][1:] != worth[order][:-1])
        return cls(order.astype(np.int64), np.flatnonzero(fresh).astype(np.int64))

    @property
    def has_ties(self) -> bool:
        """Whether any two rows of a period have the same score."""
        return len(self.tie) <= len(self.order)


def play(rows: DuelRows, ranked: Ranked, calls: Ints, copies: Ints, seed: int) -> tuple[int, int]:
    """(calls made, outcomes caught) when each lead is there ``copies`` (leads,) times; ``calls`` (periods,) at most."""
    taken = called(rows, ranked, calls, copies, seed)
    return int(taken.sum()), int(taken[rows.won].sum())


def called(rows: DuelRows, ranked: Ranked, calls: Ints, copies: Ints, seed: int) -> Ints:
    """(n,) how often each row was called when each lead is there ``copies`` (leads,) times."""
    offsets = np.concatenate([[0], np.cumsum(copies)]).astype(np.int64)
    return np.asarray(
        _play(ranked.order, ranked.tie, rows.lead, rows.cutoff, rows.period, calls, offsets, rows.horizon, seed)
    )


def _play_rows(
    order: Ints,
    tie: Ints,
    lead: Ints,
    cutoff: Ints,
    period: Ints,
    calls: Ints,
    offsets: Ints,
    horizon: int,
    seed: int,
) -> Ints:
    np.random.seed(seed)  # noqa: NPY002  the generator that compiled code has
    left, free_at = calls.copy(), np.full(offsets[-1], np.iinfo(np.int64).min, np.int64)
    taken = np.zeros(order.shape[0], np.int64)
    for group in range(tie.shape[0] - 1):
        if left[period[order[tie[group]]]] <= 0:
            continue
        rows = order[tie[group] : tie[group + 1]].copy()
        if rows.shape[0] > 1:
            np.random.shuffle(rows)  # noqa: NPY002  likewise
        for row in rows:
            for copy in range(offsets[lead[row]], offsets[lead[row] + 1]):
                if left[period[row]] > 0 and free_at[copy] <= cutoff[row]:
                    free_at[copy] = cutoff[row] + horizon
                    left[period[row]] -= 1
                    taken[row] += 1
    return taken


_play = numba.njit(cache=True, nogil=True)(_play_rows)
