"""Differences between two versions on the same rows."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize
from sklearn.metrics import brier_score_loss, log_loss, roc_auc_score

from training.comparing.paired import COMPARED, LESS_IS_BETTER, paired, verdict
from training.comparing.recalibrate import log_odds, recalibrated
from training.judge import lead_weights


def drawn(seed, rows=600, leads=150):
    """(outcome, a truthful answer, the same with noise, leads as codes)."""
    generator = np.random.default_rng(seed)
    logits = generator.normal(-1.0, 1.5, rows)
    outcome = generator.random(rows) < 1 / (1 + np.exp(-logits))
    noisy = logits + generator.normal(0, 1.2, rows)
    codes = np.sort(generator.integers(0, leads, rows))
    codes = np.unique(codes, return_inverse=True)[1]
    return outcome, 1 / (1 + np.exp(-logits)), 1 / (1 + np.exp(-noisy)), codes


def test_a_version_does_not_differ_from_itself():
    """Compared with itself every metric is level and differs by 0, to the last bit."""
    outcome, a, _, codes = drawn(1)
    for found in paired(outcome, a, a.copy(), codes, seed=3, draws=50).values():
        assert (found["difference"], found["interval"], found["verdict"]) == (0.0, [0.0, 0.0], "level")


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10_000))
def test_both_ways_round_say_the_same(seed):
    """What B gains on A is what A loses to B, interval and verdict included."""
    outcome, a, b, codes = drawn(seed, rows=120, leads=40)
    there, back = (paired(outcome, *pair, codes, seed=5, draws=40) for pair in ((a, b), (b, a)))
    mirrored = {"better": "worse", "worse": "better", "level": "level", None: None}
    for name in COMPARED:
        one, other = there[name], back[name]
        assert one["difference"] == -other["difference"]
        assert one["interval"] == pytest.approx([-edge for edge in reversed(other["interval"])], abs=1e-12)
        assert mirrored[one["verdict"]] == other["verdict"]


def test_intervals_are_those_of_rows_written_out():
    """Each draw, written out row by row and judged by scikit-learn, gives the same interval."""
    outcome, a, b, codes = drawn(7)
    found = paired(outcome, a, b, codes, seed=11, draws=60)
    judges = {"log_loss": log_loss, "brier": brier_score_loss, "auc": roc_auc_score}
    for name, judge in judges.items():
        values = []
        for weight in lead_weights(codes, 60, 11):
            rows = np.repeat(np.arange(len(outcome)), weight.astype(int))
            values.append(judge(outcome[rows], b[rows]) - judge(outcome[rows], a[rows]))
        point = judge(outcome, b) - judge(outcome, a)
        edges = np.quantile(values, (0.025, 0.975)) - np.mean(values) + point
        assert found[name]["difference"] == pytest.approx(point, abs=1e-6)
        assert found[name]["interval"] == pytest.approx(edges.tolist(), abs=1e-6)


def test_noise_is_surely_worse():
    """Answers with much noise on top are worse than the truth in every metric that looks at order or at loss."""
    outcome, truth, noisy, codes = drawn(3, rows=4_000, leads=1_500)
    found = paired(outcome, truth, noisy, codes, seed=1, draws=80)
    assert {found[name]["verdict"] for name in ("auc", "average_precision", "log_loss", "brier")} == {"worse"}
    assert found["log_loss"]["difference"] > 0 > found["auc"]["difference"]


def test_pairing_cancels_what_both_share():
    """A version that differs a little from another is told from it although each alone is far less certain."""
    outcome, a, _, codes = drawn(5, rows=3_000, leads=1_000)
    b = 1 / (1 + np.exp(-(log_odds(a) + 0.3)))
    found = paired(outcome, a, b, codes, seed=2, draws=100)["log_loss"]
    alone = [
        log_loss(outcome[rows], a[rows])
        for weight in lead_weights(codes, 100, 2)
        for rows in [np.repeat(np.arange(len(outcome)), weight.astype(int))]
    ]
    assert found["interval"][1] - found["interval"][0] < np.ptp(np.quantile(alone, (0.025, 0.975))) / 2


def test_without_outcomes_there_is_no_verdict():
    """Rows on which nothing happened say nothing: no figure, no interval, no verdict."""
    _, a, b, codes = drawn(1)
    for found in paired(np.zeros(len(a), bool), a, b, codes, seed=1, draws=10).values():
        assert (found["difference"], found["interval"], found["verdict"]) == (None, [None, None], None)


@given(st.sampled_from(COMPARED), st.floats(-1, 1), st.floats(0.001, 1))
def test_a_verdict_needs_the_whole_interval_on_one_side(metric, low, width):
    """Level as long as 0 is inside; better on the side where less, or more, is better."""
    high = low + width
    told = verdict(metric, [low, high])
    if low <= 0 <= high:
        assert told == "level"
    else:
        assert told == ("better" if (high < 0) == (metric in LESS_IS_BETTER) else "worse")


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.floats(0.3, 3.0), st.floats(-2.0, 2.0))
def test_recalibration_finds_the_line_that_a_general_optimiser_finds(seed, slope, shift):
    """The fitted line is that of a general optimiser, and what it saves is never below 0."""
    outcome, a, _, _ = drawn(seed, rows=200)
    told = log_odds(a) * slope + shift
    weight = np.random.default_rng(seed).integers(0, 3, len(told)).astype(float)
    found = recalibrated(outcome.astype(float), told, weight)

    def loss(line):
        score = line[0] * told + line[1]
        return float(weight @ (np.logaddexp(0, score) - outcome * score)) / weight.sum()

    best = minimize(loss, [1.0, 0.0], method="Nelder-Mead", options={"xatol": 1e-9, "fatol": 1e-13, "maxiter": 4_000})
    assert loss([found.slope, found.intercept]) == pytest.approx(best.fun, abs=1e-8)
    assert found.saved == pytest.approx(loss([1.0, 0.0]) - best.fun, abs=1e-8)
    assert found.saved >= 0.0


def test_recalibration_undoes_a_distortion():
    """Told log-odds of twice the truth and one more: the line is its inverse, and the loss that it saves is large."""
    outcome, truth, _, _ = drawn(2, rows=20_000)
    weight = np.ones(len(truth))
    plain = recalibrated(outcome.astype(float), log_odds(truth), weight)
    bent = recalibrated(outcome.astype(float), log_odds(truth) * 2 + 1, weight)
    assert plain.slope == pytest.approx(1.0, abs=0.06)
    assert plain.intercept == pytest.approx(0.0, abs=0.06)
    assert bent.slope == pytest.approx(plain.slope / 2, abs=1e-4)
    assert bent.intercept == pytest.approx(plain.intercept - plain.slope / 2, abs=1e-4)
    assert bent.saved > 50 * plain.saved


def test_one_answer_for_all_can_be_recalibrated():
    """A constant answer has no slope to fit; the line still tells everybody the rate."""
    outcome = np.arange(100) < 30
    found = recalibrated(outcome.astype(float), np.zeros(100), np.ones(100))
    assert 1 / (1 + np.exp(-found.intercept)) == pytest.approx(0.3, abs=1e-4)
