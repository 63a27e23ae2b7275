"""The report of a trial: every claim beside its rivals, on the same rows, as one JSON object."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow.compute as pc
from joblib import Parallel, delayed

from data.check import Checked
from data.clock import format_duration, iso
from data.contract import Contract
from data.fingerprint import fingerprint
from data.history import History
from data.spine import micros
from models.numerics import Floats
from models.policy import Policy
from training.expectation import expectation
from training.fit import Fitted
from training.judge import Ranking, gains, intervals, judge, lead_weights, reliability, reliability_bins
from training.sample import Progress, Sample
from training.sections import SERVED
from training.testrows import TestRows

DRAWS = 200
"""Bootstrap draws behind an interval."""
MOST_BOOTSTRAPPED = 25_000
"""Above this many rows an interval is taken from a seeded draw of the leads, and scaled to the size of the whole."""
IMPORTANCE_ROWS = 2_000

Report = dict[str, Any]


def make_report(
    contract: Contract, checked: Checked, sample: Sample, wins: int, fitted: Fitted, test: TestRows, tell: Progress
) -> Report:
    """The report dict: definition, history, rows, one contest for each horizon, curves, blend, importance, notes."""
    ready, choice = contract.ready, fitted.choice
    primary, judged = format_duration(ready.primary), contests(contract, sample, test, tell)
    return {
        "product": ready.product,
        "version": None,
        "created_at": datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
        "served": SERVED,
        "primary": primary,
        "definition": definition_of(contract),
        "history": history_of(checked.history, fingerprint(checked.history)),
        "rows": _rows(contract, sample, test),
        "features": {"count": len(sample.table.feature_set), "fingerprint": sample.table.feature_set.fingerprint},
        "horizons": judged,
        "expectation": expectation(wins, judged[primary], SERVED),
        "curves": _curves(contract, test),
        "blend": {
            "weight": choice.weight,
            "split": choice.split,
            "folds": choice.folds,
            "log_loss": choice.losses,
            "linear_strength": choice.linear.strength,
            "linear_bounded": choice.linear.bounded,
            "half_life_days": None if choice.linear.half_life is None else choice.linear.half_life / 86_400e6,
            "shape": choice.shape.name,
            "leaf": choice.shape.leaf,
            "trees_half_life_days": None if choice.shape.half_life is None else choice.shape.half_life / 86_400e6,
            "rounds": choice.rounds,
            "bins": [format_duration(edge) for edge in fitted.model.edges],
        },
        "calibration": _calibration(fitted),
        "level": None if fitted.level is None else asdict(fitted.level),
        "importance": importance(sample, fitted),
        "notes": [*choice.notes, *_notes(sample, fitted)],
    }


def contests(contract: Contract, sample: Sample, test: TestRows, tell: Progress) -> dict[str, Any]:
    """For each horizon the figures of every model on the same matured test rows, with 95 % intervals."""
    codes = np.unique(sample.leads[sample.test], return_inverse=True)[1].astype(np.int64)
    found: dict[str, Any] = {}
    for at, horizon in enumerate(contract.ready.horizons):
        rows = np.flatnonzero(test.matured[:, at])
        outcome = test.outcome[rows, at]
        tell("intervals by bootstrap over leads", at / len(contract.ready.horizons))
        drawn = bootstrap_rows(codes[rows], contract.model.seed)
        models = Parallel(n_jobs=contract.model.threads or -1, prefer="threads")(
            delayed(contest)(outcome, said[rows, at], codes[rows], drawn, contract.model.seed)
            for said in test.predictions.values()
        )
        found[format_duration(horizon)] = {
            "n": len(rows),
            "rate": float(outcome.mean()) if len(rows) else None,
            "outcomes": int(outcome.sum()),
            "leads": len(np.unique(codes[rows])),
            "wins": len(np.unique(codes[rows][outcome])),
            "told": float(test.predictions[SERVED][rows, at].mean()) if len(rows) else None,
            "models": dict(zip(test.predictions, models, strict=True)),
        }
    return found


def contest(
    outcome: npt.NDArray[np.bool_], said: Floats, codes: npt.NDArray[np.int64], drawn: npt.NDArray[np.int64], seed: int
) -> dict[str, Any]:
    """All figures of one model, with intervals from the rows ``drawn``."""
    figures: dict[str, Any] = {name: _number(value) for name, value in judge(outcome, said).items()}
    part = np.unique(codes[drawn], return_inverse=True)[1].astype(np.int64)
    bounds = intervals(Ranking.of(outcome[drawn], said[drawn]), lead_weights(part, DRAWS, seed))
    shrink = np.sqrt(len(drawn) / max(len(outcome), 1))
    figures["intervals"] = {name: _scaled(figures[name], bound, shrink) for name, bound in bounds.items()}
    return figures


def bootstrap_rows(codes: npt.NDArray[np.int64], seed: int) -> npt.NDArray[np.int64]:
    """All rows, or those of a seeded draw of leads, so that the bootstrap stays affordable."""
    if len(codes) <= MOST_BOOTSTRAPPED:
        return np.arange(len(codes))
    leads = np.unique(codes)
    share = MOST_BOOTSTRAPPED / len(codes)
    return np.flatnonzero((np.random.default_rng(seed).random(len(leads)) < share)[np.searchsorted(leads, codes)])


def _scaled(figure: float | None, bound: Sequence[float], shrink: float) -> list[float | None]:
    """The interval around ``figure``, its width scaled by the square root of the share of rows it was taken from."""
    if figure is None or not np.isfinite(bound).all():
        return [None, None]
    middle = (bound[0] + bound[1]) / 2
    centre = figure if shrink < 1.0 else middle
    return [centre + (edge - middle) * shrink for edge in bound]


def _number(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def definition_of(contract: Contract) -> dict[str, Any]:
    """The definition of ready, as people write it."""
    ready = contract.ready
    return {
        "outcome": list(ready.outcome),
        "terminal": list(ready.terminal),
        "repeatable": ready.repeatable,
        "horizons": [format_duration(horizon) for horizon in ready.horizons],
        "reporting_lag": format_duration(ready.reporting_lag),
    }


def history_of(history: History, facts: str) -> dict[str, Any]:
    """How much there is in the facts of fingerprint ``facts``, and over what time."""
    starts = [micros(history.leads["created_at"]), micros(history.events["occurred_at"])]
    return {
        "leads": len(history.leads),
        "events": len(history.events),
        "outcomes": len(history.outcomes),
        "starts_at": iso(int(min(times.min() for times in starts if len(times)))),
        "ends_at": iso(history.ends_at),
        "fingerprint": facts,
    }


def _rows(contract: Contract, sample: Sample, test: TestRows) -> dict[str, Any]:
    at = contract.ready.horizons.index(contract.ready.primary)
    train, test_cutoffs = sample.cutoffs[sample.train], sample.cutoffs[sample.test]
    judged = test_cutoffs[test.matured[:, at]] if test.matured[:, at].any() else test_cutoffs
    matured = sample.known.matured(contract.ready.primary)
    return {
        "train": len(train),
        "test": int(test.matured[:, at].sum()),
        "train_leads": len(np.unique(sample.leads[sample.train])),
        "train_outcomes": int((sample.known.outcome(contract.ready.primary) & matured).sum()),
        "test_outcomes": int((test.outcome & test.matured)[:, at].sum()),
        "train_from": iso(int(train.min())),
        "train_until": iso(int(train.max())),
        "test_from": iso(int(judged.min())),
        "test_until": iso(int(judged.max())),
        "embargo": format_duration(contract.ready.primary),
        "partly_watched": int((~matured).sum()),
        "censored": int((~test.matured[:, at]).sum()),
    }


def _calibration(fitted: Fitted) -> dict[str, Any]:
    """Of each horizon: slope and intercept, how much of a gap in level lasts from block to block, and by how many."""
    model, follows = fitted.model, fitted.choice.follows
    found: dict[str, Any] = {}
    for at, horizon in enumerate(model.horizons):
        told = follows[at] if follows else None
        found[format_duration(horizon)] = {
            "slope": model.calibration.slopes[at],
            "intercept": model.calibration.intercepts[at],
            "follows": told.share if told else None,
            "steps": told.steps if told else 0,
        }
    return found


def _curves(contract: Contract, test: TestRows) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for at, horizon in enumerate(contract.ready.horizons):
        rows = test.matured[:, at]
        outcome, said = test.outcome[rows, at], {name: p[rows, at] for name, p in test.predictions.items()}
        found[format_duration(horizon)] = {
            "reliability": {
                name: reliability(outcome, chance, reliability_bins(outcome)) for name, chance in said.items()
            },
            "gains": {name: gains(outcome, chance) for name, chance in said.items()},
        }
    return found


def importance(sample: Sample, fitted: Fitted) -> list[dict[str, Any]]:
    """How far each feature pushed the log-odds of a draw of test rows, on average, whichever way."""
    rows = sample.test
    if len(rows) > IMPORTANCE_ROWS:
        rows = np.sort(np.random.default_rng(0).choice(rows, IMPORTANCE_ROWS, replace=False))
    pushes = np.abs(fitted.model.explain(np.ascontiguousarray(sample.table.matrix[rows]))[:, :-1]).mean(axis=0)
    features = list(zip(sample.table.feature_set.names, sample.table.feature_set.groups, pushes, strict=True))
    ordered = sorted(features, key=lambda feature: -feature[2])
    return [{"feature": name, "group": group, "mean_abs_push": float(push)} for name, group, push in ordered]


def _notes(sample: Sample, fitted: Fitted) -> list[str]:
    notes = []
    if sample.asked > len(sample.cutoffs):
        notes.append(
            f"{sample.asked} rows were asked for; a seeded draw of {len(sample.cutoffs)} was used ([model] max_rows)."
        )
    if fitted.thinned_to < fitted.cells:
        notes.append(
            f"The booster learned from {fitted.thinned_to} of {fitted.cells} cells, weighted to stand for all."
        )
    return notes


def make_card(report: Mapping[str, Any], policy: Policy, history: History) -> dict[str, Any]:
    """The version card: what a caller of the service may know about the model that answers."""
    primary = report["horizons"][report["primary"]]
    served = primary["models"][report["served"]]
    return {
        "product": report["product"],
        "created_at": report["created_at"],
        "definition": report["definition"],
        "primary": report["primary"],
        "history": report["history"],
        "rows": report["rows"],
        "features": report["features"],
        "base_rate": primary["rate"],
        "test": {"n": primary["n"], "rate": primary["rate"], **{k: v for k, v in served.items() if k != "intervals"}},
        "expectation": report["expectation"],
        "threshold": policy.threshold,
        "explore_chance": policy.explore_chance,
        "kinds": sorted(pc.unique(history.events["kind"]).to_pylist()),
    }
