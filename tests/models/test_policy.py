import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.clock import DAY, WEEK
from data.errors import BundleError, ContractError
from features.lead import Event
from models.policy import Evidence, Policy, threshold_for_capacity

POLICY = Policy(threshold=0.09)
MUCH = Evidence(3, 4)
SOON = " within 90 days"
NOW = 20_000 * DAY


def test_enough_readiness_and_evidence_hand_off():
    """At or above the threshold with kinds and days enough, sales is asked, and the sentence says both."""
    decision, sentence = POLICY.decide(0.12, MUCH)
    assert decision == "hand off"
    assert sentence == "readiness 12 % is at or above the agreed 9 %; 3 kinds of engagement on 4 days"
    assert POLICY.decide(0.09, MUCH)[0] == "hand off"


@settings(max_examples=100, deadline=None)
@given(st.floats(0, 1), st.floats(0, 1), st.integers(0, 1), st.integers(0, 5))
def test_one_download_is_never_enough(readiness, threshold, few, many):
    """Whatever the number says, one kind or one day of engagement is not handed off when two are asked for."""
    policy = Policy(threshold)
    assert policy.decide(readiness, Evidence(few, many))[0] == "nurture"
    assert policy.decide(readiness, Evidence(many, few))[0] == "nurture"


@pytest.mark.parametrize(
    ("readiness", "evidence", "sentence"),
    [
        (
            0.9,
            Evidence(1, 1),
            "one kind of engagement on one day: the contract asks for 2 kinds on 2 days within 90 days",
        ),
        (0.9, Evidence(2, 1), "2 kinds of engagement on one day: the contract asks for 2 days within 90 days"),
        (0.9, Evidence(1, 5), "one kind of engagement on 5 days: the contract asks for 2 kinds within 90 days"),
        (0.9, Evidence(0, 0), "no engagement within 90 days: the contract asks for 2 kinds on 2 days within 90 days"),
        (0.05, MUCH, "readiness 5 % is below the agreed 9 %"),
        (0.0899, MUCH, "readiness 8.99 % is below the agreed 9.00 %"),
    ],
)
def test_the_sentence_says_what_is_missing(readiness, evidence, sentence):
    """A lead that is nurtured is told why, without contradicting itself by rounding."""
    assert POLICY.decide(readiness, evidence) == ("nurture", sentence)


@settings(max_examples=100, deadline=None)
@given(st.floats(1e-6, 1), st.floats(1e-6, 1))
def test_the_figures_told_are_in_the_order_that_the_words_say(readiness, threshold):
    """Rounded figures never show a hand-off below its threshold, or equal figures for a nurtured lead."""
    decision, sentence = Policy(threshold).decide(readiness, MUCH)
    one, other = [float(word) for word in sentence.split(";")[0].split() if word[0].isdigit()]
    assert (one >= other) if decision == "hand off" else (one < other)


def test_evidence_is_what_the_lead_did_and_we_knew():
    """Only the lead's own events count, seen before the moment, within the window, by kind and by UTC day."""
    window = 10 * DAY
    events = [
        Event("view", NOW - 1, NOW - 1),
        Event("view", NOW - DAY, NOW - DAY),
        Event("reply", NOW - window, NOW - window),
        Event("demo", NOW - window - 1, NOW - window - 1),
        Event("demo", NOW, NOW),
        Event("demo", NOW - 1, NOW),
        Event("call", NOW - 5 * DAY, NOW - 5 * DAY, "sales"),
        Event("email_sent", NOW - 5 * DAY, NOW - 5 * DAY, "marketing"),
    ]
    assert Evidence.seen(events, NOW, window) == Evidence(kinds=2, days=2)
    assert Evidence.seen([], NOW, window) == Evidence(0, 0)


