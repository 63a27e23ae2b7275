"""Compiled arithmetic against 60 decimal digits."""

import math
from decimal import Decimal, getcontext

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from models import numerics
from models.numerics import LEVEL, LOG, MISSING

getcontext().prec = 400
LOGITS = arrays(np.float64, st.tuples(st.integers(1, 3), st.just(4)), elements=st.floats(-60, 60, width=32))


def _exact_hazards(row):
    """The probabilities of a row's logits, in decimal digits."""
    return [1 / (1 + (-Decimal(float(logit))).exp()) for logit in row]


def _exact_log_odds(row):
    """ln(P / (1 - P)) with P = 1 - prod(1 - h)."""
    survival = Decimal(1)
    for hazard in _exact_hazards(row):
        survival *= 1 - hazard
    return float(((1 - survival) / survival).ln())


@given(LOGITS)
@settings(max_examples=40, deadline=None)
def test_cumulative_log_odds_are_exact(logits):
    """The log-odds at a horizon are those of 1 - prod(1 - hazard), to nearly all digits, near 0 and near 1 alike."""
    ends = np.array([0, 2, 3])
    found = numerics.cumulative_logits(logits, ends)
    for row, said in zip(logits, found, strict=True):
        exact = [_exact_log_odds(row[: end + 1]) for end in ends]
        np.testing.assert_allclose(said, exact, rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize("logit", [-1000.0, -746.0, -700.0, 700.0, 1000.0])
def test_extreme_logits_stay_finite(logit):
    """A hazard beyond what a float can tell from 0 or 1 still has finite log-odds of the right sign."""
    found = float(numerics.cumulative_logits(np.array([[logit]]), np.array([0]))[0, 0])
    assert math.isfinite(found)
    assert math.copysign(1.0, found) == math.copysign(1.0, logit)
    assert abs(found) >= 700.0


@given(LOGITS, st.integers(0, 3))
@settings(max_examples=40, deadline=None)
def test_bin_weights_are_the_derivative(logits, last):
    """Each weight is h_b / P, the derivative of the horizon's log-odds, and nothing behind the horizon weighs."""
    found = numerics.bin_weights(logits, last)
    for row, weights in zip(logits, found, strict=True):
        hazards = _exact_hazards(row)
        survival = Decimal(1)
        for hazard in hazards[: last + 1]:
            survival *= 1 - hazard
        exact = [float(hazard / (1 - survival)) for hazard in hazards[: last + 1]] + [0.0] * (3 - last)
        np.testing.assert_allclose(weights, exact, rtol=1e-9, atol=1e-12)


@given(st.floats(-700, 700))
@settings(max_examples=60, deadline=None)
def test_sigmoid_is_exact(logit):
    """The logistic function to nearly all digits, without overflow."""
    assert numerics.sigmoid(logit) == pytest.approx(float(1 / (1 + (-Decimal(logit)).exp())), rel=1e-13, abs=0.0)


@given(
    arrays(np.float64, (5, 3), elements=st.floats(-50, 50)),
    arrays(np.float64, 3, elements=st.floats(0.05, 3)),
    arrays(np.float64, 3, elements=st.floats(-5, 5)),
)
@settings(max_examples=60, deadline=None)
def test_probabilities_never_fall_along_the_horizons(logits, slopes, intercepts):
    """Each probability is its own calibrated one or the highest before it, whichever is larger."""
    found = numerics.affine_probabilities(logits, slopes, intercepts)
    own = 1.0 / (1.0 + np.exp(-(logits * slopes + intercepts)))
    np.testing.assert_allclose(found, np.maximum.accumulate(own, axis=1), rtol=1e-12, atol=1e-300)
    assert (np.diff(found, axis=1) >= 0).all()


@given(st.floats(0, 1), arrays(np.float64, (2, 3, 2), elements=st.floats(-50, 50)))
@settings(max_examples=40, deadline=None)
def test_the_blend_lies_between_its_members(weight, members):
    """The blend is the weighted mean of the members' log-odds, bin by bin."""
    found = numerics.blended(members[0], members[1], weight)
    np.testing.assert_allclose(found, weight * members[0] + (1 - weight) * members[1], rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(
    ("x", "operation", "expected"),
    [
        (0.0, LOG, (0.0 - 1.0) / 2.0),
        (math.expm1(2.0), LOG, (2.0 - 1.0) / 2.0),
        (-math.expm1(0.5), LOG, (-0.5 - 1.0) / 2.0),
        (1e9, LOG, (3.0 - 1.0) / 2.0),
        (-1e9, LOG, (-1.0 - 1.0) / 2.0),
        (math.nan, LOG, 0.0),
        (math.nan, MISSING, 1.0),
        (0.0, MISSING, 0.0),
        (4.0, LEVEL, 1.0),
        (5.0, LEVEL, 0.0),
        (math.nan, LEVEL, 0.0),
    ],
)
def test_a_term_by_hand(x, operation, expected):
    """A term of mean 1, scale 2, bounds -1 to 3 and level 4: held at its bounds, silent where nothing is known."""
    assert numerics.term_value(x, operation, 4.0, 1.0, 2.0, -1.0, 3.0) == pytest.approx(expected, abs=1e-14)
