"""Judgement by inverse propensity: what the hand-offs say of all leads that could have been handed off.

Outcomes of leads that were handed off are those of leads that somebody chose. A lead that was handed off with
propensity p stands for 1 / p leads like it (D. G. Horvitz and D. J. Thompson, 1952); each figure is a ratio of such
sums, so that their luck cancels (self-normalised, J. Hajek, 1971). It is an answer about every lead that had some
chance; those that had none are outside of it. The effective size is Kish's (L. Kish, Survey Sampling, 1965): so many
rows of equal weight would tell as much.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from data.errors import SchemaError
from training.judge import Ranking, intervals, lead_weights

Floats = npt.NDArray[np.float64]
DRAWS = 200
"""Bootstrap samples behind an interval."""
FEW_WINS = 20
"""With fewer outcomes than this among the explored, weighed figures are not to be relied on."""


@dataclass(frozen=True)
class Weighed:
    """Figures (``judge.METRICS``) with their 95 % intervals, of so many rows; ``effective``: Kish's size of them.

    ``explored`` of the rows had a chance below 1, ``explored_wins`` of these the outcome: with fewer than FEW_WINS the
    figures are mostly luck, and the intervals too narrow, since what was hardly ever seen is hardly ever drawn again.
    """

    figures: dict[str, float]
    intervals: dict[str, list[float]]
    rows: int
    explored: int
    explored_wins: int
    effective: float


def effective_size(weights: Floats) -> float:
    """Kish's effective sample size, (sum w)^2 / sum w^2: n for equal weights, 0 without rows."""
    squares = float((weights**2).sum())
    return float(weights.sum()) ** 2 / squares if squares > 0.0 else 0.0


def judge_weighted(
    outcome: npt.NDArray[np.bool_],
    score: Floats,
    propensity: Floats,
    leads: npt.NDArray[np.generic],
    draws: int = DRAWS,
    seed: int = 0,
) -> Weighed:
    """The figures of ``score`` on n rows that were handed off with ``propensity``, as of all that could have been.

    ``leads`` (n,) are any ids: the intervals are by lead. Raises SchemaError for a propensity that is none.
    """
    wrong = ~((propensity > 0.0) & (propensity <= 1.0))
    if wrong.any():
        raise SchemaError(
            f"{int(wrong.sum())} of {len(propensity)} propensities are no chance of a hand-off (first: "
            f"{propensity[wrong][0]!r}). Expected numbers above 0 and at most 1. Leave out rows without one."
        )
    weights, ranking = 1.0 / propensity, Ranking.of(outcome, score)
    _, codes = np.unique(leads, return_inverse=True)
    around = intervals(ranking, lead_weights(codes, draws, seed), weights)
    explored = propensity < 1.0
    counts = int(explored.sum()), int(outcome[explored].sum())
    return Weighed(ranking.metrics(weights), around, len(score), *counts, effective_size(weights))
