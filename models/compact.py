"""A booster's trees as a few flat arrays, walked by compiled code: the same bits as LightGBM's, from far less memory.

LightGBM keeps each tree in many small pieces and prepares every call anew; among other work that costs ten times the
walk itself, because nothing of it is still in a cache. Here a row is walked through 28 bytes a split. Trees that never
ask for the hazard bin are walked once for all bins. The order of additions is LightGBM's.
"""

import re
from typing import Any, NamedTuple

import numba
import numpy as np
import numpy.typing as npt

from models.numerics import Floats, Ints, Matrix

Places = npt.NDArray[np.int32]

ROOT, TIMED = range(2)
FEATURE, KIND, LEFT, RIGHT, SIZE = range(5)
ZERO = float(np.float32(1e-35))
"""What LightGBM takes for zero (kZeroThreshold)."""
_AVERAGED = re.compile(rb"^average_output$", re.MULTILINE)
_CATEGORICAL, _DEFAULT_LEFT, _MISSING = 1, 2, 2
_MISSING_ZERO, _MISSING_NAN = 1, 2


class Trees(NamedTuple):
    """Splits of all trees one after the other; a child >= 0 is a split, below it is leaf ``-child - 1``.

    roots (t, 2): of each tree the first split, and whether it asks for the bin · splits (n, 5): feature, kind, left and
    right child, and for a categorical split how many of ``words`` are its own; ``thresholds`` (n,) is then the place of
    the first · leaves: values.
    """

    roots: Places
    splits: Places
    thresholds: Floats
    words: Ints
    leaves: Floats


def compact(text: bytes, last_feature: int) -> Trees | None:
    """The trees of a checked LightGBM text; None for a booster that averages. ``last_feature`` is that of the bin."""
    if _AVERAGED.search(text.partition(b"\n\n")[0]):
        return None
    columns: dict[str, list[Any]] = {name: [] for name in Trees._fields}
    for block in tree_blocks(text):
        _append(columns, fields_of(block), last_feature)
    return Trees(
        np.array(columns["roots"], np.int32).reshape(-1, 2),
        np.array(columns["splits"], np.int32).reshape(-1, 5),
        np.array(columns["thresholds"], np.float64),
        np.array(columns["words"], np.int64),
        np.array(columns["leaves"], np.float64),
    )


def tree_blocks(text: bytes) -> list[bytes]:
    """The trees of a checked LightGBM text, apart."""
    trees = text.partition(b"\n\n")[2].partition(b"end of trees")[0]
    return [block for block in trees.split(b"\n\n\n") if block]


def fields_of(block: bytes) -> dict[str, list[str]]:
    """The numbers of a tree by name, still as text."""
    lines = (line.partition("=") for line in block.decode().split("\n"))
    return {name: value.split() for name, _, value in lines}


def _append(columns: dict[str, list[Any]], tree: dict[str, list[str]], last_feature: int) -> None:
    """Append one tree, its numbers moved behind those before it."""
    first, first_leaf = len(columns["splits"]), len(columns["leaves"])
    columns["leaves"] += [float(value) for value in tree["leaf_value"]]
    if tree["num_leaves"] == ["1"]:
        columns["roots"].append((-first_leaf - 1, 0))
        return
    first_word = len(columns["words"])
    columns["words"] += [int(word) for word in tree.get("cat_threshold", [])]
    bounds = [int(bound) for bound in tree.get("cat_boundaries", [])]
    names = ("split_feature", "decision_type", "left_child", "right_child")
    features, kinds, *sides = ([int(word) for word in tree[name]] for name in names)
    lefts, rights = ([child + first if child >= 0 else child - first_leaf for child in side] for side in sides)
    columns["roots"].append((first, int(last_feature in features)))
    for threshold, *split in zip(tree["threshold"], features, kinds, lefts, rights, strict=True):
        category = int(float(threshold)) if split[KIND] & _CATEGORICAL else -1
        columns["thresholds"].append(float(threshold) if category < 0 else first_word + bounds[category])
        columns["splits"].append((*split, 0 if category < 0 else bounds[category + 1] - bounds[category]))


