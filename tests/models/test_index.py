import math

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from data.sections import IndexScale
from models.index import index_of, readiness_of

SCALES = st.builds(IndexScale, odds_at_50=st.floats(0.001, 10), points_to_double=st.floats(2, 40))
READINESS = st.floats(0, 1)


@settings(max_examples=100, deadline=None)
@given(SCALES, READINESS, READINESS)
def test_a_higher_readiness_never_has_a_lower_index(scale, one, other):
    """The index grows with readiness and stays within 0 and 100."""
    low, high = sorted((one, other))
    assert 0 <= index_of(low, scale) <= index_of(high, scale) <= 100


@settings(max_examples=100, deadline=None)
@given(SCALES)
def test_the_anchor_is_50(scale):
    """The odds of the contract's anchor have the index 50."""
    odds = scale.odds_at_50
    assert index_of(odds / (1 + odds), scale) == pytest.approx(50, abs=1e-9)


@settings(max_examples=100, deadline=None)
@given(SCALES, st.floats(-1, 1))
def test_points_to_double_doubles_the_odds(scale, doublings):
    """So many points more mean twice the odds."""
    odds = scale.odds_at_50 * 2**doublings
    once, twice = (index_of(o / (1 + o), scale) for o in (odds, 2 * odds))
    expected = min(100.0, 50 + (doublings + 1) * scale.points_to_double)
    assert twice == pytest.approx(expected, abs=1e-9)
    assert once == pytest.approx(50 + doublings * scale.points_to_double, abs=1e-9)


@settings(max_examples=100, deadline=None)
@given(SCALES, st.floats(0.5, 99.5))
@example(IndexScale(odds_at_50=1e-6, points_to_double=0.01), 0.5)
def test_the_inverse_is_the_inverse(scale, index):
    """Readiness of an index has that index, where floats can tell."""
    readiness = readiness_of(index, scale)
    if 1e-300 < readiness < 1 - 1e-9:
        assert index_of(readiness, scale) == pytest.approx(index, abs=1e-5)


def test_certainties_and_examples():
    """Never is 0, certain is 100; with odds 0.1 at 50 and 10 points to double, a sixth (odds 0.2) is 60."""
    scale = IndexScale()
    assert index_of(0.0, scale) == 0
    assert index_of(1.0, scale) == 100
    assert index_of(0.2 / 1.2, scale) == pytest.approx(60)
    assert index_of(5e-324, scale) == 0
    assert readiness_of(60, scale) == pytest.approx(1 / 6)
    assert not math.isnan(index_of(1 - 2**-53, scale))


def test_an_array_has_the_indices_of_its_entries():
    """An array is answered entry by entry, to the last bit."""
    scale = IndexScale()
    readiness = np.random.default_rng(0).random((50, 2))
    found = index_of(readiness, scale)
    assert found.tolist() == [[index_of(float(one), scale) for one in row] for row in readiness]
