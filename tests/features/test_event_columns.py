"""Events by column are the events, for whoever looks at one and for the engine."""

from array import array

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.clock import DAY
from features.definitions import Count, DistinctCount, First, Max, Sum
from features.event_columns import EventColumns
from features.feature import Where
from features.feature_set import FeatureSet
from features.lead import Event, LeadHistory
from features.online import OnlineEngine
from features.vocabulary import Vocabulary

SCALARS = st.sampled_from([None, "", "x", "y", "7", 7, 7.0, 0.5, True])
ROWS = st.lists(
    st.tuples(
        st.sampled_from(["view", "order"]),
        st.integers(0, 9).map(lambda day: day * DAY),
        st.integers(0, 3).map(lambda day: day * DAY),
        st.sampled_from(["lead", "sales"]),
        SCALARS,
        SCALARS,
        SCALARS,
        st.sampled_from([None, "e1", "e2"]),
    ),
    max_size=8,
)
FEATURES = FeatureSet(
    (
        Count(window=5 * DAY),
        Count(where=Where("plan", values=("x", "7"))),
        Count(where=Where("score", at_least=1.0, below=8.0)),
        Count(where=Where("score", values=(7.0, 0.5))),
        DistinctCount(column="plan"),
        DistinctCount(column="kind"),
        DistinctCount(column="day"),
        First(column="item"),
        Max(column="score"),
        Sum(),
    )
)


def both(rows):
    """The same events by column, and one by one."""
    kinds, occurred, late, actors, values, items, more, ids = zip(*rows, strict=True) if rows else ((),) * 8
    known = array("q", [at + later for at, later in zip(occurred, late, strict=True)])
    further = {"plan": more, "score": more}
    columns = EventColumns(kinds, array("q", occurred), known, actors, values, items, ids=ids, further=further)
    events = [
        Event(kind, at, at + later, actor, value, item, {} if x is None else {"plan": x, "score": x}, event_id)
        for kind, at, later, actor, value, item, x, event_id in rows
    ]
    return columns, events


@settings(max_examples=150, deadline=None)
@given(ROWS, st.integers(0, 12))
def test_columns_are_their_events(rows, day):
    """Made, taken, cut at a moment and counted, they are what a list of events would be."""
    columns, events = both(rows)
    assert columns == events
    assert EventColumns.of(events) == columns
    assert list(columns) == events
    assert columns[:2] == events[:2]
    seen = [event for event in events if event.occurred_at < day * DAY and event.known_at < day * DAY]
    assert columns.seen(day * DAY) == seen
    assert EventColumns.of(events).seen(day * DAY) == seen
    named = {event.event_id for event in events} - {None}
    assert columns.different() == sum(event.event_id is None for event in events) + len(named)
    for name in ("kind", "value", "item", "plan", "nothing"):
        assert list(columns.column(name)) == list(EventColumns.of(events).column(name))


@settings(max_examples=150, deadline=None)
@given(ROWS)
def test_the_engine_reads_both_alike(rows):
    """The same bits, whether a further column came as one or with each event, and whatever its values are."""
    columns, events = both(rows)
    engine = OnlineEngine(FEATURES, Vocabulary({"events.item": ("x", "7")}))
    found = [engine.row(LeadHistory("a", 0, events=told), 11 * DAY) for told in (columns, events)]
    np.testing.assert_array_equal(found[0].view(np.uint32), found[1].view(np.uint32))


def test_no_events_are_no_columns():
    """Nothing told is an empty sequence that is equal to one."""
    assert EventColumns.of([]) == []
    assert EventColumns.of([]).different() == 0
    with pytest.raises(IndexError):
        EventColumns.of([])[0]
