"""What may be learned from, and what may only be judged on."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.clock import DAY
from data.errors import NotMaturedError
from data.labels import Labels
from data.sections import Backtest
from data.spine import NEVER
from training.cells import cells
from training.folds import Ground
from training.splits import choose_test_from, lead_folds, looks, split_rows, time_folds, unlike_folds

T0 = 20_000 * DAY


@st.composite
def worlds(draw):
    """A random spine with labels, hazard bins, a lag, and the end of its history; times in microseconds."""
    n = draw(st.integers(4, 60))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    edges = tuple(np.sort(rng.choice(np.arange(1, 90), draw(st.integers(1, 4)), replace=False)) * DAY)
    lag = int(rng.integers(0, 10)) * DAY
    cutoffs = np.sort(T0 + rng.integers(0, 300, n) * DAY)
    ends_at = T0 + int(rng.integers(200, 400)) * DAY
    times = np.where(rng.random(n) < 0.5, NEVER, rng.integers(0, 120, n) * DAY)
    leads = rng.integers(0, max(n // 3, 1), n).astype(str).astype(object)
    return cutoffs, Labels(times, ends_at - lag - cutoffs), tuple(map(int, edges)), lag, leads


def _as_known(labels, cutoffs, lag, moment):
    """Labels as they were at ``moment``, by hand: what lies after it has not been seen."""
    seen = np.where(labels.time_to_outcome == NEVER, NEVER, cutoffs + labels.time_to_outcome) < moment
    watched = np.minimum(labels.watched, moment - lag - cutoffs)
    return Labels(np.where(seen, labels.time_to_outcome, NEVER), watched)


def _ground(cutoffs, labels, edges, lag, leads):
    return Ground(np.zeros((len(cutoffs), 1), np.float32), cutoffs, labels, leads, edges, edges[-1:], lag)


@given(worlds(), st.integers(2, 5))
@settings(max_examples=150, deadline=None)
def test_no_label_window_of_training_reaches_what_is_judged(world, most):
    """For every cell that a fold learns from, cutoff + end of the bin + lag <= the moment of the fold.

    So a lead that stands on both sides never lends one stretch of its time to both.
    """
    cutoffs, _, edges, lag, leads = world
    ground = _ground(*world)
    for fold in time_folds(cutoffs, most):
        learned, judged = ground.cells(fold.train, fold.moment), ground.cells(fold.validate)
        ends = cutoffs[learned.rows] + np.array(edges)[learned.bins]
        assert (ends + lag <= fold.moment).all()
        assert (cutoffs[judged.rows] >= fold.moment).all()
        for lead in set(leads[learned.rows]) & set(leads[judged.rows]):
            starts = cutoffs[judged.rows[leads[judged.rows] == lead]]
            assert ends[leads[learned.rows] == lead].max() <= starts.min()


@given(worlds(), st.integers(150, 350))
@settings(max_examples=100, deadline=None)
def test_the_final_fit_keeps_the_embargo(world, day):
    """With labels as known at the split, no cell of a training row ends, lag included, after it."""
    cutoffs, labels, edges, lag, leads = world
    moment = T0 + day * DAY
    train = np.flatnonzero(cutoffs < moment)
    known = _as_known(labels.take(train), cutoffs[train], lag, moment)
    of = _ground(cutoffs[train], known, edges, lag, leads[train]).cells(np.arange(len(train)))
    assert (cutoffs[train][of.rows] + np.array(edges)[of.bins] + lag <= moment).all()


@given(worlds(), st.integers(2, 5))
@settings(max_examples=100, deadline=None)
def test_a_fold_learns_nothing_that_later_facts_could_change(world, most):
    """The cells of a fold are the same whether outcomes after its moment are there or not."""
    cutoffs, labels, edges, lag, leads = world
    for fold in time_folds(cutoffs, most):
        before = _ground(cutoffs, _as_known(labels, cutoffs, lag, fold.moment), edges, lag, leads)
        one, other = (ground.cells(fold.train, fold.moment) for ground in (_ground(*world), before))
        assert one.rows.tolist() == other.rows.tolist()
        assert one.outcome.tolist() == other.outcome.tolist()


@given(st.lists(st.integers(0, 30), min_size=1, max_size=80), st.integers(2, 8))
@settings(max_examples=150, deadline=None)
def test_folds_follow_time(days, most):
    """Every fold learns from what is strictly before what it is judged on; blocks do not overlap."""
    cutoffs = T0 + np.array(days) * DAY
    folds = time_folds(cutoffs, most)
    assert len(folds) <= most
    assert not folds or len(set(days)) > 1
    for fold in folds:
        assert cutoffs[fold.train].max() < fold.moment <= cutoffs[fold.validate].min()
    judged = [set(fold.validate.tolist()) for fold in folds]
    assert sum(map(len, judged)) == len(set().union(*judged))
    assert [fold.moment for fold in folds] == sorted({fold.moment for fold in folds})
    if folds:
        assert set(folds[0].train.tolist()) | set().union(*judged) == set(range(len(days)))


@given(st.lists(st.sampled_from([f"lead-{k}" for k in range(40)]), min_size=1, max_size=100))
@settings(max_examples=50, deadline=None)
def test_lead_folds_never_split_a_lead(names):
    """Where there is no time, all rows of a lead are on one side, and each row is judged exactly once."""
    leads = np.array(names, object)
    folds = lead_folds(leads, 5)
    for fold in folds:
        assert not set(leads[fold.train]) & set(leads[fold.validate])
        assert len(fold.train) + len(fold.validate) == len(names)
    assert sorted(np.concatenate([fold.validate for fold in folds]).tolist()) == list(range(len(names)))


def test_lead_folds_are_the_same_in_every_run():
    """The group of a lead comes from its id alone, so other rows beside it do not move it."""
    leads = np.array([f"lead-{k}" for k in range(50)], object)
    whole = [set(leads[fold.validate]) for fold in lead_folds(leads, 5)]
    part = [set(leads[10:20][fold.validate]) for fold in lead_folds(leads[10:20], 5)]
    assert all(few <= many for few, many in zip(part, whole, strict=True))


def _labels(cutoffs, ends_at):
    return Labels(np.full(len(cutoffs), NEVER), ends_at - cutoffs)


def test_the_latest_matured_rows_are_for_judging():
    """By default the last quarter of the matured rows is judged; rows that have not matured do not count."""
    cutoffs = T0 + np.arange(100) * DAY
    labels = _labels(cutoffs, T0 + 89 * DAY)
    test_from = choose_test_from(Backtest(), cutoffs, labels, 10 * DAY)
    judged = (cutoffs >= test_from) & labels.matured(10 * DAY)
    assert labels.matured(10 * DAY).sum() == 80
    assert judged.sum() == pytest.approx(20, abs=1)


def test_two_cutoffs_are_enough():
    """Even when nearly all matured rows share the first cutoff, one cutoff is left to learn from."""
    cutoffs = T0 + np.array([0, 0, 0, 0, 0, 0, 0, 0, 0, 5]) * DAY
    test_from = choose_test_from(Backtest(), cutoffs, _labels(cutoffs, T0 + 50 * DAY), 10 * DAY)
    assert test_from == T0 + 5 * DAY


def test_the_contract_decides_where_it_says_so():
    """test_from of the contract is taken as it is."""
    cutoffs = T0 + np.arange(10) * DAY
    assert choose_test_from(Backtest(test_from=123), cutoffs, _labels(cutoffs, T0), DAY) == 123


@pytest.mark.parametrize("ends", [-1, 10])
def test_nothing_matured_is_an_error(ends):
    """With no cutoff matured, or only one, the error counts them and says what to do."""
    cutoffs = T0 + np.array([0, 0, 5]) * DAY
    with pytest.raises(NotMaturedError, match="bring a longer history"):
        choose_test_from(Backtest(), cutoffs, _labels(cutoffs, T0 + ends * DAY), 10 * DAY)


def test_rows_stand_on_the_sides_that_the_contract_bounds():
    """train_from, train_until and test_until are half-open bounds around the split."""
    cutoffs = T0 + np.arange(10) * DAY
    bounds = Backtest(train_from=T0 + 1 * DAY, train_until=T0 + 4 * DAY, test_until=T0 + 8 * DAY)
    train, test = split_rows(bounds, cutoffs, T0 + 6 * DAY)
    assert train.tolist() == [1, 2, 3]
    assert test.tolist() == [6, 7]


@pytest.mark.parametrize(("day", "side"), [(0, "train"), (99, "test")])
def test_an_empty_side_is_an_error(day, side):
    """A split that leaves one side empty names the side."""
    with pytest.raises(NotMaturedError, match=f"no {side} rows"):
        split_rows(Backtest(), T0 + np.arange(10) * DAY, T0 + day * DAY)


def test_cells_of_a_tiny_spine_by_hand():
    """Bins of 10 and 20 days: a censored row teaches its first bin, an early outcome hides the second."""
    labels = Labels(np.array([3, 15, NEVER, NEVER]) * np.array([DAY, DAY, 1, 1]), np.array([30, 30, 12, 5]) * DAY)
    of = cells(np.arange(4), labels, (10 * DAY, 20 * DAY), labels.watched)
    assert list(zip(of.rows, of.bins, of.outcome, strict=True)) == [(0, 0, 1), (1, 0, 0), (1, 1, 1), (2, 0, 0)]


@given(worlds(), st.integers(1, 6), st.integers(1, 60))
@settings(max_examples=150, deadline=None)
def test_blocks_are_as_long_as_a_model_serves(world, most, days):
    """The last rows in blocks without a gap, none longer than a model serves, each judged by what came before it."""
    cutoffs = world[0]
    folds = time_folds(cutoffs, most, days * DAY)
    assert len(folds) <= most
    for fold in folds:
        judged = cutoffs[fold.validate]
        assert len(judged)
        assert judged.max() - judged.min() < days * DAY
        assert set(fold.train) == set(np.flatnonzero(cutoffs < judged.min()))
        assert judged.min() == fold.moment
        assert len(fold.train)
    together = np.concatenate([fold.validate for fold in folds] or [np.empty(0, int)])
    assert together.tolist() == list(range(len(cutoffs) - len(together), len(cutoffs)))


def test_short_blocks_leave_something_to_learn_from():
    """However many blocks are asked for, none begins before two fifths of the moments have passed."""
    cutoffs = T0 + np.arange(100) * DAY
    folds = time_folds(cutoffs, 20, 5 * DAY)
    assert len(folds) == 12
    assert folds[0].moment == T0 + 40 * DAY


@given(st.integers(0, 2**32), st.integers(2, 6))
@settings(max_examples=50, deadline=None)
def test_unlike_groups_are_all_rows_once_in_order_of_look(seed, most):
    """Each row is judged once, by models of all other groups; the groups do not overlap along the look."""
    look = np.random.default_rng(seed).normal(size=80)
    folds = unlike_folds(look, most)
    assert sorted(np.concatenate([fold.validate for fold in folds])) == list(range(80))
    for fold in folds:
        assert sorted([*fold.train, *fold.validate]) == list(range(80))
    spans = [(look[fold.validate].min(), look[fold.validate].max()) for fold in folds]
    assert all(one[1] < other[0] for one, other in pairwise(spans))
    assert max(len(fold.validate) for fold in folds) - min(len(fold.validate) for fold in folds) <= 1


def test_leads_look_unlike_by_what_most_of_their_numbers_say():
    """How much leads did tells them apart, whatever the scale; categories, gaps and what never varies do not."""
    rng = np.random.default_rng(0)
    busy = rng.normal(size=300)
    numbers = np.column_stack([np.exp(busy + rng.normal(size=300) / 4) * scale for scale in (1, 100, 10_000)])
    category = rng.integers(0, 9, 300) * 1e6
    matrix = np.column_stack([numbers, category, np.full(300, 7.0), np.full(300, np.nan)]).astype(np.float32)
    matrix[:20, 0] = np.nan
    found = looks(matrix, np.array([False, False, False, True, False, False]))
    assert abs(np.corrcoef(found, busy)[0, 1]) > 0.9
    assert np.isfinite(found).all()
    assert looks(matrix[:, 4:]).tolist() == [0.0] * 300
    assert len(unlike_folds(looks(matrix[:, 4:]), 5)) == 1
