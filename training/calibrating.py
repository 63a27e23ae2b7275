"""Calibration from the validation blocks: predictions for later rows, and what came of them."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from models.calibration import Calibration, fit_slope, level_for
from models.hazard import last_bins
from models.numerics import Floats, cumulative_logits
from training.folds import LEAST_OUTCOMES, Block, Ground
from training.splits import Ints

PERSISTENCE = 0.5
"""How much of the latest block's gap in level is expected to last: half, for want of evidence in so few blocks."""
LEVEL_OUTCOMES = 20.0
"""At so many different outcomes in the latest block its level is believed by half: levels drift by about a fifth."""


def calibrate(ground: Ground, blocks: Sequence[Block], logits: Sequence[Floats]) -> Calibration:
    """Slope and intercept of each horizon from predictions for later rows that have matured since.

    The slope is found within the blocks. The intercept keeps the mean prediction, and then goes part of the way to the
    level of the latest block: base rates drift, but the model that serves has learned from that block too, and a gap
    of one block may not last. See ``PERSISTENCE``. Where many rows tell of one outcome the evidence counts once.
    """
    rows = np.concatenate([block.rows for block in blocks])
    number = np.repeat(np.arange(len(blocks)), [len(block.rows) for block in blocks])
    said = cumulative_logits(np.concatenate(logits), last_bins(ground.edges, ground.horizons))
    # groups of leads have no latest block, and cannot show that sharper answers would hold later
    by_time = blocks[-1].fold.moment is not None
    share = len(blocks[-1].fold.validate) / len(ground.cutoffs) if by_time else 1.0
    repeats, pairs = ground.repeats(), []
    for at, horizon in enumerate(ground.horizons):
        matured = ground.labels.matured(horizon)[rows]
        outcome = ground.labels.outcome(horizon)[rows]
        different = float(outcome[matured & (number == number.max())].sum()) / repeats
        follow = PERSISTENCE * (1.0 - share) * different / (different + LEVEL_OUTCOMES)
        pairs.append(_affine(said[matured, at], outcome[matured], number[matured], follow, repeats, by_time=by_time))
    return Calibration(tuple(slope for slope, _ in pairs), tuple(intercept for _, intercept in pairs))


def _affine(
    logits: Floats, outcome: npt.NDArray[np.bool_], block: Ints, follow: float, repeats: float, *, by_time: bool
) -> tuple[float, float]:
    """(slope, intercept) of one horizon; ``follow`` is how far the intercept goes to the level of the latest block."""
    if int(outcome.sum()) < LEAST_OUTCOMES:
        return 1.0, 0.0
    slope, levels = fit_slope(logits, outcome, block, repeats)
    slope = slope if by_time else min(slope, 1.0)
    latest = logits[block == block.max()]
    neutral = level_for(latest, slope, float((1.0 / (1.0 + np.exp(-latest))).mean()))
    return slope, neutral + follow * (float(levels[-1]) - neutral)
