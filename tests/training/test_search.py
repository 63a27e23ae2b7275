"""The search: its budget, what it compares with, what it leaves, and its runs in MLflow."""

import sys
from dataclasses import asdict, replace

import numpy as np
import pytest

from data.clock import DAY
from data.errors import ContractError
from data.labels import Labels
from data.sections import MlflowSettings
from data.spine import NEVER
from training.folds import Ground
from training.gbm import GbmSettings
from training.search import Budget, parse_budget, search
from training.search_runs import log_search
from training.selection import choose
from training.tracking import open_experiment, open_registry, start_run

SETTINGS = GbmSettings(0, 1, np.array([False] * 3), np.zeros(3, np.int8))
T0, EDGES = 20_000 * DAY, (10 * DAY, 30 * DAY)


def _quiet(_what, _share):
    pass


@pytest.fixture(scope="module")
def ground():
    """800 rows over 200 days, each of a lead of its own, whose outcomes bend with the first of three columns."""
    rng = np.random.default_rng(5)
    matrix = rng.normal(size=(800, 3)).astype(np.float32)
    cutoffs = np.sort(T0 + rng.integers(0, 200, 800) * DAY)
    will = rng.random(800) < 1 / (1 + np.exp(2.0 - 2.0 * np.abs(matrix[:, 0])))
    times = np.where(will, rng.integers(0, 30, 800) * DAY, NEVER)
    leads = np.array([f"lead-{k}" for k in range(800)], object)
    return Ground(matrix, cutoffs, Labels(times, T0 + 260 * DAY - cutoffs), leads, EDGES, EDGES, 0)


@pytest.fixture(scope="module")
def default(ground):
    """What is chosen without a search."""
    return choose(ground, SETTINGS, 2, 0, _quiet)


@pytest.fixture(scope="module")
def found(ground, default):
    """What a search of four trials finds."""
    pytest.importorskip("optuna")
    return search(ground, SETTINGS, default, Budget(trials=4), folds=2, seed=0, progress=_quiet)


@pytest.mark.parametrize(
    ("text", "budget"), [("40", Budget(trials=40)), ("30min", Budget(seconds=1_800.0)), ("2h", Budget(seconds=7_200.0))]
)
def test_a_budget_is_a_number_of_trials_or_a_time(text, budget):
    """A bare number counts trials; with a unit it is a time."""
    assert parse_budget(text) == budget


@pytest.mark.parametrize("text", ["0", "-3", "0min", "soon", "10001", "3.5", ""])
def test_an_impossible_budget_is_one_sentence(text):
    """It says what was found and what is expected."""
    with pytest.raises(ContractError, match=r"budget .* Expected a number of trials from 1 to 10000"):
        parse_budget(text)


def test_the_defaults_are_the_first_trial(default, found):
    """The same settings on the same blocks have the same loss, so nothing that is worse can win."""
    assert len(found.tried) == 4
    assert found.tried[0].log_loss == pytest.approx(default.losses["blend"], abs=1e-7)
    assert found.losses["blend"] <= default.losses["blend"]
    assert found.losses["blend"] == pytest.approx(min(tried.log_loss for tried in found.tried), abs=1e-6)
    assert f"validation log loss of the defaults {default.losses['blend']:.5f}" in found.notes[-1]


def test_a_trial_keeps_its_evidence(found):
    """Settings within their bounds, a loss for each block, and times that follow each other."""
    assert len({tuple(tried.settings.values()) for tried in found.tried}) == 4
    for tried in found.tried:
        assert 2 <= tried.settings["depth"] <= 5
        assert 1e-4 <= tried.settings["strength"] <= 3.0
        assert len(tried.by_block) == 2
    assert all(one.ended <= other.began for one, other in zip(found.tried, found.tried[1:], strict=False))


def test_a_search_can_be_repeated(ground, default, found):
    """The same seed tries the same settings and finds the same losses."""
    again = search(ground, SETTINGS, default, Budget(trials=4), folds=2, seed=0, progress=_quiet)
    assert [(t.settings, t.log_loss) for t in again.tried] == [(t.settings, t.log_loss) for t in found.tried]


def test_without_later_rows_nothing_is_searched(ground, default):
    """Where no block can be judged the choice stays as it was, and says so."""
    pytest.importorskip("optuna")
    none = replace(ground, labels=Labels(np.full(800, NEVER), ground.labels.watched))
    kept = search(none, SETTINGS, default, Budget(trials=4), folds=2, seed=0, progress=_quiet)
    assert (kept.linear, kept.shape, kept.tried) == (default.linear, default.shape, ())
    assert kept.notes[-1].startswith("Nothing was searched")


def test_without_optuna_the_error_says_what_to_install(ground, default, monkeypatch):
    """A search asks for its extra; training without a search never does."""
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(ContractError, match=r"pip install 'readiness\[search\]'"):
        search(ground, SETTINGS, default, Budget(trials=1), folds=2, seed=0, progress=_quiet)


@pytest.mark.filterwarnings("ignore:The ``noload`` loader strategy:DeprecationWarning")
@pytest.mark.filterwarnings("ignore:.*Any type hint is inferred as AnyType:UserWarning")
def test_each_trial_is_a_run_nested_under_its_version(found, steady, tmp_path):
    """A child run for each trial with its settings, losses and times, told apart by a tag, and no model among them."""
    contract = steady[0].model_copy(update={"folder": tmp_path, "mlflow": MlflowSettings(experiment="tests/search")})
    registry = open_registry(contract)
    experiment = open_experiment(registry, contract)
    with start_run(registry, experiment, "version", {"product": "steady"}) as run:
        log_search(run, [asdict(tried) for tried in found.tried])
    children = registry.client.search_runs(
        [experiment], "tags.readiness.search = 'trial'", order_by=["attribute.start_time"]
    )
    assert len(children) == len(found.tried)
    for child, tried in zip(children, found.tried, strict=True):
        assert child.data.tags["mlflow.parentRunId"] == run.run_id
        assert child.info.status == "FINISHED"
        assert (child.info.start_time, child.info.end_time) == (tried.began, tried.ended)
        assert child.data.metrics["validation_log_loss"] == pytest.approx(tried.log_loss)
        assert float(child.data.params["strength"]) == pytest.approx(tried.settings["strength"], rel=1e-5)
    assert len(registry.client.search_runs([experiment], "tags.mlflow.parentRunId != 'none'")) == len(found.tried)
    assert not registry.client.search_registered_models()
