"""What a quick model, linear and boosted, says of later rows with and without a field."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from models.numerics import Floats, Matrix
from training.cells import Cells, cell_losses
from training.gbm import GbmSettings, Shape, fit_gbm
from training.leaks.auc import Mask, auc_within, strata_of
from training.leaks.finding import Ablation, Auc
from training.logistic import LogisticTrainer

MOST_ROWS = 5_000
LATER = 0.35
STRENGTH = 0.03
ROUNDS = 40
TREES = Shape("quick", 4, 2, learning_rate=0.08, columns=0.5)

Columns = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Quick:
    """What a quick model reached on the later rows."""

    auc: Auc
    log_loss: float


@dataclass(frozen=True, eq=False)
class Bench:
    """The rows that quick models are tried on, in the order of time: the last LATER of them are for judging."""

    matrix: Matrix
    outcome: Mask
    gbm: GbmSettings

    @property
    def first_later(self) -> int:
        """The first row that is judged."""
        return int(len(self.outcome) * (1.0 - LATER))

    def tells(self) -> bool:
        """Whether both parts have some rows with the outcome and some without."""
        parts = self.outcome[: self.first_later], self.outcome[self.first_later :]
        return all(5 <= part.sum() <= len(part) - 5 for part in parts)

    def quick(self, columns: Columns) -> Quick:
        """The mean, in log-odds, of a linear and a boosted model of these columns."""
        matrix = np.ascontiguousarray(self.matrix[:, columns])
        gbm = GbmSettings(self.gbm.seed, 1, self.gbm.categorical[columns], self.gbm.signs[columns])
        earlier, later = _cells(self.outcome, 0, self.first_later), _cells(self.outcome, self.first_later)
        linear = LogisticTrainer(matrix, gbm.categorical, earlier, 1).fit(STRENGTH).logits(matrix[self.first_later :])
        booster = fit_gbm(matrix, earlier, 1, gbm, TREES, ROUNDS)
        trees = np.asarray(booster.predict(matrix[self.first_later :], raw_score=True, num_threads=1), np.float64)
        logits: Floats = (linear[:, 0] + trees) / 2
        outcome = self.outcome[self.first_later :]
        auc = auc_within(outcome, logits, strata_of(outcome)) or Auc(0.5, 0.0, 1.0, 0.0)
        return Quick(auc, float(cell_losses(logits, later).mean()))


def make_bench(matrix: Matrix, outcome: Mask, gbm: GbmSettings) -> Bench:
    """The rows, or a seeded draw of MOST_ROWS of them, in their order."""
    if len(outcome) > MOST_ROWS:
        few = np.sort(np.random.default_rng(gbm.seed).choice(len(outcome), MOST_ROWS, replace=False))
        matrix, outcome = matrix[few], outcome[few]
    return Bench(matrix, outcome, gbm)


def compare(bench: Bench, without: Quick, having: Quick) -> Ablation:
    """The two side by side."""
    later = len(bench.outcome) - bench.first_later
    return Ablation(later, without.auc.value, having.auc.value, without.log_loss, having.log_loss)


def _cells(outcome: Mask, start: int, end: int | None = None) -> Cells:
    """One bin and one cell for each row."""
    rows = np.arange(len(outcome))[start:end]
    return Cells(rows, np.zeros(len(rows), np.int64), outcome[rows].astype(np.int8), np.ones(len(rows)))
