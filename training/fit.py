"""From chosen settings to a model: both members fitted on all that was known, assembled from the text that serves."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from data.errors import NotMaturedError
from models.calibration import Calibration
from models.hazard import last_bins
from models.model import ReadinessModel, assemble
from models.numerics import Floats, Matrix, cumulative_logits
from training.cells import Cells, thinned, thinned_rows
from training.folds import Ground
from training.gbm import GbmSettings, fit_gbm, model_text
from training.levels import Level, level_now, moved, rows_to_tell
from training.logistic import LogisticTrainer
from training.selection import Choice, Progress, by_model

LINEAR_ROWS = 150_000
GBM_BUDGET = 400_000
"""Rows behind the linear model and cells behind the booster at the most, weighted to stand for all: it is what each
costs by, and a training takes minutes on two cores."""
ROUNDS_GROWTH = 1.1
"""The last fit sees more rows than the folds did, and may grow this many times as many trees."""


@dataclass(frozen=True, eq=False)
class Fitted:
    """The model that serves, and the choice that made it.

    ``calibrations`` of the blend and of each member alone, at the level of now; ``level`` is the blend's, None where it
    was found otherwise.
    """

    model: ReadinessModel
    choice: Choice
    calibrations: dict[str, Calibration]
    level: Level | None
    cells: int
    thinned_to: int

    def members(self, matrix: Matrix) -> dict[str, Floats]:
        """(n, horizons) probabilities of the blend and of each member alone, each with its own calibration."""
        gbm, linear = self.model.member_logits(matrix)
        ends = last_bins(self.model.edges, self.model.horizons)
        alone = {"logistic": linear, "gbm": gbm}
        said = {
            name: self.calibrations[name].probabilities(cumulative_logits(logits, ends))
            for name, logits in alone.items()
        }
        return {**said, "blend": self.model.predict(matrix)}


@dataclass(frozen=True)
class Grown:
    """A booster as the text that serves, how many cells there were, and how many it learned from."""

    text: bytes
    cells: int
    learned_from: int


Grow = Callable[[Ground, GbmSettings, Choice, Progress], Grown]
"""Where the last booster is grown: on this machine, or on a cluster (``training.cluster``)."""


def fit(
    ground: Ground,
    primary: int,
    gbm: GbmSettings,
    choice: Choice,
    *,
    seed: int,
    progress: Progress,
    grow: Grow | None = None,
) -> Fitted:
    """The model for ``choice`` on all of ``ground``. Raises NotMaturedError when no bin of any row has passed.

    ``grow``: where the booster is grown, if not here.
    """
    rows = np.arange(len(ground.cutoffs))
    every = ground.cells(rows, None, choice.linear.half_life)
    if not len(every):
        raise NotMaturedError(
            f"None of the {len(ground.cutoffs)} training rows has been watched for even its first "
            "hazard bin. Expected matured rows. Shorten the horizon, or bring a longer history."
        )
    progress("fitting the linear model", 0.0)
    few = thinned_rows(every, LINEAR_ROWS, seed)
    trainer = LogisticTrainer(ground.matrix, gbm.categorical, few, len(ground.edges), bounded=choice.linear.bounded)
    linear = trainer.fit(choice.linear.strength)
    if grow is None:
        weighed = ground.cells(rows, None, choice.shape.half_life)
        grown = _grow_here(weighed, ground, gbm, choice, progress, seed)
    else:
        grown = grow(ground, gbm, choice, progress)
    model = assemble(
        grown.text,
        linear,
        choice.calibrations["blend"],
        choice.weight,
        ground.edges,
        ground.horizons,
        primary,
    )
    calibrations, level = levelled(ground, model, choice, seed)
    return Fitted(
        replace(model, calibration=calibrations["blend"]), choice, calibrations, level, grown.cells, grown.learned_from
    )


def levelled(
    ground: Ground, model: ReadinessModel, choice: Choice, seed: int
) -> tuple[dict[str, Calibration], Level | None]:
    """The calibrations of ``choice`` at the level that ``model`` finds at the end of ``ground``, and the blend's."""
    if not choice.by_month:
        return choice.calibrations, None
    rows = rows_to_tell(ground, seed)
    tree, line = model.member_logits(np.ascontiguousarray(ground.matrix[rows]))
    said = by_model([tree], [line], choice.weight)
    levels = {name: level_now(ground, rows, logits[0]) for name, logits in said.items()}
    at_now = {name: moved(calibration, levels[name].shift) for name, calibration in choice.calibrations.items()}
    return at_now, levels["blend"]


def last_rounds(choice: Choice) -> int:
    """How many trees the last booster has."""
    return max(int(choice.rounds * ROUNDS_GROWTH), 1)


def _grow_here(every: Cells, ground: Ground, gbm: GbmSettings, choice: Choice, progress: Progress, seed: int) -> Grown:
    few, rounds = thinned(every, GBM_BUDGET, seed), last_rounds(choice)

    def tick(done: int) -> None:
        progress("fitting the booster", done / rounds)

    booster = fit_gbm(ground.matrix, few, len(ground.edges), gbm, choice.shape, rounds, tick=tick)
    return Grown(model_text(booster, rounds), len(every), len(few))
