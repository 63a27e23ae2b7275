"""Person-period cells: what each row teaches about each hazard bin.

A row takes part in a bin when the bin had passed by the time of learning and the outcome had not come before it. Where
there are more cells than the budget, cells without outcome are thinned, seeded, and the rest weighted up in return, so
that the fitted chances stay what they are.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from data.labels import Labels
from models.hazard import bin_labels, bin_watched

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Cells:
    """Row numbers, bins, outcomes (0 or 1) and weights of the cells; (c,) each."""

    rows: Ints
    bins: Ints
    outcome: npt.NDArray[np.int8]
    weights: Floats

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def outcomes(self) -> int:
        """How many cells hold an outcome."""
        return int(self.outcome.sum())


def cells(rows: Ints, labels: Labels, edges: tuple[int, ...], watched: Ints) -> Cells:
    """The cells of ``rows``; ``watched`` (n,) is how long each could be watched at the time of learning."""
    answers = bin_labels(labels.time_to_outcome[rows], edges)
    usable = bin_watched(watched, edges) & (answers >= 0)
    at, bins = np.nonzero(usable)
    return Cells(rows[at], bins.astype(np.int64), answers[at, bins], np.ones(len(at)))


def thinned(every: Cells, budget: int, seed: int) -> Cells:
    """At most about ``budget`` cells: all outcomes up to a third of it, and a weighted draw of the rest."""
    if len(every) <= budget:
        return every
    generator = np.random.default_rng(seed)
    keep_outcomes = min(1.0, budget / 3 / max(every.outcomes, 1))
    rest = (budget - keep_outcomes * every.outcomes) / max(len(every) - every.outcomes, 1)
    chance = np.where(every.outcome == 1, keep_outcomes, min(rest, 1.0))
    kept = generator.random(len(every)) < chance
    return Cells(every.rows[kept], every.bins[kept], every.outcome[kept], every.weights[kept] / chance[kept])


def thinned_rows(every: Cells, budget: int, seed: int) -> Cells:
    """All cells of at most about ``budget`` rows: those with an outcome up to a third of it, a draw of the rest.

    For a fit whose cost is in the rows: the other cells of a row come for nearly nothing.
    """
    rows, at = np.unique(every.rows, return_inverse=True)
    if len(rows) <= budget:
        return every
    with_outcome = np.bincount(at, every.outcome) > 0
    one_each = Cells(np.arange(len(rows)), np.zeros_like(rows), with_outcome.astype(np.int8), np.ones(len(rows)))
    few = thinned(one_each, budget, seed)
    share = np.zeros(len(rows))
    share[few.rows] = few.weights
    kept = share[at] > 0
    return Cells(every.rows[kept], every.bins[kept], every.outcome[kept], (every.weights * share[at])[kept])


def cell_losses(logits: Floats, of: Cells) -> Floats:
    """(c,) log loss, in nats, of the hazard ``logits`` (c,) of cells."""
    return np.asarray(np.logaddexp(0.0, np.where(of.outcome == 1, -logits, logits)))
