"""The rivals that need no features."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from training.cells import Cells
from training.rivals import PRIOR_ROWS, PointsAsChance, prior


def test_the_prior_by_hand():
    """Four rows at risk with one outcome, then two with one: 1 - (1 - 1.5/5)(1 - 1.5/3), Kaplan and Meier's product."""
    of = Cells(np.arange(6), np.array([0, 0, 0, 0, 1, 1]), np.array([1, 0, 0, 0, 1, 0], np.int8), np.ones(6))
    found = prior(of, (10, 20), (10, 20))
    np.testing.assert_allclose(found, [0.3, 1 - 0.7 * 0.5], rtol=1e-12)
    np.testing.assert_allclose(prior(of, (10, 20), (20,)), found[1:], rtol=1e-12)


def test_the_prior_counts_weights():
    """A cell of weight w is w cells."""
    one = Cells(np.arange(3), np.array([0, 0, 1]), np.array([1, 0, 0], np.int8), np.array([2.0, 3.0, 4.0]))
    assert prior(one, (10, 20), (10, 20)).tolist() == pytest.approx([2.5 / 6, 1 - (1 - 2.5 / 6) * (1 - 0.5 / 5)])


def test_the_prior_uses_censored_rows_for_what_they_show():
    """On many rows of constant hazard, half of them censored after the first bin, the prior is the true chance."""
    rng = np.random.default_rng(0)
    n = 40_000
    first = rng.random(n) < 0.1
    at_risk = np.flatnonzero(~first & (rng.random(n) < 0.5))
    second = rng.random(len(at_risk)) < 0.2
    of = Cells(
        np.concatenate([np.arange(n), at_risk]),
        np.repeat([0, 1], [n, len(at_risk)]),
        np.concatenate([first, second]).astype(np.int8),
        np.ones(n + len(at_risk)),
    )
    np.testing.assert_allclose(prior(of, (10, 20), (10, 20)), [0.1, 1 - 0.9 * 0.8], atol=0.01)


@given(st.integers(0, 10_000), st.sampled_from([3, 20, 1000]), st.sampled_from([1.0, -1.0]))
@settings(max_examples=50, deadline=None)
def test_chances_keep_the_order_of_points(seed, steps, sense):
    """More points never get less and equal points get the same, even where the points are worth nothing or less."""
    rng = np.random.default_rng(seed)
    points = np.round(rng.integers(0, steps, 300) / 2, 1)
    outcome = rng.random(300) < 1 / (1 + np.exp(3 - sense * 4 * points / steps))
    assume(0 < outcome.sum() < 300)
    later = rng.integers(0, 2 * steps, 300) / 2
    said = PointsAsChance(points, outcome)(later)
    order = np.argsort(later, kind="stable")
    grown, more = np.diff(said[order]), np.diff(later[order])
    assert (grown[more > 0] > 0).all()
    assert (grown[more == 0] == 0).all()
    assert roc_auc_score(outcome, said) == pytest.approx(roc_auc_score(outcome, later), abs=1e-12)
    assert ((said > 0) & (said < 1)).all()


def test_points_that_tell_are_calibrated():
    """On many rows the chance of a point count is the rate among those who have it."""
    rng = np.random.default_rng(1)
    points = rng.integers(0, 5, 50_000).astype(float)
    true = np.array([0.02, 0.05, 0.1, 0.2, 0.4])
    said = PointsAsChance(points, rng.random(50_000) < true[points.astype(int)])
    np.testing.assert_allclose(said(np.arange(5.0)), true, rtol=0.12)


def test_few_rows_stay_near_the_base_rate():
    """A group of two rows cannot claim a rate of its own: it is shrunk as if PRIOR_ROWS base rows stood beside it."""
    said = PointsAsChance(np.array([0.0, 0.0, 10.0, 10.0]), np.array([False, False, True, True]))
    base = 2.5 / 5
    expected = [(0 + base * PRIOR_ROWS) / (2 + PRIOR_ROWS), (2 + base * PRIOR_ROWS) / (2 + PRIOR_ROWS)]
    assert said(np.array([0.0, 10.0])).tolist() == pytest.approx([expected[0], expected[1]], abs=0.05)
    assert said(np.array([0.0]))[0] < said(np.array([10.0]))[0]


def test_no_matured_row_gives_a_constant():
    """Nothing learned is one chance in two for all: finite, and it keeps the order."""
    said = PointsAsChance(np.empty(0), np.empty(0, bool))(np.array([0.0, 5.0]))
    np.testing.assert_allclose(said, 0.5, atol=1e-6)
    assert said[0] < said[1]
