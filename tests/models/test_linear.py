"""The linear model as a value."""

import dataclasses
import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.errors import BundleError
from models.linear import LinearModel
from models.numerics import LEVEL, LOG, MISSING, linear_pushes

FIELDS = [field.name for field in dataclasses.fields(LinearModel)]


def _model(terms=5, bins=3, seed=0, features=4):
    rng = np.random.default_rng(seed)
    lows = rng.normal(-2, 1, terms)
    return LinearModel(
        rng.integers(0, features, terms),
        rng.choice([LOG, MISSING, LEVEL], terms),
        rng.integers(0, 3, terms).astype(float),
        rng.normal(size=terms),
        rng.uniform(0.1, 3, terms),
        lows,
        lows + rng.uniform(0, 4, terms),
        rng.normal(size=(terms, bins)),
        rng.normal(size=bins),
    )


def _matrix(n=40, seed=1):
    rng = np.random.default_rng(seed)
    matrix = rng.normal(0, 20, (n, 4))
    matrix[:, 3] = rng.integers(0, 4, n)
    matrix[rng.random((n, 4)) < 0.2] = np.nan
    return matrix.astype(np.float32)


def _term(model, t, x):
    """The value of term ``t`` for ``x``, as the docstring of the model says it."""
    if model.operations[t] == MISSING:
        return float(math.isnan(x))
    if model.operations[t] == LEVEL:
        return float(x == model.levels[t])
    if math.isnan(x):
        return 0.0
    logged = math.log(1 + abs(x)) * (1 if x >= 0 else -1)
    return (sorted((model.lows[t], logged, model.highs[t]))[1] - model.means[t]) / model.scales[t]


@pytest.mark.parametrize("seed", range(5))
def test_logits_and_pushes_agree_with_loops(seed):
    """Logits are intercepts plus terms times coefficients; pushes are the same sums, feature by feature."""
    model, matrix = _model(seed=seed), _matrix(seed=seed)
    weights = np.random.default_rng(seed).random((len(matrix), 3))
    logits = np.tile(model.intercepts, (len(matrix), 1))
    pushes = np.zeros(matrix.shape)
    for i, row in enumerate(matrix):
        for t, feature in enumerate(model.features):
            value = _term(model, t, float(row[feature])) * model.coefficients[t]
            logits[i] += value
            pushes[i, feature] += weights[i] @ value
    np.testing.assert_allclose(model.logits(matrix), logits, rtol=1e-10, atol=1e-10)
    found = linear_pushes(matrix, model.terms, model.coefficients, weights)
    np.testing.assert_allclose(found, pushes, rtol=1e-10, atol=1e-10)


@given(st.integers(0, 8), st.integers(1, 4), st.integers(0, 10_000))
@settings(max_examples=40, deadline=None)
def test_the_text_keeps_every_bit(terms, bins, seed):
    """A model read back from its text has the same arrays and logits, bit for bit, also without any term."""
    model = _model(terms, bins, seed)
    again = LinearModel.from_json(model.to_json())
    for name in FIELDS:
        before, after = getattr(model, name), getattr(again, name)
        assert before.dtype == after.dtype
        assert before.tobytes() == after.tobytes()
    assert again.logits(_matrix()).tobytes() == model.logits(_matrix()).tobytes()
    assert again.to_json() == model.to_json()


def _damaged(**changes):
    raw = json.loads(_model().to_json())
    return json.dumps(raw | changes).encode()


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"[]",
        b"null",
        b"\xff\xfe",
        b'{"features": []}',
        _damaged(features=[0, 1]),
        _damaged(features=[-1, 0, 0, 0, 0]),
        _damaged(features=[2**80] * 5),
        _damaged(features=["a"] * 5),
        _damaged(operations=[0, 0, 0, 0, 7]),
        _damaged(means=[0.0] * 4),
        _damaged(means=[None] * 5),
        _damaged(means=[math.inf] * 5),
        _damaged(scales=[0.0] * 5),
        _damaged(scales=[math.nan] * 5),
        _damaged(coefficients=[[0.0, 0.0]] * 5),
        _damaged(coefficients=[[0.0], [0.0, 1.0]]),
        _damaged(coefficients={}),
        _damaged(intercepts=[[0.0]]),
        _damaged(lows=[9.0] * 5, highs=[8.0] * 5),
    ],
)
def test_a_damaged_text_is_a_bundle_error(text):
    """Whatever is wrong with the text, it is said as a BundleError and nothing is scored with it."""
    with pytest.raises(BundleError, match=r"linear\.json"):
        LinearModel.from_json(text)


def test_a_number_beyond_training_is_held_at_the_edge():
    """Beyond the bounds the answer is that at the bound: a straight line is not believed where there was no data."""
    edge = np.float32(math.expm1(2.0))
    model = LinearModel(
        np.array([0]), np.array([LOG]), np.zeros(1), np.zeros(1), np.ones(1), np.zeros(1), np.array([math.log1p(edge)]),
        np.array([[1.5]]), np.zeros(1),
    )  # fmt: skip
    said = model.logits(np.array([[-5.0], [0.0], [1.0], [edge], [10.0], [1e30]], np.float32))[:, 0]
    assert said[0] == said[1]
    assert said[1] < said[2] < said[3]
    assert said[3] == said[4] == said[5]
