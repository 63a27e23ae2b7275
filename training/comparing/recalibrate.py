"""What a straight line through the log-odds would mend: how far a version's percentages are off.

Outcomes are fitted by slope and intercept on the told log-odds (Cox, 1958). Slope 1 and intercept 0 is a version whose
percentages are true; the log loss that the fit would save is its ``calibration loss``. Unlike the binned calibration
error it has no bins to fall between, and shrinking every answer towards the base rate does not make it better.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

SMALLEST = 1e-12
STEPS = 30
CLOSE = 1e-9
ENOUGH = 1e-12
"""A step that saves less log loss a row is the last."""
RIDGE = 1e-9
"""Of the mean curvature: keeps a step finite where every answer is the same."""


@dataclass(frozen=True)
class Line:
    """The fitted slope and intercept, and the log loss a row that the fit saves (never below 0)."""

    slope: float
    intercept: float
    saved: float


def log_odds(chance: Floats) -> Floats:
    """The log-odds of probabilities (n,)."""
    kept = np.clip(chance, SMALLEST, 1.0 - SMALLEST)
    return np.log(kept) - np.log1p(-kept)


AS_TOLD = (1.0, 0.0)
"""The slope and intercept that leave every answer as it is."""


def recalibrated(outcome: Floats, logits: Floats, weight: Floats, start: tuple[float, float] = AS_TOLD) -> Line:
    """The line for outcomes (n,) of 0 and 1, told log-odds (n,) and weights (n,); NaN without both outcomes.

    ``start``: a slope and intercept nearby, where they are known; the line does not depend on it.
    """
    total = weight.sum()
    if not 0.0 < float(weight @ outcome) < total:
        return Line(float("nan"), float("nan"), float("nan"))
    told = _loss(outcome, logits, weight, np.array(AS_TOLD))
    at = np.array(start)
    loss = told if start == AS_TOLD else _loss(outcome, logits, weight, at)
    for _ in range(STEPS):
        step = _step(outcome, logits, weight, at)
        new = _loss(outcome, logits, weight, at + step)
        while new > loss and np.abs(step).max() > CLOSE:  # Newton's step may be too long far from the optimum
            step = step / 2
            new = _loss(outcome, logits, weight, at + step)
        if new > loss:
            break
        at, gain, loss = at + step, loss - new, new
        if gain <= ENOUGH * total:
            break
    return Line(float(at[0]), float(at[1]), max(float((told - loss) / total), 0.0))


def _step(outcome: Floats, logits: Floats, weight: Floats, at: Floats) -> Floats:
    chance = 1.0 / (1.0 + np.exp(-np.clip(at[0] * logits + at[1], -700, 700)))
    error, curve = weight * (outcome - chance), weight * chance * (1.0 - chance)
    slope = np.array([error @ logits, error.sum()])
    mixed = curve @ logits
    bend = np.array([[curve @ (logits * logits), mixed], [mixed, curve.sum()]])
    bend += np.eye(2) * (RIDGE * np.trace(bend) + 1e-300)
    return np.asarray(np.linalg.solve(bend, slope))


def _loss(outcome: Floats, logits: Floats, weight: Floats, at: Floats) -> float:
    line = at[0] * logits + at[1]
    return float(weight @ (np.logaddexp(0.0, line) - outcome * line))
