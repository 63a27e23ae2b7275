"""Every figure of the judgement against scikit-learn or plain counting."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, brier_score_loss, log_loss, roc_auc_score

from training.judge import METRICS, Ranking, gains, intervals, judge, lead_weights, reliability, reliability_bins


def _rows(seed, n, steps):
    """Outcomes and scores of n rows; ``steps`` different scores at the most, so that there are ties."""
    rng = np.random.default_rng(seed)
    score = (rng.integers(0, steps, n) + 0.5) / steps
    return rng.random(n) < score, score


ROWS = st.tuples(st.integers(0, 10_000), st.integers(2, 60), st.sampled_from([2, 5, 20, 10_000]))


@given(ROWS, st.booleans())
@settings(max_examples=150, deadline=None)
def test_metrics_agree_with_scikit_learn(made, weighted):
    """AUC, average precision, log loss and Brier score are scikit-learn's, with ties and with weights."""
    outcome, score = _rows(*made)
    assume(0 < outcome.sum() < len(outcome))
    weights = np.random.default_rng(made[0]).integers(1, 5, len(score)).astype(float) if weighted else None
    found = Ranking.of(outcome, score).metrics(weights)
    assert found["auc"] == pytest.approx(roc_auc_score(outcome, score, sample_weight=weights), abs=1e-12)
    assert Ranking.of(outcome, score).auc(weights) == pytest.approx(found["auc"], abs=1e-12)
    expected = average_precision_score(outcome, score, sample_weight=weights)
    assert found["average_precision"] == pytest.approx(expected, abs=1e-12)
    assert found["log_loss"] == pytest.approx(log_loss(outcome, score, sample_weight=weights), rel=1e-9)
    assert found["brier"] == pytest.approx(brier_score_loss(outcome, score, sample_weight=weights), abs=1e-12)


@given(ROWS)
@settings(max_examples=60, deadline=None)
def test_whole_weights_are_repeated_rows(made):
    """A row of weight three counts as three rows, and one of weight zero as none: the bootstrap rests on it."""
    outcome, score = _rows(*made)
    times = np.random.default_rng(made[0]).integers(0, 4, len(score))
    repeated = np.repeat(np.arange(len(score)), times)
    assume(0 < outcome[repeated].sum() < len(repeated))
    weighted = Ranking.of(outcome, score).metrics(times.astype(float))
    plain = judge(outcome[repeated], score[repeated])
    for name in ("auc", "average_precision", "log_loss", "brier", "lift_at_10"):
        assert weighted[name] == pytest.approx(plain[name], rel=1e-9, abs=1e-12)


@given(ROWS)
@settings(max_examples=80, deadline=None)
def test_the_order_of_rows_does_not_matter(made):
    """Tied rows share what they hold, so no metric depends on the order in which rows come."""
    outcome, score = _rows(*made)
    assume(0 < outcome.sum() < len(outcome))
    mixed = np.random.default_rng(made[0]).permutation(len(score))
    one, other = judge(outcome, score), judge(outcome[mixed], score[mixed])
    assert one == pytest.approx(other, rel=1e-9, abs=1e-12)


def _captured(outcome, score, contacted):
    """Outcomes among the ``contacted`` (may be broken) best rows; a tied group is shared out evenly."""
    found = 0.0
    for value in sorted(set(score), reverse=True):
        group = outcome[score == value]
        taken = min(max(contacted, 0.0), len(group))
        found += group.sum() * taken / len(group)
        contacted -= taken
    return found


@given(ROWS)
@settings(max_examples=60, deadline=None)
def test_lift_and_gains_by_counting(made):
    """Lift and the gains curve are the outcomes among the best rows, counted one group of ties after another."""
    outcome, score = _rows(*made)
    assume(0 < outcome.sum() < len(outcome))
    n, hits = len(outcome), outcome.sum()
    assert judge(outcome, score)["lift_at_10"] == pytest.approx(_captured(outcome, score, 0.1 * n) / (0.1 * hits))
    curve = gains(outcome, score, points=21)
    expected = [_captured(outcome, score, share * n) / hits for share in curve["contacted"]]
    np.testing.assert_allclose(curve["captured"], expected, atol=1e-12)
    assert (curve["captured"][0], curve["captured"][-1]) == (0.0, pytest.approx(1.0))


def test_calibration_error_by_hand():
    """Ten rows in ten bins: the mean gap between what was said and what came."""
    score = np.linspace(0.05, 0.95, 10)
    outcome = np.arange(10) >= 5
    assert judge(outcome, score)["ece"] == pytest.approx(np.abs(score - outcome).mean())


def test_one_answer_for_all_is_judged_as_one_group():
    """A constant chance errs by its distance from the rate, wherever in time the outcomes lie."""
    outcome = np.arange(100) >= 80
    assert judge(outcome, np.full(100, 0.2))["ece"] == pytest.approx(0.0, abs=1e-12)
    assert judge(outcome, np.full(100, 0.3))["ece"] == pytest.approx(0.1)
    assert judge(outcome, np.full(100, 0.3))["auc"] == 0.5


