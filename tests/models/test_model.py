"""The whole model: one row or many, fitted or loaded, always the same bits."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.errors import BundleError
from models.answering import pushed
from models.hazard import last_bins
from models.model import ReadinessModel, with_bins
from models.numerics import blended, cumulative_logits
from models.timing import TreesApart


@pytest.fixture(scope="module")
def model(made):
    """The real model of the room: two bins, two horizons, booster and linear model."""
    return made.parts["model"]


@pytest.fixture(scope="module")
def seen(made):
    """Feature rows that the model was not trained on, wide and with missing values."""
    rng = np.random.default_rng(3)
    wild = np.tile(made.matrix, (4, 1)) * rng.choice([0.0, 1.0, 3.0, -1.0], (4 * len(made.matrix), 1))
    wild[:, 10] = rng.integers(-1, 4, len(wild))
    wild[rng.random(wild.shape) < 0.05] = np.nan
    return np.ascontiguousarray(np.vstack([made.matrix, wild]), np.float32)


@pytest.fixture(scope="module")
def whole(model, seen):
    """What the model says of all rows at once."""
    return model.predict(seen), model.explain(seen)


def test_a_row_alone_has_the_same_bits(model, seen, whole):
    """A row scored and explained alone has, bit for bit, the numbers that it has among all."""
    for place in range(0, len(seen), 7):
        assert model.predict(seen[place : place + 1]).tobytes() == whole[0][place].tobytes()
        assert model.explain(seen[place : place + 1]).tobytes() == whole[1][place].tobytes()


@given(places=st.lists(st.integers(0, 299), min_size=1, max_size=40))
@settings(max_examples=40, deadline=None)
def test_any_batch_in_any_order_has_the_same_bits(model, seen, whole, places):
    """Which rows stand beside a row, how often and in which order, does not matter."""
    assert model.predict(seen[places]).tobytes() == whole[0][places].tobytes()
    assert model.explain(seen[places]).tobytes() == whole[1][places].tobytes()


def test_more_rows_than_one_piece_have_the_same_bits(model, seen, whole):
    """Large matrices are scored in pieces; the seam is not seen."""
    places = np.random.default_rng(0).integers(0, len(seen), 65_540)
    assert model.predict(seen[places]).tobytes() == whole[0][places].tobytes()


def test_no_rows_give_no_answers(model, seen):
    """An empty matrix is answered with an empty one."""
    assert model.predict(seen[:0]).shape == (0, 2)
    assert model.explain(seen[:0]).shape == (0, model.features + 1)


def test_float64_rows_are_read_as_float32(model, seen, whole):
    """The type of the matrix does not matter: features are float32 everywhere."""
    assert model.predict(seen.astype(np.float64)).tobytes() == whole[0].tobytes()
    assert model.predict(np.asfortranarray(seen)).tobytes() == whole[0].tobytes()


def test_the_loaded_model_is_the_fitted_one(model, seen, whole):
    """Law 3: written to files and read back, predictions and explanations have the same bits, and so do the files."""
    files = model.to_files()
    loaded = ReadinessModel.from_files(files)
    assert loaded.predict(seen).tobytes() == whole[0].tobytes()
    assert loaded.explain(seen).tobytes() == whole[1].tobytes()
    assert loaded.to_files() == files


def test_readiness_is_a_probability_that_grows_with_the_horizon(whole):
    """Every answer lies in [0, 1], and more time never means less."""
    predicted = whole[0]
    assert ((predicted >= 0) & (predicted <= 1)).all()
    assert (np.diff(predicted, axis=1) >= 0).all()


def test_an_explanation_sums_to_the_log_odds(model, seen, whole):
    """A row's pushes and base sum to the calibrated log-odds at the primary horizon, which is what was predicted."""
    blend = blended(*model.member_logits(seen), model.weight)
    at = model.horizons.index(model.primary)
    logits = cumulative_logits(blend, last_bins(model.edges, model.horizons))[:, at]
    total = model.calibration.slopes[at] * logits + model.calibration.intercepts[at]
    np.testing.assert_allclose(whole[1].sum(axis=1), total, rtol=1e-10, atol=1e-10)
    own = 1 / (1 + np.exp(-total))
    np.testing.assert_allclose(whole[0][:, at], np.maximum(own, whole[0][:, 0]), rtol=1e-9)


def test_with_one_bin_a_linear_model_is_explained_exactly(model, seen):
    """Without the booster, a push is the linear term times what its bins move, and other features push nothing."""
    head = json.loads(model.to_files()["calibration.json"]) | {"weight": 0.0}
    linear_only = ReadinessModel.from_files(model.to_files() | {"calibration.json": json.dumps(head).encode()})
    pushes = linear_only.explain(seen)[:, :-1]
    used = set(model.linear.features.tolist())
    silent = [place for place in range(model.features) if place not in used]
    assert (pushes[:, silent] == 0).all()
    assert np.abs(pushes[:, sorted(used)]).sum() > 0


