"""The figures of a backtest as one JSON object: by fold, pooled, by horizon, by group, at capacity, and as a curve."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pyarrow as pa

from data.clock import format_duration, iso
from data.contract import Contract
from data.history import History
from training.backtesting.curve import Trained, learning_curve
from training.backtesting.origins import Plan
from training.backtesting.pieces import Judged
from training.backtesting.running import Skipped
from training.capacity import call_list
from training.grouped import group_figures
from training.judge import gains, reliability, reliability_bins
from training.reporting import definition_of, history_of
from training.sample import Progress
from training.sections import SERVED, JudgedRows, sections
from training.segments import by_meeting
from training.testrows import TestRows

Result = dict[str, Any]


def make_result(
    contract: Contract,
    history: History,
    facts: str,
    plan: Plan,
    wins: int,
    curve: bool,
    pieces: Sequence[Judged | Skipped],
    tell: Progress,
) -> Result:
    """The result of finished ``pieces`` over the facts of fingerprint ``facts``; at least one fold must be finished.

    ``wins``: how many outcomes there are to learn from today.
    """
    done = [piece for piece in pieces if isinstance(piece, Judged)]
    folds = [piece.of_origin() for piece in done if piece.piece.every == 1]
    test = _pooled(folds)
    tell("figures and intervals of each fold", 0.0)
    told_folds = [_fold(contract, history, fold) for fold in folds]
    tell("figures and intervals by horizon and group", 0.3)
    horizons = _horizons(contract, test)
    avoid = {field for fold in folds for field in fold.facts["left_out"]}
    share = float(np.mean([fold.facts["share"] for fold in folds]))
    groups = {**sections(contract, history, test, avoid, share), "met": _met(contract, test, folds)}
    tell("the learning curve", 0.8)
    return {
        "product": contract.ready.product,
        "created_at": datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
        "served": SERVED,
        "primary": format_duration(contract.ready.primary),
        "definition": definition_of(contract),
        "history": history_of(history, facts),
        "settings": {
            "folds": len(folds),
            "span": format_duration(plan.span),
            "embargo": format_duration(contract.ready.primary),
            "trainings": len(done),
            "capacity_per_week": contract.policy.capacity_per_week,
        },
        "folds": told_folds,
        "horizons": horizons,
        "curves": _curves(contract, test),
        **groups,
        "drift": _drift(folds),
        "curve": _curve(contract, done, wins) if curve else None,
        "notes": [
            *plan.notes,
            *(f"{iso(s.piece.origin.moment)[:10]}: not learned. {s.why}" for s in pieces if isinstance(s, Skipped)),
        ],
    }


def _pooled(folds: Sequence[Judged]) -> TestRows:
    """The rows of ``folds``, one after the other."""
    parts = [fold.rows for fold in folds]
    return TestRows(
        pa.concat_arrays([part.lead_id for part in parts]),
        pa.concat_arrays([part.cutoff for part in parts]),
        np.concatenate([part.outcome for part in parts]),
        np.concatenate([part.matured for part in parts]),
        {name: np.concatenate([part.predictions[name] for part in parts]) for name in parts[0].predictions},
    )


def _fold(contract: Contract, history: History, fold: Judged) -> dict[str, Any]:
    rows = JudgedRows.of(contract, fold.rows).judgement()
    return {
        "from": iso(fold.piece.origin.moment),
        "until": iso(fold.piece.origin.until),
        "learned": {name: value for name, value in fold.facts.items() if name != "drift"},
        **group_figures(rows, list(rows.said), SERVED, contract.model.seed),
        "capacity": call_list(contract, history, fold.rows, SERVED, fold.facts["share"]),
    }


def _drift(folds: Sequence[Judged]) -> list[dict[str, Any]]:
    """Of each feature: how far it moved in each fold, None where a fold has no such feature, and its mean push.

    From the one that moved furthest in any fold to the one that moved least.
    """
    found = [fold.facts["drift"] for fold in folds]
    rows = []
    for name in dict.fromkeys(name for drift in found for name in drift):
        there = [drift.get(name) for drift in found]
        pushes = [each[1] for each in there if each is not None]
        shift = [None if each is None or not np.isfinite(each[0]) else each[0] for each in there]
        rows.append({"feature": name, "shift": shift, "push": float(np.mean(pushes))})
    return sorted(rows, key=lambda row: -max((s for s in row["shift"] if s is not None), default=0.0))


def _horizons(contract: Contract, test: TestRows) -> dict[str, Any]:
    found = {}
    for horizon in contract.ready.horizons:
        rows = JudgedRows.of(contract, test, horizon).judgement()
        found[format_duration(horizon)] = group_figures(rows, list(rows.said), SERVED, contract.model.seed)
    return found


def _met(contract: Contract, test: TestRows, folds: Sequence[Judged]) -> dict[str, Any]:
    """The figures by whether earlier rows of a lead were learned from."""
    rows = JudgedRows.of(contract, test)
    return rows.figures(by_meeting(np.concatenate([fold.met for fold in folds])[rows.matured]))


def _curves(contract: Contract, test: TestRows) -> dict[str, Any]:
    """Reliability and gains of every model at the primary horizon."""
    of = JudgedRows.of(contract, test).judgement()
    bins = reliability_bins(of.outcome)
    return {
        format_duration(contract.ready.primary): {
            "reliability": {name: reliability(of.outcome, said, bins) for name, said in of.said.items()},
            "gains": {name: gains(of.outcome, said) for name, said in of.said.items()},
        }
    }


def _curve(contract: Contract, done: Sequence[Judged], wins: int) -> dict[str, Any] | None:
    """The learning curve on all rows after its origin; None where they say nothing."""
    at = contract.ready.horizons.index(contract.ready.primary)
    whole = [judged for judged in done if judged.piece.every == 1]
    learned = [judged for judged in done if judged.piece.every > 1]
    origin = learned[0].piece.origin if learned else whole[-1].piece.origin
    same = [judged for judged in [*whole, *learned] if judged.piece.origin == origin]
    of = JudgedRows.of(contract, same[0].rows).judgement()
    if group_figures(of, (), SERVED, 0)["why"] is not None:
        return None
    matured = same[0].rows.matured[:, at]
    trained = [
        Trained(judged.piece.every, judged.facts["train_wins"], judged.rows.predictions[SERVED][matured, at])
        for judged in same
    ]
    codes = np.unique(of.codes, return_inverse=True)[1].astype(np.int64)
    found = learning_curve(codes, of.outcome, trained, wins, contract.model.seed)
    return {**found, "from": iso(origin.moment), "judged_wins": of.wins, "n": len(codes)}
