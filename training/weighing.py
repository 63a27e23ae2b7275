"""How validation blocks weigh against each other, and when one model's answers are better than another's."""

from collections.abc import Sequence

import numpy as np

from models.numerics import Floats
from training.folds import Block

HALVING = 0.15
"""A block counts half as much when so large a share of the rows has come since."""


def block_weights(blocks: Sequence[Block]) -> Floats:
    """How much each block's evidence counts: by its cells, and the less the more rows have come since.

    The latest block is most like what comes next. A block counts at least half as much as the one after it, however
    large that is. Groups of leads have no order: they count by their cells alone.
    """
    sizes = np.array([len(block.later) for block in blocks], np.float64)
    if blocks[0].fold.moment is None:
        return sizes
    rows = np.array([len(block.fold.validate) for block in blocks], np.float64)
    steps = np.minimum(rows[1:] / (len(blocks[-1].fold.train) + rows[-1]) / HALVING, 1.0)
    since = np.append(np.cumsum(steps[::-1])[::-1], 0.0)
    return np.asarray(sizes * np.exp2(-since))


def pooled(blocks: Sequence[Block], logits: Sequence[Floats]) -> float:
    """The log loss over the cells of all blocks together, by their weight."""
    losses = [block.loss(said) for block, said in zip(blocks, logits, strict=True)]
    return float(np.average(losses, weights=block_weights(blocks)))


def clearly_better(blocks: Sequence[Block], logits: Sequence[Floats], rival: Sequence[Floats], repeats: float) -> bool:
    """Whether the loss of ``logits`` is lower than that of ``rival`` by more than a standard error; see ``lead``."""
    gap, error = lead(blocks, logits, rival, repeats)
    return gap > error


def lead(
    blocks: Sequence[Block], logits: Sequence[Floats], rival: Sequence[Floats], repeats: float
) -> tuple[float, float]:
    """By how much the pooled loss of ``logits`` is lower than that of ``rival``, and the standard error of that.

    The error is that of the cells, of which ``repeats`` tell of the same outcome (the design effect), or that over the
    blocks where that is larger: the rows of one time have its level in common.
    """
    gaps, shares = [], []
    for block, weight, new, old in zip(blocks, block_weights(blocks), logits, rival, strict=True):
        gaps.append(block.losses(old) - block.losses(new))
        shares.append(block.later.weights / block.later.weights.sum() * weight)
    gap, share = np.concatenate(gaps), np.concatenate(shares)
    of_block = np.repeat(np.arange(len(blocks)), [len(part) for part in shares])
    share /= share.sum()
    mean = float((share * gap).sum())
    alone = np.sqrt((share**2 * (gap - mean) ** 2).sum() * repeats)
    weights = np.bincount(of_block, share)
    means = np.bincount(of_block, share * gap) / weights
    return mean, float(max(alone, spread_of(means[:, None], weights)[0]))


def spread_of(values: Floats, weights: Floats) -> Floats:
    """(m,) standard errors of the weighted means of ``values`` (blocks, m); 0 for one block, which has none."""
    share = weights / weights.sum()
    free = 1.0 / float((share**2).sum()) - 1.0  # so many blocks of equal weight would say as much, less one
    if free < 1e-9:
        return np.zeros(values.shape[1])
    return np.asarray(np.sqrt(share @ (values - share @ values) ** 2 / free))
