"""Exploration: who is below the threshold may be handed off by a lot, with a chance that is known and kept."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from data.clock import DAY, WEEK
from models.evidence import Evidence
from models.lots import lot, lot_of_week
from models.policy import Policy
from models.states import DECISIONS, Look, begin, step
from models.thresholds import chance_to_explore

BORN = 20_000 * DAY
POLICY = Policy(threshold=0.10, exit_below=0.06, let_go_below=0.02, explore_chance=0.25, explore_seed=7)
PLENTY = Evidence(3, 4, BORN)


def looked(lead_id, moment, readiness=0.03, evidence=PLENTY, policy=POLICY):
    """What is seen in a lead, with its lot."""
    return Look.at(policy, lead_id, moment, readiness, evidence)


def test_lots_belong_to_their_words_and_are_even():
    """The same words, the same lot; over many words they fill [0, 1) evenly, and one word more is another lot."""
    drawn = np.array([lot(3, f"lead-{k}") for k in range(4_000)])
    assert lot(3, "lead-0") == drawn[0] == lot("3", "lead-0")
    assert lot(4, "lead-0") != drawn[0]
    assert lot(3, "lead-\ud800") >= 0.0, "an id that is no text is drawn too"
    assert np.abs(np.bincount((drawn * 10).astype(int), minlength=10) - 400).max() < 5 * np.sqrt(400)
    again = np.array([lot(4, f"lead-{k}") for k in range(4_000)])
    assert abs(np.corrcoef(drawn, again)[0, 1]) < 0.06


@settings(max_examples=50, deadline=None)
@given(st.text(max_size=20), st.integers(0, 10**15), st.integers(0, 100))
def test_a_lead_has_one_lot_a_week(lead_id, moment, seed):
    """However often it is looked at: within a week there are two lots at the most, a week later there is another."""
    drawn = [lot_of_week(seed, lead_id, moment + k * WEEK // 50) for k in range(50)]
    assert len(set(drawn)) <= 2
    assert lot_of_week(seed, lead_id, moment + WEEK) != drawn[0]


def test_leads_are_not_all_drawn_on_one_day():
    """Each lead's week begins at a moment of its own: of those explored in a week, no day has most."""
    days = []
    for k in range(3_000):
        standing = begin(POLICY, BORN)
        for day in range(7, 14):
            moment = BORN + day * DAY
            if day == 7:
                before = lot_of_week(POLICY.explore_seed, f"lead-{k}", moment - 1)
            if looked(f"lead-{k}", moment).lot < POLICY.explore_chance and looked(f"lead-{k}", moment).lot != before:
                days.append(day)
                break
        assert standing.state == "nurture"
    counts = np.bincount(days)[7:]
    assert counts.max() < 0.35 * counts.sum()


def test_the_chance_is_the_chance_and_is_logged():
    """Of leads below the threshold as many are handed off in a week as the policy says; each says with what chance."""
    handed = []
    for k in range(2_000):
        standing, moved = step(POLICY, begin(POLICY, BORN), looked(f"lead-{k}", BORN + DAY), BORN + DAY)
        handed.append(moved is not None)
        if moved:
            assert (moved.after, moved.propensity, standing.propensity) == ("ready", 0.25, 0.25)
            assert moved.reason.startswith(
                "exploration: readiness 3 % is below the agreed 10 %, and a lot of 25 % a week"
            )
        else:
            assert (standing.state, standing.propensity) == ("nurture", 0.75)
    assert np.mean(handed) == pytest.approx(0.25, abs=0.04)


def test_what_the_threshold_decides_could_not_have_gone_the_other_way():
    """At or above the threshold the chance is 1, without evidence enough there is none; none without exploration."""
    certain, moved = step(POLICY, begin(POLICY, BORN), looked("a", BORN, 0.2), BORN)
    assert (certain.propensity, moved.propensity) == (1.0, 1.0)
    never = replace(POLICY, explore_chance=0.0)
    for k in range(200):
        for policy, evidence in ((POLICY, Evidence(1, 9, BORN)), (POLICY, Evidence(9, 1, BORN)), (never, PLENTY)):
            standing, _ = step(policy, begin(policy, BORN), looked(f"{k}", BORN, 0.09, evidence, policy), BORN)
            assert (standing.state, standing.propensity) == ("nurture", None)


def test_an_explored_lead_stays_for_its_week_and_is_recognised():
    """Without any dwell too it is sales' for a week, says so, and is not drawn again by the same lot."""
    policy = replace(POLICY, dwell=0)
    name = next(f"{k}" for k in range(99) if looked(f"{k}", BORN).lot < policy.explore_chance)
    standing, _ = step(policy, begin(policy, BORN), looked(name, BORN), BORN)
    for later in range(1, 7):
        standing, moved = step(policy, standing, looked(name, BORN + later * DAY), BORN + later * DAY)
        assert (standing.state, standing.propensity, moved) == ("ready", 0.25, None)
        assert standing.reason.startswith("exploration: readiness 3 % is below the agreed 10 %; it stays ready until")
    standing, moved = step(policy, standing, Look(0.03, PLENTY), BORN + WEEK)
    assert (moved.before, moved.after, moved.propensity) == ("ready", "nurture", None)