def test_json_round_trip():
    """A policy read back is the policy, to the last bit of its threshold."""
    for policy in (POLICY, Policy(0.1 + 1e-17, 0, 3, DAY, 12.5), replace(POLICY, capacity_per_week=40.0)):
        assert Policy.from_json(policy.to_json()) == policy


@pytest.mark.parametrize("text", [b"", b"[]", b"{}", b'{"threshold": 0.1}', POLICY.to_json().replace(b"0.09", b"9")])
def test_what_is_no_policy_is_a_bundle_error(text):
    """Damaged JSON, other keys and impossible thresholds are a BundleError."""
    with pytest.raises(BundleError, match="no policy"):
        Policy.from_json(text)


def test_an_impossible_policy_is_a_contract_error():
    """A threshold above 1 is refused when the policy is made."""
    with pytest.raises(ContractError, match="Correct"):
        Policy(threshold=9.0)


def _handed_off(threshold, scores, cutoffs, leads):
    """The oracle: walk through the weeks, hand off each lead once, leave out the backlog of the first week."""
    done, count = set(), 0
    for week in sorted(set(cutoffs)):
        for score, lead in sorted(zip(scores[cutoffs == week], leads[cutoffs == week], strict=True)):
            if score >= threshold and lead not in done:
                done.add(lead)
                count += week != min(cutoffs)
    return count


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.integers(2, 9), st.floats(0.2, 30))
def test_the_threshold_keeps_to_the_capacity(seed, weeks, capacity):
    """Above the threshold no more leads a week are handed off than asked, and any lower score would be too many."""
    rng = np.random.default_rng(seed)
    count = 120
    leads, cutoffs = rng.integers(0, 30, count), rng.integers(0, weeks, count) * WEEK
    scores = np.round(0.9 * rng.random(count), 2)
    threshold = threshold_for_capacity(scores, cutoffs, leads, capacity)
    allowed = capacity * max((cutoffs.max() - cutoffs.min()) / WEEK, 1)
    higher = [t for t in np.unique(scores) if t >= threshold]
    assert all(_handed_off(t, scores, cutoffs, leads) <= allowed for t in [threshold, *higher])
    lower = [peak for peak in _peaks(scores, cutoffs, leads) if peak < threshold]
    assert not lower or _handed_off(max(lower), scores, cutoffs, leads) > allowed


def _peaks(scores, cutoffs, leads):
    """The highest score of each lead that was lower at the first cutoff: where a threshold lets one more lead in."""
    best, before = {}, {}
    for score, cutoff, lead in zip(scores, cutoffs, leads, strict=True):
        best[lead] = max(score, best.get(lead, 0))
        if cutoff == min(cutoffs):
            before[lead] = max(score, before.get(lead, 0))
    return [best[lead] for lead in best if best[lead] > before.get(lead, -1)]


def test_a_single_snapshot_hands_off_the_best():
    """With one cutoff the capacity is the number of leads above the threshold."""
    scores = np.linspace(0.01, 0.5, 50)
    threshold = threshold_for_capacity(scores, np.zeros(50, np.int64), np.arange(50), 5)
    assert (scores >= threshold).sum() == 5


def test_rows_without_evidence_take_no_place():
    """Leads that may not be handed off leave the capacity to the others."""
    scores = np.linspace(0.01, 0.5, 50)
    eligible = np.arange(50) % 2 == 0
    threshold = threshold_for_capacity(scores, np.zeros(50, np.int64), np.arange(50), 5, eligible)
    assert (scores[eligible] >= threshold).sum() == 5


def test_ties_above_the_capacity_and_no_rows():
    """Equal scores that are too many together are all left; without rows there is no threshold."""
    threshold = threshold_for_capacity(np.full(9, 0.3), np.zeros(9, np.int64), np.arange(9), 5)
    assert threshold == math.nextafter(0.3, 1)
    with pytest.raises(ContractError, match="No held-out rows"):
        threshold_for_capacity(np.empty(0), np.empty(0, np.int64), np.empty(0), 5)
