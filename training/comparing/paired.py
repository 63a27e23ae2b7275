"""Differences between two versions on the same rows, with intervals by bootstrap over leads.

Each draw takes leads with replacement, each with all its rows, and judges both versions on the same draw: what both
share, such as an easy week, cancels out. A difference is ``b`` minus ``a``.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from training.comparing.recalibrate import AS_TOLD, Line, log_odds, recalibrated
from training.judge import METRICS, Ranking, lead_weights
from training.reporting import bootstrap_rows

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]
Both = tuple[Mapping[str, float], Mapping[str, float]]

DRAWS = 300
LEVEL = (0.025, 0.975)
COMPARED = (*METRICS, "calibration_loss")
LESS_IS_BETTER = frozenset({"log_loss", "brier", "ece", "calibration_loss"})


@dataclass(frozen=True, eq=False)
class Pair:
    """What came of n rows (0 or 1) and what both versions said of them, ready to be weighted again and again."""

    outcome: Floats
    rankings: tuple[Ranking, Ranking]
    logits: tuple[Floats, Floats]
    lines: tuple[Line, Line]

    @classmethod
    def of(cls, outcome: Mask, a: Floats, b: Floats) -> "Pair":
        """The pair for outcomes (n,) and probabilities (n,) of both."""
        came, every = outcome.astype(np.float64), np.ones(len(outcome))
        logits = (log_odds(a), log_odds(b))
        lines = (recalibrated(came, logits[0], every), recalibrated(came, logits[1], every))
        return cls(came, (Ranking.of(outcome, a), Ranking.of(outcome, b)), logits, lines)

    def figures(self, weights: Floats | None = None, *, mended: bool = True) -> Both:
        """COMPARED of both; METRICS alone unless ``mended``, which is the slower part. ``weights`` (n,)."""
        weight = np.ones(len(self.outcome)) if weights is None else weights
        a, b = (ranking.metrics(weight) for ranking in self.rankings)
        if mended:
            for found, logits, line in zip((a, b), self.logits, self.lines, strict=True):
                found["calibration_loss"] = self._unmended(logits, weight, line)
        return a, b

    def _unmended(self, logits: Floats, weight: Floats, line: Line) -> float:
        start = (line.slope, line.intercept) if np.isfinite(line.slope) else AS_TOLD
        return recalibrated(self.outcome, logits, weight, start).saved


def paired(
    outcome: Mask, a: Floats, b: Floats, codes: Ints, *, seed: int, draws: int = DRAWS, mended: bool = True
) -> dict[str, Any]:
    """``{metric: {"a", "b", "difference", "interval", "verdict"}}`` of n rows whose leads are ``codes``.

    Of very many rows the interval is taken from a seeded draw of the leads and scaled to the size of the whole.
    Without ``mended`` there is no calibration loss.
    """
    whole = Pair.of(outcome, a, b).figures(mended=mended)
    rows = bootstrap_rows(codes, seed)
    few = np.unique(codes[rows], return_inverse=True)[1].astype(np.int64)
    part = Pair.of(outcome[rows], a[rows], b[rows])
    weights = lead_weights(few, draws, seed)
    drawn = [part.figures(weight.astype(np.float64), mended=mended) for weight in weights]
    shrink = float(np.sqrt(len(rows) / max(len(codes), 1)))
    return {name: _told(name, whole, drawn, shrink) for name in whole[0]}


def _told(name: str, whole: Both, drawn: Sequence[Both], shrink: float) -> dict[str, Any]:
    difference = whole[1][name] - whole[0][name]
    values = np.array([b[name] - a[name] for a, b in drawn])
    values = values[np.isfinite(values)]
    interval: list[float | None] = [None, None]
    if len(values) and np.isfinite(difference):
        # a resample repeats rows, which alone makes a calibration error larger: what it adds is taken off again
        edges = (np.quantile(values, LEVEL) - float(values.mean())) * shrink + difference
        interval = [float(edge) for edge in edges]
    return {
        "a": _number(whole[0][name]),
        "b": _number(whole[1][name]),
        "difference": _number(difference),
        "interval": interval,
        "verdict": verdict(name, interval),
    }


def verdict(metric: str, interval: Sequence[float | None]) -> str | None:
    """``better``, ``worse`` or ``level``: how ``b`` stands to ``a`` when the whole interval is told; None without."""
    low, high = interval
    if low is None or high is None:
        return None
    if low <= 0.0 <= high:
        return "level"
    return "better" if (high < 0.0) == (metric in LESS_IS_BETTER) else "worse"


def _number(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