@pytest.mark.parametrize("outcome", [np.zeros(5, bool), np.ones(5, bool), np.zeros(0, bool)])
def test_one_class_has_no_figures(outcome):
    """Without an outcome, with nothing else, or without rows, every figure is NaN and nothing is raised."""
    score = np.linspace(0.1, 0.5, len(outcome))
    found = judge(outcome, score)
    assert set(found) == set(METRICS)
    assert np.isnan(list(found.values())).all()
    ranking = Ranking.of(outcome, score)
    bounds = intervals(ranking, lead_weights(np.arange(len(outcome)), 20, 0))
    assert np.isnan(list(bounds.values())).all()


def test_certain_and_wrong_is_finite():
    """A chance of exactly 0 or 1 that is wrong costs much, but not infinitely much."""
    assert judge(np.array([True, False]), np.array([0.0, 1.0]))["log_loss"] == pytest.approx(-np.log(1e-12), rel=1e-3)


def test_leads_are_drawn_whole():
    """All rows of a lead have one weight in a draw; weights are whole and sum over leads to their number."""
    leads = np.random.default_rng(0).integers(0, 50, 300)
    leads[:50] = np.arange(50)
    weights = lead_weights(leads, 30, 1)
    assert weights.shape == (30, 300)
    for lead in range(50):
        assert (np.ptp(weights[:, leads == lead], axis=1) == 0).all()
    assert (weights[:, :50].sum(axis=1) == 50).all()
    assert (weights == np.round(weights)).all()
    np.testing.assert_array_equal(weights, lead_weights(leads, 30, 1))


def test_the_width_is_that_of_theory():
    """The Brier score of a constant chance is a mean: its interval is that of the normal theory over leads."""
    rng = np.random.default_rng(2)
    leads = np.repeat(np.arange(800), 4)
    outcome = np.repeat(rng.random(800) < 0.3, 4)
    score = np.full(len(leads), 0.2)
    low, high = intervals(Ranking.of(outcome, score), lead_weights(leads, 600, 0))["brier"]
    of_lead = ((score - outcome) ** 2)[::4]
    assert high - low == pytest.approx(2 * 1.96 * of_lead.std() / np.sqrt(800), rel=0.12)
    alone = intervals(Ranking.of(outcome, score), lead_weights(np.arange(len(leads)), 600, 0))["brier"]
    assert (alone[1] - alone[0]) == pytest.approx((high - low) / 2, rel=0.15)


@given(st.integers(0, 10_000), st.sampled_from([0.02, 0.3]), st.sampled_from([1.0, 20.0]))
@settings(max_examples=25, deadline=None)
def test_the_interval_holds_its_point(seed, rate, sharp):
    """A metric lies within its interval, and the interval within what the metric can be."""
    rng = np.random.default_rng(seed)
    signal = rng.normal(size=400)
    score = 1 / (1 + np.exp(-(np.log(rate / (1 - rate)) + sharp * signal)))
    outcome = rng.random(400) < score
    assume(5 <= outcome.sum() <= 395)
    ranking = Ranking.of(outcome, score)
    point, bounds = ranking.metrics(), intervals(ranking, lead_weights(np.arange(400) // 2, 100, seed))
    most = {"log_loss": np.inf, "lift_at_10": 10.0}
    for name in METRICS:
        low, high = bounds[name]
        assert 0.0 <= low <= point[name] + 1e-12
        assert point[name] <= high + 1e-12
        assert high <= most.get(name, 1.0)


def test_intervals_cover_the_truth():
    """Over many samples the 95 % interval of the AUC holds the true AUC about as often as it says."""
    truth = 0.7602  # of two unit normals one apart: Phi(1 / sqrt 2)
    held = 0
    for seed in range(60):
        rng = np.random.default_rng(seed)
        outcome = rng.random(300) < 0.3
        ranking = Ranking.of(outcome, rng.normal(outcome.astype(float), 1.0))
        low, high = intervals(ranking, lead_weights(np.arange(300), 100, seed))["auc"]
        held += low <= truth <= high
    assert held >= 51


@given(ROWS)
@settings(max_examples=40, deadline=None)
def test_reliability_counts_every_row_once(made):
    """Groups of nearly equal size, in order of score; counts and rates add up; the interval holds the rate."""
    outcome, score = _rows(*made)
    rows = reliability(outcome, score)
    assert sum(row["n"] for row in rows) == len(outcome)
    assert sum(row["n"] * row["observed"] for row in rows) == pytest.approx(outcome.sum())
    assert sum(row["n"] * row["predicted"] for row in rows) == pytest.approx(score.sum())
    assert max(row["n"] for row in rows) - min(row["n"] for row in rows) <= 1
    for row in rows:
        assert 0 <= row["low"] <= row["observed"] + 1e-12
        assert row["observed"] <= row["high"] + 1e-12
        assert row["high"] <= 1


@given(st.integers(0, 500))
@settings(max_examples=30, deadline=None)
def test_groups_of_the_curve_hold_enough_outcomes(outcomes):
    """Ten groups, fewer where a group would hold less than five outcomes on average, three at the least."""
    bins = reliability_bins(np.arange(1000) < outcomes)
    assert 3 <= bins <= 10
    assert bins == 10 or outcomes / (bins + 1) < 5
    assert bins == 3 or outcomes / bins >= 5


def test_wilson_by_hand():
    """Two of ten: Wilson's interval at 95 % is 5.7 % to 51.0 %."""
    (row,) = reliability(np.arange(10) < 2, np.full(10, 0.2), bins=1)
    assert (row["low"], row["high"]) == (pytest.approx(0.0567, abs=2e-4), pytest.approx(0.5098, abs=2e-4))
