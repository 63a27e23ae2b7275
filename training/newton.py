"""Penalised logistic regression of person-period cells, by Newton's method.

The cells of a row differ by their hazard bin alone, so what costs most, the matrix of second derivatives, is summed
over rows and not over cells: with six bins a sixth of the work of a solver that is given a line for each cell.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import scipy.linalg

from models.numerics import Floats
from training.cores import cores_for

Ints = npt.NDArray[np.int64]

MOST_STEPS = 50
PRECISE = 1e-6
"""A step that promises to lower the loss by less than this, in nats over all cells together, is the last one."""
SUFFICIENT = 1e-4
"""A step is halved until it keeps this share of what the slope promises (Armijo's rule)."""
HALVINGS = 20


@dataclass(frozen=True, eq=False)
class Lines:
    """c cells: ``values`` (rows, terms), ``at`` (c,) the row of each cell, ``bins`` (c,), outcomes and weights (c,).

    A cell's log-odds are ``steepness[bin] * values[row] @ coefficients + levels[bin]``.
    """

    values: Floats
    at: Ints
    bins: Ints
    outcome: npt.NDArray[np.int8]
    weights: Floats
    steepness: Floats


@dataclass(frozen=True, eq=False)
class Coefficients:
    """``terms`` (t,), ``own`` (bins,) by which the bins' levels differ, and their ``common`` level."""

    terms: Floats
    own: Floats
    common: float

    @classmethod
    def of_rate(cls, of: Lines) -> "Coefficients":
        """Where a first fit begins: every cell has the chance of the mean."""
        rate = float(np.average(of.outcome, weights=of.weights))
        return cls(np.zeros(of.values.shape[1]), np.zeros(len(of.steepness)), float(np.log(rate / (1.0 - rate))))

    @property
    def levels(self) -> Floats:
        """(bins,) the levels."""
        return self.own + self.common


def newton(of: Lines, variance: float, spread: float, start: Coefficients) -> Coefficients:
    """The coefficients of the highest posterior: normal priors of ``variance`` for terms, ``spread`` for own levels.

    The common level has none. That is scikit-learn's LogisticRegression with C = ``variance`` on a design in which each
    bin has a column of the size ``sqrt(spread / variance)``.
    """
    with cores_for(len(of.values) * len(start.terms) ** 2):
        return _newton(of, variance, spread, start)


def _newton(of: Lines, variance: float, spread: float, start: Coefficients) -> Coefficients:
    terms, bins = len(start.terms), len(start.own)
    stiff = np.repeat([1.0 / variance, 1.0 / spread, 0.0], [terms, bins, 1])
    found = np.concatenate([start.terms, start.own, [start.common]])
    logits = _logits(of, found)
    loss = _loss(of, logits, found, stiff)
    for _ in range(MOST_STEPS):
        slope, curves = _derivatives(of, logits, found, stiff)
        with cores_for(0):
            step = scipy.linalg.solve(curves, slope, assume_a="pos", check_finite=False)
        promised = float(slope @ step)
        moved = _logits(of, step)
        size = 1.0
        for _ in range(HALVINGS):
            after = _loss(of, logits - size * moved, found - size * step, stiff)
            if after <= loss - SUFFICIENT * size * promised:
                break
            size /= 2
        else:
            break  # nothing is lower than here, as far as the arithmetic can tell
        found, logits, loss = found - size * step, logits - size * moved, after
        if promised < 2 * PRECISE:
            break
    return Coefficients(found[:terms], found[terms:-1], float(found[-1]))


def _logits(of: Lines, found: Floats) -> Floats:
    """(c,) log-odds of the cells."""
    terms = of.values.shape[1]
    told = of.values @ found[:terms]
    return np.asarray(of.steepness[of.bins] * told[of.at] + (found[terms:-1] + found[-1])[of.bins])


def _loss(of: Lines, logits: Floats, found: Floats, stiff: Floats) -> float:
    """Half of minus twice the log posterior, but for a constant."""
    wrong = np.logaddexp(0.0, np.where(of.outcome == 1, -logits, logits))
    return float(of.weights @ wrong + 0.5 * stiff @ found**2)


def _derivatives(of: Lines, logits: Floats, found: Floats, stiff: Floats) -> tuple[Floats, Floats]:
    """First (p,) and second (p, p) derivatives of the loss; p: terms, own levels, the common one."""
    rows, terms = of.values.shape
    bins = len(of.steepness)
    chance = 1.0 / (1.0 + np.exp(-logits))
    off, bent = of.weights * (chance - of.outcome), of.weights * chance * (1.0 - chance)
    steep = of.steepness[of.bins]
    levels = np.bincount(of.bins, off, bins)
    slope = stiff * found
    slope += np.concatenate([of.values.T @ np.bincount(of.at, steep * off, rows), levels, [levels.sum()]])
    rooted = of.values * np.sqrt(np.bincount(of.at, steep**2 * bent, rows))[:, None]
    places = of.at * bins + of.bins
    crossed = of.values.T @ np.bincount(places, steep * bent, rows * bins).reshape(rows, bins)
    own = np.bincount(of.bins, bent, bins)
    curves = np.empty((len(slope), len(slope)))
    curves[:terms, :terms] = rooted.T @ rooted
    curves[:terms, terms:-1] = crossed
    curves[:terms, -1] = crossed.sum(axis=1)
    curves[terms:-1, :terms] = crossed.T
    curves[-1, :terms] = curves[:terms, -1]
    curves[terms:-1, terms:-1] = np.diag(own)
    curves[terms:-1, -1] = curves[-1, terms:-1] = own
    curves[-1, -1] = own.sum()
    curves.flat[:: len(curves) + 1] += stiff
    return slope, curves
