"""The call list of a report: the duel of every model of a trial at the weekly capacity, on its test rows."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from data.contract import Contract
from data.history import History
from training.duel import RANDOM, Duel, Score, duel, duel_rows
from training.testrows import TestRows

DRAWS = 200
"""Bootstrap samples behind an interval."""


def call_list(contract: Contract, history: History, test: TestRows, served: str, share: float) -> dict[str, Any] | None:
    """What calling by each model's readiness catches (``training.duel``); None where no test row has matured.

    ``caught`` of the ``wins`` that a call could catch, ``capture`` as a share of them, ``precision`` as a share of the
    calls; ``curve`` is caught at each of ``capacities``. ``share``: of all rows, how many there are in the test, where
    a draw of them was used ([model] max_rows): the capacity is that share of the agreed one.
    """
    rows, kept = duel_rows(test.lead_id, test.cutoff, contract, history)
    if not len(kept):
        return None
    at = contract.ready.horizons.index(contract.ready.primary)
    names = [served, *(name for name in test.predictions if name not in {served, "prior"})]
    said = {name: np.ascontiguousarray(test.predictions[name][kept, at]) for name in names}
    agreed = contract.policy.capacity_per_week
    capacity = None if agreed is None else agreed * min(share, 1.0)
    return told(duel(rows, said, capacity=capacity, seed=contract.model.seed, draws=DRAWS))


def told(fought: Duel) -> dict[str, Any]:
    """A duel in the form of a report, figures by the contestant's name."""
    return {
        "per_week": fought.capacity,
        "agreed": fought.given,
        "weeks": fought.weeks,
        "leads": fought.leads,
        "wins": fought.outcomes,
        "capacities": list(fought.capacities),
        "models": {score.name: _score(score) for score in fought.scores},
        "more_caught": {
            one.other: {"value": one.captured, "interval": _plain(one.interval)}
            for one in fought.differences
            if one.other != RANDOM
        },
    }


def _score(score: Score) -> dict[str, Any]:
    return {
        "calls": score.calls,
        "caught": score.captured,
        "precision": score.precision,
        "capture": score.share,
        "curve": list(score.curve),
        "intervals": {
            "caught": _plain(score.captured_interval),
            "capture": _plain(score.share_interval),
            "precision": _plain(score.precision_interval),
        },
    }


def _plain(bounds: Sequence[float]) -> list[float | None]:
    """An interval as JSON holds it."""
    return [float(edge) if np.isfinite(edge) else None for edge in bounds]
