"""How well a score ranks rows that were asked about at the same time.

Only pairs of rows of one stratum, a short stretch of time, are compared. So what merely follows the base rate through
the years (an interest rate, a season) knows nothing, however well it ranks the years.
"""

import numpy as np
import numpy.typing as npt
from scipy.stats import norm

from training.leaks.finding import Auc

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

OUTCOMES_OF_A_STRATUM = 10
"""Strata are as short as this allows: with fewer outcomes each, most rows would have nobody to be compared with."""
LEAST_ROWS = 20


def strata_of(outcome: Mask) -> Ints:
    """The stratum of each of n rows in the order of time: equal in size, with about so many outcomes on average."""
    n = len(outcome)
    rare = min(int(outcome.sum()), n - int(outcome.sum()))
    count = int(np.clip(rare // OUTCOMES_OF_A_STRATUM, 1, max(n // LEAST_ROWS, 1)))
    return np.arange(n) * count // max(n, 1)


def auc_within(outcome: Mask, score: Floats, stratum: Ints, fields: int = 1) -> Auc | None:
    """The AUC over pairs of one stratum, ties half, with its interval; None without a pair.

    The variance is DeLong's (Biometrics 44, 1988), its placement values taken within the strata, around the common
    value; the interval is symmetric in log-odds. ``fields``: how many are asked at once (Bonferroni) for ``firm``.
    """
    placed, weight = placements(outcome, score, stratum)
    pairs = weight[outcome].sum()
    if not pairs:
        return None
    value = float((weight * placed)[outcome].sum() / pairs)
    spread = float(np.sqrt((weight**2 * (placed - value) ** 2).sum()) / pairs)
    low, high, firm = (
        _shifted(value, spread, z) for z in (norm.ppf(0.025), norm.ppf(0.975), norm.ppf(0.025 / max(fields, 1)))
    )
    return Auc(value, low, high, firm)


def _shifted(value: float, spread: float, z: float) -> float:
    """The value that is ``z`` standard errors away, in log-odds."""
    inside = float(np.clip(value, 1e-6, 1.0 - 1e-6))
    logit = np.log(inside / (1.0 - inside)) + z * spread / (inside * (1.0 - inside))
    return float(1.0 / (1.0 + np.exp(-np.clip(logit, -50.0, 50.0))))


def placements(outcome: Mask, score: Floats, stratum: Ints) -> tuple[Floats, Floats]:
    """For each row: the share of the others' rows of its stratum that it stands on the right side of, and their number.

    The others of a row with the outcome are those without it, and the other way round; ties count half.
    """
    order = np.lexsort((score, stratum))
    hit = outcome[order].astype(np.float64)
    key = np.stack([stratum[order].astype(np.float64), score[order]])
    first = np.concatenate([[True], (np.diff(key) != 0).any(axis=0)]) if len(order) else np.empty(0, bool)
    tie = np.cumsum(first) - 1
    hits, size = (np.bincount(tie, counted).astype(np.float64) for counted in (hit, np.ones(len(hit))))
    of_tie = stratum[order][first]
    total_hits, total = np.bincount(of_tie, hits), np.bincount(of_tie, size)
    below_hits, below = (_below(counts, of_tie) for counts in (hits, size - hits))
    right_hit = below + (size - hits) / 2
    right_miss = total_hits[of_tie] - below_hits - hits / 2
    others = np.where(hit == 1.0, (total - total_hits)[of_tie][tie], total_hits[of_tie][tie])
    right = np.where(hit == 1.0, right_hit[tie], right_miss[tie])
    placed, weight = np.empty(len(order)), np.empty(len(order))
    placed[order], weight[order] = right / np.maximum(others, 1.0), others
    return placed, weight


def _below(counts: Floats, of: Ints) -> Floats:
    """The sum of ``counts`` before each place within its group of equal ``of``."""
    running = np.cumsum(counts) - counts
    starts = np.flatnonzero(np.concatenate([[True], np.diff(of) != 0])) if len(of) else np.empty(0, int)
    return np.asarray(running - np.repeat(running[starts], np.diff([*starts, len(of)])))