class ExploredLife(RuleBasedStateMachine):
    """A lead under a policy that explores is looked at and spoken of in any order: the safeguards hold all the same."""

    @initialize(dwell=st.integers(0, 40), chance=st.floats(0.01, 1.0), name=st.text(min_size=1, max_size=5))
    def born(self, dwell, chance, name):
        """A lead is created."""
        self.policy, self.name = replace(POLICY, dwell=dwell * DAY, explore_chance=chance), name
        self.now, self.standing, self.crossings = BORN, begin(self.policy, BORN), []

    @rule(
        later=st.integers(0, 10),
        readiness=st.floats(0, 0.2),
        kinds=st.sampled_from((0, 1, 3, 3)),
        days=st.sampled_from((0, 1, 3, 3)),
    )
    def look_at(self, later, readiness, kinds, days):
        """It is looked at: a hand-off has evidence enough, and a reason in the number or in the lot."""
        self.now += later * DAY
        seen = looked(self.name, self.now, readiness, Evidence(kinds, days, self.now), self.policy)
        before = self.standing
        self.standing, moved = step(self.policy, before, seen, self.now)
        again, none = step(self.policy, self.standing, seen, self.now)
        if self.policy.dwell:
            assert none is None
            assert again._replace(reason="") == self.standing._replace(reason="")
        replayed = step(
            self.policy, before, looked(self.name, self.now, readiness, seen.evidence, self.policy), self.now
        )
        assert replayed == (self.standing, moved), "replays agree"
        if moved is None:
            return
        if moved.after == "ready":
            assert min(kinds, days) >= 2, "one download is never enough"
            by_number = readiness >= self.policy.threshold
            assert moved.propensity == (1.0 if by_number else self.policy.explore_chance)
            assert by_number or seen.lot < self.policy.explore_chance
            assert moved.reason.count("exploration: ") == (not by_number)
        else:
            assert moved.propensity is None
        if "ready" in {moved.before, moved.after}:
            assert not self.crossings or self.now - self.crossings[-1] >= self.policy.dwell
            self.crossings.append(self.now)

    @rule(later=st.integers(0, 30), word=st.sampled_from(("taken", "given back")))
    def sales_says(self, later, word):
        """Sales says something: the lot has no part in it."""
        self.now += later * DAY
        self.standing, moved = step(self.policy, self.standing, word, self.now)
        assert moved is None or moved.propensity is None
        assert self.standing.state in DECISIONS


TestExploredLife = ExploredLife.TestCase
TestExploredLife.settings = settings(max_examples=60, stateful_step_count=20, deadline=None)


@pytest.mark.parametrize("share", [0.05, 0.2, 0.5])
@pytest.mark.parametrize("kept", [1.0, 0.5])
def test_the_chance_makes_explored_leads_that_share_of_the_hand_offs(share, kept):
    """Rows by hand: 30 leads a week cross for the first time, 400 with evidence wait below; of half of them too."""
    weeks, crossing, waiting = 8, 30, 400
    scores, cutoffs, leads, able = [], [], [], []
    for week in range(weeks + 1):
        for k in range(crossing):
            scores, leads = [*scores, 0.5], [*leads, f"new {week} {k}"]
        for k in range(waiting):
            scores, leads = [*scores, 0.1], [*leads, f"old {k}"]
        cutoffs += [week * WEEK] * (crossing + waiting + 50)
        scores, leads = [*scores, *[0.9] * 50], [*leads, *(f"unproven {k}" for k in range(50))]
        able += [True] * (crossing + waiting) + [False] * 50
    chance = chance_to_explore(
        share, 0.4, np.array(scores), np.array(cutoffs), np.array(leads), np.array(able), rows_kept=kept
    )
    explored = chance * waiting / kept
    assert explored / (explored + crossing) == pytest.approx(share)


def test_without_hand_offs_or_without_leads_to_choose_from_nobody_is_explored():
    """A share of nothing is nothing, and chance needs somebody below the threshold."""
    scores, cutoffs, leads = np.array([0.1, 0.2]), np.array([0, WEEK]), np.array(["a", "b"])
    both = np.ones(2, bool)
    assert chance_to_explore(0.1, 0.9, scores, cutoffs, leads, both) == 0.0
    assert chance_to_explore(0.1, 0.05, scores, cutoffs, leads, both) == 0.0
    assert chance_to_explore(0.1, 0.05, scores, cutoffs, leads, ~both) == 0.0
