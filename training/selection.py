"""What the training rows alone decide, by time-ordered validation: penalty, tree shape, rounds, blend, calibration."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from joblib import delayed

from data.clock import DAY, format_duration
from models.calibration import Calibration, identity
from models.numerics import Floats
from training.blend import best_share, mix
from training.calibrating import Following, by_month, calibrate
from training.folds import LEAST_OUTCOMES, STRENGTHS, Block, Ground, Linear, fit_linear, make_block, plan_folds
from training.gbm import SHAPES, GbmSettings, Shape
from training.groves import Grove, best_rounds, plant_finer, side_by_side
from training.weighing import clearly_better, pooled
from training.wins import wins_learned

FEW_WINS = 20
"""With fewer different outcomes than this nothing is chosen: what validation prefers among them is mostly chance."""

Progress = Callable[[str, float], None]


@dataclass(frozen=True)
class Tried:
    """Settings that a search tried: the validation loss of the blend, of each block, and when (ms since 1970)."""

    settings: dict[str, float]
    log_loss: float
    by_block: tuple[float, ...]
    began: int
    ended: int


@dataclass(frozen=True, eq=False)
class Answers:
    """What both members said of the rows of each block, (rows, bins) hazard logits, with the chosen settings."""

    blocks: tuple[Block, ...]
    trees: tuple[Floats, ...]
    lines: tuple[Floats, ...]


@dataclass(frozen=True)
class Choice:
    """The decisions and the evidence behind them.

    ``calibrations`` of the blend and of each member alone; ``follows``: how far the blend's level follows the latest
    block, for each horizon. ``by_month``: whether the level is found after the last fit, see ``levels``.
    """

    linear: Linear
    shape: Shape
    rounds: int
    weight: float
    calibrations: dict[str, Calibration]
    split: str
    losses: dict[str, float]
    folds: list[dict[str, object]]
    notes: tuple[str, ...]
    tried: tuple[Tried, ...] = ()
    follows: tuple[Following, ...] = ()
    by_month: bool = False
    answers: Answers | None = field(default=None, compare=False, repr=False)


def choose(ground: Ground, gbm: GbmSettings, folds: int, seed: int, progress: Progress) -> Choice:
    """The choice for ``ground``; it never looks at a row outside it."""
    split, planned = plan_folds(ground, folds, gbm.categorical)
    wins = wins_learned(ground)
    if not planned or wins < FEW_WINS:
        return _unvalidated(ground, split, wins)
    blocks = [make_block(ground, fold, number) for number, fold in enumerate(planned, seed)]
    linear, lines = _choose_linear(ground, blocks, gbm, seed, progress)
    groves, shapes = plant_finer(ground, blocks, gbm, seed, lambda share: progress("boosters, block by block", share))
    return settle(ground, split, linear, lines, groves, shapes)


def _choose_linear(
    ground: Ground, blocks: Sequence[Block], gbm: GbmSettings, seed: int, progress: Progress
) -> tuple[Linear, list[Floats]]:
    """The linear candidate of the lowest loss, and its logits for each block: first the penalty, then the rest.

    Recency weights and unbounded terms must earn their place: where they do not clearly predict later rows better,
    rows weigh the same and terms stay within what was seen. Groups of leads, instead of later rows, cannot show it.
    """
    found: dict[Linear, tuple[float, list[Floats]]] = {}

    def compare(candidates: Sequence[Linear], done: float) -> Linear:
        tasks = [
            delayed(fit_linear)(ground, block, gbm.categorical, candidates, number)
            for number, block in enumerate(blocks, seed)
        ]
        said = side_by_side(
            tasks, gbm.threads, lambda share: progress("linear models, block by block", done + share / 4)
        )
        for at, candidate in enumerate(candidates):
            logits = [of_block[at] for of_block in said]
            found[candidate] = (pooled(blocks, logits), logits)
        return min(candidates, key=lambda candidate: found[candidate][0])

    best = compare([Linear(strength) for strength in STRENGTHS], 0.0)
    if blocks[0].fold.moment is not None:
        recent, free = replace(best, half_life=ground.half_life()), replace(best, bounded=False)
        for number, candidate in enumerate((recent, free, replace(recent, bounded=False)), 1):
            if candidate not in found:
                compare([candidate], number / 4)
            if clearly_better(blocks, found[candidate][1], found[best][1], ground.repeats()):
                best = candidate
    return best, found[best][1]


def settle(
    ground: Ground,
    split: str,
    linear: Linear,
    lines: Sequence[Floats],
    groves: Sequence[Grove],
    shapes: Sequence[Shape],
) -> Choice:
    """Rounds, blend and calibration, once every block has its models."""
    blocks = [grove.block for grove in groves]
    shape, rounds = best_rounds(groves, cautious=blocks[0].fold.moment is None, shapes=shapes)
    trees = [grove.logits(ground, shape, rounds) for grove in groves]
    weight = best_share(blocks, trees, lines, ground.repeats())
    said = by_model(trees, lines, weight)
    calibrated = {name: calibrate(ground, blocks, logits) for name, logits in said.items()}
    return Choice(
        linear,
        shape,
        rounds,
        weight,
        {name: calibration for name, (calibration, _) in calibrated.items()},
        split,
        {name: pooled(blocks, logits) for name, logits in said.items()},
        [
            block.describe({name: block.loss(logits[number]) for name, logits in said.items()})
            for number, block in enumerate(blocks)
        ],
        _notes(ground, blocks, split, linear),
        follows=calibrated["blend"][1],
        by_month=by_month(ground, blocks),
        answers=Answers(tuple(blocks), tuple(trees), tuple(lines)),
    )


def by_model(trees: Sequence[Floats], lines: Sequence[Floats], weight: float) -> dict[str, Sequence[Floats]]:
    """The logits for each block of the blend and of each member alone, by the names that they have in reports."""
    return {"blend": mix(trees, lines, weight), "gbm": trees, "logistic": lines}


def _unvalidated(ground: Ground, split: str, wins: int) -> Choice:
    """With too few outcomes to compare anything: the stiffest linear model, which stays near the base rate."""
    note = (
        f"{wins} outcome{'s' * (wins != 1)} to learn from, too few to choose a model by (from {FEW_WINS} on one is "
        "chosen): the stiffest linear model serves, which stays near the base rate."
    )
    if not wins:
        note = (
            "No outcome is known before the split: every lead gets the same small chance, and nothing was compared. "
            "Check [ready] outcome, or bring a longer history."
        )
    still = dict.fromkeys(("blend", "gbm", "logistic"), identity(len(ground.horizons)))
    return Choice(Linear(STRENGTHS[0]), SHAPES[0], 10, 0.0, still, split, {}, [], (note,))


def _notes(ground: Ground, blocks: Sequence[Block], split: str, linear: Linear) -> tuple[str, ...]:
    rows = np.concatenate([block.rows for block in blocks])
    notes = []
    if linear.half_life is not None:
        days = linear.half_life / DAY
        notes.append(
            f"Recent rows predicted better: a row's weight halves every {days:.0f} days (chosen by validation)."
        )
    if split == "grouped by lead":
        notes.append("No earlier cutoff has enough outcomes: validation was by groups of leads, not by time.")
    if split == "grouped by likeness":
        notes.append(
            "There is one cutoff to learn from: validation was by groups of leads that look unlike each other, not by "
            "time."
        )
    if not linear.bounded:
        notes.append("Numbers drift beyond what was seen: the linear model follows them (chosen by validation).")
    for horizon in ground.horizons:
        seen = int((ground.labels.outcome(horizon) & ground.labels.matured(horizon))[rows].sum())
        if seen < LEAST_OUTCOMES:
            notes.append(
                f"{format_duration(horizon)}: {seen} matured outcomes in validation, too few to calibrate; "
                "left as modelled."
            )
    return tuple(notes)
