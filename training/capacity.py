"""The call list: what sales would have reached by calling, week by week, the readiest leads."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from data.clock import WEEK
from models.numerics import Floats

Ints = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

DEFAULT_SHARE = 0.1
"""Without a capacity in the contract, sales is taken to call this share of the leads over the whole time."""
SHUFFLES = 20
"""Call lists in random order; their mean is what chance reaches."""
DRAWS = 400


@dataclass(frozen=True, eq=False)
class Asked:
    """n matured rows: cutoffs and the horizon (microseconds), leads as codes from 0, and what came within it."""

    cutoffs: Ints
    codes: Ints
    outcome: Mask
    horizon: int

    @property
    def weeks(self) -> float:
        """How many weeks of calling the cutoffs stand for."""
        return float(sum(gap for _, gap in _weeks(self.cutoffs)))


def call_list(asked: Asked, score: Floats, per_week: float, seed: int) -> Ints:
    """The rows called: each week the best ``score`` (n,) among the leads, ``per_week`` of them.

    A call stands for the horizon: a lead is called again only when it has passed. A week without cutoffs adds its
    calls to the week before it, and broken calls add up. Ties are broken by a seeded draw.
    """
    week = (asked.cutoffs - asked.cutoffs.min()) // WEEK if len(asked.cutoffs) else asked.cutoffs
    order = np.lexsort((np.random.default_rng(seed).random(len(score)), -score, week))
    free_from = np.full(int(asked.codes.max(initial=-1)) + 1, np.iinfo(np.int64).min)
    chosen: list[Ints] = []
    allowed = 0.0
    for number, gap in _weeks(asked.cutoffs):
        allowed += per_week * gap
        rows = order[np.searchsorted(week, number, sorter=order) : np.searchsorted(week, number, "right", order)]
        open_rows = rows[free_from[asked.codes[rows]] <= asked.cutoffs[rows]]
        first = np.sort(np.unique(asked.codes[open_rows], return_index=True)[1])  # a lead's best row of the week
        taken = open_rows[first][: int(allowed + 1e-9)]
        free_from[asked.codes[taken]] = asked.cutoffs[taken] + asked.horizon
        allowed -= len(taken)
        chosen.append(taken)
    return np.concatenate(chosen) if chosen else np.empty(0, np.int64)


def _weeks(cutoffs: Ints) -> list[tuple[int, float]]:
    """(number, length in weeks until the next) of each week that has cutoffs; the last is as long as the one before."""
    if not len(cutoffs):
        return []
    present = np.unique((cutoffs - cutoffs.min()) // WEEK)
    gaps = np.diff(present).astype(float)
    return list(zip(present.tolist(), [*gaps.tolist(), float(gaps[-1]) if len(gaps) else 1.0], strict=True))


def capacity_figures(
    asked: Asked, said: Mapping[str, Floats], served: str, per_week: float | None, seed: int
) -> dict[str, Any] | None:
    """What a call list of ``per_week`` reaches by each model's readiness, and by chance; None without rows.

    ``caught`` of the ``wins`` leads that won had been called within the horizon before it; ``precision`` is the share
    of the calls that a win followed within the horizon, ``capture`` the share of the wins that were caught. Intervals
    are 95 % over draws of leads, the lists being as they are.
    ``per_week`` None: DEFAULT_SHARE of the leads over the whole time, and it is said.
    """
    if not len(asked.codes):
        return None
    leads = int(asked.codes.max()) + 1
    agreed = per_week is not None
    each = per_week if per_week is not None else max(round(DEFAULT_SHARE * leads / asked.weeks), 1)
    won = np.bincount(asked.codes, asked.outcome, leads) > 0
    lists = {name: call_list(asked, score, each, seed) for name, score in said.items() if name != "prior"}
    drawn = _draws(asked, lists, won, seed)
    models = {name: _caught(asked, rows, won) | {"intervals": drawn.of(name)} for name, rows in lists.items()}
    return {
        "per_week": each,
        "agreed": agreed,
        "weeks": asked.weeks,
        "leads": leads,
        "wins": int(won.sum()),
        "models": models | {"random": _by_chance(asked, won, each, seed)},
        "more_caught": {
            name: {
                "value": models[served]["caught"] - models[name]["caught"],
                "interval": _interval(drawn.caught[served] - drawn.caught[name]),
            }
            for name in lists
            if name != served
        },
    }


def _caught(asked: Asked, rows: Ints, won: Mask) -> dict[str, Any]:
    hits = asked.outcome[rows]
    return {
        "calls": len(rows),
        "caught": int(_leads(asked, rows, len(won)).sum()),
        "precision": float(hits.mean()) if len(rows) else None,
        "capture": float(_leads(asked, rows, len(won)).sum() / won.sum()) if won.any() else None,
    }


def _leads(asked: Asked, rows: Ints, leads: int) -> Mask:
    """Which leads were called in a row that led up to a win."""
    return np.bincount(asked.codes[rows], asked.outcome[rows], leads) > 0


def _by_chance(asked: Asked, won: Mask, each: float, seed: int) -> dict[str, Any]:
    """The mean over SHUFFLES lists in random order."""
    generator = np.random.default_rng(seed)
    lists = [call_list(asked, generator.random(len(asked.codes)), each, seed) for _ in range(SHUFFLES)]
    found = [_caught(asked, rows, won) for rows in lists]
    return {
        name: None if any(one[name] is None for one in found) else float(np.mean([one[name] for one in found]))
        for name in found[0]
    }


@dataclass(frozen=True, eq=False)
class _Drawn:
    """(draws,) sums over leads drawn with replacement: who won and, by model, calls, right calls, who was caught."""

    wins: Floats
    called: dict[str, Floats]
    right: dict[str, Floats]
    caught: dict[str, Floats]

    def of(self, name: str) -> dict[str, list[float | None]]:
        """The intervals of one model's figures."""
        caught = self.caught[name]
        shares = {"precision": (self.right[name], self.called[name]), "capture": (caught, self.wins)}
        return {figure: _interval(part[whole > 0] / whole[whole > 0]) for figure, (part, whole) in shares.items()} | {
            "caught": _interval(caught)
        }


def _draws(asked: Asked, lists: Mapping[str, Ints], won: Mask, seed: int) -> _Drawn:
    counted: list[npt.NDArray[np.generic]] = [won]
    for rows in lists.values():
        calls, right = np.bincount(asked.codes[rows], minlength=len(won)), asked.codes[rows][asked.outcome[rows]]
        counted += [calls, np.bincount(right, minlength=len(won)), _leads(asked, rows, len(won))]
    table, generator = np.column_stack(counted).astype(np.float64), np.random.default_rng(seed)
    even = np.full(len(won), 1.0 / len(won))
    sums = np.array([generator.multinomial(len(won), even) @ table for _ in range(DRAWS)])
    places = {name: 1 + 3 * number for number, name in enumerate(lists)}
    return _Drawn(
        sums[:, 0],
        {name: sums[:, at] for name, at in places.items()},
        {name: sums[:, at + 1] for name, at in places.items()},
        {name: sums[:, at + 2] for name, at in places.items()},
    )


def _interval(values: Floats) -> list[float | None]:
    return [float(edge) for edge in np.quantile(values, (0.025, 0.975))] if len(values) else [None, None]
