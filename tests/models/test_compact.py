"""Trees in flat arrays give LightGBM's own bits, whatever the trees and whatever the rows."""

import lightgbm
import numpy as np
import pytest

from models.booster import Booster
from models.compact import compact, compact_logits, trial_rows
from models.model import booster_logits, lightgbm_pushes
from models.shapley import pushes_of, tree_pushes
from models.timing import TreesApart


def trained(seed, **parameters):
    """A text model over six features: numbers with gaps, zeros, a category, a bin."""
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(1_500, 7)).round(1)
    rows[rng.random(rows.shape) < 0.2] = np.nan
    rows[rng.random(rows.shape) < 0.2] = 0.0
    rows[:, 4] = rng.integers(0, 70, 1_500)
    rows[:, 6] = rng.integers(0, 4, 1_500)
    chance = np.nan_to_num(rows[:, 0]) + (rows[:, 4] % 3 == 0) + rows[:, 6] / 3 + rng.normal(size=1_500)
    settings = {"objective": "binary", "verbose": -1, "num_threads": 1, "num_leaves": 12, "min_data_in_leaf": 5}
    data = lightgbm.Dataset(rows, chance > 1, categorical_feature=[4], params={"verbose": -1, **parameters})
    booster = lightgbm.train({**settings, **parameters, "seed": seed}, data, 30)
    return booster.model_to_string().encode()


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"zero_as_missing": True},
        {"use_missing": False},
        {"max_cat_to_onehot": 100},
        {"num_leaves": 2},
        {"min_data_in_leaf": 1_400},
    ],
)
@pytest.mark.parametrize("bins", [1, 4])
def test_the_bits_are_those_of_lightgbm(seed, parameters, bins):
    """Numbers, gaps, zeros as gaps, categories and stumps: row by row and bin by bin the same number."""
    text = trained(seed, **parameters)
    booster = Booster(text)
    features = booster.features - (bins > 1)
    trees = compact(text, features)
    rng = np.random.default_rng(seed)
    wild = rng.choice([np.nan, 0.0, 1e-36, -0.5, 3.0, 69.0, 70.0, 1e12, -1e12], (200, features)).astype(np.float32)
    for rows in (trial_rows(trees, features), wild, wild[:1]):
        expected = booster_logits(booster, rows, bins)
        assert compact_logits(rows, bins, trees).tobytes() == expected.tobytes()


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize(
    "parameters", [{}, {"zero_as_missing": True}, {"use_missing": False}, {"max_depth": 1}, {"min_data_in_leaf": 1_400}]
)
@pytest.mark.parametrize("bins", [1, 4])
def test_what_features_add_has_the_bits_of_lightgbm(seed, parameters, bins):
    """TreeSHAP looked up: features that a way asks for again, gaps and stumps, the trees that ask for the bin apart."""
    text = trained(seed, **{"max_depth": 5, **parameters})
    booster = Booster(text)
    features = booster.features - (bins > 1)
    trees, apart = compact(text, features), TreesApart(text, features)
    pushes = pushes_of(text, trees)
    for rows in (trial_rows(trees, features), trial_rows(trees, features)[5:6]):
        found = tree_pushes(rows, bins, trees, pushes), lightgbm_pushes(booster, apart, rows, bins)
        ours, theirs = ([part[:, :features].tobytes() for part in parts] for parts in found)
        assert ours == theirs
        assert max(map(len, ours)) > 0


def test_what_deep_trees_add_is_left_to_lightgbm():
    """What would have to be kept doubles with each split on the way."""
    text = trained(1, num_leaves=60)
    assert pushes_of(text, compact(text, 7)) is None


def test_pushes_that_differ_are_not_used(made, monkeypatch):
    """Should what is looked up ever have other bits on a machine, LightGBM explains there, with the same ones."""
    from models import model as module
    from models.model import ReadinessModel

    loaded = ReadinessModel.from_files(made.parts["model"].to_files())
    expected = loaded.explain(made.matrix)
    assert loaded._forest is not None
    other = ReadinessModel.from_files(loaded.to_files())
    monkeypatch.setattr(module, "tree_pushes", lambda rows, *_: (np.ones((len(rows), other.features)),) * 2)
    assert other._forest is None
    assert other.explain(made.matrix).tobytes() == expected.tobytes()


def test_a_forest_that_averages_is_left_to_lightgbm():
    """A random forest is no sum of trees."""
    text = trained(1, boosting="rf", bagging_freq=1, bagging_fraction=0.5)
    assert compact(text, 7) is None


def test_trees_that_differ_are_not_used(made, monkeypatch):
    """Should the arrays ever give other bits on a machine, LightGBM answers there."""
    from models import model as module
    from models.model import ReadinessModel

    loaded = ReadinessModel.from_files(made.parts["model"].to_files())
    expected = loaded.predict(made.matrix)
    assert loaded._trees is not None
    other = ReadinessModel.from_files(loaded.to_files())
    monkeypatch.setattr(module, "compact_logits", lambda matrix, bins, _: np.zeros((len(matrix), bins)))
    assert other._trees is None
    assert other.predict(made.matrix).tobytes() == expected.tobytes()
