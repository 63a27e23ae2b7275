"""A search for better settings than the defaults: Optuna, judged by the same time-ordered validation, within a budget.

The defaults are the first trial and stay unless something else is better on the validation blocks. What is searched is
what the defaults fix: the shape of the trees, their penalty, their learning rate, the share of features that a tree
sees, and the linear model's penalty between the steps of its path. Rounds, blend and calibration are settled anew for
each trial. Test rows are never looked at. Sampler: tree-structured Parzen estimators (Bergstra et al., NeurIPS 2011).
"""

import re
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from joblib import delayed

from data.clock import SECOND, parse_duration
from data.errors import ContractError
from training.folds import Block, Ground, Linear, fit_linear, make_block, plan_folds
from training.gbm import GbmSettings, Shape, columns_of
from training.groves import plant, side_by_side
from training.selection import Choice, Progress, Tried, settle

if TYPE_CHECKING:
    from optuna import Trial

MOST_TRIALS = 10_000
LEAST_GAIN = 1e-6
"""A validation loss that is lower by less than this, in nats, is the solver's rounding and not a better model."""


@dataclass(frozen=True)
class Budget:
    """So many trials, or so many seconds: a trial that was begun is finished."""

    trials: int | None = None
    seconds: float | None = None


def parse_budget(text: str) -> Budget:
    """The budget of ``"40"`` (trials) or ``"30min"``. Raises ContractError for anything else."""
    if re.fullmatch(r"[0-9]{1,5}", text) and 0 < int(text) <= MOST_TRIALS:
        return Budget(trials=int(text))
    try:
        seconds = parse_duration(text) / SECOND
    except ContractError:
        seconds = 0.0
    if seconds <= 0:
        raise ContractError(
            f"The search has the budget {text!r}. Expected a number of trials from 1 to {MOST_TRIALS}, such as 40, or "
            "a time, such as 30min."
        )
    return Budget(seconds=seconds)


def search(
    ground: Ground, gbm: GbmSettings, default: Choice, budget: Budget, *, folds: int, seed: int, progress: Progress
) -> Choice:
    """The best of ``default`` and of what the budget lets be tried, with everything that was ``tried``.

    Where nothing could be validated there is nothing to search by, and the default comes back. Raises ContractError
    when Optuna is not installed.
    """
    optuna = _library()
    split, planned = plan_folds(ground, folds, gbm.categorical)
    if not planned:
        return replace(default, notes=(*default.notes, "Nothing was searched: no block of later rows to judge by."))
    blocks = [make_block(ground, fold, number) for number, fold in enumerate(planned, seed)]
    study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=seed, multivariate=True))
    study.enqueue_trial(_as_asked(default, len(gbm.signs)))
    tried: list[Tried] = []
    best, began = default, time.monotonic()

    def judged(trial: "Trial") -> float:
        nonlocal best
        progress("searching settings", _share(budget, len(tried), time.monotonic() - began))
        linear, shape = _ask(trial, default)
        since = time.time_ns()
        choice = _validated(ground, split, blocks, gbm, linear, shape, seed)
        loss = choice.losses["blend"]
        losses = tuple(float(fold["log_loss"]["blend"]) for fold in choice.folds)  # type: ignore[index]
        settings = {name: float(value) for name, value in trial.params.items()}
        tried.append(Tried(settings, loss, losses, since // 1_000_000, time.time_ns() // 1_000_000))
        if loss < best.losses["blend"] - LEAST_GAIN:
            best = choice
        return loss

    study.optimize(judged, n_trials=budget.trials, timeout=budget.seconds)
    return replace(best, notes=(*best.notes, _note(default, best, tried)), tried=tuple(tried))


def _library() -> Any:
    try:
        import optuna  # noqa: PLC0415  an extra: only a search needs it
    except ImportError:
        raise ContractError(
            "A search needs Optuna, which is not installed. Install it (pip install 'readiness[search]'), or train "
            "without --search."
        ) from None
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    return optuna


def _ask(trial: "Trial", default: Choice) -> tuple[Linear, Shape]:
    depth = trial.suggest_int("depth", 2, 5)
    shape = Shape(
        "searched",
        trial.suggest_int("leaves", 4, 24, log=True),
        depth,
        trial.suggest_float("l2", 1.0, 100.0, log=True),
        trial.suggest_float("learning_rate", 0.03, 0.15, log=True),
        trial.suggest_float("columns", 0.1, 0.7),
        trial.suggest_int("leaf", 10, 400, log=True),
        default.shape.half_life,
        default.shape.random_cuts,
    )
    return replace(default.linear, strength=trial.suggest_float("strength", 1e-4, 3.0, log=True)), shape


def _as_asked(choice: Choice, features: int) -> dict[str, float]:
    shape = choice.shape
    asked = {"depth": shape.depth, "leaves": shape.leaves, "l2": shape.l2, "learning_rate": shape.learning_rate}
    asked |= {"leaf": shape.leaf}
    return {**asked, "columns": columns_of(shape, features), "strength": choice.linear.strength}


def _validated(
    ground: Ground, split: str, blocks: Sequence[Block], gbm: GbmSettings, linear: Linear, shape: Shape, seed: int
) -> Choice:
    """Rounds, blend and calibration of one trial."""
    tasks = [
        delayed(fit_linear)(ground, block, gbm.categorical, [linear], number)
        for number, block in enumerate(blocks, seed)
    ]
    lines = [of_block[0] for of_block in side_by_side(tasks, gbm.threads, lambda _share: None)]
    groves = plant(ground, blocks, gbm, seed, (shape,), lambda _share: None)
    return settle(ground, split, linear, lines, groves, (shape,))


def _share(budget: Budget, done: int, seconds: float) -> float:
    return min(done / budget.trials if budget.trials else seconds / (budget.seconds or 1.0), 1.0)


def _note(default: Choice, best: Choice, tried: Sequence[Tried]) -> str:
    before, after = default.losses["blend"], best.losses["blend"]
    found = f"the best has {after:.5f}" if best is not default else "nothing was better"
    return f"Searched {len(tried)} settings: validation log loss of the defaults {before:.5f}, {found}."
