"""What each feature adds to the score of a row, tree by tree: TreeSHAP with the bits of LightGBM, looked up.

What a leaf adds depends on a row only by which splits on the way to the leaf it goes along with. Trees are shallow, so
all that can come is computed once (``models.paths``), when the model is loaded, and a row only looks it up, leaf by
leaf in LightGBM's order. LightGBM computes it anew for each row, from trees that lie in many small pieces.
"""

from typing import NamedTuple

import numpy as np

from features.compiled import compiled_over
from models import compact
from models.compact import LEFT, RIGHT, ROOT, TIMED, Trees, fields_of, goes_left, tree_blocks
from models.numerics import Floats, Ints, Matrix
from models.paths import Path, leaf_pushes

MOST = 1 << 17
"""So many numbers (1 MiB) are kept at the most; deeper trees are left to LightGBM."""


class Pushes(NamedTuple):
    """What each leaf, numbered as in ``Trees``, adds; ``depth``: the splits on the longest way to one.

    The features of leaf *k* are ``features[places[k]:places[k + 1]]``, and from ``firsts[k]`` on stand in ``values`` as
    many numbers for each set of splits that a row may go along with.
    """

    places: Ints
    features: Ints
    firsts: Ints
    values: Floats
    depth: int


def pushes_of(text: bytes, trees: Trees) -> Pushes | None:
    """What the leaves of ``trees`` (of ``compact``) add; ``text`` is theirs. None: it would be too much to keep."""
    ways = _ways(text, trees)
    lengths = [len(asked) for asked, _ in ways]
    if sum(length << length for length in lengths) > MOST:
        return None
    made = [_of_leaf(*way, leaf) for way, leaf in zip(ways, trees.leaves.tolist(), strict=True)]
    widths, sizes = [len(features) for features, _ in made], [values.size for _, values in made]
    return Pushes(
        np.cumsum([0, *widths]),
        np.concatenate([np.empty(0, np.int64), *(features for features, _ in made)]),
        np.cumsum([0, *sizes]),
        np.concatenate([np.empty(0), *(values.ravel() for _, values in made)]),
        max(lengths, default=0),
    )


def _of_leaf(asked: list[int], portions: list[float], leaf: float) -> tuple[Ints, Floats]:
    """The features on the way to a leaf (w,), and what it adds for each of them, (2 ** splits, w)."""
    splits, width = len(asked), len(set(asked))
    path = Path(np.empty(splits + 1, np.int64), *(np.empty(splits + 1) for _ in range(3)))
    out = np.empty((1 << splits, width))
    leaf_pushes(np.array(asked, np.int64), np.array(portions, np.float64), leaf, path, out)
    return path.features[1 : width + 1], out


def _ways(text: bytes, trees: Trees) -> list[tuple[list[int], list[float]]]:
    """The way to each leaf: the features of its splits, and the portions of the training rows that went on."""
    splits: list[int] = []
    leaves: list[int] = []
    for block in tree_blocks(text):
        tree = fields_of(block)
        splits += map(int, tree["internal_count"])
        leaves += map(int, tree.get("leaf_count") or ["0"])  # a tree without splits says nothing of its one leaf
    found: list[tuple[list[int], list[float]]] = [([], [])] * len(leaves)
    ahead: list[tuple[int, list[int], list[float]]] = [(root, [], []) for root in trees.roots[:, ROOT].tolist()]
    while ahead:
        node, asked, portions = ahead.pop()
        if node < 0:
            found[-node - 1] = asked, portions
            continue
        feature, _, *children, _ = trees.splits[node].tolist()
        for child in children:
            went = splits[child] if child >= 0 else leaves[-child - 1]
            ahead.append((child, [*asked, feature], [*portions, went / splits[node]]))
    return found


@compiled_over(compact)
def tree_pushes(matrix: Matrix, bins: int, trees: Trees, pushes: Pushes) -> tuple[Floats, Floats]:
    """Contributions of trees that never look at the bin, (n, features + 1), and of the others, (n * bins, ...).

    The last column is that of the bin. No rows: there are no such trees.
    """
    rows, features = matrix.shape
    timed_trees = trees.roots[:, TIMED].sum()
    some_timed = bins > 1 and timed_trees > 0
    some_timeless = bins == 1 or timed_trees < len(trees.roots)
    timeless = np.zeros((rows if some_timeless else 0, features + 1))
    timed = np.zeros((rows * bins if some_timed else 0, features + 1))
    ahead = np.empty((pushes.depth + 2, 3), np.int64)
    for row in range(rows):
        for t in range(len(trees.roots)):
            root = trees.roots[t, ROOT]
            if bins > 1 and trees.roots[t, TIMED]:
                for b in range(bins):
                    _walk(matrix, row, float(b), trees, root, pushes, ahead, timed, row * bins + b)
            elif root >= 0:
                _walk(matrix, row, 0.0, trees, root, pushes, ahead, timeless, row)
    return timeless, timed


@compiled_over(compact)
def _walk(
    matrix: Matrix,
    row: int,
    number: float,
    trees: Trees,
    root: int,
    pushes: Pushes,
    ahead: Ints,
    out: Floats,
    line: int,
) -> None:
    """Add one tree's contributions to a line of ``out``: the way that the row goes first, then the other, as LightGBM.

    ``ahead`` is memory for what is still to be walked: the node, the splits that the row goes along with so far as
    bits, and how many there were.
    """
    left = 0
    ahead[0, 0], ahead[0, 1], ahead[0, 2] = root, 0, 0
    while left >= 0:
        node, along, depth = ahead[left, 0], ahead[left, 1], ahead[left, 2]
        if node >= 0:
            hot, cold = trees.splits[node, LEFT], trees.splits[node, RIGHT]
            if not goes_left(matrix, row, number, trees, node):
                hot, cold = cold, hot
            ahead[left, 0], ahead[left, 1], ahead[left, 2] = cold, along, depth + 1
            left += 1
            ahead[left, 0], ahead[left, 1], ahead[left, 2] = hot, along | 1 << depth, depth + 1
            continue
        left -= 1
        place, last = pushes.places[-node - 1], pushes.places[-node]
        value = pushes.firsts[-node - 1] + along * (last - place)
        for k in range(last - place):
            out[line, pushes.features[place + k]] += pushes.values[value + k]
