"""Calibration: from the model's log-odds to a probability of which "20 %" means that 20 % convert.

One slope and one intercept for each horizon, fitted by maximum likelihood on predictions that the model made for later
rows, with the slope pulled towards 1 (a weak Gaussian prior): plain Platt scaling inverts the ranking on small data.
Source: J. Platt, Probabilistic outputs for support vector machines, 1999, with the shrinkage added.
"""

import json
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from data.errors import BundleError
from models.numerics import Floats, affine_probabilities

SLOPE_PRIOR = 5.0
"""Strength of the pull of the slope towards 1: SLOPE_PRIOR * (slope - 1)^2 in units of log likelihood."""
LEAST_SLOPE = 0.05
"""The order of the leads is never turned around."""


@dataclass(frozen=True)
class Calibration:
    """Slopes and intercepts, one for each horizon."""

    slopes: tuple[float, ...]
    intercepts: tuple[float, ...]

    def probabilities(self, logits: Floats) -> Floats:
        """(n, horizons) calibrated probabilities, non-decreasing along the horizons."""
        return np.asarray(affine_probabilities(logits, np.array(self.slopes), np.array(self.intercepts)))


def identity(horizons: int) -> Calibration:
    """The calibration that changes nothing."""
    return Calibration((1.0,) * horizons, (0.0,) * horizons)


def fit_affine(logits: Floats, outcome: npt.NDArray[np.bool_], weights: Floats) -> tuple[float, float]:
    """(slope, intercept) of one horizon from n rows: a few Newton steps on the penalised log likelihood."""
    slope, intercept = 1.0, 0.0
    if not len(logits):
        return slope, intercept
    for _ in range(50):
        chance = 1.0 / (1.0 + np.exp(-np.clip(slope * logits + intercept, -40, 40)))
        error = weights * (chance - outcome)
        spread = weights * chance * (1.0 - chance)
        gradient = np.array([(error * logits).sum() + 2 * SLOPE_PRIOR * (slope - 1.0), error.sum() + 1e-3 * intercept])
        cross = (spread * logits).sum()
        hessian = np.array(
            [[(spread * logits**2).sum() + 2 * SLOPE_PRIOR, cross], [cross, spread.sum() + 1e-3]],
        )
        step = np.clip(np.linalg.solve(hessian, gradient), -1.0, 1.0)
        slope, intercept = max(slope - step[0], LEAST_SLOPE), intercept - step[1]
        if abs(step).max() < 1e-9:
            break
    return float(slope), float(intercept)


def to_json(calibration: Calibration) -> dict[str, object]:
    """The calibration as a JSON object."""
    return {"kind": "affine", "slopes": list(calibration.slopes), "intercepts": list(calibration.intercepts)}


def from_json(raw: dict[str, object]) -> Calibration:
    """The calibration of a JSON object. Raises BundleError when it is not one."""
    try:
        if raw["kind"] != "affine":
            raise ValueError(f"kind {raw['kind']!r}")
        slopes = tuple(float(x) for x in raw["slopes"])  # type: ignore[attr-defined]
        intercepts = tuple(float(x) for x in raw["intercepts"])  # type: ignore[attr-defined]
    except (KeyError, TypeError, ValueError) as error:
        text = json.dumps(raw, default=str)[:80]
        raise BundleError(f"calibration.json is not a calibration ({error}: {text}). Take the bundle again.") from None
    if not (np.isfinite(slopes).all() and np.isfinite(intercepts).all() and min(slopes, default=1.0) > 0):
        raise BundleError("calibration.json has slopes that are not positive and finite. Take the bundle again.")
    return Calibration(slopes, intercepts)
