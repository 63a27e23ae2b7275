"""What the training rows alone decide, by time-ordered validation: penalty, tree shape, rounds, blend, calibration."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from joblib import Parallel, delayed
from threadpoolctl import threadpool_limits

from data.clock import DAY, format_duration
from models.calibration import Calibration, identity
from models.numerics import Floats, blended
from training.calibrating import calibrate
from training.folds import (
    LEAST_OUTCOMES,
    STRENGTHS,
    Block,
    Ground,
    Grove,
    Linear,
    fit_linear,
    grow,
    make_block,
    plan_folds,
)
from training.gbm import SHAPES, GbmSettings, Shape
from training.wins import wins_learned

WEIGHTS = tuple(np.linspace(0.0, 1.0, 11).tolist())
"""Shares of the booster in the blend that are tried."""
EVEN_OUTCOMES = 100.0
"""At so many different outcomes in validation the best share is believed by half."""

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


@dataclass(frozen=True)
class Choice:
    """The decisions and the evidence behind them; ``calibrations`` of the blend and of each member alone."""

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


def choose(ground: Ground, gbm: GbmSettings, folds: int, seed: int, progress: Progress) -> Choice:
    """The choice for ``ground``; it never looks at a row outside it."""
    split, planned = plan_folds(ground, folds)
    wins = wins_learned(ground)
    if not planned or wins < FEW_WINS:
        return _unvalidated(ground, split, wins)
    blocks = [make_block(ground, fold, number) for number, fold in enumerate(planned, seed)]
    linear, lines = _choose_linear(ground, blocks, gbm, seed, progress)
    groves = plant(
        ground, blocks, gbm, linear.half_life, seed, SHAPES, lambda share: progress("boosters, block by block", share)
    )
    return settle(ground, split, linear, lines, groves, SHAPES)


def plant(
    ground: Ground,
    blocks: Sequence[Block],
    gbm: GbmSettings,
    half_life: int | None,
    seed: int,
    shapes: Sequence[Shape],
    told: Callable[[float], None],
) -> list[Grove]:
    """The boosters of every block, of each of ``shapes``."""
    alone = replace(gbm, threads=1)
    tasks = [
        delayed(grow)(ground, block, alone, half_life, number, shapes) for number, block in enumerate(blocks, seed)
    ]
    return side_by_side(tasks, gbm.threads, told)


def side_by_side(tasks: list[Any], threads: int, told: Callable[[float], None]) -> list[Any]:
    """The results of joblib tasks in order, one core each: blocks share the machine better than one model's threads."""
    found: list[Any] = []
    told(0.0)
    with threadpool_limits(1):
        for result in Parallel(n_jobs=threads or -1, prefer="threads", return_as="generator")(tasks):
            found.append(result)
            told(len(found) / len(tasks))
    return found


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
            found[candidate] = (_pooled(blocks, logits), logits)
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


def clearly_better(blocks: Sequence[Block], logits: Sequence[Floats], rival: Sequence[Floats], repeats: float) -> bool:
    """Whether the loss of ``logits`` is lower than that of ``rival`` by more than a standard error, cell by cell.

    ``repeats`` cells tell of the same outcome, which widens the error by its root (the design effect).
    """
    gaps, shares = [], []
    for block, weight, new, old in zip(blocks, block_weights(blocks), logits, rival, strict=True):
        gaps.append(block.losses(old) - block.losses(new))
        shares.append(block.later.weights / block.later.weights.sum() * weight)
    gap, share = np.concatenate(gaps), np.concatenate(shares)
    share /= share.sum()
    mean = float((share * gap).sum())
    return mean > float(np.sqrt((share**2 * (gap - mean) ** 2).sum() * repeats))


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
    shape, rounds = best_rounds(groves, cautious=split != "rolling origin", shapes=shapes)
    trees = [grove.logits(ground, shape, rounds) for grove in groves]
    mixed = {share: _mix(trees, lines, share) for share in WEIGHTS}
    weight = min(mixed, key=lambda share: _pooled(blocks, mixed[share]))
    if split != "rolling origin":
        weight = _simplest(blocks, mixed, weight)
    else:
        weight = _towards_even(blocks, mixed, weight, ground.repeats())
    said = {"blend": _mix(trees, lines, weight), "gbm": trees, "logistic": lines}
    return Choice(
        linear,
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
        _notes(ground, blocks, split, linear),
    )


