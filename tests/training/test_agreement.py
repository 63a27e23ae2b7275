"""What each capacity would have meant: the rule played through the later rows, beside the points at the same number."""

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from data.clock import WEEK
from data.spine import SPINE, micros
from features.local import compute
from models.evidence import Evidence
from models.histories import lead_histories
from tests.training.refitted import at_the_end
from training.agreement import agreement, of_all, rounded
from training.sample import draw_sample


@pytest.fixture(scope="module")
def curve(steady_trial):
    """The curve of a real trial."""
    return steady_trial.report["agreement"]


@pytest.fixture(scope="module")
def oracle(steady, steady_trial):
    """``oracle(threshold)``: the rule played by hand, lead after lead, from the facts themselves."""
    contract, checked = steady
    test, history, ready = steady_trial.test, checked.history, contract.ready
    cutoffs, ids = micros(test.cutoff), test.lead_id.to_pylist()
    leads = {one.lead_id: one for one in lead_histories(history, sorted(set(ids)))}
    won, recorded = {}, history.outcomes
    moments = micros(recorded["occurred_at"]).tolist()
    for lead, kind, at in zip(recorded["lead_id"].to_pylist(), recorded["kind"].to_pylist(), moments, strict=True):
        if kind in ready.outcome:
            won.setdefault(lead, []).append(at)
    limit = history.ends_at - ready.reporting_lag - ready.primary
    judged = at_the_end(steady_trial)
    spine = pa.table([test.lead_id, test.cutoff], schema=SPINE)
    matrix = compute(history, spine, steady_trial.feature_set, steady_trial.vocabulary).matrix
    scores = judged.predict(matrix)[:, ready.horizons.index(ready.primary)]
    policy, start = contract.policy, int(cutoffs.min())
    weeks = max(max(cutoff for cutoff in cutoffs.tolist() if cutoff <= limit) - start, WEEK) / WEEK

    def play(threshold):
        told = {"hand_offs": 0, "premature": 0, "wins": 0}
        caught, last, counted = set(), {}, set()
        for row in np.argsort(cutoffs, kind="stable").tolist():
            lead, now = leads[ids[row]], int(cutoffs[row])
            evidence = Evidence.seen(lead.events, now, policy.evidence_window, lead.created_at)
            enough = evidence.kinds >= policy.min_kinds and evidence.days >= policy.min_days
            rested = lead.lead_id not in last or now - last[lead.lead_id] >= policy.answer_within + policy.cool_down
            if scores[row] < threshold or not enough or not rested:
                continue
            last[lead.lead_id] = now
            if now > limit:
                continue
            fresh = now > start
            told["hand_offs"] += fresh
            following = [at for at in won.get(lead.lead_id, []) if now <= at < now + ready.primary]
            if not following:
                told["premature"] += fresh
                continue
            key = (lead.lead_id, min(following))
            told["wins"] += fresh and key not in counted
            counted.add(key)
            caught.add(key)
        return {name: count / weeks for name, count in told.items()}, caught

    rows = zip(ids, cutoffs.tolist(), strict=True)
    every = {
        (lead, min(after))
        for lead, now in rows
        if now <= limit and (after := [at for at in won.get(lead, []) if now <= at < now + ready.primary])
    }
    return play, every


def test_the_figures_are_those_of_the_rule_played_by_hand(curve, oracle):
    """Hand-offs, premature ones and wins a week, and the share of all wins, at each threshold of the curve."""
    play, every = oracle
    assert curve["wins"] == len(every) > 20
    for choice in [*curve["choices"], curve["own"]]:
        told, caught = play(choice["threshold"])
        assert {name: choice[name] for name in told} == pytest.approx(told)
        assert choice["caught"] == pytest.approx(len(caught) / len(every))
        for name, (low, high) in choice["intervals"].items():
            assert low <= high, name


def test_the_agreed_capacity_has_the_threshold_of_the_policy(curve, steady, steady_trial):
    """The curve goes through the policy that was trained, so that agreeing on the same changes nothing."""
    agreed = steady[0].policy.capacity_per_week
    [same] = [choice for choice in curve["choices"] if choice["per_week"] == agreed]
    assert same["threshold"] == steady_trial.policy.threshold == curve["own"]["threshold"]
    assert same["wins"] == curve["own"]["wins"]


def test_more_capacity_means_lower_thresholds_and_more_that_is_caught(curve):
    """Capacities rise, thresholds fall, and a hand-off more never catches less."""
    for name, sign in (("per_week", 1), ("threshold", -1)):
        values = np.array([choice[name] for choice in curve["choices"]])
        assert (sign * np.diff(values) >= 0).all()
    assert curve["choices"][-1]["caught"] > curve["choices"][0]["caught"]


def test_the_points_make_as_many_hand_offs(curve):
    """Points are set beside the model at the same capacity, and the difference in wins is that of the two."""
    for choice in curve["choices"]:
        assert choice["more_wins"] == pytest.approx(choice["wins"] - choice["points"]["wins"])
        low, high = choice["intervals"]["more_wins"]
        assert low <= choice["more_wins"] <= high or high - low < 0.5
    widest = curve["choices"][len(curve["choices"]) // 2]
    assert widest["points"]["hand_offs"] == pytest.approx(widest["hand_offs"], rel=0.5)


def test_without_matured_rows_nothing_is_claimed(steady, steady_trial):
    """A horizon that has not passed proves nothing."""
    contract, checked = steady
    sample = draw_sample(contract, checked.history, lambda _what, _share: None)
    none = replace(steady_trial.test, matured=np.zeros_like(steady_trial.test.matured))
    assert agreement(contract, checked.history, sample, none, steady_trial.policy) is None


def test_a_share_of_the_leads_stands_for_all(curve):
    """Where half of the leads were judged on, a week of all brings twice as much, at the same thresholds."""
    whole = of_all(curve, 0.5)
    for one, other in zip(curve["choices"], whole["choices"], strict=True):
        assert other["wins"] == 2 * one["wins"]
        assert (other["per_week"], other["threshold"]) == (2 * one["per_week"], one["threshold"])
        assert other["points"]["premature"] == 2 * one["points"]["premature"]
        assert other["caught"] == one["caught"]
        assert other["intervals"]["wins"] == [2 * edge for edge in one["intervals"]["wins"]]
        assert other["intervals"]["caught"] == one["intervals"]["caught"]


def test_capacities_are_round():
    """As people say them."""
    assert [rounded(one) for one in (0.26, 1.3, 2.9, 7.4, 19.6, 43.7, 127.0)] == [0.3, 1.5, 3.0, 7.0, 20.0, 44.0, 130.0]
