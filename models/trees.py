"""One tree of a LightGBM text model, checked line by line.

A tree of n leaves has n - 1 splits, numbered from the root in the order of their making. A child of a split is a later
split (its number) or a leaf (-1 for leaf 0, -2 for leaf 1, …). When every split but the root and every leaf is
the child of exactly one earlier split, the arrays are a tree: no cycle, nothing out of reach.
"""

import re
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from data.errors import BundleError

MAX_LEAVES = 4_096
MAX_DEPTH = 512
MAX_CATEGORY_WORDS = 1_000_000
_INT32 = 2**31 - 1

_INTEGERS = re.compile(rb"-?\d{1,10}(?: -?\d{1,10})*")
_NUMBER = rb"-?(?:\d{1,20}(?:\.\d{0,25})?(?:[eE][+-]?\d{1,3})?|inf)"
_NUMBERS = re.compile(_NUMBER + rb"(?: " + _NUMBER + rb")*")

_SPLITS = ("split_feature", "decision_type", "left_child", "right_child", "internal_count")
_SPLIT_NUMBERS = ("split_gain", "threshold", "internal_value", "internal_weight")
_CATEGORIES = ("cat_boundaries", "cat_threshold")
_KEYS = {
    "num_leaves",
    "num_cat",
    *_SPLITS,
    *_SPLIT_NUMBERS,
    *_CATEGORIES,
    "leaf_value",
    "leaf_weight",
    "leaf_count",
    "is_linear",
    "shrinkage",
}

Integers = npt.NDArray[np.int64]
Numbers = npt.NDArray[np.float64]
_T = TypeVar("_T", bound=np.generic)


def count(value: bytes, low: int, high: int, name: str) -> int:
    """The whole number ``value`` within [low, high]. Raises BundleError, with ``name`` in the sentence."""
    if not re.fullmatch(rb"\d{1,10}", value) or not low <= int(value) <= high:
        raise BundleError(f"{name} is {value[:40].decode(errors='replace')!r}, not a whole number from {low} to {high}")
    return int(value)


def check_tree(block: bytes, number: int, features: int) -> None:
    """Check the text of one tree. Raises BundleError with the first thing that is wrong."""
    try:
        fields = _fields(block, number)
        leaves = count(fields["num_leaves"], 1, MAX_LEAVES, "num_leaves")
        categorical = count(fields["num_cat"], 0, leaves - 1, "num_cat")
        _check_leaves(fields, leaves)
        if leaves > 1:
            _check_splits(fields, leaves - 1, categorical, features)
    except BundleError as error:
        raise BundleError(f"tree {number}: {error}") from None


def _fields(block: bytes, number: int) -> dict[str, bytes]:
    lines = block.rstrip(b"\n").split(b"\n")
    if lines[0] != b"Tree=%d" % number:
        raise BundleError(f"it starts with {lines[0][:40]!r}")
    fields: dict[str, bytes] = {}
    for line in lines[1:]:
        raw, equals, value = line.partition(b"=")
        name = raw.decode("ascii", "replace")
        if not equals or name not in _KEYS or name in fields:
            raise BundleError(f"the line {line[:60]!r} is unknown or comes twice")
        fields[name] = value
    if missing := sorted(_KEYS - set(_CATEGORIES) - fields.keys()):
        raise BundleError(f"there is no {missing[0]}")
    if fields["is_linear"] != b"0":
        raise BundleError("its leaves hold linear models")
    return fields


def _numbers(fields: dict[str, bytes], name: str, length: int) -> Numbers:
    if not _NUMBERS.fullmatch(fields[name]):
        raise BundleError(f"{name} holds something that is not a number")
    values = np.array(fields[name].split(b" "), dtype="S48").astype(np.float64)
    return _sized(name, values, length)


