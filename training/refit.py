"""The model that serves: what was judged, learned once more from everything that is known.

A model is judged on rows that it has not learned from, so the judged one stops at the split: a horizon, the reporting
lag and the time judged on before the end of the facts, which is months. What serves should not be that old on its first
day: leads are older now than any that it has met, and levels have moved. Its settings are those that were judged; both
members are fitted again on all rows of the trial as known at the end, and the judged rows, which later models have
learned from, are the latest block by which the blend and its calibration are set. Figures are always those of the
judged model, which travels in the bundle for comparisons to come.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from data.clock import iso
from data.contract import Contract
from data.history import History
from data.labels import Labels
from data.spine import closed_at, positions
from models.model import ReadinessModel
from models.numerics import Floats, Matrix
from training.blend import best_share
from training.calibrating import by_month, calibrate
from training.fit import Fitted, Grow, fit, levelled
from training.folds import Block, Ground, make_block, usable
from training.learning import gbm_settings
from training.levels import Level, level_note
from training.sample import Progress, Sample
from training.selection import Choice, by_model
from training.splits import Fold, Ints
from training.testrows import TestRows
from training.wins import wins_learned
from training.wording import day, whole

Grower = Callable[[Sample, int | None], Grow]
"""Where the last booster is grown: for a sample, from what was known at its split or, given, at another moment."""


@dataclass(frozen=True, eq=False)
class Served:
    """The model that serves, and the test rows with the judged model's answers brought to its level.

    ``told`` is what the report says of it; None where the judged model serves. ``level`` is that of its fit.
    """

    model: ReadinessModel
    test: TestRows
    level: Level | None
    told: dict[str, Any] | None

    @property
    def notes(self) -> list[str]:
        """What a reader of the figures has to know."""
        moved = None if self.level is None else level_note(self.level)
        notes = [] if moved is None else [moved]
        if self.told is None:
            return notes
        rows, until = whole(self.told["rows"]), day(self.told["until"])
        told = (
            f"The model that serves learned once more, with the settings judged here, from {rows} rows up to {until};"
        )
        return [f"{told} figures are those of the judged one.", *notes]

    def readiness(self, matrix: Matrix) -> Floats:
        """(n,) what it says of the rows of ``matrix`` (n, features) on the primary horizon."""
        return self.model.predict(matrix)[:, self.model.horizons.index(self.model.primary)]


def as_judged(judged: Fitted, test: TestRows) -> Served:
    """The judged model itself."""
    return Served(judged.model, test, judged.level, None)


def refit(
    contract: Contract,
    history: History,
    sample: Sample,
    judged: Fitted,
    test: TestRows,
    tell: Progress,
    grower: Grower | None = None,
) -> Served:
    """The settings of ``judged`` fitted on all rows of ``sample`` as known at the end of ``history``.

    Raises what ``fit`` raises.
    """
    ground = whole_ground(contract, history, sample, judged.model.edges)
    choice = _settled(ground, sample, judged)
    settings = gbm_settings(contract, sample.table.feature_set, ground)

    def tell_serving(what: str, share: float) -> None:
        tell(f"{what} that serves, from all that is known", share)

    grow = None if grower is None else grower(sample, history.ends_at + 1)
    seed = contract.model.seed
    fitted = fit(ground, contract.ready.primary, settings, choice, seed=seed, progress=tell_serving, grow=grow)
    # thresholds are set on it: on rows that its members have not learned, at the level that they find at the end
    brought = replace(judged.model, weight=choice.weight)
    calibrations, level = levelled(ground, brought, choice, seed)
    brought = replace(brought, calibration=calibrations["blend"])
    said = brought.predict(np.ascontiguousarray(sample.table.matrix[sample.test]))
    brought_test = replace(test, predictions={**test.predictions, "blend": said})
    told = {**_told(ground, fitted), "judged_shift": 0.0 if level is None else level.shift}
    return Served(fitted.model, brought_test, fitted.level, told)


def whole_ground(contract: Contract, history: History, sample: Sample, edges: tuple[int, ...]) -> Ground:
    """All rows of a sample, the test rows behind, as known at the end; a lead known to be closed teaches nothing.

    Training rows were laid out as known at the split: a win that was recorded later closes a lead for good now.
    """
    rows, ready = np.concatenate([sample.train, sample.test]), contract.ready
    ids, cutoffs = history.leads["lead_id"], sample.cutoffs[rows]
    closed = closed_at(ids, ready, history)[positions(sample.table.spine["lead_id"], ids)[rows]] < cutoffs
    labels = sample.labels.take(rows)
    return Ground(
        np.ascontiguousarray(sample.table.matrix[rows]),
        cutoffs,
        Labels(labels.time_to_outcome, np.where(closed, -1, labels.watched)),
        sample.leads[rows],
        edges,
        ready.horizons,
        ready.reporting_lag,
        contract.backtest.serves_for,
    )


def _settled(ground: Ground, sample: Sample, judged: Fitted) -> Choice:
    """The judged choice, its blend and calibration set by the judged rows too, as far as they have matured."""
    choice, answers = judged.choice, judged.choice.answers
    if answers is None:
        return choice
    blocks, trees, lines = _earlier(ground, choice)
    later = _judged_rows(ground, sample)
    if later is not None:
        tree, line = judged.model.member_logits(np.ascontiguousarray(ground.matrix[later.rows]))
        blocks, trees, lines = [*blocks, later], [*trees, tree], [*lines, line]
    if not blocks:
        return choice
    weight = best_share(blocks, trees, lines, ground.repeats())
    calibrated = {name: calibrate(ground, blocks, logits) for name, logits in by_model(trees, lines, weight).items()}
    return replace(
        choice,
        weight=weight,
        calibrations={name: calibration for name, (calibration, _) in calibrated.items()},
        follows=calibrated["blend"][1],
        by_month=by_month(ground, blocks),
        answers=None,
    )


def _earlier(ground: Ground, choice: Choice) -> tuple[list[Block], list[Floats], list[Floats]]:
    """The blocks of the choice with what is known of their rows now; groups of leads give way to later rows."""
    answers = choice.answers
    if answers is None or answers.blocks[0].fold.moment is None:
        return [], [], []
    blocks = [Block(block.fold, block.rows, ground.cells(block.rows)) for block in answers.blocks]
    return blocks, list(answers.trees), list(answers.lines)


def _judged_rows(ground: Ground, sample: Sample) -> Block | None:
    """The test rows as one more block; None where too few outcomes are known of them."""
    train: Ints = np.arange(len(sample.train))
    fold = Fold(train, np.arange(len(train), len(ground.cutoffs)), sample.test_from)
    return make_block(ground, fold, 0) if usable(ground, fold) else None


def _told(ground: Ground, fitted: Fitted) -> dict[str, Any]:
    taught = ground.labels.watched >= ground.edges[0]
    return {
        "rows": int(taught.sum()),
        "leads": len(np.unique(ground.leads[taught])),
        "wins": wins_learned(ground),
        "from": iso(int(ground.cutoffs[taught].min())),
        "until": iso(int(ground.cutoffs[taught].max())),
        "weight": fitted.model.weight,
        "slopes": list(fitted.model.calibration.slopes),
        "intercepts": list(fitted.model.calibration.intercepts),
        "level": None if fitted.level is None else asdict(fitted.level),
    }
