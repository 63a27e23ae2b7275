"""Moro's rolling window on the calls of a bank: learn from the latest 20,000, answer for the next 500, slide by 500.

S. Moro, P. Cortez, P. Rita, A data-driven approach to predict the success of bank telemarketing, Decision Support
Systems 62, 2014. A call answers at once, so whatever came before a window is known when it begins.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from benchmarks.real_baselines import Judged, Table, baselines
from benchmarks.real_recipes import Recipe, best, cooked, losses, served
from data.clock import MINUTE
from data.contract import Contract
from data.history import History
from data.spine import build_spine, micros
from models.numerics import Floats
from training.learning import gbm_settings, ground_of, learn
from training.sample import draw_sample

LEARNED = 20_000
STEP = 500
REMEMBERED = 16
"""Settings are those that answered best for the rows of so many windows before; none of them is being answered for."""

Tell = Callable[[str], None]


@dataclass(frozen=True)
class Window:
    """Rows, in the order of time, to learn from and to answer for: first, first to answer, first after."""

    first: int
    now: int
    after: int


def windows(rows: int, begin: int, learned: int = LEARNED, step: int = STEP) -> Iterator[Window]:
    """All windows over ``rows`` rows from row ``begin`` on; the last may be short. Each row is answered for once."""
    for now in range(begin, rows, step):
        yield Window(max(now - learned, 0), now, min(now + step, rows))


def with_attributes(contract: Contract, names: tuple[str, ...]) -> Contract:
    """The contract with further attributes of the leads table."""
    leads = contract.source.leads
    more = leads.model_copy(update={"attributes": (*leads.attributes, *names)})
    return contract.model_copy(update={"source": contract.source.model_copy(update={"leads": more})})


def between(contract: Contract, cutoffs: npt.NDArray[np.int64], window: Window) -> Contract:
    """The contract whose trial is this window; ``cutoffs`` are those of all rows, in order, each different."""
    split = {
        "train_from": int(cutoffs[window.first]),
        "train_until": None,
        "test_from": int(cutoffs[window.now]),
        "test_until": int(cutoffs[window.after]) if window.after < len(cutoffs) else None,
    }
    return contract.model_copy(update={"backtest": contract.backtest.model_copy(update=split)})


def roll(
    contract: Contract, history: History, tell: Tell, learned: int = LEARNED, step: int = STEP
) -> tuple[Judged, list[Recipe]]:
    """What all models say of all rows after the first ``learned``, and the recipe of each window.

    Every window learns its category levels anew and fits anew. The windows before the first one only show which recipe
    to begin with; they learn from fewer rows, those that there are.
    """
    cutoffs = np.sort(micros(build_spine(contract.spine, contract.ready, history, contract.folder)["cutoff"]))
    planned = list(windows(len(cutoffs), learned - REMEMBERED * step, learned, step))
    past: list[Floats] = []
    recipes: list[Recipe] = []
    parts: list[Judged] = []
    for number, window in enumerate(planned, 1):
        tell(f"rolling window {number} of {len(planned)}")
        asked = between(contract, cutoffs, window)
        sample = draw_sample(asked, history, lambda _what, _share: None)
        ground = ground_of(asked, sample)
        settings = gbm_settings(asked, sample.table.feature_set, ground)
        rows, outcome = sample.test, sample.labels.outcome(asked.ready.primary)[sample.test]
        matrix = np.ascontiguousarray(sample.table.matrix[rows])
        members = cooked(ground, settings, asked.ready.primary)
        if window.now >= learned:
            recipes.append(best(past, REMEMBERED))
            said = {"blend": served(members, recipes[-1]).predict(matrix)[:, 0]}
            said |= {
                "logistic": members[recipes[-1].line].predict(matrix)[:, 0],
                "gbm": members[recipes[-1].trees].predict(matrix)[:, 0],
            }
            said |= baselines(Table.of(sample), ground.labels.outcome(asked.ready.primary))
            parts.append(Judged(sample.leads[rows], outcome, said))
        past.append(losses(members, matrix, outcome.astype(np.float64)))
    return Judged.together(parts), recipes


def roll_own(
    contract: Contract, history: History, tell: Tell, every: int = 1, learned: int = LEARNED, step: int = STEP
) -> Judged:
    """What is said by models that are trained as `readiness train` trains them, in every so manieth window.

    The contract says that a model serves for as long as ``step`` calls take, a minute each, and nothing else of this:
    shapes, rounds, penalties, blend and calibration are the training's own choice, by the rows of the window alone.
    """
    serves = contract.backtest.model_copy(update={"serves_for": step * MINUTE})
    contract = contract.model_copy(update={"backtest": serves})
    cutoffs = np.sort(micros(build_spine(contract.spine, contract.ready, history, contract.folder)["cutoff"]))
    planned = list(windows(len(cutoffs), learned, learned, step))[::every]
    parts: list[Judged] = []
    for number, window in enumerate(planned, 1):
        tell(f"rolling window {number} of {len(planned)}, trained anew")
        asked = between(contract, cutoffs, window)
        sample = draw_sample(asked, history, lambda _what, _share: None)
        fitted = learn(asked, sample, lambda _what, _share: None)
        said = fitted.members(np.ascontiguousarray(sample.table.matrix[sample.test]))
        chances = {name: each[:, 0] for name, each in said.items()}
        chances |= baselines(Table.of(sample), sample.known.outcome(asked.ready.primary))
        outcome = sample.labels.outcome(asked.ready.primary)[sample.test]
        parts.append(Judged(sample.leads[sample.test], outcome, chances))
    return Judged.together(parts)
