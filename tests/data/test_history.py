import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.errors import SchemaError
from data.fingerprint import fingerprint
from data.history import History

rows = st.lists(
    st.tuples(st.sampled_from("ab"), st.sampled_from(["x", "y"]), st.integers(0, 99), st.integers(0, 50)), max_size=8
)


def built(make_history, events):
    """A history of two leads with (lead, kind, occurred_at, lateness) events."""
    return make_history([("a", 0), ("b", 50)], [(lead, kind, at, at + late) for lead, kind, at, late in events])


@given(rows, st.integers(0, 150))
@settings(max_examples=100, deadline=None)
def test_a_truncated_history_holds_what_was_known_before(make_history, events, moment):
    """``upto`` keeps an event exactly when it was known before the moment."""
    past = built(make_history, events).upto(moment)
    assert len(past.events) == sum(at + late < moment for _, _, at, late in events)
    assert past.ends_at == moment


@given(rows, st.randoms(use_true_random=False))
@settings(max_examples=100, deadline=None)
def test_the_fingerprint_does_not_depend_on_the_order_of_rows(make_history, events, chance):
    """The same facts in any order have the same fingerprint."""
    shuffled = chance.sample(events, len(events))
    assert fingerprint(built(make_history, events)) == fingerprint(built(make_history, shuffled))


@given(rows.filter(bool))
@settings(max_examples=100, deadline=None)
def test_the_fingerprint_changes_with_any_cell_row_or_end(make_history, events):
    """One changed time, one missing row or another end of the history is another fingerprint."""
    whole = built(make_history, events)
    lead, kind, at, late = events[0]
    moved = built(make_history, [(lead, kind, at + 1, late), *events[1:]])
    others = [moved, built(make_history, events[1:]), whole.upto(10**8)]
    assert len({fingerprint(history) for history in [whole, *others]}) == 4


def test_tables_of_another_type_are_refused(make_history):
    """A history is checked facts: a text where a time belongs is an error that names the column."""
    good = make_history([("a", 0)])
    bad = good.leads.set_column(1, "created_at", pc.cast(good.leads["created_at"], pa.string()))
    with pytest.raises(SchemaError, match=r"leads\.created_at is string"):
        History(bad, good.events, good.outcomes, 0)
    with pytest.raises(SchemaError, match="no column 'kind'"):
        History(good.leads, good.events.drop_columns("kind"), good.outcomes, 0)