@pytest.mark.parametrize("shape", [(3, 5), (3, 99), (12,)])
def test_rows_of_another_width_are_refused(model, shape):
    """A matrix that does not have the model's features is an error that names both."""
    with pytest.raises(BundleError, match="made for"):
        model.predict(np.zeros(shape, np.float32))


def _head(**changes):
    return lambda files: {"calibration.json": json.dumps(json.loads(files["calibration.json"]) | changes).encode()}


def _without(name):
    def change(files):
        head = json.loads(files["calibration.json"])
        del head[name]
        return {"calibration.json": json.dumps(head).encode()}

    return change


@pytest.mark.parametrize(
    "damage",
    [
        _head(edges=[1, 2]),
        _head(edges=[]),
        _head(edges="x"),
        _head(edges=[float("inf"), 1]),
        _head(edges=[90 * 86_400_000_000, 30 * 86_400_000_000]),
        _head(horizons=[7 * 86_400_000_000]),
        _head(horizons=[]),
        _head(horizons=[90 * 86_400_000_000, 30 * 86_400_000_000]),
        _head(primary=5),
        _head(weight=1.5),
        _head(weight=float("nan")),
        _head(weight=None),
        _head(calibration={"kind": "affine", "slopes": [1.0], "intercepts": [0.0]}),
        _head(calibration={"kind": "affine", "slopes": [1.0, 1.0], "intercepts": [0.0]}),
        _head(calibration=None),
        *(_without(name) for name in ("edges", "horizons", "primary", "weight", "calibration")),
        lambda files: {"calibration.json": files["calibration.json"][:-20]},
        lambda _: {"calibration.json": b"[]"},
        lambda _: {"calibration.json": b"\xff"},
        lambda _: {"linear.json": b"{}"},
        lambda files: {"linear.json": files["linear.json"].replace(b'"features": [1,', b'"features": [999,')},
        lambda files: {"model.txt": files["model.txt"][: len(files["model.txt"]) // 2]},
        lambda _: {"model.txt": b""},
    ],
)
def test_damaged_files_are_bundle_errors(model, damage):
    """Whatever file is damaged, however, loading says so as a BundleError."""
    files = model.to_files()
    changed = damage(files)
    assert any(files[name] != text for name, text in changed.items())
    with pytest.raises(BundleError):
        ReadinessModel.from_files(files | changed)


@pytest.mark.parametrize("name", ["model.txt", "linear.json", "calibration.json"])
def test_a_missing_file_is_a_bundle_error(model, name):
    """A bundle without one of the files says so, and does not stumble over a key."""
    files = model.to_files()
    del files[name]
    with pytest.raises(BundleError, match=name.replace(".", r"\.")):
        ReadinessModel.from_files(files)


def test_a_linear_model_of_other_bins_is_refused(model):
    """Parts that were not made together are not assembled."""
    raw = json.loads(model.linear.to_json())
    raw["intercepts"] = raw["intercepts"][:1]
    raw["coefficients"] = [row[:1] for row in raw["coefficients"]]
    with pytest.raises(BundleError, match="disagree"):
        ReadinessModel.from_files(model.to_files() | {"linear.json": json.dumps(raw).encode()})


def test_rows_are_repeated_for_each_bin():
    """Each row stands once for each bin, in order, with the bin's number behind; one bin adds nothing."""
    matrix = np.array([[1.0, np.nan], [3.0, 4.0]], np.float32)
    expected = [[1, np.nan, 0], [1, np.nan, 1], [3, 4, 0], [3, 4, 1]]
    np.testing.assert_array_equal(with_bins(matrix, 2), np.array(expected, np.float32))
    assert with_bins(matrix, 1) is matrix


def test_contributions_are_those_of_all_trees_in_every_bin(model, seen):
    """Computed apart for trees that ask for the bin and trees that do not, they are what the whole booster gives."""
    bins = len(model.edges)
    weights = np.random.default_rng(5).random((len(seen), bins))
    rows = with_bins(seen, bins)
    whole = model.booster.contributions(rows).reshape(len(seen), bins, -1)[:, :, : model.features]
    expected = (whole * weights[:, :, None]).sum(axis=1)
    apart = TreesApart(model.booster_text, model.features).contributions(rows, bins)
    timeless, timed = (np.empty((0, 0)) if part is None else part for part in apart)
    line = np.zeros((len(model.linear.features), bins))
    found = pushed(seen, model.linear.terms, line, (timeless, timed), weights, (1.0, 1.0))[:, : model.features]
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-12)
