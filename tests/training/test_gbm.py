"""The booster: signs, seeds, threads, unseen categories."""

from dataclasses import replace
from threading import Thread

import numpy as np
import pytest

from models.booster import Booster
from models.model import with_bins
from training.cells import Cells
from training.gbm import (
    SHAPES,
    GbmSettings,
    Sapling,
    cell_matrix,
    columns_of,
    fit_gbm,
    model_text,
    parameters,
)

CATEGORICAL = np.array([False, False, False, True])
SIGNS = np.array([1, -1, 0, 0], np.int8)


def _settings(seed=0, threads=1, signs=SIGNS):
    return GbmSettings(seed, threads, CATEGORICAL, signs)


def _rows(n=1_500, seed=0):
    rng = np.random.default_rng(seed)
    matrix = rng.normal(size=(n, 4))
    matrix[:, 3] = rng.integers(0, 5, n)
    matrix[rng.random((n, 4)) < 0.05] = np.nan
    return matrix.astype(np.float32)


def _cells_of(matrix, bins, seed=1):
    rng = np.random.default_rng(seed)
    rows, at = np.repeat(np.arange(len(matrix)), bins), np.tile(np.arange(bins), len(matrix))
    filled = np.nan_to_num(matrix[rows])
    # the signs that are asked for hold only on the whole: the waves must not be followed down
    logit = -1 + filled[:, 0] + np.sin(4 * filled[:, 0]) - filled[:, 1] + (filled[:, 3] == 1) * at
    return Cells(rows, at, (rng.random(len(rows)) < 1 / (1 + np.exp(-logit))).astype(np.int8), np.ones(len(rows)))


@pytest.fixture(scope="module")
def grown():
    """A matrix, its cells over two bins, and a booster of medium trees."""
    matrix = _rows()
    of = _cells_of(matrix, 2)
    return matrix, of, fit_gbm(matrix, of, 2, _settings(), SHAPES[1], 60)


def _swept(booster, matrix, feature, bins=2):
    """(rows, 41) raw scores as one feature goes from -3 to 3 and all else stays."""
    steps = []
    for value in np.linspace(-3, 3, 41):
        moved = matrix[:40].copy()
        moved[:, feature] = value
        steps.append(booster.predict(with_bins(moved, bins), raw_score=True))
    return np.array(steps).T


def test_certain_signs_hold(grown):
    """With a sign of +1 more never gives less, with -1 never more, in every row and bin, even against the sample."""
    matrix, of, booster = grown
    assert (np.diff(_swept(booster, matrix, 0), axis=1) >= -1e-12).all()
    assert (np.diff(_swept(booster, matrix, 1), axis=1) <= 1e-12).all()
    free = fit_gbm(matrix, of, 2, _settings(signs=np.zeros(4, np.int8)), SHAPES[1], 60)
    assert (np.diff(_swept(free, matrix, 0), axis=1) < -1e-6).any()


def _trees(text):
    return text.split(b"\nparameters:")[0]


def test_the_same_seed_gives_the_same_text(grown):
    """Grown twice with one seed the text is the same to the byte; another seed gives other trees."""
    matrix, of, booster = grown
    again = fit_gbm(matrix, of, 2, _settings(), SHAPES[1], 60)
    other = fit_gbm(matrix, of, 2, _settings(seed=1), SHAPES[1], 60)
    assert model_text(again, 60) == model_text(booster, 60)
    assert _trees(model_text(other, 60)) != _trees(model_text(booster, 60))


def test_threads_do_not_change_the_trees(grown, monkeypatch):
    """One thread and two grow the same trees to the byte; only the line that names the threads differs."""
    matrix, of, booster = grown
    monkeypatch.setattr("training.gbm.WORTH_THREADS", 0)
    both = fit_gbm(matrix, of, 2, _settings(threads=2), SHAPES[1], 60)
    one, two = (model_text(found, 60).split(b"\n") for found in (booster, both))
    assert [(a, b) for a, b in zip(one, two, strict=True) if a != b] == [(b"[num_threads: 1]", b"[num_threads: 2]")]


def test_few_cells_are_worth_one_thread():
    """Where threads would wait for each other longer than they work there is one, whatever was asked for."""
    few, many = (parameters(_settings(threads=2), SHAPES[1], cells, 2)["num_threads"] for cells in (49_999, 50_000))
    assert (few, many) == (1, 2)


def test_unseen_categories_are_answered(grown):
    """A code that training never saw, or a missing one, has a finite answer, the same in LightGBM and in service."""
    matrix, _, booster = grown
    strange = np.repeat(matrix[:5], 4, axis=0)
    strange[:, 3] = np.tile([99.0, 1e6, -1.0, np.nan], 5)
    rows = with_bins(strange, 2)
    said = booster.predict(rows, raw_score=True)
    assert np.isfinite(said).all()
    np.testing.assert_allclose(Booster(model_text(booster, 60)).raw(rows), said, rtol=1e-12)


