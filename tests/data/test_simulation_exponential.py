"""The action of the matrix exponential, against SciPy's."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import expm

from data.simulation.exponential import evolve


def _generator(size: int, seed: int, scale: float) -> np.ndarray:
    """A random generator with mass leaking away, some rates 0 and some a thousand times larger than others."""
    rng = np.random.default_rng(seed)
    rates = scale * 10 ** rng.uniform(-3, 0, (size, size)) * (rng.random((size, size)) < 0.7)
    np.fill_diagonal(rates, 0.0)
    np.fill_diagonal(rates, -rates.sum(axis=1) - scale * rng.random(size))
    return rates


@settings(max_examples=60, deadline=None)
@given(
    size=st.integers(2, 7),
    seed=st.integers(0, 10_000),
    scale=st.sampled_from([1e-4, 0.1, 3.0]),
    days=st.sampled_from([0.0, 1e-6, 0.3, 7.0, 90.0, 400.0]),
)
def test_a_row_vector_goes_forward_as_scipy_says(size, seed, scale, days):
    """A row vector times the exponential is what SciPy's dense exponential gives."""
    generator = _generator(size, seed, scale)
    vector = np.random.default_rng(seed + 1).random(size)
    expected = vector @ expm(generator * days)
    evolve(vector, generator, days)
    np.testing.assert_allclose(vector, expected, rtol=1e-9, atol=1e-13)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10_000), days=st.floats(0.0, 365.0))
def test_the_transposed_generator_looks_back(seed, days):
    """With the transposed generator the exponential acts on a column: the backward equation."""
    generator = _generator(7, seed, 0.2)
    vector = np.random.default_rng(seed).random(7)
    expected = expm(generator * days) @ vector
    evolve(vector, generator.T.copy(), days)
    np.testing.assert_allclose(vector, expected, rtol=1e-9, atol=1e-13)


def test_two_steps_are_one():
    """Going 3 days and then 5 more is going 8 days."""
    generator = _generator(6, 5, 1.0)
    once, twice = np.full(6, 1 / 6), np.full(6, 1 / 6)
    evolve(once, generator, 8.0)
    evolve(twice, generator, 3.0)
    evolve(twice, generator, 5.0)
    np.testing.assert_allclose(once, twice, rtol=1e-12)
