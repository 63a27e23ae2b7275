"""The classes that drift is counted in: tenths of the earlier rows, levels, missing; none with too few leads."""

import numpy as np
import numpy.typing as npt

Values = npt.NDArray[np.float64]
Codes = npt.NDArray[np.int64]

CLASSES = 10
LEAST = 5.0
"""So many leads a class is expected to have on either side, or it is joined to the one beside it."""


def classes(then: Values, now: Values, sizes: tuple[int, int], *, categorical: bool) -> tuple[Codes, Codes]:
    """The classes (n,) and (m,) of both sides; ``sizes``: how many leads each side has.

    Numbers are cut into tenths of ``then``; a category's codes are its classes; missing is a class of its own.
    """
    seen = then[~np.isnan(then)]
    if categorical:
        cuts = np.unique(np.concatenate([seen, now[~np.isnan(now)]]))
    else:
        cuts = np.unique(np.quantile(seen, np.arange(1, CLASSES) / CLASSES)) if len(seen) else np.empty(0)
    before, after = _cut(then, cuts), _cut(now, cuts)
    counts = np.bincount(before, minlength=len(cuts) + 2), np.bincount(after, minlength=len(cuts) + 2)
    joined = _joined(*counts, sizes)
    return joined[before], joined[after]


def _cut(values: Values, cuts: Values) -> Codes:
    return np.where(np.isnan(values), len(cuts) + 1, np.searchsorted(cuts, values, side="left")).astype(np.int64)


def _joined(then: Codes, now: Codes, sizes: tuple[int, int]) -> Codes:
    """The new class of each class: a small one goes with the next, the last small ones with the one before."""
    share = (then / max(then.sum(), 1) + now / max(now.sum(), 1)) / 2.0
    enough = LEAST / max(min(sizes), 1)
    groups, at, held = np.zeros(len(share), np.int64), 0, 0.0
    for place, one in enumerate(share):
        groups[place] = at
        held += one
        if held >= enough:
            at, held = at + 1, 0.0
    if held < enough and at > 0:
        groups[groups == at] = at - 1
    return groups
