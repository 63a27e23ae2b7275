import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.clock import WEEK
from data.errors import ContractError
from models.thresholds import (
    NEVER_AGAIN,
    break_even,
    exit_for,
    threshold_for_capacity,
    thresholds_for_capacities,
)


def _handed_off(threshold, scores, cutoffs, leads, eligible, rest):
    """The oracle: walk through the weeks, hand off each lead that has rested, leave out the backlog of the first."""
    last, count = {}, 0
    for week in sorted(set(cutoffs)):
        for row in np.flatnonzero((cutoffs == week) & eligible):
            lead = leads[row]
            if scores[row] >= threshold and (lead not in last or week - last[lead] >= rest):
                last[lead] = week
                count += week != min(cutoffs)
    return count


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.integers(2, 9), st.floats(0.2, 30), st.sampled_from((NEVER_AGAIN, WEEK, 3 * WEEK, 0)))
def test_the_threshold_keeps_to_the_capacity(seed, weeks, capacity, rest):
    """At it and above no more are handed off than asked; the next score that would bring one more is too many."""
    rng = np.random.default_rng(seed)
    pairs = np.unique(rng.integers(0, 30 * weeks, 120))
    leads, cutoffs = pairs // weeks, pairs % weeks * WEEK
    scores = np.round(0.9 * rng.random(len(pairs)), 2)
    eligible = rng.random(len(pairs)) < 0.7
    if len(set(cutoffs.tolist())) < 2 or not eligible.any():
        return
    threshold = threshold_for_capacity(scores, cutoffs, leads, capacity, eligible, rest)
    allowed = capacity * max((cutoffs.max() - cutoffs.min()) / WEEK, 1)

    def count(t):
        return _handed_off(t, scores, cutoffs, leads, eligible, rest)

    candidates = np.unique(scores[eligible])[::-1]
    assert all(count(t) <= allowed for t in [threshold, *candidates[candidates >= threshold]])
    for lower in candidates[candidates < threshold]:
        if count(lower) != count(threshold):
            assert count(lower) > allowed or count(lower) < count(threshold)
            break


def test_a_single_snapshot_hands_off_the_best():
    """With one cutoff the capacity is the number of leads above the threshold."""
    scores = np.linspace(0.01, 0.5, 50)
    threshold = threshold_for_capacity(scores, np.zeros(50, np.int64), np.arange(50), 5)
    assert (scores >= threshold).sum() == 5


def test_rows_without_evidence_take_no_place():
    """Leads that may not be handed off leave the capacity to the others; when none may, the threshold is 1."""
    scores = np.linspace(0.01, 0.5, 50)
    eligible = np.arange(50) % 2 == 0
    threshold = threshold_for_capacity(scores, np.zeros(50, np.int64), np.arange(50), 5, eligible)
    assert (scores[eligible] >= threshold).sum() == 5
    assert threshold_for_capacity(scores, np.zeros(50, np.int64), np.arange(50), 5, np.zeros(50, bool)) == 1.0


def test_a_lead_that_comes_back_takes_a_place_again():
    """By hand: one lead is above 0.3 in weeks 1 to 6; with a rest of 3 weeks that is two hand-offs, without end one."""
    cutoffs = np.arange(7) * WEEK
    scores = np.array([0.0, 0.4, 0.4, 0.4, 0.4, 0.4, 0.4])
    leads = np.zeros(7, np.int64)
    assert threshold_for_capacity(scores, cutoffs, leads, 1.5 / 6, None, 3 * WEEK) > 0.4
    assert threshold_for_capacity(scores, cutoffs, leads, 2.0 / 6, None, 3 * WEEK) == 0.4
    assert threshold_for_capacity(scores, cutoffs, leads, 1.5 / 6) == 0.4


def test_ties_above_the_capacity_and_no_rows():
    """Equal scores that are too many together are all left; without rows there is no threshold."""
    threshold = threshold_for_capacity(np.full(9, 0.3), np.zeros(9, np.int64), np.arange(9), 5)
    assert threshold == math.nextafter(0.3, 1)
    with pytest.raises(ContractError, match="No held-out rows"):
        threshold_for_capacity(np.empty(0), np.empty(0, np.int64), np.empty(0), 5)


@settings(max_examples=100, deadline=None)
@given(st.floats(0.1, 1e3), st.floats(0, 1e4), st.floats(1.01, 1e3))
def test_at_the_break_even_a_call_is_worth_what_it_costs(call, premature, times):
    """Below it a call loses, above it a call wins; a higher price of a premature call asks for more readiness."""
    win = call * times
    share = break_even(call, premature, win)
    assert 0 < share < 1

    def gain(p):
        return p * win - call - (1 - p) * premature

    scale = win + premature
    assert abs(gain(share)) <= 1e-9 * scale
    assert gain(0.99 * share) < 0 < gain(share + 0.01 * (1 - share))
    assert break_even(call, premature + 1, win) > share


def test_costs_by_hand_and_costs_that_never_pay():
    """A call of 50, 150 lost by a premature one, a win of 1,850: ready from 10 % on. A win below a call is refused."""
    assert break_even(50, 150, 1_850) == pytest.approx(0.1)
    for wrong in ((50, 0, 50), (0, 0, 10), (5, -1, 10), (5, 0, math.inf), (5, math.nan, 10)):
        with pytest.raises(ContractError, match="break-even"):
            break_even(*wrong)


def test_the_exit_has_two_thirds_of_the_odds():
    """By hand: odds of 1 to 4 at 20 %, 1 to 6 at the exit. Nothing stays nothing, certain stays certain."""
    assert exit_for(0.2) == pytest.approx(1 / 7)
    assert (exit_for(0.0), exit_for(1.0)) == (0.0, 1.0)


@settings(max_examples=30, deadline=None)
@given(
    st.integers(0, 10_000), st.lists(st.floats(0.1, 40), min_size=1, max_size=8), st.sampled_from((NEVER_AGAIN, WEEK))
)
def test_many_capacities_in_one_walk_are_each_by_itself(seed, capacities, rest):
    """The thresholds of several capacities are those that each has alone."""
    rng = np.random.default_rng(seed)
    pairs = np.unique(rng.integers(0, 150, 100))
    leads, cutoffs = pairs // 5, pairs % 5 * WEEK
    scores, eligible = np.round(rng.random(len(pairs)), 1), rng.random(len(pairs)) < 0.8
    rising = sorted(capacities)
    together = thresholds_for_capacities(scores, cutoffs, leads, rising, eligible, rest)
    alone = [threshold_for_capacity(scores, cutoffs, leads, one, eligible, rest) for one in rising]
    assert together == alone
