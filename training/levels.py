"""The level now: how many outcomes came beside how many were told, month by month up to the last day that is known.

The longest horizon tells a change of level a horizon late; its first weeks tell it weeks after. So every hazard bin
that has passed is set beside the chance that the model gave it, in the month in which it passed. What the months say
moves every answer of the model: by a local level model, a random walk seen through noise, whose restlessness is
averaged over by how well each explains the months (Harvey, Forecasting, Structural Time Series Models and the Kalman
Filter, 1989, section 4.1). Where the months differ by chance alone, nothing moves.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from data.clock import DAY, WEEK, iso
from models.calibration import Calibration
from models.numerics import Floats
from training.cells import Cells
from training.folds import Ground
from training.splits import Ints
from training.wording import day

MONTH = 28 * DAY
ROWS = 40_000
"""What is told is summed over so many rows at the most, drawn with a seed; what came is counted in all."""
RESTLESS = (0.0, 0.02, 0.05, 0.1, 0.2, 0.4)
"""By how much, in log-odds, a level may move from month to month, one standard deviation."""
BELIEF = (0.5, 0.1, 0.1, 0.1, 0.1, 0.1)
"""How far each is believed before any month is seen."""
SPREAD = 0.25
"""The standard deviation of the first month's level."""
MENTIONED = 0.05
"""A level that moved less, in log-odds, is no news."""
LATELY = 3
"""So many months are set side by side in words."""
NEVER_NONE = 0.5
"""Added to both counts of a month, so that a month without an outcome has a logarithm."""


@dataclass(frozen=True)
class Level:
    """``shift``, in log-odds, of every answer, and the months behind it, from old to new.

    ``until``, microseconds, ends the last month: the middle of the latest bin that has passed. ``came`` and ``told``:
    different outcomes, and how many the model's chances add up to.
    """

    shift: float
    until: int
    came: tuple[float, ...]
    told: tuple[float, ...]


def rows_to_tell(ground: Ground, seed: int) -> Ints:
    """Rows of ``ground`` for which the model is asked, in order: all that have a cell, or a draw of ROWS."""
    rows = np.flatnonzero(ground.labels.watched >= ground.edges[0])
    if len(rows) > ROWS:
        rows = np.sort(np.random.default_rng(seed).choice(rows, ROWS, replace=False))
    return rows


def level_now(ground: Ground, rows: Ints, logits: Floats) -> Level:
    """The level at the end of ``ground``, from hazard ``logits`` (rows, bins) of the ``rows`` of ``rows_to_tell``."""
    every, asked = ground.cells(np.arange(len(ground.cutoffs))), ground.cells(rows)
    until = _passed(ground, every).max()
    month, drawn = ((until - _passed(ground, of)) // MONTH for of in (every, asked))
    months = int(month.max()) + 1
    chance = 1.0 / (1.0 + np.exp(-logits[np.searchsorted(rows, asked.rows), asked.bins]))
    share = np.bincount(drawn, minlength=months) / np.maximum(np.bincount(month, minlength=months), 1)
    told = np.bincount(drawn, chance, months) / np.where(share > 0, share, 1.0)
    came = np.where(share > 0, np.bincount(month, every.outcome, months), 0.0)
    repeats = ground.repeats()
    came, told = came[::-1] / repeats, told[::-1] / repeats
    return Level(current(came, told), int(until), tuple(came.tolist()), tuple(told.tolist()))


def _passed(ground: Ground, of: Cells) -> npt.NDArray[np.int64]:
    """(c,) the middle of the time in which each cell's bin passed."""
    ends = np.array(ground.edges, np.int64)
    middles = (ends + np.array((0, *ground.edges[:-1]), np.int64)) // 2
    return np.asarray(ground.cutoffs[of.rows] + middles[of.bins])


def current(came: Floats, told: Floats) -> float:
    """The level of the last month, in log-odds: (months,) outcomes that ``came`` beside those that were ``told``."""
    seen = np.log((came + NEVER_NONE) / (told + NEVER_NONE))
    noise = 1.0 / (told + NEVER_NONE)
    levels, likelihoods = zip(*(_filtered(seen, noise, restless) for restless in RESTLESS), strict=True)
    weights = np.array(BELIEF) * np.exp(np.array(likelihoods) - max(likelihoods))
    return float(np.average(levels, weights=weights))


def _filtered(seen: Floats, noise: Floats, restless: float) -> tuple[float, float]:
    """(last level, log likelihood) of a random walk of such steps, seen through ``noise`` (variances)."""
    level, variance, likelihood = 0.0, SPREAD**2, 0.0
    for value, error in zip(seen.tolist(), noise.tolist(), strict=True):
        variance += restless**2
        total = variance + error
        likelihood -= 0.5 * (np.log(total) + (value - level) ** 2 / total)
        level += variance / total * (value - level)
        variance *= error / total
    return level, float(likelihood)


def moved(calibration: Calibration, by: float) -> Calibration:
    """``calibration`` with every answer ``by`` so many log-odds higher."""
    return Calibration(calibration.slopes, tuple(intercept + by for intercept in calibration.intercepts))


def level_note(level: Level) -> str | None:
    """How the level moved, for readers of a report; None where it hardly did."""
    if abs(level.shift) < MENTIONED:
        return None
    came, told = sum(level.came[-LATELY:]), sum(level.told[-LATELY:])
    way = "fewer" if level.shift < 0 else "more"
    return (
        f"Of late {way} outcomes come than the leads' evidence led to expect: {came:,.0f} in the "
        f"{LATELY * MONTH // WEEK} weeks up to {day(iso(level.until))}, where {told:,.0f} were told. Every answer "
        f"follows ({level.shift:+.2f} in log-odds)."
    )
