"""Both versions on rows that neither has learned: by horizon, by segment, at capacity, and how true they are."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from data.clock import format_duration, iso
from data.spine import micros
from models.numerics import Floats
from training.capacity import call_list
from training.comparing.paired import Mask, paired
from training.comparing.recalibrate import log_odds, recalibrated
from training.comparing.rows import A, B, CommonRows
from training.grouped import LEAST_LEADS
from training.judge import reliability, reliability_bins
from training.sample import Progress
from training.sections import JudgedRows
from training.segments import by_age, by_attributes

GROUP_DRAWS = 200


def judge_both(rows: CommonRows, tell: Progress) -> dict[str, Any]:
    """Counts, ``horizons``, ``segments`` and ``capacity`` of both versions on ``rows``."""
    contract, test = rows.contract, rows.test
    cutoffs = micros(test.cutoff)
    horizons = {}
    for at, horizon in enumerate(contract.ready.horizons):
        name = format_duration(horizon)
        tell(f"judging both within {name}", at / len(contract.ready.horizons))
        horizons[name] = _horizon(rows, at)
    tell("filling the call lists of both", 0.0)
    return {
        "from": iso(int(cutoffs.min())),
        "until": iso(int(cutoffs.max())),
        "rows": len(cutoffs),
        "leads": len(np.unique(rows.codes)),
        "asked": rows.asked,
        "horizons": horizons,
        "segments": list(_segments(rows, tell)),
        "capacity": call_list(contract, rows.history, test, B, len(cutoffs) / max(rows.asked, 1)),
    }


def _horizon(rows: CommonRows, at: int) -> dict[str, Any]:
    """Counts, the paired figures, what the base rate alone would lose, and calibration side by side."""
    test, kept = rows.test, rows.test.matured[:, at]
    outcome, codes = test.outcome[kept, at], rows.codes[kept]
    a, b = (np.ascontiguousarray(test.predictions[name][kept, at]) for name in (A, B))
    return {
        **_counts(outcome, codes),
        "metrics": paired(outcome, a, b, codes, seed=rows.contract.model.seed),
        "base_rate_log_loss": _entropy(outcome),
        "calibration": {name: _calibration(outcome, said) for name, said in ((A, a), (B, b))},
    }


def _counts(outcome: Mask, codes: np.typing.NDArray[np.int64]) -> dict[str, Any]:
    return {
        "n": len(outcome),
        "leads": len(np.unique(codes)),
        "wins": len(np.unique(codes[outcome])),
        "outcomes": int(outcome.sum()),
        "rate": float(outcome.mean()) if len(outcome) else None,
    }


def _entropy(outcome: Mask) -> float | None:
    """The log loss of telling every row the rate of these rows: the best that one number for all can do."""
    rate = float(outcome.mean()) if len(outcome) else 0.0
    return None if not 0.0 < rate < 1.0 else float(-(rate * np.log(rate) + (1.0 - rate) * np.log1p(-rate)))


def _calibration(outcome: Mask, said: Floats) -> dict[str, Any]:
    """What was told on average, the line that would mend it, and the reliability curve."""
    line = recalibrated(outcome.astype(np.float64), log_odds(said), np.ones(len(outcome)))
    fitted = np.isfinite(line.slope)
    return {
        "told": float(said.mean()) if len(said) else None,
        "slope": line.slope if fitted else None,
        "intercept": line.intercept if fitted else None,
        "reliability": reliability(outcome, said, reliability_bins(outcome)),
    }


def _segments(rows: CommonRows, tell: Progress) -> Iterator[dict[str, Any]]:
    """The paired figures of groups of leads at the primary horizon; where there are too few leads, that is said."""
    judged = JudgedRows(rows.contract, rows.test, rows.codes, _primary(rows))
    kept, every = judged.matured, []
    if kept.any():
        every = [
            *by_attributes(rows.contract, rows.history, judged.leads),
            by_age(rows.history, judged.leads, judged.cutoffs),
        ]
    for number, segment in enumerate(every):
        tell("judging both by segment", number / len(every))
        yield {
            "name": segment.name,
            "groups": [
                {"name": name, **_group(rows, np.flatnonzero(kept)[mask])} for name, mask in segment.masks.items()
            ],
        }


def _group(rows: CommonRows, places: np.typing.NDArray[np.int64]) -> dict[str, Any]:
    at, test = _primary(rows), rows.test
    outcome, codes = test.outcome[places, at], rows.codes[places]
    found: dict[str, Any] = {**_counts(outcome, codes), "why": None, "metrics": {}, "told": {}}
    if not len(places):
        return {**found, "why": "no rows"}
    said = {name: np.ascontiguousarray(test.predictions[name][places, at]) for name in (A, B)}
    found["told"] = {name: float(chance.mean()) for name, chance in said.items()}
    if min(found["wins"], found["leads"] - found["wins"]) < LEAST_LEADS:
        return {**found, "why": f"{found['wins']} won of {found['leads']}: too few"}
    metrics = paired(outcome, said[A], said[B], codes, seed=rows.contract.model.seed, draws=GROUP_DRAWS, mended=False)
    return {**found, "metrics": metrics}


def _primary(rows: CommonRows) -> int:
    return rows.contract.ready.horizons.index(rows.contract.ready.primary)