def _towards_even(blocks: Sequence[Block], mixed: dict[float, list[Floats]], best: float, repeats: float) -> float:
    """Between the best share and the one nearest to half that it is not clearly better than.

    On few outcomes the best share is mostly luck, and two members are safer than one: how far it is believed depends on
    how many different outcomes there are to judge by. See EVEN_OUTCOMES.
    """
    nearest = sorted(mixed, key=lambda share: abs(share - 0.5))
    even = next(
        share for share in nearest if share == best or not clearly_better(blocks, mixed[best], mixed[share], repeats)
    )
    different = sum(block.later.outcomes for block in blocks) / repeats
    return even + (best - even) * different / (different + EVEN_OUTCOMES)


def _simplest(blocks: Sequence[Block], mixed: dict[float, list[Floats]], best: float) -> float:
    """The smallest share of the booster that is within a standard error of the best: the simpler model unless shown.

    Groups of leads cannot show what drifts between then and later, where a booster fails the more surely the closer it
    fits. The one-standard-error rule: Breiman et al., Classification and Regression Trees, 1984.
    """

    def told(share: float) -> Floats:
        return np.concatenate([block.losses(logits) for block, logits in zip(blocks, mixed[share], strict=True)])

    def level(share: float) -> bool:
        excess = told(share) - told(best)
        return bool(excess.mean() <= excess.std() / np.sqrt(len(excess)))

    return min(share for share in mixed if level(share))


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


def _pooled(blocks: Sequence[Block], logits: Sequence[Floats]) -> float:
    """The log loss over the cells of all blocks together, by their weight."""
    losses = [block.loss(said) for block, said in zip(blocks, logits, strict=True)]
    return float(np.average(losses, weights=block_weights(blocks)))


def block_weights(blocks: Sequence[Block]) -> Floats:
    """How much each block's evidence counts: by its cells, and each block twice as much as the one before it.

    The latest block is most like what comes next. Groups of leads have no order: they count by their cells alone.
    """
    sizes = np.array([len(block.later) for block in blocks], np.float64)
    by_time = blocks[0].fold.moment is not None
    return sizes * np.exp2(np.arange(len(blocks))) if by_time else sizes


def _mix(trees: Sequence[Floats], linear: Sequence[Floats], weight: float) -> list[Floats]:
    return [np.asarray(blended(tree, line, weight)) for tree, line in zip(trees, linear, strict=True)]


def best_rounds(groves: Sequence[Grove], *, cautious: bool, shapes: Sequence[Shape] = SHAPES) -> tuple[Shape, int]:
    """The shape and the number of rounds whose loss over all blocks is the lowest.

    A ``cautious`` choice takes the fewest rounds whose loss is within a standard error, over the blocks, of the lowest;
    one block alone has no such error.
    """
    candidates = []
    weights = block_weights([grove.block for grove in groves])
    for shape in shapes:
        curves = [grove.curves[shape.name] for grove in groves]
        longest = max(map(len, curves))
        # a block that stopped early had stopped gaining: it stays at its last loss
        padded = np.array([np.pad(curve, (0, longest - len(curve)), mode="edge") for curve in curves])
        total = np.average(padded, axis=0, weights=weights)
        rounds = int(total.argmin())
        if cautious and len(groves) > 1:
            excess = padded - padded[:, [rounds]]
            level = excess.mean(axis=0) <= excess.std(axis=0, ddof=1) / np.sqrt(len(groves))
            rounds = int(np.argmax(level | (np.arange(longest) == rounds)))
        candidates.append((float(total[rounds]), shape, rounds + 1))
    _, shape, found = min(candidates, key=lambda candidate: candidate[0])
    return shape, found


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
