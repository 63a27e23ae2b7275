"""Boosters of every validation block, and which shape and how many rounds their losses choose."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from joblib import Parallel, delayed
from threadpoolctl import threadpool_limits

from models.model import with_bins
from models.numerics import Floats
from training.cells import thinned
from training.folds import Block, Ground
from training.gbm import SHAPES, GbmSettings, Sapling, Shape, finer, idle
from training.weighing import block_weights, clearly_better

if TYPE_CHECKING:
    import lightgbm as lgb

GBM_BUDGET = 100_000
MOST_ROUNDS = 800
PATIENCE = 40
STRIDE = 20
"""The boosters of short blocks grow so many rounds at a time."""

Told = Callable[[float], None]


@dataclass(frozen=True, eq=False)
class Grove:
    """The boosters of one fold, by the name of the tree shape, and their loss after each round."""

    block: Block
    boosters: "dict[str, lgb.Booster]"
    curves: dict[str, Floats]

    def logits(self, ground: Ground, shape: Shape, rounds: int) -> Floats:
        """(rows, bins) logits of the booster of ``shape`` after ``rounds``."""
        bins, rows = len(ground.edges), self.block.rows
        said = self.boosters[shape.name].predict(
            with_bins(ground.matrix[rows], bins), raw_score=True, num_iteration=rounds
        )
        return np.asarray(said, np.float64).reshape(len(rows), bins)


def plant(
    ground: Ground, blocks: Sequence[Block], gbm: GbmSettings, seed: int, shapes: Sequence[Shape], told: Told
) -> list[Grove]:
    """The boosters of every block, of each of ``shapes``."""
    groves = [Grove(block, {}, {}) for block in blocks]
    for place, shape in enumerate(shapes):
        raised = _raised(ground, blocks, gbm, seed, shape, lambda share, done=place: told((done + share) / len(shapes)))  # type: ignore[misc]
        for grove, sapling in zip(groves, raised, strict=True):
            grove.boosters[shape.name] = sapling.grown()
            grove.curves[shape.name] = np.array(sapling.curve)
    return groves


def _raised(
    ground: Ground, blocks: Sequence[Block], gbm: GbmSettings, seed: int, shape: Shape, told: Told
) -> list[Sapling]:
    """A booster for each block, grown until its loss has not fallen for PATIENCE rounds.

    Of blocks as short as a model serves it is their common loss that must have stopped falling: that of one of them
    rises and falls by chance.
    """
    alone = replace(gbm, threads=1)
    tasks = [delayed(_sow)(ground, block, alone, number, shape) for number, block in enumerate(blocks, seed)]
    saplings: list[Sapling] = side_by_side(tasks, gbm.threads, lambda _share: None)
    if ground.serves_for is None:
        side_by_side([delayed(sapling.grow)(MOST_ROUNDS, PATIENCE) for sapling in saplings], gbm.threads, told)
        return saplings
    weights, common = block_weights(blocks), np.zeros(1)
    while idle(common) < PATIENCE and len(common) < MOST_ROUNDS:
        side_by_side([delayed(sapling.grow)(STRIDE) for sapling in saplings], gbm.threads, lambda _share: None)
        common = np.average([sapling.curve for sapling in saplings], axis=0, weights=weights)
        told(len(common) / (len(common) + PATIENCE))
    return saplings


def _sow(ground: Ground, block: Block, gbm: GbmSettings, seed: int, shape: Shape) -> Sapling:
    earlier = thinned(ground.cells(block.fold.train, block.fold.moment, shape.half_life), GBM_BUDGET, seed)
    return Sapling(ground.matrix, earlier, len(ground.edges), gbm, shape, block.later)


def plant_finer(
    ground: Ground, blocks: Sequence[Block], gbm: GbmSettings, seed: int, told: Told
) -> tuple[list[Grove], tuple[Shape, ...]]:
    """The boosters of every block: of SHAPES, of further forms of the best of them, of recent rows. The shapes, too.

    Weights by age must earn their place: where they do not clearly predict later rows better, rows weigh the same.
    Groups of leads cannot show what holds later: there it stays with SHAPES.
    """
    if blocks[0].fold.moment is None:
        return plant(ground, blocks, gbm, seed, SHAPES, told), SHAPES
    groves = plant(ground, blocks, gbm, seed, SHAPES, lambda share: told(0.5 * share))
    cells = min(len(ground.cells(block.fold.train, block.fold.moment)) for block in blocks)
    further = finer(best_rounds(groves, cautious=False)[0], cells, gbm.repeats)
    _add(groves, plant(ground, blocks, gbm, seed, further, lambda share: told(0.5 + 0.25 * share)))
    shapes = (*SHAPES, *further)
    alike, rounds = best_rounds(groves, cautious=False, shapes=shapes)
    recent = replace(alike, name=f"{alike.name}, recent", half_life=ground.half_life())
    if recent.half_life is None:
        return groves, shapes
    _add(groves, plant(ground, blocks, gbm, seed, (recent,), lambda share: told(0.75 + 0.25 * share)))
    _, fewer = best_rounds(groves, cautious=False, shapes=(recent,))
    new, old = ([grove.logits(ground, *of) for grove in groves] for of in ((recent, fewer), (alike, rounds)))
    return groves, (*shapes, recent) if clearly_better(blocks, new, old, gbm.repeats) else shapes


def _add(groves: Sequence[Grove], more: Sequence[Grove]) -> None:
    for grove, other in zip(groves, more, strict=True):
        grove.boosters.update(other.boosters)
        grove.curves.update(other.curves)


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
