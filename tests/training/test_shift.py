"""How far a feature has moved: the population stability index."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from training.shift import MUCH, shift, shifts


def _column(values):
    return np.array(values, np.float32)


def _by_hand(then, now):
    """The index of categories, from shares counted one value at a time; missing is a class, half a row in each."""
    known = sorted({value for value in [*then, *now] if not np.isnan(value)})
    classes = [*known, None]
    count = {
        side: [sum(v == c if c is not None else np.isnan(v) for v in values) + 0.5 for c in classes]
        for side, values in (("then", then), ("now", now))
    }
    # values above the highest class have a class of their own, which is empty on both sides
    total = {side: sum(counts) + 0.5 for side, counts in count.items()}
    before, after = ([n / total[side] for n in [*count[side], 0.5]] for side in ("then", "now"))
    return sum((b - a) * np.log(b / a) for a, b in zip(before, after, strict=True))


VALUES = st.lists(st.sampled_from([0.0, 1.0, 2.0, 5.0, float("nan")]), min_size=1, max_size=40)


@given(VALUES, VALUES)
@settings(max_examples=150, deadline=None)
def test_categories_are_counted_one_by_one(then, now):
    """The index of a category is that of shares counted by hand, levels that were never seen before among them."""
    assert shift(_column(then), _column(now), categorical=True) == pytest.approx(_by_hand(then, now), abs=1e-9)


@given(st.integers(0, 2**32))
@settings(max_examples=30, deadline=None)
def test_rows_like_before_have_not_moved(seed):
    """Other rows of the same law move by noise alone, whatever the scale; the same rows do not move at all."""
    rng = np.random.default_rng(seed)
    one, other = (_column(np.exp(rng.normal(size=4_000))) for _ in range(2))
    assert shift(one, one, categorical=False) == 0.0
    assert shift(one, other, categorical=False) < 0.05
    assert shift(1_000 * one, 1_000 * other, categorical=False) == pytest.approx(
        shift(one, other, categorical=False), abs=1e-6
    )


def test_a_shift_by_a_standard_deviation_is_much():
    """So is a feature that was always missing and no longer is, or the other way round."""
    rng = np.random.default_rng(1)
    one = _column(rng.normal(size=2_000))
    assert shift(one, one + 1, categorical=False) > MUCH
    gone = np.full(2_000, np.nan, np.float32)
    assert shift(gone, one, categorical=False) > MUCH
    assert shift(one, gone, categorical=False) > MUCH


def test_every_column_is_told_and_no_rows_tell_nothing():
    """One index for each column, categories by their codes; without rows on one side it is not a number."""
    rng = np.random.default_rng(2)
    then, now = rng.integers(0, 3, (500, 2)).astype(np.float32), rng.integers(1, 4, (500, 2)).astype(np.float32)
    found = shifts(then, now, np.array([False, True]))
    assert found.shape == (2,)
    assert found[1] == shift(then[:, 1], now[:, 1], categorical=True)
    assert np.isnan(shifts(then[:0], now, np.array([False, True]))).all()
