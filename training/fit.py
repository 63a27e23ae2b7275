"""From chosen settings to a model: both members fitted on all that was known, assembled from the text that serves."""

from dataclasses import dataclass

import numpy as np

from data.errors import NotMaturedError
from models.hazard import last_bins
from models.model import ReadinessModel, assemble
from models.numerics import Floats, Matrix, cumulative_logits
from training.cells import thinned
from training.folds import Ground
from training.gbm import GbmSettings, fit_gbm, model_text
from training.logistic import LogisticTrainer
from training.selection import Choice, Progress

LINEAR_BUDGET = 80_000
GBM_BUDGET = 400_000
"""Cells behind each member at the most, weighted to stand for all: a training takes minutes on two cores."""
ROUNDS_GROWTH = 1.1
"""The last fit sees more rows than the folds did, and may grow this many times as many trees."""


@dataclass(frozen=True, eq=False)
class Fitted:
    """The model that serves, and the choice that made it."""

    model: ReadinessModel
    choice: Choice
    cells: int
    thinned_to: int

    def members(self, matrix: Matrix) -> dict[str, Floats]:
        """(n, horizons) probabilities of the blend and of each member alone, each with its own calibration."""
        gbm, linear = self.model.member_logits(matrix)
        ends = last_bins(self.model.edges, self.model.horizons)
        alone = {"logistic": linear, "gbm": gbm}
        said = {
            name: self.choice.calibrations[name].probabilities(cumulative_logits(logits, ends))
            for name, logits in alone.items()
        }
        return {**said, "blend": self.model.predict(matrix)}


def fit(ground: Ground, primary: int, gbm: GbmSettings, choice: Choice, *, seed: int, progress: Progress) -> Fitted:
    """The model for ``choice`` on all of ``ground``. Raises NotMaturedError when no bin of any row has passed."""
    bins = len(ground.edges)
    every = ground.cells(np.arange(len(ground.cutoffs)), None, choice.linear.half_life)
    if not len(every):
        raise NotMaturedError(
            f"None of the {len(ground.cutoffs)} training rows has been watched for even its first "
            "hazard bin. Expected matured rows. Shorten the horizon, or bring a longer history."
        )
    few = thinned(every, GBM_BUDGET, seed)
    progress("fitting the linear model", 0.0)
    linear = LogisticTrainer(
        ground.matrix, gbm.categorical, thinned(every, LINEAR_BUDGET, seed), bins, bounded=choice.linear.bounded
    ).fit(choice.linear.strength)
    rounds = max(int(choice.rounds * ROUNDS_GROWTH), 1)
    booster, _ = fit_gbm(
        ground.matrix,
        few,
        bins,
        gbm,
        choice.shape,
        rounds,
        tick=lambda done: progress("fitting the booster", done / rounds),
    )
    model = assemble(
        model_text(booster, rounds),
        linear,
        choice.calibrations["blend"],
        choice.weight,
        ground.edges,
        ground.horizons,
        primary,
    )
    return Fitted(model, choice, len(every), len(few))
