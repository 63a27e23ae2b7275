"""The learning curve: a law that is recovered where it holds, and silence where nothing can be said."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from training.backtesting.curve import Trained, fit_law, learning_curve, value_of


@given(st.floats(0.65, 0.95), st.floats(0.2, 3.0), st.floats(0.3, 1.0))
@settings(max_examples=60, deadline=None)
def test_a_law_is_recovered(a, b, c):
    """Points that lie on a power law of common shape are carried on to within a hundredth."""
    wins = np.array([25.0, 50.0, 100.0, 200.0])
    auc = value_of((a, b, c), wins)
    if auc[0] < 0.5:
        return
    law = fit_law(wins, auc)
    assert value_of(law, 400.0) == pytest.approx(value_of((a, b, c), 400.0), abs=0.01)


@given(st.lists(st.floats(0.4, 1.0), min_size=4, max_size=4))
@settings(max_examples=60, deadline=None)
def test_more_wins_never_promise_less_and_never_the_impossible(auc):
    """Whatever was measured, the fitted law does not fall with more wins and stays at or below 1."""
    law = fit_law(np.array([10.0, 20.0, 40.0, 80.0]), np.array(auc))
    told = [value_of(law, wins) for wins in (10.0, 80.0, 160.0, 320.0, 1e9)]
    assert all(one <= other + 1e-12 for one, other in pairwise(told))
    assert told[-1] <= 1.0


def _models(rng, n, strength, shares):
    """Scores that know more of the outcome, the larger the share learned from."""
    leads = np.arange(n)
    signal = rng.normal(size=n)
    outcome = rng.random(n) < 1 / (1 + np.exp(2.2 - 1.5 * signal))
    trained = []
    for every in shares:
        for _ in range(1 if every == 1 else 2):
            blur = strength * np.sqrt(every) * rng.normal(size=n)
            trained.append(Trained(every, round(160 / every), signal + blur))
    return leads, outcome, trained


def test_a_curve_tells_what_it_measured_and_expects_more_of_more():
    """With many rows to judge on: AUC rises with the wins, and the expectation goes on from it with its margin."""
    leads, outcome, trained = _models(np.random.default_rng(0), 3000, 0.5, (8, 4, 2, 1))
    found = learning_curve(leads, outcome, trained, 160, 0)
    assert found["silent"] is None
    assert [point["wins"] for point in found["points"]] == [20, 40, 80, 160]
    auc = [point["auc"] for point in found["points"]]
    assert auc == sorted(auc)
    assert [each["wins"] for each in found["ahead"]] == [160, 320, 640]
    assert auc[-1] - 0.02 < found["ahead"][1]["auc"] < 1
    for each in found["ahead"]:
        low, high = each["interval"]
        assert low <= each["auc"] <= high
    widths = [each["interval"][1] - each["interval"][0] for each in found["ahead"]]
    assert widths[0] < widths[2]
    assert found == learning_curve(leads, outcome, trained, 160, 0)


def test_few_rows_to_judge_on_are_silent():
    """With a handful of wins to judge by, the draws disagree: what was measured is told, nothing is carried on."""
    rng = np.random.default_rng(1)
    leads, outcome, trained = _models(rng, 60, 2.0, (8, 4, 2, 1))
    found = learning_curve(leads, outcome, trained, 160, 0)
    assert len(found["points"]) == 4
    assert found["silent"] is not None


def test_too_few_sizes_are_silent():
    """Two sizes do not make a law of three numbers."""
    leads, outcome, trained = _models(np.random.default_rng(2), 500, 0.5, (2, 1))
    found = learning_curve(leads, outcome, trained, 160, 0)
    assert found["law"] is None
    assert found["ahead"] == []
    assert "too few outcomes" in found["silent"]
