"""The call list, against a plain reading of its rule: week by week, the best first, a lead again after the horizon."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.clock import DAY, WEEK
from training.capacity import Asked, call_list, capacity_figures


def _asked(seed, leads=12, weeks=6, every=1, horizon=21 * DAY):
    """Every lead at every step of a weekly grid; a win within the horizon for some."""
    rng = np.random.default_rng(seed)
    cutoffs = np.repeat(np.arange(weeks) * every, leads) * WEEK
    codes = np.tile(np.arange(leads), weeks)
    return Asked(cutoffs, codes, rng.random(len(codes)) < 0.2, horizon), rng.permutation(len(codes)) / len(codes)


def _by_hand(asked, score, per_week):
    """The rule read plainly, for a weekly grid without ties and whole calls."""
    called, last = [], {}
    for week in sorted(set(asked.cutoffs.tolist())):
        rows = [row for row in range(len(score)) if asked.cutoffs[row] == week]
        rows.sort(key=lambda row: -score[row])
        taken = 0
        for row in rows:
            lead = int(asked.codes[row])
            if taken < per_week and (lead not in last or week - last[lead] >= asked.horizon):
                called.append(row)
                last[lead] = week
                taken += 1
    return called


@given(st.integers(0, 500), st.integers(1, 14), st.sampled_from([7, 10, 21, 60]))
@settings(max_examples=60, deadline=None)
def test_the_best_are_called_week_by_week(seed, per_week, days):
    """Each week the best that are free, as many as sales can call, a lead again only after its horizon."""
    asked, score = _asked(seed, horizon=days * DAY)
    assert sorted(call_list(asked, score, per_week, 0).tolist()) == sorted(_by_hand(asked, score, per_week))


def test_broken_calls_add_up_and_weeks_without_cutoffs_are_called_in():
    """Half a call a week is one every second week; a grid of four weeks has four weeks' calls at each step."""
    asked, score = _asked(1, horizon=WEEK)
    assert len(call_list(asked, score, 0.5, 0)) == 3
    monthly, score = _asked(1, every=4, horizon=WEEK)
    assert len(call_list(monthly, score, 2, 0)) == 6 * 8
    assert monthly.weeks == 24


def test_ties_are_broken_by_a_seeded_draw():
    """Equal scores are called in an order that depends on the seed alone, not on how rows happen to lie."""
    asked, _ = _asked(3)
    level = np.zeros(len(asked.codes))
    one, same, other = (call_list(asked, level, 3, seed).tolist() for seed in (0, 0, 1))
    assert one == same != other


def test_figures_count_wins_once():
    """By hand: two leads, both won; the served list calls one of them in time, twice right, and catches one win."""
    cutoffs = np.array([0, 0, 4, 4]) * WEEK
    asked = Asked(cutoffs, np.array([0, 1, 0, 1]), np.array([True, False, True, True]), 14 * DAY)
    said = {"blend": np.array([0.9, 0.1, 0.9, 0.1]), "points": np.array([0.1, 0.9, 0.1, 0.9]), "prior": np.full(4, 0.5)}
    found = capacity_figures(asked, said, "blend", 0.25, 0)
    assert (found["wins"], found["leads"], found["weeks"]) == (2, 2, 8.0)
    assert set(found["models"]) == {"blend", "points", "random"}
    ours, points = found["models"]["blend"], found["models"]["points"]
    assert (ours["calls"], ours["caught"], ours["precision"], ours["capture"]) == (2, 1, 1.0, 0.5)
    assert (points["calls"], points["caught"], points["precision"], points["capture"]) == (2, 1, 0.5, 0.5)
    assert found["more_caught"]["points"]["value"] == 0


@given(st.integers(0, 300), st.sampled_from([None, 1, 3, 50]))
@settings(max_examples=25, deadline=None)
def test_shares_are_shares_and_intervals_hold_them(seed, per_week):
    """Capture and precision lie within 0 and 1 and within their intervals; whoever can call everybody catches all."""
    asked, score = _asked(seed, leads=30, horizon=7 * DAY)
    if not asked.outcome.any():
        return
    found = capacity_figures(asked, {"blend": score}, "blend", per_week, seed)
    ours = found["models"]["blend"]
    for share in ("precision", "capture"):
        low, high = ours["intervals"][share]
        assert 0 <= low <= ours[share] + 1e-9
        assert ours[share] <= high + 1e-9 <= 1 + 2e-9
    assert found["agreed"] == (per_week is not None)
    if per_week == 50:
        assert ours["capture"] == 1.0


def test_knowing_the_future_beats_chance_and_ignorance_does_not():
    """A list by the outcome itself catches far more than chance; the random list is the mean of many."""
    asked, score = _asked(5, leads=200, weeks=10)
    found = capacity_figures(asked, {"blend": asked.outcome + 0.1 * score, "points": score}, "blend", 5, 0)
    best, blind, chance = (found["models"][name] for name in ("blend", "points", "random"))
    assert best["precision"] == 1.0
    assert chance["caught"] == pytest.approx(blind["caught"], abs=8)
    low, _high = found["more_caught"]["points"]["interval"]
    assert low > 0


def test_without_rows_nothing_is_claimed():
    """No matured row, no call list."""
    none = Asked(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, bool), DAY)
    assert capacity_figures(none, {"blend": np.empty(0)}, "blend", 5, 0) is None
