"""Shares of rows that belong to leads: what they are worth, their intervals, and whether they are what was told."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest

from data.clock import DAY, WEEK
from training.watching.chance import Lived, interval, surprise


def lived(told, leads, at, happened=None, horizon=30 * DAY):
    """Rows of plain lists."""
    came = np.zeros(len(told), bool) if happened is None else np.array(happened, bool)
    return Lived(np.array(told, float), came, np.array(leads), np.array(at, np.int64), horizon)


@given(st.integers(1, 60), st.integers(0, 60), st.floats(0.01, 0.99))
def test_a_row_for_each_lead_is_a_binomial(count, hits, told):
    """Then the interval and the test are the exact ones of SciPy's binomial test."""
    hits = min(hits, count)
    exact = binomtest(hits, count, told).proportion_ci(method="exact")
    assert interval(hits / count, count) == pytest.approx((exact.low, exact.high), abs=1e-9)
    tails = [binomtest(hits, count, told, side).pvalue for side in ("less", "greater")]
    assert surprise(told, hits / count, count) == pytest.approx(min(1.0, 2 * min(tails)), rel=1e-6)


def test_rows_are_worth_what_their_horizons_leave_apart():
    """By hand: the same moment twice is one row, horizons side by side are two, half an overlap lies between."""
    for apart, worth in ((0, 1.0), (30 * DAY, 2.0), (15 * DAY, 4 / 3)):
        assert lived([0.1, 0.1], [0, 0], [0, apart]).effective() == pytest.approx(worth)
    assert lived([0.1, 0.1], [0, 1], [0, 0]).effective() == pytest.approx(2.0)


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 80), st.floats(-1, 1)), min_size=1, max_size=25))
def test_the_variance_is_the_double_sum(rows):
    """Over all pairs of rows of a lead, each as much alike as their horizons overlap, in whatever order they come."""
    leads, days, each = (np.array(part) for part in zip(*rows, strict=True))
    expected = sum(
        each[i] * each[j] * max(0.0, 1.0 - abs(int(days[i]) - int(days[j])) / 30)
        for i in range(len(rows))
        for j in range(len(rows))
        if leads[i] == leads[j]
    )
    found = lived([0.5] * len(rows), leads, days * DAY).variance(each.astype(float))
    assert found == pytest.approx(expected, abs=1e-9)


@settings(deadline=None)
@given(st.integers(0, 1_000))
def test_an_interval_holds_what_it_is_made_from(seed):
    """Whatever the share and the number of rows: between 0 and 1, in order, the share inside."""
    rng = np.random.default_rng(seed)
    rows = float(rng.uniform(0.5, 500))
    share = float(rng.choice([0.0, 1.0, rng.random()]))
    low, high = interval(share, rows)
    assert 0.0 <= low <= share <= high <= 1.0
    assert 0.0 < surprise(float(rng.uniform(0.001, 0.999)), share, rows) <= 1.0 or rows > 50


def test_true_answers_are_seldom_surprising():
    """Leads asked every week whose outcomes come at a constant rate: p-values below 5 % in about one draw of twenty."""
    rng = np.random.default_rng(7)
    leads, weeks, rate = 150, 12, 0.0015  # a day
    told = 1.0 - np.exp(-rate * 30)
    alarms = []
    for _ in range(400):
        when = rng.exponential(1.0 / rate, leads)
        lead, week = np.divmod(np.arange(leads * weeks), weeks)
        open_ = when[lead] >= week * 7
        lead, week = lead[open_], week[open_]
        came = when[lead] < week * 7 + 30
        rows = lived(np.full(len(lead), told), lead, week * WEEK, came)
        alarms.append(surprise(told, float(came.mean()), rows.effective()) < 0.05)
    assert 0.01 <= np.mean(alarms) <= 0.07
