"""A quick model's readiness on later rows: what a workshop can wait for.

The mean, in log-odds, of a regularised logistic regression and a few small trees, learned for one horizon from the rows
that had matured before the split. It is not the model that a training would make: it has no choice of settings and no
calibration of its own, so a full training answers a little better, in the same order of magnitude.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from data.contract import Contract
from data.errors import NotMaturedError
from data.history import History
from data.sections import Ready
from features.local import compute
from models.evidence_rows import evidence_rows
from training.cells import Cells
from training.gbm import GbmSettings, Shape, fit_gbm
from training.leaks.fields import features_of
from training.logistic import LogisticTrainer
from training.sample import Progress, Sample, draw_sample

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

STRENGTH = 0.03
ROUNDS = 60
TREES = Shape("quick", 4, 2, learning_rate=0.08, columns=0.5)
LEAST_OUTCOMES = 5


@dataclass(frozen=True, eq=False)
class Bench:
    """The rows of one outcome, split in time; what would know too much is left out."""

    contract: Contract
    history: History
    sample: Sample

    def enough(self, spine: pa.Table) -> Mask:
        """(n,) whether a lead had done enough to be handed off, by the contract's rule of evidence."""
        policy = self.contract.policy
        seen = evidence_rows(self.history, spine, policy.evidence_window)
        return np.asarray((seen[:, 0] >= policy.min_kinds) & (seen[:, 1] >= policy.min_days))

    def matrix_of(self, spine: pa.Table) -> npt.NDArray[np.float32]:
        """The features of other rows, by the same definitions."""
        table = self.sample.table
        threads = self.contract.model.threads
        return compute(self.history, spine, table.feature_set, table.vocabulary, threads=threads).matrix


def make_bench(contract: Contract, history: History, ready: Ready, left_out: set[str], tell: Progress) -> Bench:
    """The rows for ``ready``, without the features of the fields ``left_out``. Raises NotMaturedError."""
    asked = contract.model_copy(update={"ready": ready})
    sample = draw_sample(asked, history, tell)
    return Bench(asked, history, sample.without(features_of(left_out, sample.table.feature_set)))


Answer = Callable[[npt.NDArray[np.float32]], Floats]
"""The readiness (n,) of rows of features (n, F)."""


def learn_quick(bench: Bench, horizon: int) -> Answer:
    """The quick model of ``horizon``. Raises NotMaturedError where too few outcomes are known at the split."""
    sample, contract = bench.sample, bench.contract
    matured = sample.known.matured(horizon)
    rows = sample.train[matured]
    outcome = sample.known.outcome(horizon)[matured]
    if not LEAST_OUTCOMES <= outcome.sum() <= len(outcome) - LEAST_OUTCOMES:
        raise NotMaturedError(
            f"{int(outcome.sum())} of {len(outcome)} rows known at the split had the outcome. Expected at least "
            f"{LEAST_OUTCOMES} with it and {LEAST_OUTCOMES} without. Bring a longer history, or a shorter horizon."
        )
    features = sample.table.feature_set
    categorical = np.array([dtype == "category" for dtype in features.dtypes])
    settings = GbmSettings(contract.model.seed, contract.model.threads, categorical, np.array(features.signs, np.int8))
    matrix = np.ascontiguousarray(sample.table.matrix[rows])
    every = np.arange(len(rows))
    cells = Cells(every, np.zeros(len(rows), np.int64), outcome.astype(np.int8), np.ones(len(rows)))
    linear = LogisticTrainer(matrix, categorical, cells, 1).fit(STRENGTH)
    booster = fit_gbm(matrix, cells, 1, settings, TREES, ROUNDS)

    def answer(asked: npt.NDArray[np.float32]) -> Floats:
        told = np.ascontiguousarray(asked, np.float32)
        trees = np.asarray(booster.predict(told, raw_score=True, num_threads=1), np.float64)
        return np.asarray(1.0 / (1.0 + np.exp(-(linear.logits(told)[:, 0] + trees) / 2)))

    return answer
