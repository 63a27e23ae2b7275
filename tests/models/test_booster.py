import gc
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import lightgbm
import numpy as np
import pytest

from data.errors import BundleError, SchemaError
from models.booster import Booster


@pytest.fixture(scope="module")
def trained(train):
    """A booster with numbers, missing values and a category of 40 codes; the package's own and ours of its text."""
    model = train(trees=40, leaves=15)
    return model, Booster(model.model_to_string().encode())


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_scores_equal_the_package_bit_for_bit(trained, rows, dtype):
    """Raw scores are those of the lightgbm package, to the last bit, for both types of matrix."""
    package, booster = trained
    matrix = rows(3000, seed=5).astype(dtype)
    assert np.array_equal(booster.raw(matrix), package.predict(matrix, raw_score=True))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_contributions_equal_the_package_bit_for_bit(trained, rows, dtype):
    """TreeSHAP contributions are those of the lightgbm package and sum to the raw score."""
    package, booster = trained
    matrix = rows(200, seed=6).astype(dtype)
    found = booster.contributions(matrix)
    assert np.array_equal(found, package.predict(matrix, pred_contrib=True))
    np.testing.assert_allclose(found.sum(axis=1), booster.raw(matrix), atol=1e-10)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_one_row_scores_as_among_many(trained, rows, dtype):
    """A row has the same score and contributions alone, in pieces, together and on two threads."""
    _, booster = trained
    matrix = rows(300, seed=7).astype(dtype)
    matrix[:8] = np.array([[np.nan], [0], [-0.0], [1e-36], [np.inf], [-np.inf], [3e38], [1e-44]]).astype(dtype)
    together = booster.raw(matrix)
    assert np.array_equal(together, np.concatenate([booster.raw(matrix[i : i + 1]) for i in range(300)]))
    assert np.array_equal(together, np.concatenate([booster.raw(matrix[i : i + 7]) for i in range(0, 300, 7)]))
    assert np.array_equal(together, booster.raw(matrix, threads=2))
    pushes = booster.contributions(matrix)
    assert np.array_equal(pushes, np.concatenate([booster.contributions(matrix[i : i + 1]) for i in range(300)]))


def test_many_threads_score_at_once(trained, rows):
    """Threads that score rows one by one, and end, do not disturb each other."""
    _, booster = trained
    matrix = rows(400, seed=8)
    expected = booster.raw(matrix)

    def alone(part):
        return [booster.raw(matrix[i : i + 1])[0] for i in part]

    for _ in range(3):
        with ThreadPoolExecutor(8) as pool:
            found = list(pool.map(alone, np.array_split(np.arange(400), 16)))
        assert np.array_equal(expected, np.concatenate(found))


def test_boosters_are_freed_and_loaded_again(trained, rows):
    """Loading, scoring alone and dropping a booster many times over changes no score and ends no process."""
    package, booster = trained
    text, matrix = package.model_to_string().encode(), rows(3, seed=9)
    expected = booster.raw(matrix)
    for _ in range(50):
        fresh = Booster(text)
        assert fresh.raw(matrix[:1])[0] == expected[0]
        del fresh
    gc.collect()
    assert np.array_equal(booster.raw(matrix), expected)


def test_no_rows_have_no_scores(trained):
    """An empty matrix gives empty results of the right width."""
    _, booster = trained
    empty = np.empty((0, booster.features), np.float32)
    assert booster.raw(empty).shape == (0,)
    assert booster.contributions(empty).shape == (0, booster.features + 1)


@pytest.mark.parametrize(
    "matrix",
    [
        np.zeros((2, 3), np.float32),
        np.zeros(8, np.float32),
        np.zeros((2, 8), np.int32),
        np.asfortranarray(np.zeros((3, 8))),
    ],
    ids=["width", "one-dimensional", "integers", "column order"],
)
def test_a_foreign_matrix_is_refused(trained, matrix):
    """A matrix of another width, type or order is a SchemaError that names what was expected."""
    _, booster = trained
    with pytest.raises(SchemaError, match=r"Expected float32 or float64 \(n, 8\) in C order"):
        booster.raw(matrix)


def test_a_forest_and_single_leaf_trees_score_too(rows, train):
    """Averaged forests and boosters that found no split are loaded and scored as the package does."""
    matrix = rows(50, seed=3)
    for model in (train(trees=3, boosting="rf", bagging_freq=1, bagging_fraction=0.5), train(trees=3, min_data=10**6)):
        booster = Booster(model.model_to_string().encode())
        assert np.array_equal(booster.raw(matrix), model.predict(matrix, raw_score=True))
        assert np.array_equal(booster.contributions(matrix), model.predict(matrix, pred_contrib=True))


def test_text_that_is_no_model_is_a_bundle_error():
    """Foreign text never reaches the C library: it is a BundleError that says what to do."""
    with pytest.raises(BundleError, match="Restore the bundle from the registry"):
        Booster(b"hello\n\nworld")


def test_scoring_imports_no_heavy_library(tmp_path, train):
    """A process that loads and scores a booster has not imported lightgbm, scikit-learn, pandas or pyarrow."""
    (tmp_path / "model.txt").write_text(train(trees=2).model_to_string())
    script = (
        "import sys, numpy; from pathlib import Path; from models.booster import Booster\n"
        "booster = Booster(Path(sys.argv[1]).read_bytes())\n"
        "booster.raw(numpy.zeros((1, 8), 'float32')), booster.contributions(numpy.zeros((2, 8), 'float32'))\n"
        "print(sorted({'lightgbm', 'sklearn', 'pandas', 'pyarrow', 'scipy', 'mlflow'} & set(sys.modules)))"
    )
    found = subprocess.run([sys.executable, "-c", script, tmp_path / "model.txt"], capture_output=True, check=True)
    assert found.stdout.strip() == b"[]"


def test_the_package_in_use_is_the_one_that_is_installed():
    """The library that scores is the file that the lightgbm package itself loads."""
    from models.booster import _library

    assert _library()._name == lightgbm.basic._LIB._name
