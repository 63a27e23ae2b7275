from dataclasses import replace

import numpy as np
import pytest

from data.clock import DAY
from data.errors import ReadinessError
from models.index import index_of
from models.scorer import Scorer
from models.states import resume


@pytest.fixture(scope="module")
def scorer(bundle):
    """A warm scorer of a bundle that was written and read."""
    scorer = Scorer(bundle)
    scorer.warm()
    return scorer


def test_what_was_trained_is_what_is_served(made, scorer):
    """One lead at a time, many together and the matrix of features give the fitted model's own bits."""
    expected = made.parts["model"].predict(made.matrix)
    pairs = list(zip(made.leads, made.cutoffs, strict=True))
    alone = [scorer.score(lead, cutoff, reasons=0) for lead, cutoff in pairs]
    assert np.array_equal(expected, np.array([list(score.horizons.values()) for score in alone]))
    assert alone == scorer.score_many(pairs)
    assert np.array_equal(expected, scorer.score_matrix(made.matrix))
    assert [score.readiness for score in alone] == expected[:, 1].tolist()


def test_reasons_do_not_depend_on_the_company(made, scorer):
    """A lead has the same reasons alone and among others, and asking again changes nothing."""
    pairs = list(zip(made.leads[:10], made.cutoffs[:10], strict=True))
    assert scorer.score_many(pairs, reasons=3) == [scorer.score(lead, cutoff) for lead, cutoff in pairs]


def test_a_score_is_whole(bundle, made, scorer):
    """Index, decision, horizons and names follow from the readiness and the bundle."""
    for lead, cutoff in zip(made.leads, made.cutoffs, strict=True):
        score = scorer.score(lead, cutoff)
        assert (score.lead_id, score.as_of, score.product) == (lead.lead_id, cutoff, "crm")
        assert score.bundle_id == bundle.bundle_id
        assert list(score.horizons) == ["30d", "90d"]
        assert 0 < score.horizons["30d"] <= score.horizons["90d"] == score.readiness < 1
        assert score.index == index_of(score.readiness, bundle.contract.index)
        assert len(score.reasons) <= 3
        if score.decision == "hand off":
            assert score.readiness >= bundle.policy.threshold
            assert "kinds of engagement on" in score.decision_reason


def test_where_a_lead_stood_is_minded(made, scorer, bundle):
    """A lead that was just recycled rests whatever its score; one that sales has stays with sales, and is due."""
    for lead, cutoff in zip(made.leads[:20], made.cutoffs[:20], strict=True):
        alone = scorer.score(lead, cutoff, 0)
        for state, decision in (("recycled", "recycle"), ("working", "hand off")):
            standing = resume(bundle.policy, state, max(cutoff - DAY, lead.created_at), lead.created_at)
            score = scorer.score(lead, cutoff, 0, standing)
            assert (score.state, score.decision, score.next_at) == (state, decision, standing.next_at)
            assert score.readiness == alone.readiness
    closed = resume(bundle.policy, "won", made.leads[0].created_at, made.leads[0].created_at)
    with pytest.raises(ReadinessError, match="open leads only"):
        scorer.score(made.leads[0], made.cutoffs[0], 0, closed)


def test_another_horizon_may_decide(bundle, made, scorer):
    """The readiness told stays that of the primary horizon; the decision is that of the horizon of the policy."""
    policy = replace(bundle.policy, horizon=30 * DAY, threshold=0.1, min_kinds=0, min_days=0)
    other = Scorer(replace(bundle, policy=policy))
    for lead, cutoff in zip(made.leads, made.cutoffs, strict=True):
        score = other.score(lead, cutoff, 0)
        assert (score.decision == "hand off") == (score.horizons["30d"] >= 0.1)
        assert score.readiness == scorer.score(lead, cutoff, 0).readiness
        assert "within 30 days" in score.decision_reason


def test_both_decisions_occur(made, scorer):
    """The fixture's leads are of both kinds, so that the other tests speak of both."""
    found = {scorer.score(lead, cutoff, 0).decision for lead, cutoff in zip(made.leads, made.cutoffs, strict=True)}
    assert found == {"hand off", "nurture"}


def test_later_events_do_not_count(made, scorer):
    """The score at a moment is the same whether or not the lead goes on, reasons and decision included."""
    for lead, cutoff in zip(made.leads[:20], made.cutoffs[:20], strict=True):
        known = tuple(event for event in lead.events if event.known_at < cutoff)
        assert scorer.score(lead, cutoff) == scorer.score(lead._replace(events=known), cutoff)


def test_the_reasons_add_up(made, scorer, bundle):
    """All reasons of a lead together push from the base to its log-odds."""
    for lead, cutoff, row in list(zip(made.leads, made.cutoffs, made.matrix, strict=True))[:20]:
        score = scorer.score(lead, cutoff, reasons=100)
        pushes = bundle.model.explain(row.reshape(1, -1))[0]
        assert sum(reason.push for reason in score.reasons) == pytest.approx(pushes[:-1].sum(), abs=1e-4)
        sizes = [abs(reason.push) for reason in score.reasons if reason.text != "no engagement yet"]
        assert sizes == sorted(sizes, reverse=True)


def test_a_lead_without_events_is_told_so(made, scorer):
    """Someone who has done nothing yet is scored by what is known otherwise, and the first reason says so."""
    lead = made.leads[0]._replace(events=(), attributes={"industry": "software"})
    score = scorer.score(lead, lead.created_at + DAY, reasons=5)
    assert score.decision == "nurture"
    assert score.reasons[0].text == "no engagement yet"
    assert "industry: software" in [reason.text for reason in score.reasons]
    assert not [reason for reason in score.reasons[1:] if "no " in reason.text[:3] and "touch" not in reason.text]


def test_no_moment_before_creation(made, scorer):
    """A question about a moment before the lead existed is an error; its first moment is not."""
    lead = made.leads[0]._replace(events=())
    assert scorer.score(lead, lead.created_at).readiness > 0
    with pytest.raises(ReadinessError, match="Ask at a later moment"):
        scorer.score(lead, lead.created_at - 1)


def test_nobody_to_score(scorer):
    """No leads have no scores."""
    assert scorer.score_many([]) == []
