"""The bins of time, and what each row says about them."""

from itertools import pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from data.clock import DAY
from data.spine import NEVER
from models.hazard import bin_edges, bin_labels, bin_watched, last_bins

HORIZONS = st.lists(st.integers(1, 400), min_size=1, max_size=5, unique=True).map(
    lambda days: tuple(day * DAY for day in sorted(days))
)
EDGES = st.lists(st.integers(1, 60), min_size=1, max_size=6, unique=True).map(lambda ends: tuple(sorted(ends)))


@given(HORIZONS, st.integers(1, 30))
@settings(max_examples=100, deadline=None)
def test_edges_hold_every_horizon_and_grow(horizons, most):
    """Every horizon ends a bin, bins follow one another, and there are ``most`` unless the horizons alone are more."""
    edges = bin_edges(horizons, most)
    assert set(horizons) <= set(edges)
    assert all(start < end for start, end in pairwise((0, *edges)))
    assert len(edges) == max(most, len(horizons))
    assert edges[-1] == horizons[-1]


def test_the_widest_bin_is_halved_first():
    """Two horizons of 30 and 90 days in four bins: the long stretch is halved, then one half of it."""
    assert [edge // DAY for edge in bin_edges((30 * DAY, 90 * DAY), 4)] == [15, 30, 60, 90]
    assert [edge // DAY for edge in bin_edges((30 * DAY, 90 * DAY), 3)] == [30, 60, 90]
    assert bin_edges((30 * DAY, 90 * DAY), 1) == (30 * DAY, 90 * DAY)


@given(HORIZONS, st.integers(1, 12))
@settings(max_examples=50, deadline=None)
def test_last_bins_point_at_the_horizons(horizons, most):
    """The bin named for a horizon is the one that ends with it."""
    edges = bin_edges(horizons, most)
    assert [edges[place] for place in last_bins(edges, horizons)] == list(horizons)


@given(EDGES, st.lists(st.one_of(st.integers(0, 70), st.just(NEVER)), min_size=1, max_size=20))
@settings(max_examples=150, deadline=None)
def test_labels_agree_with_a_loop(edges, times):
    """A bin is 1 if the outcome falls into [start, end), -1 if it came earlier, and 0 otherwise."""
    found = bin_labels(np.array(times, np.int64), edges)
    for row, time in enumerate(times):
        for place, (start, end) in enumerate(pairwise((0, *edges))):
            expected = -1 if time < start else int(start <= time < end)
            assert found[row, place] == expected


@given(EDGES, st.lists(st.integers(-20, 70), min_size=1, max_size=20))
@settings(max_examples=100, deadline=None)
def test_a_bin_is_watched_once_it_has_ended(edges, watched):
    """A bin counts as watched when the watching lasted to its end or longer, and a negative time watches nothing."""
    found = bin_watched(np.array(watched, np.int64), edges)
    assert found.tolist() == [[time >= end for end in edges] for time in watched]


def test_an_outcome_is_seen_in_one_bin_only():
    """Over all bins a row that has its outcome within the last edge holds exactly one 1, others none."""
    labels = bin_labels(np.array([0, 29, 30, 89, 90, NEVER]), (30, 60, 90))
    assert (labels == 1).sum(axis=1).tolist() == [1, 1, 1, 1, 0, 0]
    assert labels.tolist()[2] == [0, 1, -1]
