"""The 0-100 index: readiness on a scale that means the same odds in every version.

``index = clip(50 + points_to_double * log2(odds / odds_at_50), 0, 100)``, the scaling of credit scorecards ("points to
double the odds"; Siddiqi, Credit Risk Scorecards, 2006). The anchor is fixed in the contract's ``[index]``, not fitted.
"""

import math
from typing import overload

import numpy as np
import numpy.typing as npt

from data.sections import IndexScale

Floats = npt.NDArray[np.float64]


@overload
def index_of(readiness: float, scale: IndexScale) -> float: ...
@overload
def index_of(readiness: Floats, scale: IndexScale) -> Floats: ...
def index_of(readiness: float | Floats, scale: IndexScale) -> float | Floats:
    """The index, 0 to 100, of a probability within [0, 1], or of an array of them."""
    if isinstance(readiness, np.ndarray):
        return np.array([_index(float(one), scale) for one in readiness.flat], np.float64).reshape(readiness.shape)
    return _index(readiness, scale)


def _index(readiness: float, scale: IndexScale) -> float:
    if readiness <= 0.0:
        return 0.0
    if readiness >= 1.0:
        return 100.0
    doublings = math.log2(readiness) - math.log2(1.0 - readiness) - math.log2(scale.odds_at_50)
    return min(100.0, max(0.0, 50.0 + scale.points_to_double * doublings))


def readiness_of(index: float, scale: IndexScale) -> float:
    """The probability whose index this is. At 0 and 100, where the index is clipped, the nearest such probability."""
    exponent = (index - 50.0) / scale.points_to_double + math.log2(scale.odds_at_50)
    if exponent > 0.0:
        return 1.0 / (1.0 + _power_of_two(-exponent))
    odds = _power_of_two(exponent)
    return odds / (1.0 + odds)


def _power_of_two(exponent: float) -> float:
    """2 ** exponent for exponent <= 0, without underflow errors."""
    return math.pow(2.0, max(exponent, -1074.0))
