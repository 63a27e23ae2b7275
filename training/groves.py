"""Boosters of every validation block, and which shape and how many rounds their losses choose."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import lightgbm as lgb
import numpy as np
from joblib import Parallel, delayed
from threadpoolctl import threadpool_limits

from models.model import with_bins
from models.numerics import Floats
from training.cells import thinned
from training.folds import Block, Ground
from training.gbm import MOST_ROUNDS, SHAPES, GbmSettings, Shape, finer, fit_gbm
from training.weighing import block_weights

GBM_BUDGET = 100_000

Told = Callable[[float], None]


@dataclass(frozen=True, eq=False)
class Grove:
    """The boosters of one fold, by the name of the tree shape, and their loss after each round."""

    block: Block
    boosters: dict[str, lgb.Booster]
    curves: dict[str, Floats]

    def logits(self, ground: Ground, shape: Shape, rounds: int) -> Floats:
        """(rows, bins) logits of the booster of ``shape`` after ``rounds``."""
        bins, rows = len(ground.edges), self.block.rows
        said = self.boosters[shape.name].predict(
            with_bins(ground.matrix[rows], bins), raw_score=True, num_iteration=rounds
        )
        return np.asarray(said, np.float64).reshape(len(rows), bins)


def grow(ground: Ground, block: Block, gbm: GbmSettings, seed: int, shapes: Sequence[Shape] = SHAPES) -> Grove:
    """Every booster candidate of one block, stopped where its loss on the block's rows stops falling."""
    bins, grown = len(ground.edges), {}
    for half_life in dict.fromkeys(shape.half_life for shape in shapes):
        earlier = thinned(ground.cells(block.fold.train, block.fold.moment, half_life), GBM_BUDGET, seed)
        for shape in (shape for shape in shapes if shape.half_life == half_life):
            grown[shape.name] = fit_gbm(ground.matrix, earlier, bins, gbm, shape, MOST_ROUNDS, block.later)
    return Grove(
        block,
        {name: booster for name, (booster, _) in grown.items()},
        {name: curve for name, (_, curve) in grown.items()},
    )


def plant(
    ground: Ground, blocks: Sequence[Block], gbm: GbmSettings, seed: int, shapes: Sequence[Shape], told: Told
) -> list[Grove]:
    """The boosters of every block, of each of ``shapes``."""
    alone = replace(gbm, threads=1)
    tasks = [delayed(grow)(ground, block, alone, number, shapes) for number, block in enumerate(blocks, seed)]
    return side_by_side(tasks, gbm.threads, told)


def plant_finer(
    ground: Ground, blocks: Sequence[Block], gbm: GbmSettings, half_life: int | None, seed: int, told: Told
) -> tuple[list[Grove], tuple[Shape, ...]]:
    """The boosters of every block: of SHAPES, then of finer forms of the best of them. The shapes, too.

    ``half_life``: of a row's weight, as the linear model chose it; trees may prefer rows that all weigh the same.
    Groups of leads cannot show that a closer fit holds later: there it stays with SHAPES.
    """
    shapes = tuple(replace(shape, half_life=half_life) for shape in SHAPES)
    if blocks[0].fold.moment is None:
        return plant(ground, blocks, gbm, seed, shapes, told), shapes
    groves = plant(ground, blocks, gbm, seed, shapes, lambda share: told(0.6 * share))
    best, _ = best_rounds(groves, cautious=False, shapes=shapes)
    cells = min(len(ground.cells(block.fold.train, block.fold.moment)) for block in blocks)
    further = finer(best, cells, gbm.repeats)
    more = plant(ground, blocks, gbm, seed, further, lambda share: told(0.6 + 0.4 * share)) if further else []
    for grove, other in zip(groves, more, strict=False):
        grove.boosters.update(other.boosters)
        grove.curves.update(other.curves)
    return groves, (*shapes, *further)


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


def side_by_side(tasks: list[Any], threads: int, told: Told) -> list[Any]:
    """The results of joblib tasks in order, one core each: blocks share the machine better than one model's threads."""
    found: list[Any] = []
    told(0.0)
    with threadpool_limits(1):
        for result in Parallel(n_jobs=threads or -1, prefer="threads", return_as="generator")(tasks):
            found.append(result)
            told(len(found) / len(tasks))
    return found
