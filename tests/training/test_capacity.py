"""The call list of a report: the duel of a trial's models on its test rows, in the report's form."""

from dataclasses import replace

import numpy as np
import pytest

from training.capacity import call_list
from training.duel import duel, duel_rows


@pytest.fixture(scope="module")
def told(steady, steady_trial):
    """The call list of a real trial."""
    contract, checked = steady
    return call_list(contract, checked.history, steady_trial.test, "blend", 1.0)


def test_the_figures_are_those_of_the_duel(steady, steady_trial, told):
    """Each model of the trial but the base rate, and chance, with what the duel says of it on the same rows."""
    contract, checked = steady
    test = steady_trial.test
    rows, kept = duel_rows(test.lead_id, test.cutoff, contract, checked.history)
    at = contract.ready.horizons.index(contract.ready.primary)
    said = {name: test.predictions[name][kept, at] for name in ("blend", "points", "odoo", "logistic", "gbm")}
    fought = duel(rows, said, capacity=contract.policy.capacity_per_week, seed=contract.model.seed, draws=1)
    assert set(told["models"]) == {"blend", "points", "odoo", "logistic", "gbm", "random"}
    assert set(told["more_caught"]) == {"points", "odoo", "logistic", "gbm"}
    for name, model in told["models"].items():
        score = fought.score(name)
        assert (model["calls"], model["caught"], model["capture"]) == (score.calls, score.captured, score.share)
        assert model["curve"] == list(score.curve)
        low, high = model["intervals"]["caught"]
        assert 0 <= low <= high
        low, high = model["intervals"]["precision"]
        assert 0 <= low <= high <= 1
        assert low <= model["precision"] + 0.05
    assert told["wins"] == rows.outcomes
    assert told == steady_trial.report["capacity"]


def test_a_draw_of_the_rows_has_a_share_of_the_capacity(steady, steady_trial, told):
    """Where only half of the rows are used, half of the calls stand for all; without a capacity it is said."""
    contract, checked = steady
    half = call_list(contract, checked.history, steady_trial.test, "blend", 0.5)
    assert half["per_week"] == told["per_week"] / 2
    free = contract.model_copy(update={"policy": contract.policy.model_copy(update={"capacity_per_week": None})})
    assert not call_list(free, checked.history, steady_trial.test, "blend", 1.0)["agreed"]


def test_without_matured_rows_there_is_no_call_list(steady, steady_trial):
    """Nothing is claimed of rows whose horizon has not passed."""
    contract, checked = steady
    short = replace(checked.history, ends_at=int(np.min(steady_trial.test.cutoff.cast("int64").to_numpy())) + 1)
    assert call_list(contract, short, steady_trial.test, "blend", 1.0) is None
