"""All that turns rows of features into readiness, in one compiled call: five cost more than what they compute."""

from features.compiled import compiled_over
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
)


@compiled_over(compact, numerics)
def answered(
    matrix: Matrix,
    trees: Trees,
    terms: Terms,
    line: tuple[Floats, Floats],
    weight: float,
    last_bins: Ints,
    calibration: tuple[Floats, Floats],
) -> tuple[Floats, Floats]:
    """(n, bins) blended hazard logits and (n, horizons) calibrated probabilities of ``matrix`` (n, features).

    ``line``: coefficients and intercepts of the linear model; ``calibration``: slopes and intercepts.
    """
    coefficients, intercepts = line
    gbm = compact_logits(matrix, len(intercepts), trees)
    blend = blended(gbm, linear_logits(matrix, terms, coefficients, intercepts), weight)
    slopes, levels = calibration
    return blend, affine_probabilities(cumulative_logits(blend, last_bins), slopes, levels)
