"""The statistics behind the leak detector, held against simple oracles that share no code with them."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from data.tables import TIME
from features.context import Attribute
from training.leaks.auc import auc_within, placements, strata_of
from training.leaks.fields import MISSING, ranges
from training.leaks.groups import COHORTS, group_leads
from training.leaks.late import Share, ratio, same_age
from training.leaks.names import telling_words, words_of
from training.leaks.strength import BLOCKS, alone, base_rates, worth_before
from training.leaks.timing import first_write, last_before, timing

ROWS = st.integers(2, 40)


@st.composite
def ranked(draw):
    """Outcomes, scores with ties, and strata of a few rows."""
    n = draw(ROWS)
    outcome = draw(arrays(bool, n))
    score = draw(arrays(np.int64, n, elements=st.integers(0, 5))).astype(float)
    return outcome, score, draw(arrays(np.int64, n, elements=st.integers(0, 3)))


@given(ranked())
def test_the_auc_counts_pairs_of_one_stratum(rows):
    """It is the share of right pairs, ties half, over all pairs of a row with and one without outcome of a stratum."""
    outcome, score, stratum = rows
    right = [
        np.sign(score[i] - score[j]) / 2 + 0.5
        for i in np.flatnonzero(outcome)
        for j in np.flatnonzero(~outcome)
        if stratum[i] == stratum[j]
    ]
    found = auc_within(outcome, score, stratum)
    if not right:
        assert found is None
        return
    assert found.value == pytest.approx(np.mean(right))
    assert 0.0 <= found.firm <= found.low <= found.value + 1e-5
    assert found.value - 1e-5 <= found.high <= 1.0


@given(ranked())
def test_placements_are_shares_of_the_others(rows):
    """Each row's placement, by a loop: the share of the other rows of its stratum that it stands right of."""
    outcome, score, stratum = rows
    placed, weight = placements(outcome, score, stratum)
    for i in range(len(outcome)):
        others = np.flatnonzero((outcome != outcome[i]) & (stratum == stratum[i]))
        side = 1 if outcome[i] else -1
        assert weight[i] == len(others)
        if len(others):
            assert placed[i] == pytest.approx(
                np.mean([np.sign(side * (score[i] - score[j])) / 2 + 0.5 for j in others])
            )


@pytest.mark.parametrize(("shift", "rate"), [(0.0, 0.1), (1.0, 0.1), (1.0, 0.03), (2.5, 0.3)])
def test_the_interval_holds_the_truth_about_95_times_in_100(shift, rate):
    """Over 400 samples of 800 rows whose rates drift, the 95 % interval holds the true AUC 92 to 99.5 times in 100."""
    from scipy.stats import norm

    generator, truth, held = np.random.default_rng(5), norm.cdf(shift / np.sqrt(2)), 0
    for _ in range(400):
        drift = np.repeat(generator.uniform(0.3, 1.7, 8), 100)
        outcome = generator.random(800) < rate * drift
        found = auc_within(outcome, generator.normal(size=800) + shift * outcome, strata_of(outcome))
        held += found.low <= truth <= found.high
    assert 0.92 <= held / 400 <= 0.995


def test_what_only_follows_the_years_knows_nothing():
    """An index that moves with the base rate ranks rows of all years well, and rows of one time not at all."""
    generator = np.random.default_rng(1)
    level = np.linspace(0, 1, 20_000)
    outcome = generator.random(20_000) < 0.05 + 0.5 * level
    index = np.floor(40 * level)
    assert auc_within(outcome, index, np.zeros(20_000, np.int64)).value > 0.65
    known, _ = alone(ranges(index), outcome, 1)
    assert known.low < 0.5 < known.high + 0.01
    assert known.value < 0.53


@st.composite
def coded_rows(draw):
    """Codes, outcomes and two places: one block and a row of it."""
    n = draw(st.integers(BLOCKS, 60))
    codes = draw(arrays(np.int64, n, elements=st.integers(0, 4)))
    return codes, draw(arrays(bool, n)), draw(st.integers(0, n - 1))


@given(coded_rows())
def test_a_row_is_never_scored_by_its_own_outcome(rows):
    """Turning one outcome round changes no score of its own block or an earlier one."""
    codes, outcome, place = rows
    rates = np.full(len(codes), 0.3)
    edges = np.linspace(0, len(codes), BLOCKS + 1).astype(int)
    end = edges[np.searchsorted(edges, place, side="right")]
    turned = outcome.copy()
    turned[place] = not turned[place]
    before, after = worth_before(codes, outcome, rates), worth_before(codes, turned, rates)
    np.testing.assert_array_equal(before[:end], after[:end])
    later = np.flatnonzero(codes[end:] == codes[place]) + end
    assert (before[later] != after[later]).all()


@given(coded_rows())
def test_the_first_block_only_teaches(rows):
    """Rows of the first block have no score; every other one has."""
    codes, outcome, _ = rows
    scores = worth_before(codes, outcome, base_rates(outcome, strata_of(outcome)))
    first = np.linspace(0, len(codes), BLOCKS + 1).astype(int)[1]
    assert np.isnan(scores[:first]).all()
    assert np.isfinite(scores[first:]).all()


