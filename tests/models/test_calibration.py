"""Slope and intercept that make twenty per cent mean twenty per cent."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from data.errors import BundleError
from models.calibration import (
    LEAST_SLOPE,
    LEVEL_PRIOR,
    SLOPE_PRIOR,
    Calibration,
    fit_slope,
    from_json,
    identity,
    level_for,
    to_json,
)


def _logistic(x):
    return 1.0 / (1.0 + np.exp(-x))


def _drawn(n, slope, levels, seed=0):
    """N rows of logits in blocks, whose outcomes follow ``slope * logit + level of the block``."""
    rng = np.random.default_rng(seed)
    blocks = np.sort(rng.integers(0, len(levels), n))
    logits = rng.normal(-2, 1.5, n)
    outcome = rng.random(n) < _logistic(slope * logits + np.array(levels)[blocks])
    return logits, outcome, blocks


def test_a_known_distortion_is_found_again():
    """On many rows the slope and the level of each block are those that made the outcomes."""
    logits, outcome, blocks = _drawn(60_000, 0.6, [0.5, -0.3, 0.0])
    slope, levels = fit_slope(logits, outcome, blocks)
    assert slope == pytest.approx(0.6, abs=0.03)
    np.testing.assert_allclose(levels, [0.5, -0.3, 0.0], atol=0.08)


@pytest.mark.parametrize("seed", range(4))
def test_the_fit_is_the_optimum_of_its_own_definition(seed):
    """The penalised likelihood has no higher point than the one found, by a general-purpose optimiser."""
    logits, outcome, blocks = _drawn(150, 1.4, [0.2, -0.5], seed)

    def loss(at):
        said = at[0] * logits + at[1:][blocks]
        nats = np.logaddexp(0.0, np.where(outcome, -said, said)).sum()
        return nats + SLOPE_PRIOR * (at[0] - 1.0) ** 2 + LEVEL_PRIOR / 2 * (at[1:] ** 2).sum()

    best = minimize(loss, np.array([1.0, 0.0, 0.0]), method="BFGS", options={"gtol": 1e-8}).x
    slope, levels = fit_slope(logits, outcome, blocks)
    np.testing.assert_allclose([slope, *levels], best, atol=1e-4)


@given(st.integers(0, 10_000), st.integers(5, 60))
@settings(max_examples=60, deadline=None)
def test_the_order_of_leads_is_never_turned(seed, n):
    """Even where later rows contradict the model, the slope stays positive, and so the order stays."""
    logits, outcome, blocks = _drawn(n, -3.0, [0.0, 0.0], seed)
    slope, levels = fit_slope(logits, outcome, blocks)
    assert slope >= LEAST_SLOPE
    assert np.isfinite(levels).all()
    said = Calibration((slope,), (float(levels[-1]),)).probabilities(np.sort(logits)[:, None])[:, 0]
    assert (np.diff(said) >= 0).all()


def test_on_few_rows_the_slope_stays_near_one():
    """Ten rows cannot show that the model is twice too timid; ten thousand can."""
    few, many = _drawn(10, 2.5, [0.0]), _drawn(10_000, 2.5, [0.0])
    assert abs(fit_slope(*few)[0] - 1.0) < 0.35
    assert fit_slope(*many)[0] == pytest.approx(2.5, abs=0.2)


@pytest.mark.parametrize("value", [True, False])
def test_one_class_alone_stays_finite(value):
    """Only outcomes, or none, give finite numbers on the right side."""
    logits = np.linspace(-3, 0, 30)
    slope, levels = fit_slope(logits, np.full(30, value), np.zeros(30, np.int64))
    assert np.isfinite([slope, *levels]).all()
    assert (levels[0] > 0) == value


def test_a_drifting_level_does_not_bend_the_slope():
    """Where a later block has other rows and another base rate, the slope is that within the blocks."""
    rng = np.random.default_rng(5)
    blocks = np.repeat([0, 1], 20_000)
    logits = rng.normal(np.where(blocks == 0, -3.0, 0.0), 1.0)
    outcome = rng.random(40_000) < _logistic(logits - 2.0 * blocks)
    slope, levels = fit_slope(logits, outcome, blocks)
    pooled, _ = fit_slope(logits, outcome, np.zeros_like(blocks))
    assert slope == pytest.approx(1.0, abs=0.05)
    assert levels[1] - levels[0] == pytest.approx(-2.0, abs=0.15)
    assert pooled < 0.8


@given(st.integers(0, 1000), st.floats(0.05, 3), st.floats(0.001, 0.999))
@settings(max_examples=50, deadline=None)
def test_the_level_hits_the_rate(seed, slope, rate):
    """With the level found, the mean prediction is the rate that was asked for."""
    logits = np.random.default_rng(seed).normal(-2, 2, 200)
    level = level_for(logits, slope, rate)
    assert _logistic(slope * logits + level).mean() == pytest.approx(rate, abs=1e-9)


def test_identity_changes_nothing():
    """The calibration that changes nothing gives the logistic function of the logits."""
    logits = np.array([[-3.0, -1.0], [0.0, 2.0]])
    np.testing.assert_allclose(identity(2).probabilities(logits), _logistic(logits), rtol=1e-14)


@given(st.lists(st.tuples(st.floats(0.05, 5), st.floats(-20, 20)), min_size=1, max_size=4))
@settings(max_examples=40, deadline=None)
def test_the_text_keeps_every_bit(pairs):
    """A calibration read back from its JSON object is equal."""
    made = Calibration(tuple(slope for slope, _ in pairs), tuple(level for _, level in pairs))
    assert from_json(to_json(made)) == made


@pytest.mark.parametrize(
    "raw",
    [
        {},
        {"kind": "knots", "slopes": [1.0], "intercepts": [0.0]},
        {"kind": "affine", "slopes": [1.0]},
        {"kind": "affine", "slopes": [0.0], "intercepts": [0.0]},
        {"kind": "affine", "slopes": [-1.0], "intercepts": [0.0]},
        {"kind": "affine", "slopes": [float("nan")], "intercepts": [0.0]},
        {"kind": "affine", "slopes": [1.0], "intercepts": [float("inf")]},
        {"kind": "affine", "slopes": [1.0], "intercepts": ["x"]},
        {"kind": "affine", "slopes": 1.0, "intercepts": 0.0},
        {"kind": "affine", "slopes": [10**400], "intercepts": [0.0]},
        {"kind": "affine", "slopes": [1.0, 1.0], "intercepts": [0.0]},
        ["affine"],
    ],
)
def test_a_damaged_object_is_a_bundle_error(raw):
    """Whatever is wrong with it is a BundleError; a missing intercept would make the compiled code read beyond it."""
    with pytest.raises(BundleError, match=r"calibration\.json"):
        from_json(raw)
