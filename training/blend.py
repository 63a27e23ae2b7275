"""How much of the blend is the booster's, by what the members said of the validation blocks."""

from collections.abc import Sequence

import numpy as np

from models.numerics import Floats, blended
from training.folds import Block
from training.weighing import clearly_better, pooled

WEIGHTS = tuple(np.linspace(0.0, 1.0, 11).tolist())
"""Shares of the booster in the blend that are tried."""
EVEN_OUTCOMES = 100.0
"""At so many different outcomes in validation the best share is believed by half."""


def mix(trees: Sequence[Floats], lines: Sequence[Floats], share: float) -> list[Floats]:
    """The blend's logits for each block."""
    return [np.asarray(blended(tree, line, share)) for tree, line in zip(trees, lines, strict=True)]


def best_share(blocks: Sequence[Block], trees: Sequence[Floats], lines: Sequence[Floats], repeats: float) -> float:
    """The booster's share of the blend, from the logits of both members for each block."""
    mixed = {share: mix(trees, lines, share) for share in WEIGHTS}
    best = min(mixed, key=lambda share: pooled(blocks, mixed[share]))
    if blocks[0].fold.moment is None:
        return simplest(blocks, mixed, best)
    return towards_even(blocks, mixed, best, repeats)


def towards_even(blocks: Sequence[Block], mixed: dict[float, list[Floats]], best: float, repeats: float) -> float:
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


def simplest(blocks: Sequence[Block], mixed: dict[float, list[Floats]], best: float) -> float:
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