@given(arrays(np.float64, st.integers(1, 80), elements=st.floats(-1e6, 1e6) | st.just(np.nan)))
def test_ranges_keep_the_order_of_numbers(numbers):
    """A higher number never has a lower code, equal numbers have one code, and what is missing has none."""
    codes = ranges(numbers).codes
    known = np.isfinite(numbers)
    assert ((codes == MISSING) == ~known).all()
    order = np.argsort(numbers[known], kind="stable")
    assert (np.diff(codes[known][order]) >= 0).all()
    assert all(len(set(codes[numbers == value])) == 1 for value in numbers[known])


@settings(max_examples=60)
@given(arrays(bool, 120), arrays(np.int8, 120, elements=st.integers(0, 2)), st.randoms())
def test_shares_are_compared_at_the_same_age(has, group, random):
    """By a loop over the cohorts: each cohort's shares, weighted by how many of both groups it can compare."""
    cohort = np.array(sorted(random.randrange(COHORTS) for _ in range(120)))
    one, other = group == 1, group == 2
    weights, shares = [], []
    for k in range(COHORTS):
        mine, theirs = has[one & (cohort == k)], has[other & (cohort == k)]
        if len(mine) and len(theirs):
            weights.append(len(mine) * len(theirs) / (len(mine) + len(theirs)))
            shares.append((mine.mean(), theirs.mean()))
    assume(weights)
    found = same_age(has, one, other, cohort)
    for share, expected in zip(found, np.average(shares, axis=0, weights=weights), strict=True):
        assert share.value == pytest.approx(expected)
        assert 0 < share.n <= 120


def test_a_certain_ratio_is_rarely_above_the_true_one():
    """Two shares that are equal in truth are told as more than equal in less than 5 of 100 samples at 1.645."""
    generator = np.random.default_rng(2)
    shares = generator.binomial(90, 0.15, (2_000, 2)) / 90
    told = [ratio(Share(a, 90), Share(b, 90), 1.645) for a, b in shares]
    assert np.mean(np.array(told) > 1.0) < 0.05


def test_young_leads_have_hardly_been_worked_on(make_history, ready):
    """The young are the latest created, at most a quarter of all, hardly any of them closed."""
    leads = [(f"L{i:03}", i * 1_000) for i in range(200)]
    outcomes = [(f"L{i:03}", "won" if i % 2 else "lost", 200_500) for i in range(150)]
    groups = group_leads(make_history(leads, outcomes=outcomes, ends_at=300_000), ready)
    assert groups.young.sum() == 50
    assert groups.created[groups.young].min() == 150_000
    assert (groups.won.sum(), groups.lost.sum(), groups.alone.sum()) == (75, 75, 50)


def test_an_outcome_at_creation_made_the_lead(make_history, ready):
    """Who is created by an order has not been won by it."""
    groups = group_leads(make_history([("A", 5), ("B", 5)], outcomes=[("A", "won", 5), ("B", "won", 6)]), ready)
    assert groups.won.tolist() == [False, True]


@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 9)), max_size=12),
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 9)), min_size=1, max_size=8),
)
def test_the_last_change_before_a_cutoff(changes, asked):
    """By a loop: of the lead's changes with a strictly earlier time the latest, the last of equal ones."""
    of, at = (np.array([pair[k] for pair in changes], np.int64) for k in (0, 1))
    lead, cutoff = (np.array([pair[k] for pair in asked], np.int64) for k in (0, 1))
    if not changes:
        return
    for row, place in enumerate(last_before(of, at, lead, cutoff)):
        mine = [k for k in range(len(of)) if of[k] == lead[row] and at[k] < cutoff[row]]
        expected = max(mine, key=lambda k: (at[k], k), default=len(of))
        assert place == expected


def test_timing_by_hand(make_history, ready):
    """Thirty leads written an hour after their outcome, thirty at creation: the shares are those."""
    from dataclasses import replace

    hour = 3_600_000_000
    leads = [(f"L{i:02}", 0) for i in range(60)]
    outcomes = [(f"L{i:02}", "won", 10 * hour) for i in range(60)]
    rows = [
        {"lead_id": f"L{i:02}", "field": "size", "value": "big", "known_at": 11 * hour if i < 30 else hour // 2}
        for i in range(60)
    ]
    schema = pa.schema([("lead_id", pa.string()), ("field", pa.string()), ("value", pa.string()), ("known_at", TIME)])
    history = replace(
        make_history(leads, outcomes=outcomes, ends_at=20 * hour), changes=pa.Table.from_pylist(rows, schema)
    )
    groups = group_leads(history, ready)
    assert (first_write(history, "size")[:30] == 11 * hour).all()
    found = timing(history, Attribute(column="size", source="changes"), groups, None)
    assert (found.written, found.at_creation) == (60, 0.5)
    assert found.groups["won"].after_outcome == 0.5
    assert found.groups["won"].after_outcome_by_chance == pytest.approx(0.5)
    assert found.groups["all"].after_touch is None
    assert found.groups["lost"].leads == 0


def test_words_are_found_in_any_spelling():
    """Snake case, camel case and dots are the same words; a word within a word is none."""
    assert words_of("lastCallResult") == words_of("last_call.result") == ("last", "call", "result")
    assert telling_words("lastCallResult") == ("call", "result")
    assert telling_words("poutcome") == telling_words("industry") == ()
