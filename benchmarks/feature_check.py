"""Whether two engines gave the same answers: counts and times exactly, sums to the last digits of float32."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Matrix = npt.NDArray[np.float32]

ROUNDED = ("_decayed_", "_gap_", "_trend_", "_sum", "_mean")
"""Parts of the names of features whose last digits depend on the order of summation."""
TOLERANCE = 1e-6
"""Relative to the answer, or to 1 where that is larger; float32 itself rounds by 6e-8."""


def disagreement(ours: Matrix, names: Sequence[str], theirs: Matrix, their_names: Sequence[str]) -> str | None:
    """The first difference in words, or None. The columns of the two may differ; their rows are the same."""
    if len(ours) != len(theirs):
        return f"{len(theirs)} rows. Expected {len(ours)}."
    for position, name in enumerate(their_names):
        wrong = _wrong(ours[:, list(names).index(name)], theirs[:, position], name)
        if len(wrong):
            row = int(wrong[0])
            pair = theirs[row, position], ours[row, list(names).index(name)]
            return f"{name} differs in {len(wrong)} of {len(ours)} rows (first: row {row}, {pair[0]} for {pair[1]})."
    return None


def _wrong(expected: Matrix, found: Matrix, name: str) -> npt.NDArray[np.int64]:
    same = (expected == found) | (np.isnan(expected) & np.isnan(found))
    if any(part in name for part in ROUNDED):
        with np.errstate(invalid="ignore"):
            same |= np.abs(expected - found) <= TOLERANCE * np.maximum(1.0, np.abs(expected))
    return np.flatnonzero(~same)
