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
