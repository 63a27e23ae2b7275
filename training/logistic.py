"""The linear challenger: regularised logistic regression on transformed features, always trained beside the booster."""

from dataclasses import dataclass

import numba
import numpy as np
import numpy.typing as npt
from sklearn.linear_model import LogisticRegression

from models.linear import LinearModel
from models.numerics import LEVEL, LOG, MISSING, Floats, Ints, Matrix, term_value
from training.cells import Cells

BIN_SCALE = 10.0
"""The bins' own columns are written this large, so that the penalty hardly reaches the baseline of each bin."""
RARE = 0.002
"""A level or a missing indicator that concerns fewer rows than this share gets no term."""


@dataclass(frozen=True, eq=False)
class Terms:
    """What the design matrix is made of; see ``models.linear``."""

    features: Ints
    operations: Ints
    levels: Floats
    means: Floats
    scales: Floats


@numba.njit(cache=True, nogil=True)
def design(matrix: Matrix, features: Ints, operations: Ints, levels: Floats, means: Floats, scales: Floats) -> Floats:
    """(n, terms) term values, by the same arithmetic that scores."""
    out = np.empty((matrix.shape[0], features.shape[0]))
    for i in range(matrix.shape[0]):
        for t in range(features.shape[0]):
            out[i, t] = term_value(float(matrix[i, features[t]]), operations[t], levels[t], means[t], scales[t])
    return out


def make_terms(matrix: Matrix, categorical: npt.NDArray[np.bool_]) -> Terms:
    """The terms for training rows ``matrix`` (n, features): columns that do not vary get none."""
    rows: list[tuple[int, int, float, float, float]] = []
    for feature in range(matrix.shape[1]):
        column = matrix[:, feature].astype(np.float64)
        missing = np.isnan(column)
        if RARE <= missing.mean() <= 1 - RARE:
            rows.append((feature, MISSING, 0.0, 0.0, 1.0))
        seen = column[~missing]
        if categorical[feature]:
            codes, counts = np.unique(seen, return_counts=True)
            rows += [(feature, LEVEL, code, 0.0, 1.0) for code in codes[counts >= max(RARE * len(column), 2)]]
            continue
        logged = np.copysign(np.log1p(np.abs(seen)), seen)
        if len(seen) and logged.std() > 1e-9:
            rows.append((feature, LOG, 0.0, float(logged.mean()), float(logged.std())))
    columns = list(zip(*rows, strict=True)) or [()] * 5
    return Terms(
        np.array(columns[0], np.int64), np.array(columns[1], np.int64), *(np.array(c, np.float64) for c in columns[2:])
    )


class LogisticTrainer:
    """Fits the penalty path on the same cells: the design is made once."""

    def __init__(self, matrix: Matrix, categorical: npt.NDArray[np.bool_], of: Cells, bins: int) -> None:
        """Lay out the design of ``of`` (cells over the rows of ``matrix``)."""
        rows, at = np.unique(of.rows, return_inverse=True)
        self.terms = make_terms(matrix[rows], categorical)
        values = design(np.ascontiguousarray(matrix[rows]), *_columns(self.terms))[at]
        self.times = bin_times(bins)
        parts = [values, BIN_SCALE * np.eye(bins)[of.bins]]
        if bins > 1:
            parts.insert(1, values * self.times[of.bins][:, None])
        self._design, self._cells, self._bins = np.hstack(parts), of, bins

    def fit(self, strength: float) -> LinearModel:
        """The model for penalty ``1 / strength`` (scikit-learn's C: the prior variance of a standardised term)."""
        if self._cells.outcomes in (0, len(self._cells)):
            return self._constant()
        fitted = LogisticRegression(C=strength, solver="newton-cholesky", fit_intercept=False, max_iter=50, tol=1e-6)
        fitted.fit(self._design, self._cells.outcome, sample_weight=self._cells.weights)
        found, terms = fitted.coef_[0], len(self.terms.features)
        coefficients = np.repeat(found[:terms, None], self._bins, axis=1)
        if self._bins > 1:
            coefficients = coefficients + found[terms : 2 * terms, None] * self.times[None, :]
        return LinearModel(
            *_columns(self.terms), np.ascontiguousarray(coefficients), BIN_SCALE * found[len(found) - self._bins :]
        )

    def _constant(self) -> LinearModel:
        """Without an outcome, or with nothing else, there is nothing to learn but the rate, kept off 0 and 1."""
        rate = (self._cells.outcomes + 0.5) / (len(self._cells) + 1.0)
        nothing = np.zeros((len(self.terms.features), self._bins))
        return LinearModel(*_columns(self.terms), nothing, np.full(self._bins, np.log(rate / (1 - rate))))


def bin_times(bins: int) -> Floats:
    """Where each bin stands in time, from -1 (first) to 1 (last): a term may matter more early or late."""
    return np.linspace(-1.0, 1.0, bins) if bins > 1 else np.zeros(1)


def _columns(terms: Terms) -> tuple[Ints, Ints, Floats, Floats, Floats]:
    return terms.features, terms.operations, terms.levels, terms.means, terms.scales