def test_the_text_holds_the_rounds_that_are_asked_for(grown):
    """The bundle's text has the first so many trees and scores like them."""
    matrix, _, booster = grown
    short = Booster(model_text(booster, 10))
    rows = with_bins(matrix[:50], 2)
    assert short.trees == 10
    np.testing.assert_allclose(short.raw(rows), booster.predict(rows, raw_score=True, num_iteration=10), rtol=1e-12)


def test_what_grows_step_by_step_is_the_same_booster():
    """Grown in two steps, a booster has the trees of one that is grown at once, and the loss of each round."""
    matrix = _rows(600)
    of = _cells_of(matrix, 1)
    noise = Cells(of.rows, of.bins, (np.random.default_rng(5).random(600) < 0.3).astype(np.int8), of.weights)
    sapling, ticks = Sapling(matrix, of, 1, _settings(), SHAPES[0], noise), []
    sapling.grow(3)
    sapling.grow(4)
    at_once = fit_gbm(matrix, of, 1, _settings(), SHAPES[0], 7, tick=ticks.append)
    assert ticks == list(range(1, 8))
    for rounds in (1, 3, 7):
        said = at_once.predict(matrix, raw_score=True, num_iteration=rounds)
        np.testing.assert_array_equal(sapling.grown().predict(matrix, raw_score=True, num_iteration=rounds), said)
        expected = np.average(np.logaddexp(0, np.where(noise.outcome == 1, -said, said)), weights=noise.weights)
        assert sapling.curve[rounds - 1] == pytest.approx(expected, rel=1e-6)


def test_growing_prints_nothing_on_any_thread(capfd):
    """Rounds that find nothing to split are not told on the terminal, whichever thread grows them."""
    matrix = _rows(60)
    of = _cells_of(matrix, 1)
    sapling = Sapling(np.zeros((60, 4), np.float32), of, 1, _settings(), SHAPES[0], of)
    thread = Thread(target=sapling.grow, args=(3,))
    thread.start()
    thread.join()
    assert len(sapling.curve) == 3
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("value", [0, 1])
def test_one_class_still_grows(value):
    """Only outcomes, or none, give a finite booster that can be written and read."""
    matrix = _rows(100)
    of = Cells(np.arange(100), np.zeros(100, int), np.full(100, value, np.int8), np.ones(100))
    booster = fit_gbm(matrix, of, 1, _settings(), SHAPES[0], 5)
    said = Booster(model_text(booster, 5)).raw(matrix)
    assert np.isfinite(said).all()
    assert ((said > 0) == bool(value)).all()


@pytest.mark.parametrize("shape", SHAPES)
def test_trees_stay_small(grown, shape):
    """Leaves and depth are bounded, and the smallest leaf grows with the rows up to 200 cells."""
    matrix, of, _ = grown
    booster = fit_gbm(matrix, of, 2, _settings(), shape, 10)
    trees = booster.trees_to_dataframe()
    assert trees[trees.split_feature.isna()].groupby("tree_index").size().max() <= shape.leaves
    assert trees.node_depth.max() <= shape.depth + 1
    few = Cells(*(part[:100] for part in (of.rows, of.bins, of.outcome, of.weights)))
    sizes = [parameters(_settings(), shape, len(part), 2)["min_data_in_leaf"] for part in (few, of)]
    assert sizes == [5, 60]


def test_the_bin_is_the_last_column():
    """Each cell is its row's features and, with several bins, the number of its bin; the bin has no sign."""
    matrix = _rows(3)
    of = Cells(np.array([2, 0]), np.array([1, 0]), np.zeros(2, np.int8), np.ones(2))
    np.testing.assert_array_equal(cell_matrix(matrix, of, 2), np.column_stack([matrix[[2, 0]], [1, 0]]))
    np.testing.assert_array_equal(cell_matrix(matrix, of, 1), matrix[[2, 0]])
    assert parameters(_settings(), SHAPES[0], len(of), 2)["monotone_constraints"] == [1, -1, 0, 0, 0]


def test_penalties_grow_with_how_often_an_outcome_is_told():
    """Rows that repeat one outcome 13 times are penalised 13 times as much, as if it had been told once."""
    once, often = (parameters(replace(_settings(), repeats=r), SHAPES[0], 50_000, 2) for r in (1.0, 13.0))
    assert (once["lambda_l2"], often["lambda_l2"]) == (10.0, 130.0)
    assert (once["min_data_in_leaf"], often["min_data_in_leaf"]) == (200, 1_000)


@pytest.mark.parametrize(("features", "share"), [(4, 0.5), (100, 0.3), (158, 0.2)])
def test_a_tree_sees_fewer_of_many_features(features, share):
    """About thirty, but never less than a fifth nor more than half."""
    assert columns_of(SHAPES[0], features) == share
    assert columns_of(replace(SHAPES[0], columns=0.7), features) == 0.7
