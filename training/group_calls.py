"""Where the calls of a list go: of each group of leads, how many were called, and how many of its wins were caught.

One list over all leads, as sales works it (``training.duel_play``); only the account is kept group by group.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from training.duel import LOTS
from training.duel_play import DuelRows, Floats, Ints, Mask, Ranked, called, capacities

DRAWS = 200
"""Bootstrap samples behind an interval."""


def calls_by_group(
    rows: DuelRows, said: Mapping[str, Floats], masks: Mask, capacity: float, seed: int, draws: int = DRAWS
) -> list[dict[str, Any]]:
    """``{"wins", "models": {name: {"calls", "caught", "precision", "intervals"}}}`` of each column of ``masks`` (n, G).

    ``said`` are scores (n,); ``capacity`` is in calls a week, over all groups together. Intervals are the middle 95 %
    over bootstrap samples of leads, each with all its rows; None where a sample had no call in the group.
    """
    calls, groups = capacities(rows.weeks, capacity), masks.astype(np.float64)
    generator = np.random.default_rng(seed)
    samples = [generator.multinomial(rows.leads, np.full(rows.leads, 1.0 / rows.leads)) for _ in range(draws)]
    found: list[dict[str, Any]] = [
        {"wins": len(np.unique(rows.outcome[mask & rows.won])), "models": {}} for mask in masks.T
    ]
    for name, score in said.items():
        order = Ranked.of(rows, score)
        lots = LOTS if order.has_ties else 1
        once = np.ones(rows.leads, np.int64)
        main = np.mean([_account(rows, order, calls, once, seed + lot, groups) for lot in range(lots)], axis=0)
        drawn = np.array([_account(rows, order, calls, copies, seed + at, groups) for at, copies in enumerate(samples)])
        for at, group in enumerate(found):
            group["models"][name] = _told(main[:, at], drawn[:, :, at])
    return found


def _account(
    rows: DuelRows, order: Ranked, calls: Ints, copies: Ints, seed: int, groups: npt.NDArray[np.float64]
) -> Floats:
    """(2, G) calls and outcomes caught of each group."""
    taken = called(rows, order, calls, copies, seed)
    return np.array([taken @ groups, (taken * rows.won) @ groups])


def _told(main: Floats, drawn: Floats) -> dict[str, Any]:
    calls, caught = main.tolist()
    precision = np.divide(drawn[:, 1], drawn[:, 0], out=np.full(len(drawn), np.nan), where=drawn[:, 0] > 0)
    return {
        "calls": calls,
        "caught": caught,
        "precision": caught / calls if calls else None,
        "intervals": {"caught": _bounds(drawn[:, 1]), "precision": _bounds(precision)},
    }


def _bounds(values: Floats) -> list[float | None]:
    if not len(values) or not np.isfinite(values).all():
        return [None, None]
    return [float(edge) for edge in np.quantile(values, (0.025, 0.975))]
