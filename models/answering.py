"""All that turns rows of features into readiness, in one compiled call: five cost more than what they compute."""

import numpy as np

from features.compiled import compiled_over
from features.kernel import Arrays
from models import compact, numerics
from models.compact import Trees, compact_logits
from models.numerics import (
    Floats,
    Ints,
    Matrix,
    Terms,
    affine_probabilities,
    blended,
    cumulative_logits,
    linear_logits,
    linear_pushes,
)


@compiled_over(compact, numerics)
def answered(
    matrix: Matrix,
    trees: Arrays,
    terms: tuple[Ints, Floats],
    line: tuple[Floats, Floats],
    weight: float,
    last_bins: Ints,
    calibration: Floats,
    out: tuple[Floats, Floats],
) -> None:
    """Fill ``out``: (n, bins) blended hazard logits, (n, horizons) calibrated probabilities; ``matrix``: (n, features).

    Arrays that compiled code gives back are dear: numba looks up anew for each what an array is, as of each that it is
    given, so these are few. ``trees``: ``Trees`` as a plain tuple, for numba looks into named ones slowly. ``terms``:
    the whole numbers and the others of ``Terms``, a row each. ``line``: coefficients and intercepts of the linear
    model; ``calibration`` (2, horizons): slopes and intercepts.
    """
    coefficients, intercepts = line
    whole, others = terms
    seen = Terms(whole[0], whole[1], others[0], others[1], others[2], others[3], others[4])
    gbm = compact_logits(matrix, len(intercepts), Trees(*trees))
    blend = blended(gbm, linear_logits(matrix, seen, coefficients, intercepts), weight)
    out[0][:] = blend
    out[1][:] = affine_probabilities(cumulative_logits(blend, last_bins), calibration[0], calibration[1])


@compiled_over(numerics)
def pushed(
    matrix: Matrix,
    terms: Terms,
    coefficients: Floats,
    trees: tuple[Floats, Floats],
    weights: Floats,
    shares: tuple[float, float],
) -> Floats:
    """(n, features + 1) contributions averaged over the bins with ``weights`` (n, bins); the last column is left open.

    ``trees``: the contributions of trees that never look at the bin (n, ...), and of those that do (n * bins, ...); no
    rows: there are no such trees. ``shares``: that of the trees in the blend, and the slope of the calibration.
    """
    timeless, timed = trees
    share, slope = shares
    line = linear_pushes(matrix, terms, coefficients, weights)
    rows, features, bins = matrix.shape[0], matrix.shape[1], weights.shape[1]
    out = np.empty((rows, features + 1))
    for i in range(rows):
        total = 0.0
        for b in range(bins):
            total += weights[i, b]
        for f in range(features):
            push, timely = 0.0, 0.0
            if len(timeless):
                push += timeless[i, f] * total
            if len(timed):
                for b in range(bins):
                    timely += timed[i * bins + b, f] * weights[i, b]
                push += timely
            push *= share
            push += (1.0 - share) * line[i, f]
            out[i, f] = push * slope
    return out
