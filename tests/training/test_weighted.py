"""Judgement by inverse propensity: hand-offs alone give the figures of all leads, with honest uncertainty."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.errors import SchemaError
from training.judge import METRICS, judge
from training.weighted import effective_size, judge_weighted

CHANCE = 0.1
THRESHOLD = 0.4


def market(seed, count=20_000):
    """Scores of all leads, what would come of handing off each, and which were: by the threshold, or by chance."""
    rng = np.random.default_rng(seed)
    score = rng.beta(1.2, 4.0, count)
    outcome = rng.random(count) < np.clip(0.02 + 0.8 * score**1.5, 0, 1)
    propensity = np.where(score >= THRESHOLD, 1.0, CHANCE)
    return score, outcome, propensity, rng.random(count) < propensity


def test_hand_offs_alone_tell_the_figures_of_all_leads():
    """The mean over markets is that of all leads; without the weights it is far off: selection bias."""
    weighed, plain, whole = [], [], []
    for seed in range(12):
        score, outcome, propensity, handed = market(seed)
        part = (outcome[handed], score[handed])
        weighed.append(judge_weighted(*part, propensity[handed], np.flatnonzero(handed), draws=2).figures)
        plain.append(judge(*part))
        whole.append(judge(outcome, score))

    def mean(figures, name):
        return np.mean([one[name] for one in figures])

    for name in ("auc", "log_loss", "brier"):
        truth = mean(whole, name)
        assert mean(weighed, name) == pytest.approx(truth, rel=0.02)
        assert abs(mean(plain, name) - truth) > 4 * abs(mean(weighed, name) - truth)


def test_the_intervals_hold_the_truth_as_often_as_they_say():
    """Over many markets the 95 % interval of AUC and log loss contains the figure of all leads in most of them."""
    inside = dict.fromkeys(("auc", "log_loss"), 0)
    for seed in range(40):
        score, outcome, propensity, handed = market(seed, 3_000)
        found = judge_weighted(outcome[handed], score[handed], propensity[handed], np.flatnonzero(handed), 120, seed)
        for name in inside:
            low, high = found.intervals[name]
            inside[name] += low <= judge(*market(1_000 + seed, 100_000)[1::-1])[name] <= high
    assert min(inside.values()) >= 33


def test_equal_chances_change_nothing():
    """Where every hand-off had the same chance the figures are the plain ones, and every row counts."""
    rng = np.random.default_rng(0)
    score = rng.random(500)
    outcome = rng.random(500) < score
    found = judge_weighted(outcome, score, np.full(500, 0.3), np.arange(500), draws=2)
    assert found.figures == pytest.approx(judge(outcome, score))
    assert set(found.intervals) == set(METRICS)
    assert (found.rows, found.explored, found.effective) == (500, 500, pytest.approx(500))
    assert found.explored_wins == outcome.sum()


@settings(max_examples=50, deadline=None)
@given(st.lists(st.floats(1e-3, 1.0), min_size=1, max_size=40), st.floats(0.1, 10))
def test_the_effective_size_lies_between_one_and_all_and_knows_no_scale(propensity, scale):
    """Kish: never more than there are rows, never less than one; only the proportions of weights matter."""
    weights = 1.0 / np.array(propensity)
    size = effective_size(weights)
    assert 1.0 - 1e-9 <= size <= len(weights) + 1e-9
    assert effective_size(scale * weights) == pytest.approx(size)
    assert effective_size(np.array([])) == 0.0


@pytest.mark.parametrize("wrong", [0.0, -0.1, 1.5, float("nan")])
def test_a_propensity_that_is_none_is_refused(wrong):
    """How many, and the first of them."""
    with pytest.raises(SchemaError, match="1 of 2 propensities"):
        judge_weighted(np.array([True, False]), np.array([0.1, 0.2]), np.array([0.5, wrong]), np.arange(2))
