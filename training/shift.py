"""How far the numbers of a feature have moved between two sets of rows: the population stability index.

The sum over classes of (share now - share then) * log(share now / share then), as in credit scoring: below 0.1 little
has moved, above 0.25 much has. Numbers are cut into tenths of the earlier rows, categories are their own classes, and
missing is a class. Source: S. Lewis, An Introduction to Credit Scoring, 1992.
"""

import numpy as np
import numpy.typing as npt

from models.numerics import Matrix

CLASSES = 10
HALF = 0.5
"""Rows that are added to each class on either side: a class that is empty there is no infinite move."""
MUCH = 0.25


def shifts(then: Matrix, now: Matrix, categorical: npt.NDArray[np.bool_]) -> npt.NDArray[np.float64]:
    """(features,) the index of each column, from the rows ``then`` (n, features) to the rows ``now`` (m, features)."""
    return np.array(
        [shift(then[:, at], now[:, at], categorical=bool(is_code)) for at, is_code in enumerate(categorical)]
    )


def shift(then: npt.NDArray[np.float32], now: npt.NDArray[np.float32], *, categorical: bool) -> float:
    """The index of one column; NaN where either side has no rows."""
    if not len(then) or not len(now):
        return float("nan")
    seen = then[~np.isnan(then)]
    if categorical:
        cuts = np.unique(np.concatenate([seen, now[~np.isnan(now)]]))
    else:
        cuts = np.unique(np.quantile(seen, np.arange(1, CLASSES) / CLASSES)) if len(seen) else np.empty(0)
    before, after = (_shares(values, cuts) for values in (then, now))
    return float(((after - before) * np.log(after / before)).sum())


def _shares(values: npt.NDArray[np.float32], cuts: npt.NDArray[np.floating]) -> npt.NDArray[np.float64]:
    classes = np.where(np.isnan(values), len(cuts) + 1, np.searchsorted(cuts, values, side="left"))
    counts = np.bincount(classes, minlength=len(cuts) + 2) + HALF
    return np.asarray(counts / counts.sum())
