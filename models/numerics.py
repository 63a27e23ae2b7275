"""The arithmetic of scoring, compiled, one row at a time.

Every number is computed by scalar code in a fixed order, so that a row's score does not depend on the rows beside it:
a lead scored alone, in a batch or over HTTP gets the same bits. Vectorised ``exp`` and matrix products do not promise
that.
"""

import math
from typing import NamedTuple

import numba
import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Matrix = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]

LOG, MISSING, LEVEL = 0, 1, 2
"""What a term looks at: a number on a signed log scale, whether it is missing, one category level."""
LEAST_LOGIT = -700.0
"""A hazard below this is taken for this: exp would underflow, and the log-odds would be minus infinity."""


class Terms(NamedTuple):
    """The terms of a linear model, (T,) each: what they look at, in which scale, and within which bounds."""

    features: Ints
    operations: Ints
    levels: Floats
    means: Floats
    scales: Floats
    lows: Floats
    highs: Floats


@numba.njit(cache=True, nogil=True)
def term_value(x: float, operation: int, level: float, mean: float, scale: float, low: float, high: float) -> float:
    """The value of one term of the linear model for the feature value ``x``.

    A missing number stands at the mean; one beyond what training saw stands at the nearest seen (``low``, ``high`` on
    the log scale), because a straight line must not be believed where there was no data.
    """
    if operation == LOG:
        if math.isnan(x):
            return 0.0
        logged = math.copysign(math.log1p(abs(x)), x)
        return (min(max(logged, low), high) - mean) / scale
    if operation == MISSING:
        return 1.0 if math.isnan(x) else 0.0
    return 1.0 if x == level else 0.0


@numba.njit(cache=True, nogil=True)
def cell_term(matrix: Matrix, row: int, terms: Terms, t: int) -> float:
    """The value of term ``t`` for a row of ``matrix``."""
    x = np.float64(matrix[row, terms.features[t]])
    scale = terms.scales[t]
    return term_value(x, terms.operations[t], terms.levels[t], terms.means[t], scale, terms.lows[t], terms.highs[t])


@numba.njit(cache=True, nogil=True)
def linear_logits(
    matrix: Matrix,
    terms: Terms,
    coefficients: Floats,
    intercepts: Floats,
) -> Floats:
    """(n, bins) logits of the linear model; ``coefficients`` is (terms, bins)."""
    out = np.empty((matrix.shape[0], intercepts.shape[0]))
    for i in range(matrix.shape[0]):
        for b in range(intercepts.shape[0]):
            out[i, b] = intercepts[b]
        for t in range(terms.features.shape[0]):
            value = cell_term(matrix, i, terms, t)
            for b in range(intercepts.shape[0]):
                out[i, b] += coefficients[t, b] * value
    return out


@numba.njit(cache=True, nogil=True)
def linear_pushes(
    matrix: Matrix,
    terms: Terms,
    coefficients: Floats,
    weights: Floats,
) -> Floats:
    """(n, features) contributions of the linear model, averaged over bins with ``weights`` (n, bins)."""
    out = np.zeros((matrix.shape[0], matrix.shape[1]))
    for i in range(matrix.shape[0]):
        for t in range(terms.features.shape[0]):
            value = cell_term(matrix, i, terms, t)
            for b in range(weights.shape[1]):
                out[i, terms.features[t]] += weights[i, b] * coefficients[t, b] * value
    return out


@numba.njit(cache=True, nogil=True)
def sigmoid(logit: float) -> float:
    """1 / (1 + exp(-logit)) without overflow."""
    if logit >= 0.0:
        return 1.0 / (1.0 + math.exp(-logit))
    grown = math.exp(logit)
    return grown / (1.0 + grown)


@numba.njit(cache=True, nogil=True)
def blended(gbm: Floats, linear: Floats, weight: float) -> Floats:
    """``weight`` parts of the booster's logits and the rest of the linear model's, (n, bins)."""
    out = np.empty_like(gbm)
    for i in range(gbm.shape[0]):
        for b in range(gbm.shape[1]):
            out[i, b] = weight * gbm[i, b] + (1.0 - weight) * linear[i, b]
    return out


@numba.njit(cache=True, nogil=True)
def cumulative_logits(hazard_logits: Floats, last_bins: Ints) -> Floats:
    """(n, horizons) log-odds that the outcome comes by the end of each horizon, from (n, bins) hazard logits."""
    out = np.empty((hazard_logits.shape[0], last_bins.shape[0]))
    for i in range(hazard_logits.shape[0]):
        log_survival = 0.0
        b = 0
        for h in range(last_bins.shape[0]):
            while b <= last_bins[h]:
                logit = max(hazard_logits[i, b], LEAST_LOGIT)
                # log(1 - sigmoid(x)) = -log(1 + exp(x)), kept exact for small and large x
                log_survival -= max(logit, 0.0) + math.log1p(math.exp(-abs(logit)))
                b += 1
            out[i, h] = math.log(-math.expm1(log_survival)) - log_survival
    return out


@numba.njit(cache=True, nogil=True)
def affine_probabilities(logits: Floats, slopes: Floats, intercepts: Floats) -> Floats:
    """(n, horizons) probabilities: sigmoid(slope * logit + intercept), made non-decreasing along the horizons."""
    out = np.empty_like(logits)
    for i in range(logits.shape[0]):
        highest = 0.0
        for h in range(logits.shape[1]):
            highest = max(highest, sigmoid(slopes[h] * logits[i, h] + intercepts[h]))
            out[i, h] = highest
    return out


@numba.njit(cache=True, nogil=True)
def bin_weights(hazard_logits: Floats, last_bin: int) -> Floats:
    """(n, bins): by how much the log-odds at the horizon ending in ``last_bin`` move with each hazard logit.

    With P = 1 - prod(1 - h_b) the derivative of logit(P) by the logit of h_b is h_b / P.
    """
    out = np.zeros_like(hazard_logits)
    for i in range(hazard_logits.shape[0]):
        log_survival = 0.0
        for b in range(last_bin + 1):
            logit = max(hazard_logits[i, b], LEAST_LOGIT)
            out[i, b] = sigmoid(logit)
            log_survival -= max(logit, 0.0) + math.log1p(math.exp(-abs(logit)))
        for b in range(last_bin + 1):
            # 1 - prod(1 - h) would lose the digits of a small P
            out[i, b] /= -math.expm1(log_survival)
    return out


@numba.njit(cache=True, nogil=True)
def loudest(pushes: Floats, group_of: Ints, kin_of: Ints) -> tuple[Floats, Ints, Floats]:
    """Of contributions (F + 1,; the last is the base) by group (F,) and of groups by kin (G,), numbered from 0.

    The sum of each group (G,), added in the order of the features; the feature (G,) that pushes most in the direction
    of that sum, or where none does most of all, among equals the first; and the absolute sums of groups by kin.
    """
    groups = kin_of.shape[0]
    sums, first, most = np.zeros(groups), np.full(groups, -1, np.int64), np.zeros(groups)
    for f in range(group_of.shape[0]):
        sums[group_of[f]] += pushes[f]
    along, any_way = np.full(groups, -1.0), np.full(groups, -1.0)
    for f in range(group_of.shape[0]):
        group, size = group_of[f], abs(pushes[f])
        if pushes[f] * sums[group] > 0.0:
            if size > along[group]:
                along[group], first[group] = size, f
        elif along[group] < 0.0 and size > any_way[group]:
            any_way[group], first[group] = size, f
    for group in range(groups):
        most[kin_of[group]] += abs(sums[group])
    return sums, first, most
