import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.clock import in_horizon
from data.errors import NotMaturedError
from data.labels import label
from data.sections import Ready
from data.spine import NEVER, SPINE

READY = Ready(outcome=("won",), terminal=("won", "lost"), horizons=(30, 90), primary=90, reporting_lag=5)


def spine(*rows):
    """A spine of (lead, cutoff) rows."""
    return pa.table({"lead_id": [lead for lead, _ in rows], "cutoff": [at for _, at in rows]}, schema=SPINE)


@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(["won", "lost"]), st.integers(0, 400)), max_size=12),
    st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 400)), min_size=1, max_size=12),
)
@settings(max_examples=200, deadline=None)
def test_every_horizon_is_answered_as_the_clock_says(make_history, outcomes, asked):
    """A label is whether any outcome of the lead lies in [cutoff, cutoff + horizon), by plain search."""
    labels = label(make_history([(x, 0) for x in "abc"], outcomes=outcomes), spine(*asked), READY)
    for horizon in READY.horizons:
        for row, (lead, cutoff) in enumerate(asked):
            came = any(who == lead and kind == "won" and in_horizon(at, cutoff, horizon) for who, kind, at in outcomes)
            assert bool(labels.outcome(horizon)[row]) == came


def test_a_row_matures_when_horizon_and_lag_have_passed(make_history):
    """C + horizon + lag <= end of the history, to the microsecond; the rest is censored, not negative."""
    labels = label(make_history([("a", 0)], ends_at=200), spine(("a", 105), ("a", 106)), READY)
    assert labels.matured(90).tolist() == [True, False]
    assert labels.matured(30).tolist() == [True, True]
    assert labels.time_to_outcome.tolist() == [NEVER, NEVER]


def test_asking_for_unmatured_answers_raises(make_history):
    """A censored row has no answer, and the error says how many there are."""
    labels = label(make_history([("a", 0)], ends_at=100), spine(("a", 50)), READY)
    with pytest.raises(NotMaturedError, match="1 of 1 rows"):
        labels.require_matured(90, 100)
    labels.require_matured(30, 100)


def test_a_repeatable_outcome_is_answered_by_the_next_one(make_history):
    """Each cutoff looks at the first outcome at or after it."""
    ready = Ready(outcome=("order",), repeatable=True, horizons=(10,), primary=10)
    facts = make_history([("a", 0)], outcomes=[("a", "order", 20), ("a", "order", 40)])
    labels = label(facts, spine(("a", 20), ("a", 21), ("a", 41)), ready)
    assert labels.time_to_outcome.tolist() == [0, 19, NEVER]
