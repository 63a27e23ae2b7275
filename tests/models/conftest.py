"""Small real models for the tests of this room."""

import lightgbm
import numpy as np
import pytest


def _rows(n, seed=0):
    """(n, 8) float64: six numbers with missing values, a category of 40 codes, one more of 3."""
    rng = np.random.default_rng(seed)
    matrix = rng.normal(size=(n, 8))
    matrix[:, 6] = rng.integers(0, 40, n)
    matrix[:, 7] = rng.integers(0, 3, n)
    matrix[rng.random((n, 8)) < 0.1] = np.nan
    return matrix


def _train(trees=5, leaves=7, min_data=20, **parameters):
    """A booster of ``rows`` for an answer that depends on numbers, an interaction and both categories."""
    matrix = _rows(1500)
    filled = np.nan_to_num(matrix)
    logit = filled[:, 0] + filled[:, 1] * filled[:, 2] + (filled[:, 6] % 3 == 1) + (filled[:, 7] == 2)
    answer = np.random.default_rng(1).random(len(matrix)) < 1 / (1 + np.exp(1 - logit))
    settings = {"objective": "binary", "num_leaves": leaves, "min_data_in_leaf": min_data, "num_threads": 1}
    quiet = {"verbose": -1, "min_data_per_group": 10, "cat_smooth": 1.0}
    dataset = lightgbm.Dataset(matrix, answer, categorical_feature=[6, 7], params=quiet)
    return lightgbm.train(settings | quiet | parameters, dataset, trees)


@pytest.fixture(scope="session")
def rows():
    """``rows(n, seed)``: a matrix (n, 8) that the boosters of ``train`` understand."""
    return _rows


@pytest.fixture(scope="session")
def train():
    """``train(trees, leaves, min_data, **parameters)``: a small real booster of the lightgbm package."""
    return _train
