"""The learning curve: how well the model would rank with fewer outcomes and, carried on, with more.

Models that learned from portions of the leads are judged on the same rows. Their AUC follows an inverse power law of
the number of wins learned from, a - b * wins ** -c (Figueroa et al., BMC Medical Informatics and Decision Making 12:8,
2012), fitted by least squares. Its uncertainty is that of the whole procedure: leads to judge on and portions to learn
from are drawn again, and the law is fitted to each draw. Where the draws disagree it says so and stays silent.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
from scipy.optimize import least_squares

from training.judge import Ranking, lead_weights

Floats = npt.NDArray[np.float64]
Number = TypeVar("Number", float, npt.NDArray[np.float64])

DRAWS = 200
AHEAD = (1, 2, 4)
"""The law is carried on to so many times the wins of today."""
MOST_UNCERTAIN = 0.1
"""An extrapolation whose 95 % interval reaches further than this to either side says nothing."""
LEAST_SIZES = 3
"""A law of three numbers needs so many different sizes."""
SLOWEST, FASTEST = 0.1, 1.5
"""Bounds of the exponent: learning rates seen in practice lie within them."""


@dataclass(frozen=True, eq=False)
class Trained:
    """One model of the curve: one lead in ``every`` to learn from, how many ``wins`` that were, its scores (n,)."""

    every: int
    wins: int
    score: Floats


def learning_curve(
    codes: npt.NDArray[np.int64],
    outcome: npt.NDArray[np.bool_],
    trained: Sequence[Trained],
    today: int,
    seed: int,
) -> dict[str, Any]:
    """Points and law over n judged rows: leads as codes, what came, and the models; from few wins to all.

    ``points``: wins (mean over portions) and AUC with its interval. ``ahead``: the expected AUC with as many wins as
    there are ``today``, and with AHEAD times as many. ``silent``: why nothing is carried on, or None.
    """
    models = sorted(trained, key=lambda model: -model.every)
    sizes = sorted({model.every for model in models}, reverse=True)
    wins = np.array([np.mean([model.wins for model in models if model.every == every]) for every in sizes])
    drawn = _draws(codes, outcome, models, sizes, seed)
    point, draws = drawn[0], drawn[1:]
    low, high = np.nanquantile(draws, (0.025, 0.975), axis=0)
    points = [
        {
            "share": 1 / every,
            "wins": float(wins[at]),
            "auc": float(point[at]),
            "interval": [float(low[at]), float(high[at])],
        }
        for at, every in enumerate(sizes)
    ]
    found: dict[str, Any] = {"points": points, "law": None, "ahead": [], "silent": None}
    if len(sizes) < LEAST_SIZES or not np.isfinite(drawn).all():
        return found | {"silent": "there are too few outcomes to learn from portions of them"}
    law = fit_law(wins, point)
    laws = [fit_law(wins, draw) for draw in draws]
    ahead = [_ahead(times * max(today, wins[-1]), law, laws) for times in AHEAD]
    found |= {"law": dict(zip(("a", "b", "c"), law, strict=True)), "ahead": ahead}
    value, (lowest, highest) = ahead[1]["auc"], ahead[1]["interval"]
    if max(highest - value, value - lowest) > MOST_UNCERTAIN:
        found["silent"] = (
            f"with {ahead[1]['wins']:.0f} wins the AUC could lie anywhere from {lowest:.2f} to {highest:.2f}"
        )
    return found


def _ahead(wins: float, law: tuple[float, float, float], laws: Sequence[tuple[float, float, float]]) -> dict[str, Any]:
    told = np.array([value_of(each, wins) for each in laws])
    low, high = np.quantile(told, (0.025, 0.975))
    value = value_of(law, wins)
    return {"wins": wins, "auc": value, "interval": [float(min(low, value)), float(max(high, value))]}


def value_of(law: tuple[float, float, float], wins: Number) -> Number:
    """The AUC that ``law`` (a, b, c) expects with so many wins."""
    a, b, c = law
    told: Number = a - b * wins**-c
    return told


def fit_law(wins: Floats, auc: Floats) -> tuple[float, float, float]:
    """(a, b, c) of a - b * wins ** -c: least squares with more weight on more wins; a within [0.5, 1], b from 0.

    With few sizes a, b and c can be traded against each other, so a weak pull keeps c near one half, the rate at which
    the error of an estimate falls with the number of examples.
    """
    scale = float(wins[-1])
    size, weight = wins / scale, np.sqrt(wins / scale)

    def off(law: Floats) -> Floats:
        a, b, c = law
        return np.append(weight * (a - b * size**-c - auc), 0.01 * (c - 0.5))

    start = np.array([min(max(float(auc[-1]) + 0.02, 0.51), 0.99), 0.02, 0.5])
    bounds = ([0.5, 0.0, SLOWEST], [1.0, 1.0, FASTEST])
    a, b, c = least_squares(off, start, bounds=bounds).x
    return float(a), float(b * scale**c), float(c)


def _draws(
    codes: npt.NDArray[np.int64],
    outcome: npt.NDArray[np.bool_],
    models: Sequence[Trained],
    sizes: Sequence[int],
    seed: int,
) -> Floats:
    """(1 + DRAWS, sizes) AUC: as measured, then over draws of leads to judge on and of portions to learn from.

    The model of all leads has no second portion. How far it depends on the leads learned from is taken from the two
    largest portions, for half as many outcomes vary about the square root of two times as much.
    """
    generator = np.random.default_rng(seed)
    rankings = [Ranking.of(outcome, model.score) for model in models]
    weights = lead_weights(codes, DRAWS, seed)
    every = np.array([model.every for model in models])
    measured = np.array([ranking.auc() for ranking in rankings])
    largest = measured[every == sizes[-2]] if len(sizes) > 1 else measured
    spread = float(largest.std(ddof=1)) / np.sqrt(2) if len(largest) > 1 else 0.0
    rows = [[measured[every == size].mean() for size in sizes]]
    for weight in weights:
        told = np.array([ranking.auc(weight.astype(np.float64)) for ranking in rankings])
        one = []
        for size in sizes:
            parts = told[every == size]
            chosen = generator.integers(0, len(parts), len(parts))
            one.append(parts[chosen].mean() + (generator.normal(0.0, spread) if len(parts) == 1 else 0.0))
        rows.append(one)
    return np.array(rows)
