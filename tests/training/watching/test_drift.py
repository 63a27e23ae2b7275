"""Drift: a distance beside what chance alone gives, with leads that are as old, and rows that come in clusters."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import kstest

from training.shift import shift
from training.watching.alarms import Finding
from training.watching.binning import classes
from training.watching.drift import Frame, Rows, by_question, question_of


def rows(values, leads, ages=None):
    """Rows of one column."""
    old = np.zeros(len(values)) if ages is None else np.asarray(ages, float)
    return Rows(np.asarray(values, float)[:, None], np.asarray(leads), old)


def moved(then, now, *, categorical=False):
    """How far the only column has moved."""
    return Frame.of(then, now).moved(then.values[:, 0], now.values[:, 0], categorical=categorical)


def draw(rng, leads, most, first=0):
    """Rows of leads with habits: each lead has 1 to ``most`` rows, whose values lie close to each other."""
    lead = np.repeat(np.arange(leads), rng.integers(1, most + 1, leads))
    return rows(rng.normal(size=leads)[lead] + 0.3 * rng.normal(size=len(lead)), lead + first)


def test_where_nothing_moved_p_values_are_uniform():
    """Clustered reference rows against one row of other leads, 300 times: no p-value is oftener than another."""
    rng = np.random.default_rng(11)
    p = [moved(draw(rng, 150, 8), draw(rng, 250, 1, 1_000)).p for _ in range(300)]
    assert kstest(p, "uniform").pvalue > 0.001
    assert np.mean(np.array(p) < 0.05) < 0.09


def test_rows_taken_as_independent_would_cry():
    """The same draws with every row a lead of its own: what clusters do is not seen, and chance looks like a move."""
    rng = np.random.default_rng(11)
    p = []
    for _ in range(100):
        then, now = draw(rng, 150, 8), draw(rng, 250, 1, 1_000)
        p.append(moved(rows(then.values[:, 0], np.arange(len(then.leads)) + 5_000), now).p)
    assert np.mean(np.array(p) < 0.05) > 0.15


def test_leads_on_both_sides_count_as_what_they_are():
    """Where the same leads are asked again and nothing changed, the distance is smaller, and the test knows it."""
    rng = np.random.default_rng(5)
    p = []
    for _ in range(200):
        habit = rng.normal(size=200)
        then, now = (rows(habit + 0.5 * rng.normal(size=200), np.arange(200)) for _ in range(2))
        p.append(moved(then, now).p)
    assert np.mean(np.array(p) < 0.05) < 0.09


def test_a_move_is_found():
    """Most of a standard deviation among 250 leads."""
    rng = np.random.default_rng(2)
    then, now = draw(rng, 300, 4), draw(rng, 250, 1, 1_000)
    shifted = rows(now.values[:, 0] + 0.8, now.leads)
    found = moved(then, shifted)
    assert found.p < 1e-4
    assert found.distance > 4 * found.noise


def test_older_leads_are_no_drift():
    """What only comes with age is taken off: counts that grow with the lead, and leads that grew older."""
    rng = np.random.default_rng(4)

    def side(count, oldest, first):
        ages = rng.uniform(0, oldest, count)
        return rows(rng.poisson(ages / 20), np.arange(count) + first, ages)

    then, now = side(3_000, 200, 0), side(800, 200, 10_000)
    older = now.take(rng.random(800) < now.ages / 200)
    assert moved(then, older).p > 0.001
    assert shift(then.values[:, 0], older.values[:, 0], categorical=False) > 0.15  # so much without it


def test_the_index_is_that_of_the_reports():
    """Where leads are as old and have a row each, the distance is the population stability index of the reports."""
    rng = np.random.default_rng(8)
    then, now = rng.normal(size=5_000), rng.normal(0.4, 1.0, 5_000)
    found = moved(rows(then, np.arange(5_000)), rows(now, np.arange(5_000) + 5_000))
    ours = shift(then.astype(np.float32), now.astype(np.float32), categorical=False)
    assert found.distance == pytest.approx(ours, rel=0.02)


def test_missing_is_a_class():
    """A column that is empty now has moved, one that always was has not."""
    values, empty, leads = np.arange(100.0), np.full(100, np.nan), np.arange(100)
    assert moved(rows(values, leads), rows(empty, leads + 100)).p < 1e-9
    assert moved(rows(empty, leads), rows(empty, leads + 100)).p == 1.0


@given(
    st.lists(st.one_of(st.integers(0, 4), st.just(None)), min_size=1, max_size=60),
    st.lists(st.one_of(st.integers(0, 6), st.just(None)), min_size=1, max_size=60),
    st.booleans(),
)
def test_no_class_has_too_few_leads(then, now, categorical):
    """Unless there is but one, each holds what five leads are of the smaller side; equal values share a class."""
    before, after = (np.array([np.nan if one is None else one for one in side], float) for side in (then, now))
    sizes = (len(then), len(now))
    codes = classes(before, after, sizes, categorical=categorical)
    count = int(max(part.max() for part in codes)) + 1
    assert {*codes[0].tolist(), *codes[1].tolist()} == set(range(count))
    shares = sum(np.bincount(part, minlength=count) / len(part) for part in codes) / 2
    assert count == 1 or shares.min() >= 5 / min(sizes) - 1e-9
    by_value = {}
    for value, code in zip([*then, *now], [*codes[0], *codes[1]], strict=True):
        assert by_value.setdefault(value, code) == code


class Features:
    """Three features that answer two questions."""

    names = ("a_7d", "a_30d", "b")
    groups = ("a", "a", "b")


def test_one_alarm_for_a_question():
    """The surest of its features speaks, and has to be as much surer as there are others to choose from."""
    findings = [Finding(name, p, name) for name, p in (("a_7d", 0.02), ("a_30d", 0.01), ("b", 0.5), ("readiness", 0.3))]
    found = {one.subject: (one.p, one.text) for one in by_question(Features, findings)}
    assert found == {"a": (0.02, "a_30d"), "b": (0.5, "b"), "readiness": (0.3, "readiness")}
    assert question_of(Features)["a_7d"] == "a"