def _integers(fields: dict[str, bytes], name: str, length: int, low: int, high: int) -> Integers:
    """The array ``name`` of exactly ``length`` whole numbers within [low, high]."""
    if not _INTEGERS.fullmatch(fields.get(name, b"")):
        raise BundleError(f"{name} holds something that is not a whole number")
    values = _sized(name, np.array(fields[name].split(b" "), dtype="S11").astype(np.int64), length)
    outside = values[(values < low) | (values > high)]
    if len(outside):
        raise BundleError(f"{name} holds {int(outside[0])}, outside {low} to {high}")
    return values


def _sized(name: str, values: npt.NDArray[_T], length: int) -> npt.NDArray[_T]:
    if len(values) != length:
        raise BundleError(f"{name} has {len(values)} entries instead of {length}")
    return values


def _check_leaves(fields: dict[str, bytes], leaves: int) -> None:
    if not np.isfinite(_numbers(fields, "leaf_value", leaves)).all():
        raise BundleError("leaf_value holds a number that is not finite")
    _numbers(fields, "shrinkage", 1)
    if leaves == 1:
        # A tree without splits is written with empty arrays; LightGBM stops reading after leaf_value.
        if any(fields[name] for name in (*_SPLITS, *_SPLIT_NUMBERS)) or fields.keys() & set(_CATEGORIES):
            raise BundleError("it has one leaf and yet splits")
        return
    _numbers(fields, "leaf_weight", leaves)
    _integers(fields, "leaf_count", leaves, 0, _INT32)


def _check_splits(fields: dict[str, bytes], splits: int, categorical: int, features: int) -> None:
    _integers(fields, "split_feature", splits, 0, features - 1)
    # Contributions divide by the count of the split.
    _integers(fields, "internal_count", splits, 1, _INT32)
    for name in ("split_gain", "internal_value", "internal_weight"):
        _numbers(fields, name, splits)
    kinds = _integers(fields, "decision_type", splits, 0, 11)
    thresholds = _numbers(fields, "threshold", splits)
    _check_categories(fields, thresholds[(kinds & 1) == 1], categorical)
    left = _integers(fields, "left_child", splits, -splits - 1, splits - 1)
    right = _integers(fields, "right_child", splits, -splits - 1, splits - 1)
    _check_shape(left, right)


def _check_categories(fields: dict[str, bytes], thresholds: Numbers, categorical: int) -> None:
    """Category splits name a set of categories: a slice of ``cat_threshold``, a bit for each category."""
    if len(thresholds) != categorical:
        raise BundleError(f"num_cat is {categorical}, but {len(thresholds)} splits are on categories")
    if not categorical:
        if fields.keys() & set(_CATEGORIES):
            raise BundleError("it has category sets without a split on categories")
        return
    if not np.isin(thresholds, np.arange(categorical)).all():
        raise BundleError("a split on categories names a set that is not there")
    boundaries = _integers(fields, "cat_boundaries", categorical + 1, 0, MAX_CATEGORY_WORDS)
    if boundaries[0] != 0 or (np.diff(boundaries) < 1).any():
        raise BundleError("cat_boundaries does not grow from 0")
    _integers(fields, "cat_threshold", int(boundaries[-1]), 0, 2**32 - 1)


def _check_shape(left: Integers, right: Integers) -> None:
    """Every split but the root and every leaf is the child of exactly one earlier split."""
    splits = len(left)
    children = np.concatenate([left, right])
    expected = np.concatenate([np.arange(-splits - 1, 0), np.arange(1, splits)])
    if not np.array_equal(np.sort(children), expected):
        raise BundleError("its children are not each split and each leaf once")
    parents = np.tile(np.arange(splits), 2)
    if ((children >= 0) & (children <= parents)).any():
        raise BundleError("a split is its own ancestor")
    depth = np.zeros(splits, np.int64)
    order = np.argsort(children, kind="stable")[splits + 1 :]
    for position in order:
        depth[children[position]] = depth[parents[position]] + 1
    if depth.max() >= MAX_DEPTH:
        raise BundleError(f"it is {int(depth.max()) + 1} splits deep, more than {MAX_DEPTH}")
