"""Person-period cells and their thinning."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.labels import Labels
from data.spine import NEVER
from training.cells import Cells, cell_losses, cells, thinned, thinned_rows


def _cells(n, outcomes, seed=0):
    """N cells, so many of them with an outcome, with uneven weights."""
    rng = np.random.default_rng(seed)
    outcome = np.zeros(n, np.int8)
    outcome[rng.choice(n, outcomes, replace=False)] = 1
    return Cells(np.arange(n), rng.integers(0, 3, n), outcome, rng.uniform(0.2, 1.0, n))


@given(st.integers(0, 10_000), st.integers(1, 30))
@settings(max_examples=60, deadline=None)
def test_cells_agree_with_loops(seed, n):
    """A row takes part in a bin when the bin has passed and the outcome had not come before it; nowhere else."""
    rng = np.random.default_rng(seed)
    edges = (5, 12, 20)
    times = np.where(rng.random(n) < 0.4, NEVER, rng.integers(0, 30, n))
    watched, rows = rng.integers(-5, 30, n), rng.permutation(n)
    expected = []
    for row in rows:
        start = 0
        for number, end in enumerate(edges):
            if watched[row] >= end and times[row] >= start:
                expected.append((row, number, int(times[row] < end)))
            start = end
    of = cells(rows, Labels(times, watched), edges, watched[rows])
    assert list(zip(of.rows, of.bins, of.outcome, strict=True)) == expected
    assert (of.weights == 1).all()


def test_below_the_budget_nothing_is_thinned():
    """Cells that fit are taken as they are."""
    every = _cells(100, 10)
    assert thinned(every, 100, 0) is every


def test_few_outcomes_are_all_kept():
    """Outcomes that fit into a third of the budget stay, each with its own weight."""
    every = _cells(10_000, 50)
    few = thinned(every, 1_000, 3)
    kept = few.outcome == 1
    assert few.outcomes == 50
    np.testing.assert_array_equal(few.weights[kept], every.weights[every.outcome == 1])
    assert len(few) == pytest.approx(1_000, abs=120)


@pytest.mark.parametrize("outcomes", [50, 4_000])
def test_thinning_is_unbiased(outcomes):
    """Over many draws the total weight of each class, and of each bin, is what it was, within three standard errors."""
    every = _cells(8_000, outcomes)
    drawn = [thinned(every, 1_000, seed) for seed in range(200)]
    for of_class in (0, 1):
        for number in range(3):
            exact = every.weights[(every.outcome == of_class) & (every.bins == number)].sum()
            sums = np.array([few.weights[(few.outcome == of_class) & (few.bins == number)].sum() for few in drawn])
            assert abs(sums.mean() - exact) <= 3.5 * sums.std() / np.sqrt(len(sums)) + 1e-9


def test_thinning_is_seeded():
    """One seed gives one draw, another seed another."""
    every = _cells(5_000, 100)
    first, again, other = (thinned(every, 500, seed) for seed in (1, 1, 2))
    assert first.rows.tolist() == again.rows.tolist()
    assert first.weights.tobytes() == again.weights.tobytes()
    assert first.rows.tolist() != other.rows.tolist()


def test_only_outcomes_can_be_thinned_too():
    """Cells that all hold an outcome are drawn from, and weighted up, without stumbling over the empty rest."""
    few = thinned(_cells(900, 900), 300, 0)
    assert 0 < len(few) < 300
    assert few.outcomes == len(few)
    assert few.weights.sum() == pytest.approx(_cells(900, 900).weights.sum(), rel=0.35)


def _rows_of_cells(rows, outcomes, seed=0):
    """Rows of three cells each; so many of the rows, drawn at random, have the outcome in their last cell."""
    rng = np.random.default_rng(seed)
    outcome = np.zeros((rows, 3), np.int8)
    outcome[rng.choice(rows, outcomes, replace=False), 2] = 1
    numbers = np.repeat(np.arange(rows) + 7, 3)
    return Cells(numbers, np.tile(np.arange(3), rows), outcome.ravel(), rng.uniform(0.2, 1.0, 3 * rows))


@pytest.mark.parametrize("outcomes", [20, 4_000])
def test_rows_are_thinned_whole(outcomes):
    """A row stays with all its cells or goes; each bin and class weighs what it did, on average."""
    every = _rows_of_cells(6_000, outcomes)
    drawn = [thinned_rows(every, 900, seed) for seed in range(100)]
    for few in drawn[:5]:
        assert len(np.unique(few.rows)) == pytest.approx(900, abs=120)
        assert np.unique(few.rows, return_counts=True)[1].tolist() == [3] * len(np.unique(few.rows))
    for of_class in (0, 1):
        for number in range(3):
            exact = every.weights[(every.outcome == of_class) & (every.bins == number)].sum()
            sums = np.array([few.weights[(few.outcome == of_class) & (few.bins == number)].sum() for few in drawn])
            assert abs(sums.mean() - exact) <= 3.5 * sums.std() / np.sqrt(len(sums)) + 1e-9


def test_rows_that_fit_are_all_taken():
    """As many rows as the budget has, and few outcomes of many rows, are taken as they are."""
    every = _rows_of_cells(500, 20)
    assert thinned_rows(every, 500, 0) is every
    assert thinned_rows(every, 200, 0).outcomes == 20


def test_losses_are_those_of_the_likelihood():
    """The loss of a cell is -log of the probability of what happened, finite even for absurd logits."""
    of = Cells(np.arange(4), np.zeros(4, int), np.array([1, 0, 1, 0], np.int8), np.ones(4))
    said = cell_losses(np.array([0.3, 0.3, -800.0, -800.0]), of)
    chance = 1 / (1 + np.exp(-0.3))
    np.testing.assert_allclose(said, [-np.log(chance), -np.log(1 - chance), 800.0, 0.0], rtol=1e-12)