@numba.njit(cache=True, nogil=True)
def compact_logits(matrix: Matrix, bins: int, trees: Trees) -> Floats:
    """(n, bins) raw scores of ``matrix`` (n, features); of several bins the number is one further feature."""
    out = np.zeros((matrix.shape[0], bins))
    for i in range(matrix.shape[0]):
        for t in range(trees.roots.shape[0]):
            if bins > 1 and trees.roots[t, TIMED]:
                for b in range(bins):
                    out[i, b] += _leaf(matrix, i, float(b), trees, trees.roots[t, ROOT])
            else:
                value = _leaf(matrix, i, 0.0, trees, trees.roots[t, ROOT])
                for b in range(bins):
                    out[i, b] += value
    return out


@numba.njit(cache=True, nogil=True)
def _leaf(matrix: Matrix, row: int, number: float, trees: Trees, node: int) -> float:
    """The value of the leaf that a row falls into, as ``Tree::Predict`` of LightGBM finds it."""
    while node >= 0:
        node = trees.splits[node, LEFT if goes_left(matrix, row, number, trees, node) else RIGHT]
    value: float = trees.leaves[-node - 1]
    return value


@numba.njit(cache=True, nogil=True)
def goes_left(matrix: Matrix, row: int, number: float, trees: Trees, node: int) -> bool:
    """Which way a row goes at a split, as ``Tree::Decision`` of LightGBM says."""
    feature = trees.splits[node, FEATURE]
    x = np.float64(matrix[row, feature]) if feature < matrix.shape[1] else number
    if -ZERO <= x <= ZERO:
        x = 0.0
    kind = trees.splits[node, KIND]
    missing = kind >> _MISSING & 3
    if kind & _CATEGORICAL:
        return bool(_in_set(x, trees, node))
    if np.isnan(x):
        if missing == _MISSING_NAN:
            return bool(kind & _DEFAULT_LEFT != 0)
        x = 0.0
    if missing == _MISSING_ZERO and x == 0.0:
        return bool(kind & _DEFAULT_LEFT != 0)
    return bool(x <= trees.thresholds[node])


@numba.njit(cache=True, nogil=True)
def _in_set(x: float, trees: Trees, node: int) -> bool:
    """Whether a category's code is among those of a split."""
    if np.isnan(x) or x <= -1.0 or x >= 2147483648.0:
        return False
    code = int(x)
    if code >> 5 >= trees.splits[node, SIZE]:
        return False
    word = trees.words[int(trees.thresholds[node]) + (code >> 5)]
    found: bool = word >> (code & 31) & 1 != 0
    return found


def trial_rows(trees: Trees, features: int, rows: int = 96) -> Matrix:
    """(rows, features) where LightGBM and these arrays would part if they ever did.

    At and beside thresholds, missing, zero and nearly so, whole numbers and far outside.
    """
    rng = np.random.default_rng(20_240_131)
    out = rng.choice(
        np.array([0.0, 1e-36, -1e-36, np.nan, 1.0, 2.0, 31.0, 32.0, 33.5, -0.5, -1.0, 1e9, 1e30, -1e30]),
        (rows, features),
    )
    for feature in range(features):
        asked = trees.splits[:, FEATURE] == feature
        edges = trees.thresholds[asked & (trees.splits[:, KIND] & _CATEGORICAL == 0)]
        if len(edges):
            chosen = rng.choice(edges, rows).astype(np.float32)
            moved = np.nextafter(chosen, rng.choice(np.array([-np.inf, np.inf], np.float32), rows))
            chosen = np.where(rng.random(rows) < 0.5, chosen, moved)
            out[:, feature] = np.where(rng.random(rows) < 0.6, chosen, out[:, feature])
    return np.ascontiguousarray(out, np.float32)
