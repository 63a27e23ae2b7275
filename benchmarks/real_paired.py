"""Differences between two models on the same rows, with intervals by bootstrap over leads, and a verdict."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from models.numerics import Floats
from training.judge import Ranking, lead_weights

Verdict = Literal["beats", "ties", "loses"]

BETTER = {"auc": 1.0, "alift": 1.0, "log_loss": -1.0}
"""Which way each figure gets better."""
DRAWS = 400
CERTAIN = 2.0
"""A difference is believed beyond so many standard errors."""


@dataclass(frozen=True)
class Difference:
    """Of one figure: ours minus theirs, and its standard error over the draws."""

    figure: str
    value: float
    error: float

    @property
    def verdict(self) -> Verdict:
        """Whether ours beats theirs by more than CERTAIN standard errors, loses by as much, or neither."""
        gain = BETTER[self.figure] * self.value
        if abs(gain) <= CERTAIN * self.error:
            return "ties"
        return "beats" if gain > 0 else "loses"


def figures(ranking: Ranking, weights: Floats | None = None) -> dict[str, float]:
    """The AUC, the log loss and the ALIFT: the area under the curve of cumulative gains.

    The gains curve counts all rows where the ROC counts those without the outcome, so with ties shared out its area is
    rate / 2 + (1 - rate) * AUC.
    """
    found = ranking.metrics(weights)
    weight = np.ones(len(ranking.order)) if weights is None else weights[ranking.order]
    rate = float((weight * ranking.outcome).sum() / weight.sum())
    area = rate / 2 + (1 - rate) * found["auc"]
    return {"auc": found["auc"], "alift": area, "log_loss": found["log_loss"]}


def paired(
    leads: npt.NDArray[np.object_],
    outcome: npt.NDArray[np.bool_],
    ours: Floats,
    rivals: Mapping[str, Floats],
    *,
    draws: int = DRAWS,
    seed: int = 0,
) -> dict[str, list[Difference]]:
    """For each rival the differences in BETTER on n rows; a draw takes leads with all their rows, alike for all."""
    codes = np.unique(leads.astype(str), return_inverse=True)[1].astype(np.int64)
    weights = lead_weights(codes, draws, seed)
    rankings = {name: Ranking.of(outcome, said) for name, said in {"": ours, **rivals}.items()}
    points = {name: figures(ranking) for name, ranking in rankings.items()}
    drawn = {
        name: [figures(ranking, weight.astype(np.float64)) for weight in weights] for name, ranking in rankings.items()
    }
    found: dict[str, list[Difference]] = {}
    for name in rivals:
        found[name] = []
        for figure in BETTER:
            gaps = np.array([one[figure] - other[figure] for one, other in zip(drawn[""], drawn[name], strict=True)])
            error = float(np.nanstd(gaps, ddof=1))
            found[name].append(Difference(figure, points[""][figure] - points[name][figure], error))
    return found
