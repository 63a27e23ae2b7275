"""A backtest from begin to end: plan the origins, train as of each, judge, tell."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from data.check import Checked
from data.contract import Contract
from data.errors import NotMaturedError
from data.fingerprint import fingerprint
from data.history import History
from data.labels import label
from data.spine import NEVER, micros
from training.backtesting.origins import plan_origins
from training.backtesting.pieces import Judged, curve_origin, plan_pieces
from training.backtesting.result import Result, make_result
from training.backtesting.running import Skipped, run_pieces
from training.backtesting.store import Store, backtest_folder
from training.report import report_json
from training.sample import Progress, known_before
from training.wins import count_wins

FOR_A_VERSION = ("created_at", "served", "primary", "definition", "settings", "folds", "curve")


@dataclass(frozen=True)
class Settings:
    """How the backtest was asked for; ``span`` in microseconds, None: equal parts of the time there is."""

    folds: int = 4
    span: int | None = None
    curve: bool = True


@dataclass(frozen=True)
class Backtest:
    """A finished backtest: its figures, and where its pieces are kept."""

    result: Result
    store: Store


def run_backtest(
    contract: Contract,
    checked: Checked,
    settings: Settings | None = None,
    *,
    jobs: int = 0,
    fresh: bool = False,
    progress: Progress | None = None,
) -> Backtest:
    """Train as of each origin, ``jobs`` at a time (0: one for each core), and judge on what came after.

    Without ``settings`` there are as many origins as the contract says. What an earlier run of the same contract, facts
    and code has finished is not done again, unless ``fresh``. Raises ContractError, SchemaError or NotMaturedError,
    each with what to do.
    """
    tell = progress or (lambda _what, _share: None)
    settings = settings or Settings(folds=contract.backtest.folds)
    history = checked.history
    tell("planning the origins", 0.0)
    plan = plan_origins(contract, history, settings.folds, settings.span)
    facts = fingerprint(history)
    store = Store(backtest_folder(contract, facts))
    if fresh:
        store.fresh()
    wins = _wins_before(contract, history, curve_origin(plan.origins).moment) if settings.curve else None
    pieces = plan_pieces(plan.origins, wins)
    done = run_pieces(contract, history, pieces, store, jobs, tell)
    _require_a_fold(done)
    known = _wins_before(contract, history, history.ends_at)
    result = make_result(contract, history, facts, plan, known, settings.curve, done, tell)
    store.save_result(report_json(result))
    return Backtest(result, store)


def _wins_before(contract: Contract, history: History, moment: int) -> int:
    """How many outcomes the rows before ``moment`` lead up to, as known then."""
    known = known_before(contract, history, moment)
    labels = label(history.upto(moment), known, contract.ready)
    within = np.where(labels.outcome(contract.ready.horizons[-1]), labels.time_to_outcome, NEVER)
    return count_wins(np.array(known["lead_id"].to_pylist(), object), micros(known["cutoff"]), within)


def _require_a_fold(done: Sequence[Judged | Skipped]) -> None:
    """Raise NotMaturedError unless some fold was learned."""
    if not any(isinstance(piece, Judged) and piece.piece.every == 1 for piece in done):
        first = next(piece.why for piece in done if isinstance(piece, Skipped))
        raise NotMaturedError(f"None of the {len(done)} trainings of this backtest could learn anything: {first}")


def latest_result(contract: Contract, facts: str) -> Result | None:
    """What a version's report shows of the last finished backtest of the same contract, facts and code; None without.

    That is the folds, the learning curve, and what they were judged on; a bundle carries it, so no more than that.
    """
    found = Store(backtest_folder(contract, facts)).result()
    if found is None or found["settings"]["capacity_per_week"] != contract.policy.capacity_per_week:
        return None
    primary = found["horizons"][found["primary"]]
    judged = {found["primary"]: {name: primary[name] for name in ("n", "leads", "wins", "why")}}
    return {name: found[name] for name in FOR_A_VERSION} | {"horizons": judged}
