"""One validation block: models of what came before it, and what they say about its rows."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from data.clock import DAY, iso
from data.labels import Labels
from models.numerics import Floats, Matrix
from training.cells import Cells, cell_losses, cells, thinned_rows
from training.logistic import LogisticTrainer
from training.splits import Fold, Ints, lead_folds, looks, time_folds, unlike_folds

STRENGTHS = (0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0)
"""Penalties tried for the linear model: the prior variance of a standardised coefficient, from stiff to free, in half
decades."""
SHORT_BLOCKS = 16
"""Blocks as short as a model serves hold few outcomes each: settings are chosen by at least so many of them."""
LINEAR_ROWS = 40_000
VALIDATION_ROWS = 40_000
LEAST_OUTCOMES = 5
"""A fold whose models would learn from, or be judged on, fewer outcomes than this says nothing."""


@dataclass(frozen=True)
class Linear:
    """One candidate of the linear model.

    ``strength`` is its penalty, ``half_life`` that of a row's weight in microseconds, and a ``bounded`` one does not
    follow a number beyond what training saw.
    """

    strength: float
    half_life: int | None = None
    bounded: bool = True


@dataclass(frozen=True, eq=False)
class Ground:
    """What is learned from: n rows of a feature table (n, features), their cutoffs, labels and leads.

    ``labels`` are as known at the end of the learning time; ``edges``, ``horizons``, ``reporting_lag`` and
    ``serves_for``, how long a model serves before the next one, are microseconds.
    """

    matrix: Matrix
    cutoffs: Ints
    labels: Labels
    leads: npt.NDArray[np.object_]
    edges: tuple[int, ...]
    horizons: tuple[int, ...]
    reporting_lag: int
    serves_for: int | None = None

    def watched(self, rows: Ints, moment: int | None) -> Ints:
        """How long ``rows`` could be watched at ``moment``; None: at the end of the learning time."""
        known = self.labels.watched[rows]
        if moment is None:
            return known
        return np.minimum(known, moment - self.reporting_lag - self.cutoffs[rows])

    def cells(self, rows: Ints, moment: int | None = None, half_life: int | None = None) -> Cells:
        """The person-period cells of ``rows`` as known at ``moment``; older ones weigh less, by ``half_life``."""
        every = cells(rows, self.labels, self.edges, self.watched(rows, moment))
        if half_life is None or not len(every):
            return every
        cutoffs = self.cutoffs[every.rows]
        return replace(every, weights=np.exp2((cutoffs - cutoffs.max()) / half_life))

    def repeats(self) -> float:
        """How many rows tell of the same outcome: rows followed by one, for each different outcome of a lead."""
        seen = self.labels.time_to_outcome < self.horizons[-1]
        when = self.cutoffs[seen] + self.labels.time_to_outcome[seen]
        different = {*zip(self.leads[seen].tolist(), when.tolist(), strict=True)}
        return max(float(seen.sum()) / max(len(different), 1), 1.0)

    @property
    def partly_watched(self) -> bool:
        """Whether there are rows of which a part of the longest horizon has passed, and not all of it."""
        watched = self.labels.watched
        return bool(((watched >= self.edges[0]) & (watched < self.horizons[-1])).any())

    def half_life(self) -> int | None:
        """The recency weighting that is tried: a third of the time learned from; None where there is hardly any."""
        span = int(self.cutoffs.max() - self.cutoffs.min())
        return span // 3 if span >= 3 * DAY else None


@dataclass(frozen=True, eq=False)
class Block:
    """One fold: the rows it is judged on, in order, and their cells."""

    fold: Fold
    rows: Ints
    later: Cells

    def loss(self, logits: Floats) -> float:
        """The log loss of (rows, bins) hazard logits over the cells to judge on."""
        return float(np.average(self.losses(logits), weights=self.later.weights))

    def losses(self, logits: Floats) -> Floats:
        """The log loss of each cell to judge on."""
        return cell_losses(logits[np.searchsorted(self.rows, self.later.rows), self.later.bins], self.later)

    def describe(self, losses: dict[str, float]) -> dict[str, object]:
        """The fold as the report shows it."""
        return {
            "from": iso(self.fold.moment) if self.fold.moment is not None else None,
            "n": len(self.fold.validate),
            "outcomes": self.later.outcomes,
            "log_loss": losses,
        }


def plan_folds(ground: Ground, most: int, categorical: npt.NDArray[np.bool_] | None = None) -> tuple[str, list[Fold]]:
    """(kind of split, usable folds): by time where there is time, otherwise by groups of leads.

    With a single cutoff every lead is there once, and the model will be asked about other leads at another time: the
    groups are leads that look unlike each other, by all features but the ``categorical`` ones.
    """
    blocks = most if ground.serves_for is None else max(most, SHORT_BLOCKS)
    by_time = [fold for fold in time_folds(ground.cutoffs, blocks, ground.serves_for) if usable(ground, fold)]
    if by_time:
        return "rolling origin", by_time
    if len(np.unique(ground.cutoffs)) == 1:
        unlike = [fold for fold in unlike_folds(looks(ground.matrix, categorical), 5) if usable(ground, fold)]
        if len(unlike) > 1:
            return "grouped by likeness", unlike
    return "grouped by lead", [fold for fold in lead_folds(ground.leads, 5) if usable(ground, fold)]


def usable(ground: Ground, fold: Fold) -> bool:
    """Whether there are outcomes enough to learn from and to judge on."""
    earlier, later = ground.cells(fold.train, fold.moment), ground.cells(fold.validate)
    return min(earlier.outcomes, later.outcomes) >= LEAST_OUTCOMES


def make_block(ground: Ground, fold: Fold, seed: int) -> Block:
    """The fold with the rows to judge on: all, or a seeded draw where there are many."""
    rows = fold.validate
    if len(rows) > VALIDATION_ROWS:
        rows = np.sort(np.random.default_rng(seed).choice(rows, VALIDATION_ROWS, replace=False))
    return Block(fold, rows, ground.cells(rows))


def fit_linear(
    ground: Ground, block: Block, categorical: npt.NDArray[np.bool_], candidates: Sequence[Linear], seed: int
) -> list[Floats]:
    """(rows, bins) logits of each candidate, fitted on what was known when the block began.

    The candidates differ in strength alone, and so share one design.
    """
    first = candidates[0]
    every = ground.cells(block.fold.train, block.fold.moment, first.half_life)
    earlier = thinned_rows(every, LINEAR_ROWS, seed)
    trainer = LogisticTrainer(ground.matrix, categorical, earlier, len(ground.edges), bounded=first.bounded)
    return [trainer.fit(candidate.strength).logits(ground.matrix[block.rows]) for candidate in candidates]
