"""What the training rows alone decide, by time-ordered validation: penalty, tree shape, rounds, blend, calibration."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from data.clock import format_duration
from models.calibration import Calibration, fit_affine, identity
from models.hazard import last_bins
from models.numerics import Floats, blended, cumulative_logits
from training.folds import LEAST_OUTCOMES, STRENGTHS, Block, Ground, fit_block, plan_folds
from training.gbm import SHAPES, GbmSettings, Shape

WEIGHTS = tuple(np.linspace(0.0, 1.0, 11).tolist())
"""Shares of the booster in the blend that are tried."""

Progress = Callable[[str, float], None]


@dataclass(frozen=True)
class Choice:
    """The decisions and the evidence behind them; ``calibrations`` of the blend and of each member alone."""

    strength: float
    shape: Shape
    rounds: int
    weight: float
    calibrations: dict[str, Calibration]
    split: str
    losses: dict[str, float]
    folds: list[dict[str, object]]
    notes: tuple[str, ...]


def choose(ground: Ground, gbm: GbmSettings, folds: int, seed: int, progress: Progress) -> Choice:
    """The choice for ``ground``; it never looks at a row outside it."""
    split, planned = plan_folds(ground, folds)
    blocks = []
    for number, fold in enumerate(planned):
        progress(f"validating on block {number + 1} of {len(planned)}", number / len(planned))
        blocks.append(fit_block(ground, fold, gbm, seed + number))
    if not blocks:
        return _unvalidated(ground, split)
    strength = min(STRENGTHS, key=lambda c: _pooled(blocks, [block.linear[c] for block in blocks]))
    shape, rounds = best_rounds(blocks)
    linear = [block.linear[strength] for block in blocks]
    trees = [block.trees(ground, shape, rounds) for block in blocks]
    mixed = {weight: _pooled(blocks, _mix(trees, linear, weight)) for weight in WEIGHTS}
    weight = min(mixed, key=lambda share: mixed[share])
    said = {"blend": _mix(trees, linear, weight), "gbm": trees, "logistic": linear}
    return Choice(
        strength,
        shape,
        rounds,
        weight,
        {name: calibrate(ground, blocks, logits) for name, logits in said.items()},
        split,
        {name: _pooled(blocks, logits) for name, logits in said.items()},
        [
            block.describe({name: block.loss(logits[number]) for name, logits in said.items()})
            for number, block in enumerate(blocks)
        ],
        _notes(ground, blocks, split),
    )


def _unvalidated(ground: Ground, split: str) -> Choice:
    """With too few outcomes to compare anything: the stiffest linear model, which stays near the base rate."""
    note = (
        f"Fewer than {LEAST_OUTCOMES} outcomes in any validation block: nothing could be compared, so the stiffest "
        "linear model serves, which stays near the base rate."
    )
    still = identity(len(ground.horizons))
    names = ("blend", "gbm", "logistic")
    return Choice(STRENGTHS[0], SHAPES[0], 10, 0.0, dict.fromkeys(names, still), split, {}, [], (note,))


def _pooled(blocks: Sequence[Block], logits: Sequence[Floats]) -> float:
    """The log loss over the cells of all blocks together."""
    sizes = [len(block.later) for block in blocks]
    return float(np.average([block.loss(said) for block, said in zip(blocks, logits, strict=True)], weights=sizes))


def _mix(trees: Sequence[Floats], linear: Sequence[Floats], weight: float) -> list[Floats]:
    return [np.asarray(blended(tree, line, weight)) for tree, line in zip(trees, linear, strict=True)]


def best_rounds(blocks: Sequence[Block]) -> tuple[Shape, int]:
    """The shape and the number of rounds whose loss over all blocks is the lowest."""
    candidates = []
    for shape in SHAPES:
        curves = [block.curves[shape.name] for block in blocks]
        longest = max(map(len, curves))
        # a block that stopped early had stopped gaining: it stays at its last loss
        padded = [np.pad(curve, (0, longest - len(curve)), mode="edge") for curve in curves]
        total = np.average(padded, axis=0, weights=[len(block.later) for block in blocks])
        candidates.append((float(total.min()), shape, int(total.argmin()) + 1))
    _, shape, rounds = min(candidates, key=lambda candidate: candidate[0])
    return shape, rounds


def calibrate(ground: Ground, blocks: Sequence[Block], logits: Sequence[Floats]) -> Calibration:
    """Slope and intercept of each horizon from predictions for later rows that have matured since."""
    rows = np.concatenate([block.rows for block in blocks])
    said = cumulative_logits(np.concatenate(logits), last_bins(ground.edges, ground.horizons))
    pairs = []
    for at, horizon in enumerate(ground.horizons):
        matured = ground.labels.matured(horizon)[rows]
        outcome = ground.labels.outcome(horizon)[rows[matured]]
        enough = int(outcome.sum()) >= LEAST_OUTCOMES
        pairs.append(fit_affine(said[matured, at], outcome, np.ones(len(outcome))) if enough else (1.0, 0.0))
    return Calibration(tuple(slope for slope, _ in pairs), tuple(intercept for _, intercept in pairs))


def _notes(ground: Ground, blocks: Sequence[Block], split: str) -> tuple[str, ...]:
    rows = np.concatenate([block.rows for block in blocks])
    notes = []
    if split == "grouped by lead":
        notes.append("No earlier cutoff has enough outcomes: validation was by groups of leads, not by time.")
    for horizon in ground.horizons:
        seen = int((ground.labels.outcome(horizon) & ground.labels.matured(horizon))[rows].sum())
        if seen < LEAST_OUTCOMES:
            notes.append(
                f"{format_duration(horizon)}: {seen} matured outcomes in validation, too few to calibrate; "
                "left as modelled."
            )
    return tuple(notes)
