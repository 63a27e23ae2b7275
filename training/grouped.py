"""The figures of groups of judged rows: a fold, a segment, an age; where there is too little, that is said instead."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from models.numerics import Floats
from training.judge import METRICS, Ranking, intervals, judge, lead_weights
from training.segments import Segment

Ints = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

LEAST_LEADS = 5
"""With fewer leads that won, or fewer that did not, a group's figures would be those of single leads."""
DRAWS = 200
MOST_ROWS = 10_000
"""Of a larger group the intervals are taken from a seeded draw of the leads, and scaled to its size."""


@dataclass(frozen=True, eq=False)
class Judgement:
    """n matured rows of one horizon: leads as codes, what came, and what each model said (n,)."""

    codes: Ints
    outcome: Mask
    said: Mapping[str, Floats]

    def take(self, rows: Mask) -> "Judgement":
        """Some of the rows."""
        said = {name: chance[rows] for name, chance in self.said.items()}
        return Judgement(self.codes[rows], self.outcome[rows], said)

    @property
    def wins(self) -> int:
        """How many leads had the outcome."""
        return len(np.unique(self.codes[self.outcome]))


def group_figures(rows: Judgement, models: Sequence[str], served: str, seed: int) -> dict[str, Any]:
    """Counts, what was told and what came true, and METRICS of ``models`` with 95 % intervals by bootstrap over leads.

    ``why`` says what is missing where there are too few leads of either kind; there are no figures of models then.
    """
    wins, leads, n = rows.wins, len(np.unique(rows.codes)), len(rows.codes)
    found: dict[str, Any] = {
        "n": n,
        "leads": leads,
        "wins": wins,
        "outcomes": int(rows.outcome.sum()),
        "rate": float(rows.outcome.mean()) if n else None,
        "rate_interval": [None, None],
        "told": float(rows.said[served].mean()) if n else None,
        "why": _too_few(leads, wins),
        "models": {},
    }
    if found["why"] is None:
        few = _drawn(rows, seed)
        weights = lead_weights(np.unique(few.codes, return_inverse=True)[1].astype(np.int64), DRAWS, seed)
        shrink = float(np.sqrt(len(few.codes) / n))
        rates = weights @ few.outcome / np.maximum(weights.sum(axis=1), 1.0)
        bound = np.quantile(rates, (0.025, 0.975)) - rates.mean() + few.outcome.mean()
        found["rate_interval"] = [max(edge, 0.0) for edge in _edges(found["rate"], bound.tolist(), shrink)]
        found["models"] = {name: _figures(rows, few, name, weights, shrink) for name in models if name in rows.said}
    return found


def _too_few(leads: int, wins: int) -> str | None:
    if wins < LEAST_LEADS:
        return f"{wins} won of {leads}: too few"
    if leads - wins < LEAST_LEADS:
        return f"{leads - wins} did not win of {leads}: too few"
    return None


def _figures(
    rows: Judgement, few: Judgement, model: str, weights: npt.NDArray[np.float32], shrink: float
) -> dict[str, Any]:
    figures = judge(rows.outcome, rows.said[model])
    bounds = intervals(Ranking.of(few.outcome, few.said[model]), weights)
    told: dict[str, Any] = {name: figures[name] if np.isfinite(figures[name]) else None for name in METRICS}
    told["intervals"] = {name: _around(figures[name], bounds[name], shrink) for name in METRICS}
    return told


def _around(figure: float, bound: Sequence[float], shrink: float) -> list[float | None]:
    return [*_edges(figure, bound, shrink)] if np.isfinite([figure, *bound]).all() else [None, None]


def _edges(figure: float, bound: Sequence[float], shrink: float) -> list[float]:
    """The interval, its width scaled by the square root of the share of rows it was taken from."""
    middle = (bound[0] + bound[1]) / 2
    centre = figure if shrink < 1.0 else middle
    return [float(centre + (edge - middle) * shrink) for edge in bound]


def _drawn(rows: Judgement, seed: int) -> Judgement:
    """All rows, or those of a seeded draw of leads."""
    if len(rows.codes) <= MOST_ROWS:
        return rows
    leads = int(rows.codes.max()) + 1
    return rows.take((np.random.default_rng(seed).random(leads) < MOST_ROWS / len(rows.codes))[rows.codes])


def segment_figures(segment: Segment, rows: Judgement, models: Sequence[str], served: str, seed: int) -> dict[str, Any]:
    """``{"name", "groups": [{"name", ...figures}]}`` of one segment over the same n rows."""
    groups = [
        {"name": name, **group_figures(rows.take(mask), models, served, seed)} for name, mask in segment.masks.items()
    ]
    return {"name": segment.name, "groups": groups}
