"""The policy that travels: its thresholds come from the contract, and its capacity is kept by the rule itself."""

from dataclasses import replace

import numpy as np
import pytest

from data.clock import DAY, WEEK
from data.policy_section import Costs
from data.spine import micros
from models.evidence import Evidence
from models.histories import lead_histories
from models.states import Look, begin, step
from training.decision import make_policy
from training.sample import draw_sample


@pytest.fixture(scope="module")
def make(steady, steady_trial):
    """``make(**policy)``: the policy of the trial with other lines in [policy]."""
    contract, checked = steady
    sample = draw_sample(contract, checked.history, lambda _what, _share: None)

    def made(**changed):
        agreed = contract.policy.model_copy(update={"capacity_per_week": None, **changed})
        other = contract.model_copy(update={"policy": agreed})
        return make_policy(other, checked.history, sample, steady_trial.test)

    return made


def _scores(trial, horizon=None):
    ready = trial.contract.ready
    return trial.test.predictions["blend"][:, ready.horizons.index(horizon or ready.primary)]


@pytest.mark.parametrize("capacity", [0.5, 2.0, 8.0])
def test_the_capacity_is_kept_by_the_rule_itself(make, steady_trial, capacity):
    """Lead by lead through the later rows, sales taking each at once and never answering: no more than it can work."""
    policy, test, history = make(capacity_per_week=capacity), steady_trial.test, steady_trial.history
    cutoffs, ids = micros(test.cutoff), test.lead_id.to_pylist()
    scores, start = _scores(steady_trial), int(cutoffs.min())
    leads = {lead.lead_id: lead for lead in lead_histories(history, sorted(set(ids)))}
    standings = {name: begin(policy, lead.created_at) for name, lead in leads.items()}
    handed = 0
    for row in np.argsort(cutoffs, kind="stable"):
        lead, moment = leads[ids[row]], int(cutoffs[row])
        evidence = Evidence.seen(lead.events, moment, policy.evidence_window, lead.created_at)
        standing, moved = step(policy, standings[ids[row]], Look(float(scores[row]), evidence), moment)
        if moved is not None and moved.after == "ready":
            standing, _ = step(policy, standing, "taken", moment)
            handed += moment > start
        standings[ids[row]] = standing
    weeks = (cutoffs.max() - start) / WEEK
    assert handed <= capacity * weeks
    assert handed >= 0.5 * capacity * weeks or capacity > 4, "a small capacity is used"


def test_a_shorter_horizon_decides_by_its_own_scores(make, steady_trial):
    """The threshold is made on the scores of the horizon that decides, and travels with its name."""
    policy, scores = make(horizon=30 * DAY), _scores(steady_trial, 30 * DAY)
    assert policy.horizon == 30 * DAY
    assert (scores >= policy.threshold).mean() == pytest.approx(0.1, abs=0.01)
    assert policy.threshold < make().threshold


def test_more_capacity_means_a_lower_threshold(make):
    """And the evidence rule leaves room: where it is stricter, the threshold need not be as high."""
    thresholds = [make(capacity_per_week=capacity).threshold for capacity in (0.5, 2.0, 8.0)]
    assert thresholds == sorted(thresholds, reverse=True)
    assert len(set(thresholds)) == 3
    assert make(capacity_per_week=2.0, min_kinds=6, min_days=9).threshold < thresholds[1]


def test_costs_give_the_break_even_and_capacity_can_only_ask_for_more(make):
    """A call of 50, 150 for a premature one, 1,850 for a win: 10 %. The higher of both thresholds counts."""
    costs = Costs(call=50, premature=150, win=1850)
    assert make(costs=costs).threshold == pytest.approx(0.1)
    assert make(costs=costs).capacity_per_week is None
    few, many = (make(costs=costs, capacity_per_week=capacity).threshold for capacity in (0.5, 1_000.0))
    assert few == make(capacity_per_week=0.5).threshold > 0.1
    assert many == pytest.approx(0.1)


def test_what_the_contract_says_is_kept_and_the_rest_follows_from_the_scores(make, steady_trial):
    """Given thresholds as they are; else two thirds of the odds to fall back, half the mean readiness to be let go."""
    given = make(enter=0.2, exit=0.1, let_go_below=0.01, dwell=3 * DAY, cool_down=9 * DAY, cadence=5 * DAY)
    assert (given.threshold, given.exit, given.let_go_below) == (0.2, 0.1, 0.01)
    assert (given.dwell, given.cool_down, given.cadence) == (3 * DAY, 9 * DAY, 5 * DAY)
    policy, scores = make(), _scores(steady_trial)
    assert (scores >= policy.threshold).mean() == pytest.approx(0.1, abs=0.01)
    odds = policy.threshold / (1 - policy.threshold)
    assert policy.exit / (1 - policy.exit) == pytest.approx(odds / 1.5)
    assert policy.let_go_below == pytest.approx(scores.mean() / 2)


def test_exploration_is_a_share_of_the_hand_offs_within_the_capacity(make, steady_trial):
    """Week by week through the later rows the explored are about their share, all together what sales can work."""
    share, capacity = 0.25, 2.0
    policy, plain = make(capacity_per_week=capacity, explore=share), make(capacity_per_week=capacity)
    assert policy.threshold == make(capacity_per_week=capacity * (1 - share)).threshold > plain.threshold
    assert plain.explore_chance == 0.0
    test, history = steady_trial.test, steady_trial.history
    cutoffs, ids = micros(test.cutoff), test.lead_id.to_pylist()
    scores, start, end = _scores(steady_trial), int(cutoffs.min()), int(cutoffs.max())
    leads = {lead.lead_id: lead for lead in lead_histories(history, sorted(set(ids)))}
    looks = []
    for row in np.argsort(cutoffs, kind="stable"):
        lead, cutoff = leads[ids[row]], int(cutoffs[row])
        evidence = Evidence.seen(lead.events, cutoff, policy.evidence_window, lead.created_at)
        weeks = range(cutoff, min(cutoff + 28 * DAY, end + 1), WEEK)  # seen every four weeks, looked at every week
        looks += [(lead, moment, float(scores[row]), evidence) for moment in weeks]
    handed = {1.0: 0, policy.explore_chance: 0}
    seeds = range(10)
    for seed in seeds:
        seeded = replace(policy, explore_seed=seed)
        standings = {name: begin(seeded, lead.created_at) for name, lead in leads.items()}
        for lead, moment, score, evidence in looks:
            look = Look.at(seeded, lead.lead_id, moment, score, evidence)
            standing, moved = step(seeded, standings[lead.lead_id], look, moment)
            if moved is not None and moved.after == "ready":
                handed[moved.propensity] += moment > start
                standing, _ = step(seeded, standing, "taken", moment)
            standings[lead.lead_id] = standing
    sure, explored = (count / len(seeds) for count in handed.values())
    assert explored / (explored + sure) == pytest.approx(share, abs=0.08)
    assert explored + sure <= 1.15 * capacity * (end - start) / WEEK
