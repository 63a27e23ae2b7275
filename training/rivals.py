"""The rivals that need no features: the prior, and the customer's own points."""

import numpy as np
import numpy.typing as npt
from sklearn.isotonic import IsotonicRegression

from models.hazard import last_bins
from models.numerics import Floats
from training.cells import Cells

GROUPS = 30
"""Points are read in at most this many groups of equal size."""
PRIOR_ROWS = 20.0
"""Each group's rate is shrunk towards the base rate as if so many rows of it had been seen."""
ORDER_KEPT = 1e-9
"""What a point adds within a group, in log-odds: nothing to the probability, but the order stays the points' own."""


def prior(of: Cells, edges: tuple[int, ...], horizons: tuple[int, ...]) -> Floats:
    """(horizons,) chance of the outcome for anybody, from the rates of the hazard bins of the training cells."""
    weight = np.bincount(of.bins, of.weights, len(edges))
    hits = np.bincount(of.bins, of.weights * of.outcome, len(edges))
    hazard = (hits + 0.5) / (weight + 1.0)
    return np.asarray(1.0 - np.cumprod(1.0 - hazard)[last_bins(edges, horizons)])


class PointsAsChance:
    """Points read as a probability by what they were worth in the training rows: rates by group, never falling."""

    def __init__(self, points: Floats, outcome: npt.NDArray[np.bool_]) -> None:
        """Learn from ``points`` (n,) and matured ``outcome`` (n,)."""
        starts = np.unique(np.quantile(points, np.arange(GROUPS) / GROUPS)) if len(points) else np.zeros(1)
        group = np.searchsorted(starts, points, side="right") - 1
        size = np.bincount(group, minlength=len(starts)).astype(float)
        hits = np.bincount(group, outcome, len(size))
        base = (hits.sum() + 0.5) / (size.sum() + 1.0)
        rate = (hits + base * PRIOR_ROWS) / (size + PRIOR_ROWS)
        middle = np.bincount(group, points, len(size)) / np.maximum(size, 1.0)
        seen = size > 0
        rising = (
            IsotonicRegression().fit_transform(middle[seen], rate[seen], sample_weight=size[seen])
            if seen.any()
            else [base]
        )
        self._middle = middle[seen] if seen.any() else np.zeros(1)
        self._logits = np.log(rising) - np.log1p(-np.asarray(rising))

    def __call__(self, points: Floats) -> Floats:
        """(n,) probabilities; rows with more points never get less."""
        logits = np.interp(points, self._middle, self._logits) + ORDER_KEPT * points
        return np.asarray(1.0 / (1.0 + np.exp(-logits)))
