"""Shares of rows that belong to leads: how sure they are, and whether they are what was told.

A lead is scored in many weeks, and what comes of it is one outcome for all weeks whose horizons reach it. So two rows
of a lead are as much the same as their horizons overlap: where an outcome is rare, that share is their correlation,
and where horizons do not overlap, what is left of a true answer is as good as independent of the one before. Rows are
thus worth fewer than their number. Intervals and tests are those of the binomial distribution at that effective number
(Korn and Graubard, Survey Methodology 24, 1998), which stay honest where few outcomes or none came.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.stats import beta

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Lived:
    """n matured rows at one ``horizon`` (microseconds): what was told and happened, the code of the lead, and when."""

    told: Floats
    happened: Mask
    leads: Ints
    at: Ints
    horizon: int

    def take(self, rows: Mask) -> "Lived":
        """Some of the rows."""
        return Lived(self.told[rows], self.happened[rows], self.leads[rows], self.at[rows], self.horizon)

    def count(self) -> int:
        """How many leads there are."""
        return len(np.unique(self.leads))

    def effective(self) -> float:
        """How many independent rows the rows are worth."""
        mean = float(self.told.mean())
        variance = self.variance(np.sqrt(self.told * (1.0 - self.told))) / len(self.told) ** 2
        return float(len(self.told)) if variance <= 0.0 else min(mean * (1.0 - mean) / variance, float(len(self.told)))

    def variance(self, each: Floats) -> float:
        """The variance of a sum of n terms with these standard deviations, signed; rows of a lead move together."""
        order = np.lexsort((self.at, self.leads))
        leads, at, scale = self.leads[order], self.at[order], each[order]
        total, lag = float(scale @ scale), 1
        while lag < len(leads):
            apart = at[lag:] - at[:-lag]
            shared = (leads[lag:] == leads[:-lag]) & (apart < self.horizon)
            if not shared.any():
                break
            alike = 1.0 - apart[shared] / self.horizon
            total += 2.0 * float((scale[lag:][shared] * scale[:-lag][shared] * alike).sum())
            lag += 1
        return total


def interval(happened: float, rows: float, level: float = 0.95) -> tuple[float, float]:
    """The exact interval of a share, seen in so many effective rows."""
    hits, tail = happened * rows, (1.0 - level) / 2.0
    low = 0.0 if hits <= 0 else float(beta.ppf(tail, hits, rows - hits + 1.0))
    high = 1.0 if hits >= rows else float(beta.ppf(1.0 - tail, hits + 1.0, rows - hits))
    return low, high


def surprise(told: float, happened: float, rows: float) -> float:
    """The two-sided p-value of so large a gap between a share told and what happened, in so many effective rows."""
    hits = happened * rows
    at_most = 1.0 if hits >= rows else float(beta.sf(told, hits + 1.0, rows - hits))
    at_least = 1.0 if hits <= 0.0 else float(beta.cdf(told, hits, rows - hits + 1.0))
    return min(1.0, 2.0 * min(at_most, at_least))
