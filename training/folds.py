"""One validation block: models of what came before it, and what they say about its rows."""

from dataclasses import dataclass

import lightgbm as lgb
import numpy as np
import numpy.typing as npt

from data.clock import iso
from data.labels import Labels
from models.model import with_bins
from models.numerics import Floats, Matrix
from training.cells import Cells, cell_loss, cells, thinned
from training.gbm import MOST_ROUNDS, SHAPES, GbmSettings, Shape, fit_gbm
from training.logistic import LogisticTrainer
from training.splits import Fold, Ints, lead_folds, time_folds

STRENGTHS = (0.0003, 0.003, 0.03, 0.3, 3.0)
"""Penalties tried for the linear model: the prior variance of a standardised coefficient, from stiff to free."""
GBM_BUDGET = 150_000
LINEAR_BUDGET = 60_000
VALIDATION_ROWS = 40_000
LEAST_OUTCOMES = 5
"""A fold whose models would learn from, or be judged on, fewer outcomes than this says nothing."""


@dataclass(frozen=True, eq=False)
class Ground:
    """What is learned from: n rows of a feature table (n, features), their cutoffs, labels and leads.

    ``labels`` are as known at the end of the learning time; ``edges``, ``horizons`` and ``reporting_lag`` are
    microseconds.
    """

    matrix: Matrix
    cutoffs: Ints
    labels: Labels
    leads: npt.NDArray[np.object_]
    edges: tuple[int, ...]
    horizons: tuple[int, ...]
    reporting_lag: int

    def watched(self, rows: Ints, moment: int | None) -> Ints:
        """How long ``rows`` could be watched at ``moment``; None: at the end of the learning time."""
        known = self.labels.watched[rows]
        if moment is None:
            return known
        return np.minimum(known, moment - self.reporting_lag - self.cutoffs[rows])

    def cells(self, rows: Ints, moment: int | None = None) -> Cells:
        """The person-period cells of ``rows`` as known at ``moment``."""
        return cells(rows, self.labels, self.edges, self.watched(rows, moment))


@dataclass(frozen=True, eq=False)
class Block:
    """The models of one fold; ``linear`` has (rows, bins) logits for each penalty, ``later`` the cells to judge on."""

    fold: Fold
    rows: Ints
    later: Cells
    linear: dict[float, Floats]
    boosters: dict[str, lgb.Booster]
    curves: dict[str, Floats]

    def trees(self, ground: Ground, shape: Shape, rounds: int) -> Floats:
        """(rows, bins) logits of the booster of ``shape`` after ``rounds``."""
        bins = len(ground.edges)
        expanded = with_bins(ground.matrix[self.rows], bins)
        said = self.boosters[shape.name].predict(expanded, raw_score=True, num_iteration=rounds)
        return np.asarray(said, np.float64).reshape(len(self.rows), bins)

    def loss(self, logits: Floats) -> float:
        """The log loss of (rows, bins) hazard logits over the cells to judge on."""
        return cell_loss(logits[np.searchsorted(self.rows, self.later.rows), self.later.bins], self.later)

    def describe(self, losses: dict[str, float]) -> dict[str, object]:
        """The fold as the report shows it."""
        return {
            "from": iso(self.fold.moment) if self.fold.moment is not None else None,
            "n": len(self.fold.validate),
            "outcomes": self.later.outcomes,
            "log_loss": losses,
        }


def plan_folds(ground: Ground, most: int) -> tuple[str, list[Fold]]:
    """(kind of split, usable folds): by time where there is time, otherwise by groups of leads."""
    by_time = [fold for fold in time_folds(ground.cutoffs, most) if _usable(ground, fold)]
    if by_time:
        return "rolling origin", by_time
    return "grouped by lead", [fold for fold in lead_folds(ground.leads, 5) if _usable(ground, fold)]


def _usable(ground: Ground, fold: Fold) -> bool:
    earlier, later = ground.cells(fold.train, fold.moment), ground.cells(fold.validate)
    return min(earlier.outcomes, later.outcomes) >= LEAST_OUTCOMES


def fit_block(ground: Ground, fold: Fold, gbm: GbmSettings, seed: int) -> Block:
    """Every candidate, fitted on what was known when the block began."""
    bins = len(ground.edges)
    earlier = ground.cells(fold.train, fold.moment)
    rows = fold.validate
    if len(rows) > VALIDATION_ROWS:
        rows = np.sort(np.random.default_rng(seed).choice(rows, VALIDATION_ROWS, replace=False))
    later = ground.cells(rows)
    trainer = LogisticTrainer(ground.matrix, gbm.categorical, thinned(earlier, LINEAR_BUDGET, seed), bins)
    linear = {strength: trainer.fit(strength).logits(ground.matrix[rows]) for strength in STRENGTHS}
    few = thinned(earlier, GBM_BUDGET, seed)
    boosters, curves = {}, {}
    for shape in SHAPES:
        boosters[shape.name], curves[shape.name] = fit_gbm(ground.matrix, few, bins, gbm, shape, MOST_ROUNDS, later)
    return Block(fold, rows, later, linear, boosters, curves)
