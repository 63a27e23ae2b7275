"""The linear challenger: regularised logistic regression on transformed features, always trained beside the booster."""

from dataclasses import replace

import numba
import numpy as np
import numpy.typing as npt
from sklearn.linear_model import LogisticRegression

from models.linear import LinearModel
from models.numerics import LEVEL, LOG, MISSING, Floats, Matrix, Terms, cell_term
from training.cells import Cells
from training.cores import cores_for
from training.newton import Coefficients, Lines, newton

BIN_SCALE = 10.0
"""How bins differ is penalised little, as if their columns were written this large; their common level not at all."""
PILOT = 0.003
"""The penalty under which is found out how much steeper the model is in some bins than in others."""
STEEPNESS = 0.05
"""The prior variance of a bin's steepness around that of all."""
LEAST_STEEPNESS = 0.1
Term = tuple[int, int, float, float, float, float, float]
"""feature, operation, level, mean, scale, low, high"""
RARE = 0.002
"""A level or a missing indicator that concerns fewer rows than this share gets no term."""
EDGE = 0.005
"""A bounded term stays within these quantiles of training: beyond them a straight line would be extrapolating."""
SMALLEST_SPREAD = 1e-6
FAR = 1e9
"""The bounds of a term without bounds."""


@numba.njit(cache=True, nogil=True)
def design(
    matrix: Matrix,
    terms: Terms,
) -> Floats:
    """(n, terms) term values, by the same arithmetic that scores."""
    out = np.empty((matrix.shape[0], terms.features.shape[0]))
    for i in range(matrix.shape[0]):
        for t in range(terms.features.shape[0]):
            out[i, t] = cell_term(matrix, i, terms, t)
    return out


def make_terms(matrix: Matrix, categorical: npt.NDArray[np.bool_], *, bounded: bool) -> Terms:
    """The terms for training rows ``matrix`` (n, features): columns that do not vary get none."""
    rows: list[Term] = []
    for feature in range(matrix.shape[1]):
        column = matrix[:, feature].astype(np.float64)
        missing = np.isnan(column)
        if RARE <= missing.mean() <= 1 - RARE:
            rows.append((feature, MISSING, 0.0, 0.0, 1.0, 0.0, 0.0))
        seen = column[~missing]
        if categorical[feature]:
            codes, counts = np.unique(seen, return_counts=True)
            often = codes[counts >= max(RARE * len(column), 2)]
            rows += [(feature, LEVEL, float(code), 0.0, 1.0, 0.0, 0.0) for code in often]
        elif len(seen):
            rows += _number_term(feature, seen, bounded=bounded)
    columns = list(zip(*rows, strict=True)) or [()] * 7
    return Terms(
        np.array(columns[0], np.int64), np.array(columns[1], np.int64), *(np.array(c, np.float64) for c in columns[2:])
    )


def _number_term(feature: int, seen: Floats, *, bounded: bool) -> list[Term]:
    """The term of a number, on the signed log scale; none where it does not vary within the edges."""
    logged = np.copysign(np.log1p(np.abs(seen)), seen)
    low, high = np.quantile(logged, (EDGE, 1.0 - EDGE))
    kept = np.clip(logged, low, high)
    mean, spread = float(kept.mean()), float(kept.std())
    if spread <= SMALLEST_SPREAD:
        return []
    return [(feature, LOG, 0.0, mean, spread, *((float(low), float(high)) if bounded else (-FAR, FAR)))]


class LogisticTrainer:
    """Fits the penalty path on the same cells: the design is made once."""

    def __init__(
        self, matrix: Matrix, categorical: npt.NDArray[np.bool_], of: Cells, bins: int, *, bounded: bool = True
    ) -> None:
        """Lay out the design of ``of`` (cells over the rows of ``matrix``); see EDGE for ``bounded``."""
        rows, at = np.unique(of.rows, return_inverse=True)
        self.terms = make_terms(matrix[rows], categorical, bounded=bounded)
        values = design(np.ascontiguousarray(matrix[rows]), self.terms)
        self._cells, self._bins = of, bins
        self._lines = Lines(values, at, of.bins, of.outcome, of.weights, np.ones(bins))
        if self._one_class():
            return
        # from stiff to free each fit starts where the last one ended
        self._last = Coefficients.of_rate(self._lines)
        if bins > 1:
            self._lines = replace(self._lines, steepness=self._find_steepness())

    @property
    def steepness(self) -> Floats:
        """(bins,) by how much the same evidence tells more of some bins than of others."""
        return self._lines.steepness

    def _one_class(self) -> bool:
        return self._cells.outcomes in {0, len(self._cells)}

    def _find_steepness(self) -> Floats:
        """(bins,) by how much the same evidence tells more of some bins than of others; 1 on average over outcomes.

        What a lead did lately says more about the next weeks than about the third month: one factor for each bin, in
        place of a coefficient for each term and bin (a stereotype model: Anderson, JRSS B 46, 1984).
        """
        of = self._cells
        if not len(self.terms.features):
            return np.ones(self._bins)
        self._move(PILOT)
        told = (self._lines.values @ self._last.terms)[self._lines.at]
        told /= max(float(told.std()), SMALLEST_SPREAD)
        at = np.eye(self._bins)[of.bins]
        columns = np.column_stack([BIN_SCALE * told, told[:, None] * at, BIN_SCALE * at])
        found = LogisticRegression(C=STEEPNESS, solver="newton-cholesky", max_iter=50, tol=1e-5)
        with cores_for(0):
            common, own = np.split(found.fit(columns, of.outcome, sample_weight=of.weights).coef_[0], [1])
        steep = np.maximum(BIN_SCALE * common + own[: self._bins], LEAST_STEEPNESS)
        return np.asarray(steep / np.average(steep, weights=np.bincount(of.bins, of.outcome, self._bins)))

    def _move(self, strength: float) -> None:
        self._last = newton(self._lines, strength, strength * BIN_SCALE**2, self._last)

    def fit(self, strength: float) -> LinearModel:
        """The model for penalty ``1 / strength`` (scikit-learn's C: the prior variance of a standardised term)."""
        if self._one_class():
            return self._constant()
        self._move(strength)
        return LinearModel(*self.terms, np.outer(self._last.terms, self.steepness), self._last.levels)

    def _constant(self) -> LinearModel:
        """Without an outcome, or with nothing else, there is nothing to learn but the rate, kept off 0 and 1."""
        rate = (self._cells.outcomes + 0.5) / (len(self._cells) + 1.0)
        nothing = np.zeros((len(self.terms.features), self._bins))
        return LinearModel(*self.terms, nothing, np.full(self._bins, np.log(rate / (1 - rate))))
