"""From chosen settings to the model that serves."""

from dataclasses import replace

import numpy as np
import pytest

from data.clock import DAY
from data.errors import NotMaturedError
from data.labels import Labels
from data.spine import NEVER
from models.calibration import Calibration, identity
from models.model import ReadinessModel
from training.fit import ROUNDS_GROWTH, fit
from training.folds import Ground, Linear
from training.gbm import SHAPES, GbmSettings
from training.selection import Choice

EDGES = (10 * DAY, 30 * DAY)
SETTINGS = GbmSettings(0, 1, np.array([False, False]), np.zeros(2, np.int8))


def _quiet(_what, _share):
    pass


def _ground(n=1_500, seed=0):
    """N rows, the last third of them watched for the first bin only."""
    rng = np.random.default_rng(seed)
    matrix = rng.normal(size=(n, 2)).astype(np.float32)
    will = rng.random(n) < 1 / (1 + np.exp(1.5 - 1.2 * matrix[:, 0]))
    times = np.where(will, rng.integers(0, 30, n) * DAY, NEVER)
    watched = np.where(np.arange(n) < 2 * n // 3, 40 * DAY, 15 * DAY)
    labels = Labels(np.where(times < watched, times, NEVER), watched)
    return Ground(matrix, np.arange(n) * DAY, labels, np.arange(n).astype(str).astype(object), EDGES, EDGES, 0)


def _choice(**changes):
    still = dict.fromkeys(("blend", "gbm", "logistic"), identity(2))
    return replace(Choice(Linear(0.3), SHAPES[0], 30, 0.5, still, "", {}, [], ()), **changes)


@pytest.fixture(scope="module")
def fitted():
    """A model for a choice of even shares, each member with a calibration of its own."""
    own = {
        "blend": Calibration((1.1, 1.2), (0.1, 0.2)),
        "gbm": Calibration((0.9, 0.8), (0.0, 0.0)),
        "logistic": Calibration((1.0, 1.0), (0.3, 0.3)),
    }
    return fit(_ground(), EDGES[-1], SETTINGS, _choice(calibrations=own), seed=0, progress=_quiet)


def test_the_model_is_what_was_chosen(fitted):
    """Weight, calibration and bins are those of the choice; the booster may grow a tenth more trees."""
    model = fitted.model
    assert (model.weight, model.edges, model.primary) == (0.5, EDGES, EDGES[-1])
    assert model.calibration == fitted.choice.calibrations["blend"]
    assert model.booster.trees == int(30 * ROUNDS_GROWTH)


def test_every_cell_is_learned_from(fitted):
    """Censored rows lend the bins that have passed: cells are counted by hand."""
    labels = _ground().labels
    first = len(labels.watched)
    second = int(((labels.watched >= EDGES[1]) & (labels.time_to_outcome >= EDGES[0])).sum())
    assert (fitted.cells, fitted.thinned_to) == (first + second, first + second)


def test_members_answer_with_their_own_calibration(fitted):
    """The blend is what the model predicts; a member alone is a model of weight one or nought with its calibration."""
    matrix = _ground(seed=1).matrix[:200]
    said = fitted.members(matrix)
    assert said["blend"].tobytes() == fitted.model.predict(matrix).tobytes()
    for name, weight in (("gbm", 1.0), ("logistic", 0.0)):
        alone = replace(fitted.model, weight=weight, calibration=fitted.choice.calibrations[name])
        np.testing.assert_array_equal(said[name], alone.predict(matrix))


def test_the_fitted_and_the_loaded_model_are_one(fitted):
    """Law 3: what was trained is, read from its files, what is served, bit for bit."""
    matrix = _ground(seed=2).matrix
    loaded = ReadinessModel.from_files(fitted.model.to_files())
    assert loaded.predict(matrix).tobytes() == fitted.model.predict(matrix).tobytes()
    assert loaded.explain(matrix).tobytes() == fitted.model.explain(matrix).tobytes()


def test_the_model_knows_the_chances(fitted):
    """On rows of the same kind the linear member's mean answer is near the true rate, though a third were censored."""
    fresh = _ground(n=20_000, seed=3)
    true = 1 / (1 + np.exp(1.5 - 1.2 * fresh.matrix[:, 0]))
    alone = replace(fitted.model, weight=0.0, calibration=identity(2)).predict(fresh.matrix)
    assert alone[:, 1].mean() == pytest.approx(true.mean(), abs=0.02)
    assert np.corrcoef(alone[:, 1], true)[0, 1] > 0.98


def test_the_same_seed_gives_the_same_files(fitted):
    """Fitted again with the same seed, the files are the same to the byte."""
    again = fit(_ground(), EDGES[-1], SETTINGS, fitted.choice, seed=0, progress=_quiet)
    assert again.model.to_files() == fitted.model.to_files()


def test_nothing_watched_is_an_error():
    """When no bin of any row has passed there is nothing to fit, and the error says what to do."""
    ground = _ground(20)
    young = replace(ground, labels=Labels(ground.labels.time_to_outcome, np.full(20, DAY)))
    with pytest.raises(NotMaturedError, match="bring a longer history"):
        fit(young, EDGES[-1], SETTINGS, _choice(), seed=0, progress=_quiet)
