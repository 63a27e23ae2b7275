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
LEVEL_PRIOR = 1e-3
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


def fit_slope(
    logits: Floats, outcome: npt.NDArray[np.bool_], blocks: npt.NDArray[np.int64], repeats: float = 1.0
) -> tuple[float, Floats]:
    """(slope, intercept of each block) from n rows of predictions for later rows, in blocks 0, 1, ... of time.

    The slope is common and is found within the blocks, so that a level which drifts between them does not bend it.
    ``repeats`` is how many rows tell of the same outcome: the pull of the slope towards 1 is as many times as strong.
    Newton steps on the penalised log likelihood; the intercepts carry a penalty that only keeps them finite.
    """
    count = int(blocks.max()) + 1 if len(blocks) else 0
    slope, levels, pull = 1.0, np.zeros(count), SLOPE_PRIOR * repeats
    for _ in range(100):
        chance = 1.0 / (1.0 + np.exp(-np.clip(slope * logits + levels[blocks], -40, 40)))
        spread = chance * (1.0 - chance)
        gradient = np.array([((chance - outcome) * logits).sum() + 2 * pull * (slope - 1.0), 0.0])
        error = np.bincount(blocks, chance - outcome, count) + LEVEL_PRIOR * levels
        own = np.bincount(blocks, spread, count) + LEVEL_PRIOR
        cross = np.bincount(blocks, spread * logits, count)
        # the blocks' intercepts are eliminated first: the Hessian is an arrow
        curvature = (spread * logits**2).sum() + 2 * pull - (cross**2 / own).sum()
        step = float(np.clip((gradient[0] - (cross * error / own).sum()) / curvature, -1.0, 1.0))
        moved = np.clip((error - cross * step) / own, -2.0, 2.0)
        slope, levels = max(slope - step, LEAST_SLOPE), levels - moved
        if max(abs(step), float(np.abs(moved).max(initial=0.0))) < 1e-9:
            break
    return slope, levels


def level_for(logits: Floats, slope: float, rate: float) -> float:
    """The intercept at which ``slope * logits + intercept`` predicts ``rate`` on average."""
    low, high = -30.0, 30.0
    for _ in range(60):
        middle = (low + high) / 2
        mean = float((1.0 / (1.0 + np.exp(-np.clip(slope * logits + middle, -40, 40)))).mean())
        low, high = (middle, high) if mean < rate else (low, middle)
    return (low + high) / 2


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
        if len(slopes) != len(intercepts):
            raise ValueError(f"{len(slopes)} slopes and {len(intercepts)} intercepts")
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        text = json.dumps(raw, default=str)[:80]
        raise BundleError(f"calibration.json is not a calibration ({error}: {text}). Take the bundle again.") from None
    if not (np.isfinite(slopes).all() and np.isfinite(intercepts).all() and min(slopes, default=1.0) > 0):
        raise BundleError("calibration.json has slopes that are not positive and finite. Take the bundle again.")
    return Calibration(slopes, intercepts)
