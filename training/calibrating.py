"""Calibration from the validation blocks: predictions for later rows, and what came of them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from models.calibration import Calibration, fit_slope, level_for
from models.hazard import last_bins
from models.numerics import Floats, cumulative_logits
from training.folds import LEAST_OUTCOMES, Block, Ground
from training.splits import Ints
from training.weighing import block_weights

PERSISTENCE = 0.5
"""How much of the latest block's gap in level is expected to last, before there is evidence: half."""
PRIOR_STEPS = 4.0
"""That expectation weighs as much as so many steps from one block to the next."""
SHARES = tuple(np.linspace(0.0, 1.0, 11).tolist())
"""Shares of the gap that are tried."""
LEVEL_OUTCOMES = 20.0
"""At so many different outcomes in the latest block its level is believed by half: levels drift by about a fifth."""

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Following:
    """How much of the gap in level between prediction and latest block is expected to last, and from how many steps."""

    share: float
    steps: int


@dataclass(frozen=True, eq=False)
class Told:
    """One horizon of the blocks: log-odds, outcomes and block number of n rows, with what else is known of them.

    ``matured`` as known at the end of the learning time, ``known`` (blocks, n) as known when each block began.
    """

    logits: Floats
    outcome: Mask
    block: Ints
    matured: Mask
    known: Mask
    repeats: float

    def level(self, rows: Mask, slope: float) -> tuple[float, float, float]:
        """(intercept that keeps the mean prediction of ``rows``, gap to the one they had, how far it is believed)."""
        logits, came = self.logits[rows], float(self.outcome[rows].sum())
        neutral = level_for(logits, slope, float((1.0 / (1.0 + np.exp(-logits))).mean()))
        different = came / self.repeats
        rate = (came + 0.5) / (len(logits) + 1.0)
        return neutral, level_for(logits, slope, rate) - neutral, different / (different + LEVEL_OUTCOMES)


def by_month(ground: Ground, blocks: Sequence[Block]) -> bool:
    """Whether the level is found after the last fit, see ``levels``.

    Of rows that are partly watched the latest block has hardly matured: its level would be known a horizon late.
    """
    return ground.partly_watched and blocks[-1].fold.moment is not None


def calibrate(
    ground: Ground, blocks: Sequence[Block], logits: Sequence[Floats]
) -> tuple[Calibration, tuple[Following, ...]]:
    """Slope and intercept of each horizon from predictions for later rows that have matured since.

    The slope is found within the blocks. The intercept keeps the mean prediction, and then goes part of the way to the
    level of the latest block: base rates drift, but the model that serves has learned from that block too, and a gap
    of one block may not last. How much of it lasts is learned from the steps between the blocks. Where many rows tell
    of one outcome the evidence counts once. Where the level is found ``by_month`` nothing is followed here.
    """
    # groups of leads have no latest block, and cannot show that sharper answers would hold later
    by_time = blocks[-1].fold.moment is not None
    share = len(blocks[-1].fold.validate) / len(ground.cutoffs) if by_time else 1.0
    follow = by_time and not by_month(ground, blocks)
    weights, pairs, follows = block_weights(blocks), [], []
    for told in _by_horizon(ground, blocks, logits):
        if int(told.outcome[told.matured].sum()) < LEAST_OUTCOMES:
            pairs.append((1.0, 0.0))
            follows.append(Following(PERSISTENCE, 0))
            continue
        fitted = told.matured
        slope, levels = fit_slope(told.logits[fitted], told.outcome[fitted], told.block[fitted], told.repeats)
        slope = slope if by_time else min(slope, 1.0)
        follows.append(following(told, slope, weights) if follow else Following(0.0, 0))
        pairs.append((slope, _intercept(told, slope, float(levels[-1]), (1.0 - share) * follows[-1].share)))
    return Calibration(tuple(slope for slope, _ in pairs), tuple(level for _, level in pairs)), tuple(follows)


def following(told: Told, slope: float, weights: Floats) -> Following:
    """How much of a block's gap in level the next block had, too: the share that answers best there, pulled to half."""
    losses, steps = np.zeros(len(SHARES)), 0
    for number in range(1, len(weights)):
        before = (told.block == number - 1) & told.known[number]
        later = (told.block == number) & told.matured
        if int(told.outcome[before].sum()) < LEAST_OUTCOMES or int(told.outcome[later].sum()) < LEAST_OUTCOMES:
            continue
        neutral, gap, believed = told.level(before, slope)
        said = slope * told.logits[later] + neutral
        moved = said[:, None] + believed * gap * np.array(SHARES)
        wrong = np.logaddexp(0.0, np.where(told.outcome[later][:, None], -moved, moved))
        losses += weights[number] * wrong.mean(axis=0)
        steps += 1
    found = SHARES[int(losses.argmin())] if steps else PERSISTENCE
    return Following((PERSISTENCE * PRIOR_STEPS + found * steps) / (PRIOR_STEPS + steps), steps)


def _intercept(told: Told, slope: float, level: float, follow: float) -> float:
    latest = told.matured & (told.block == told.block[told.matured].max())
    neutral, _, _ = told.level(latest, slope)
    newest = told.matured & (told.block == told.block.max())
    different = float(told.outcome[newest].sum()) / told.repeats
    return neutral + follow * different / (different + LEVEL_OUTCOMES) * (level - neutral)


def _by_horizon(ground: Ground, blocks: Sequence[Block], logits: Sequence[Floats]) -> list[Told]:
    rows = np.concatenate([block.rows for block in blocks])
    number = np.repeat(np.arange(len(blocks)), [len(block.rows) for block in blocks])
    said = cumulative_logits(np.concatenate(logits), last_bins(ground.edges, ground.horizons))
    began = np.array([ground.watched(rows, block.fold.moment) for block in blocks])
    return [
        Told(
            said[:, at],
            ground.labels.outcome(horizon)[rows],
            number,
            ground.labels.matured(horizon)[rows],
            began >= horizon,
            ground.repeats(),
        )
        for at, horizon in enumerate(ground.horizons)
    ]
