"""A path of features from the root of a tree to a leaf, as TreeSHAP extends it and takes it back.

Method: Lundberg et al., "Consistent individualized feature attribution for tree ensembles", 2018, algorithm 2, in the
order of LightGBM's ``Tree::TreeSHAP``: the same numbers are added, divided and multiplied in the same order.
"""

from typing import NamedTuple

from features.compiled import compiled
from models.numerics import Floats, Ints


class Path(NamedTuple):
    """The features so far, the root in the first place.

    Of each: which portion of the training rows went along, whether the row did, and the weight of the sets of so many.
    """

    features: Ints
    zeros: Floats
    ones: Floats
    weights: Floats


@compiled
def leaf_pushes(asked: Ints, portions: Floats, leaf: float, path: Path, out: Floats) -> None:
    """What a leaf adds for each of the w features on its path, written to ``out`` (2 ** d, w).

    ``asked`` (d,) are the features of the splits from the root, ``portions`` (d,) of the rows there that go on towards
    the leaf. Bit *k* of a line's number: whether the row goes along at split *k*. ``path`` has room for d + 1; the
    features are in it afterwards, from its second place on.
    """
    steps, width = len(asked), out.shape[1]
    for pattern in range(1 << steps):
        extend(path, 0, 1.0, 1.0, -1)
        depth = 0
        for k in range(steps):
            zero, one = 1.0, 1.0
            for place in range(depth + 1):
                if path.features[place] == asked[k]:  # asked before: that is taken back and asked anew
                    zero, one = path.zeros[place], path.ones[place]
                    unwind(path, depth, place)
                    depth -= 1
                    break
            depth += 1
            extend(path, depth, portions[k] * zero, one if pattern >> k & 1 else 0.0, asked[k])
        for k in range(width):
            out[pattern, k] = unwound(path, depth, k + 1) * (path.ones[k + 1] - path.zeros[k + 1]) * leaf


@compiled
def extend(path: Path, depth: int, zero: float, one: float, feature: int) -> None:
    """Put a feature at the end of a path, and weigh the sets anew."""
    path.features[depth], path.zeros[depth], path.ones[depth] = feature, zero, one
    path.weights[depth] = 1.0 if depth == 0 else 0.0
    for i in range(depth - 1, -1, -1):
        path.weights[i + 1] += one * path.weights[i] * (i + 1) / float(depth + 1)
        path.weights[i] = zero * path.weights[i] * (depth - i) / float(depth + 1)


@compiled
def unwind(path: Path, depth: int, place: int) -> None:
    """Take the feature at a place out of a path: ``extend`` undone."""
    one, zero = path.ones[place], path.zeros[place]
    following = path.weights[depth]
    for i in range(depth - 1, -1, -1):
        if one != 0.0:
            before = path.weights[i]
            path.weights[i] = following * (depth + 1) / float((i + 1) * one)
            following = before - path.weights[i] * zero * (depth - i) / float(depth + 1)
        else:
            path.weights[i] = path.weights[i] * (depth + 1) / float(zero * (depth - i))
    for i in range(place, depth):
        path.features[i], path.zeros[i], path.ones[i] = path.features[i + 1], path.zeros[i + 1], path.ones[i + 1]


@compiled
def unwound(path: Path, depth: int, place: int) -> float:
    """The sum of the weights of a path from which the feature at a place were taken out."""
    one, zero = path.ones[place], path.zeros[place]
    following, total = path.weights[depth], 0.0
    for i in range(depth - 1, -1, -1):
        if one != 0.0:
            part = following * (depth + 1) / float((i + 1) * one)
            total += part
            following = path.weights[i] - part * zero * ((depth - i) / float(depth + 1))
        else:
            total += (path.weights[i] / zero) / ((depth - i) / float(depth + 1))
    return total
