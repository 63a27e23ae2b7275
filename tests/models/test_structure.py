import re
import subprocess
import sys

import numpy as np
import pytest

from data.errors import BundleError
from models.structure import check_structure
from models.trees import MAX_DEPTH, _check_shape

SCORE_ALL = """
import ctypes, sys
import numpy as np
from pathlib import Path
from models.booster import Booster
rows = np.random.default_rng(0).normal(size=(50, 8)) * 20
rows[::3] = np.nan
for path in sorted(Path(sys.argv[1]).iterdir()):
    booster = Booster(path.read_bytes())
    assert booster.raw(rows).shape == (50,)
    assert booster.contributions(rows).shape == (50, 9)
    booster.raw(rows[:1])
    print(path.name, flush=True)
"""


@pytest.fixture(scope="module")
def text(train):
    """The text of three trees with missing values and category sets."""
    return train(trees=3).model_to_string().encode()


def test_what_lightgbm_writes_is_accepted(text, train):
    """Real models pass, and the training parameters behind the trees are left out."""
    found = check_structure(text)
    assert (found.features, found.trees) == (8, 3)
    assert text.startswith(found.text.removesuffix(b"end of trees\n"))
    assert b"[boosting: gbdt]" not in found.text
    for parameters in ({"objective": "cross_entropy"}, {"monotone_constraints": [1, -1] + [0] * 6}, {"max_depth": 2}):
        assert check_structure(train(**parameters).model_to_string().encode()).trees == 5


def _replaced(text, pattern, value):
    changed = re.sub(pattern, value, text, count=1, flags=re.MULTILINE)
    assert changed != text
    return changed


@pytest.mark.parametrize(
    ("pattern", "value", "complaint"),
    [
        (rb"^tree$", b"forest", "starts with"),
        (rb"^version=v4", b"version=v9", "version is"),
        (rb"^num_class=1", b"num_class=3", "num_class is"),
        (rb"^max_feature_idx=7", b"max_feature_idx=6", "feature_names has 8"),
        (rb"^max_feature_idx=7\n", b"", "no max_feature_idx"),
        (rb"^objective=binary sigmoid:1", b"objective=lambdarank", "objective is"),
        (rb"^(tree_sizes=\d)", rb"\g<1>1", "bytes long"),
        (rb"^(tree_sizes=\d+) \d+", rb"\1", "not \\d+ bytes long|not followed"),
        (rb"^Tree=1$", b"Tree=2", "starts with"),
        (rb"^num_leaves=7", b"num_leaves=6", "entries instead of"),
        (rb"^num_leaves=7", b"num_leaves=0", "num_leaves is"),
        (rb"^(split_feature=)\d", rb"\g<1>8", "outside 0 to 7"),
        (rb"^(left_child=)(-?\d+)", rb"\g<1>0", "children|ancestor"),
        (rb"^(decision_type=)\d", rb"\g<1>7", "splits are on categories|decision_type"),
        (rb"^(leaf_value=)\S", b"leaf_value=x", "not a number"),
        (rb"^(internal_count=)\d{4} ", rb"\g<1>0000 ", "outside 1"),
        (rb"^(cat_boundaries=)0", rb"\g<1>1", "does not grow"),
        (rb"^is_linear=0", b"is_linear=1", "linear models"),
        (rb"^end of trees", b"end of forest", "not followed"),
        (rb"^shrinkage=", b"shrinkagx=", "unknown"),
    ],
)
def test_each_kind_of_damage_is_named(text, pattern, value, complaint):
    """Damage to a header field, size, length, index or number is a BundleError that names it and says what to do."""
    with pytest.raises(BundleError, match=complaint) as caught:
        check_structure(_replaced(text, pattern, value))
    assert "Restore the bundle" in str(caught.value)


@pytest.mark.parametrize(
    ("left", "right", "complaint"),
    [
        ([-1, 2, 1], [-2, -3, -4], "own ancestor"),
        ([-1, 1], [-2, -3], "own ancestor"),
        ([1, -1], [-3, -1], "once"),
        ([1, -1], [1, -2], "once"),
        ([1, -1, -2], [2, -3, -3], "once"),
    ],
    ids=["cycle", "itself", "leaf twice", "split twice", "leaf missing"],
)
def test_arrays_that_are_no_tree_are_refused(left, right, complaint):
    """Cycles, which would never end, and parts that are reached twice or never are not a tree."""
    with pytest.raises(BundleError, match=complaint):
        _check_shape(np.array(left), np.array(right))


def test_a_tree_is_a_tree():
    """A chain and a bush are accepted; a chain deeper than the bound is not."""
    _check_shape(np.array([1, 2, -1]), np.array([-2, -3, -4]))
    _check_shape(np.array([1, -1, -2]), np.array([2, -3, -4]))
    long = np.append(np.arange(1, MAX_DEPTH + 1), -1)
    with pytest.raises(BundleError, match="deep"):
        _check_shape(long, -np.arange(2, MAX_DEPTH + 3))


def mutants(text, count, seed):
    """``count`` copies of ``text`` with one token of header or trees replaced, removed or doubled."""
    rng = np.random.default_rng(seed)
    tokens = [found.span() for found in re.finditer(rb"[^\s=]+", text[: text.index(b"feature_importances")])]
    strange = [b"", b"-1", b"0", b"1", b"2", b"7", b"99999", b"-99999", b"2147483648", b"1e308", b"nan", b"inf", b"x"]
    for _ in range(count):
        start, end = tokens[rng.integers(len(tokens))]
        old = text[start:end]
        new = rng.choice([*strange, old + b" " + old, old + b"0", old[:-1]])
        yield text[:start] + bytes(new) + text[end:]


def same_length_mutants(text, count, seed):
    """Mutants that keep every tree's size, so that only the meaning of a token is wrong."""
    rng = np.random.default_rng(seed)
    digits = [found.start() for found in re.finditer(rb"\d", text[: text.index(b"end of trees")])]
    for _ in range(count):
        at = digits[rng.integers(len(digits))]
        yield text[:at] + b"%d" % rng.integers(10) + text[at + 1 :]


def test_no_mutation_that_is_accepted_ends_the_process(text, tmp_path):
    """Of 1,500 mutated models each is refused, or loads, scores and explains in a process that lives on."""
    accepted = 0
    for mutant in (*mutants(text, 700, seed=1), *same_length_mutants(text, 800, seed=2)):
        try:
            check_structure(mutant)
        except BundleError:
            continue
        (tmp_path / f"{accepted:04}.txt").write_bytes(mutant)
        accepted += 1
    assert 100 < accepted < 1400
    ran = subprocess.run([sys.executable, "-c", SCORE_ALL, tmp_path], capture_output=True, timeout=120, check=False)
    assert ran.returncode == 0, ran.stderr[-500:] + ran.stdout[-50:]
    assert len(ran.stdout.split()) == accepted
