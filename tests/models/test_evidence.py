from dataclasses import replace

import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from data.clock import DAY
from data.tables import TIME
from features.event_columns import EventColumns
from features.lead import Event
from models.evidence import Evidence
from models.evidence_rows import evidence_rows
from models.histories import lead_histories

NOW = 20_000 * DAY


def test_evidence_is_what_the_lead_did_and_we_knew():
    """Only the lead's own events count, seen before the moment, within the window, by kind and by UTC day."""
    window = 10 * DAY
    events = [
        Event("view", NOW - 1, NOW - 1),
        Event("view", NOW - DAY, NOW - DAY),
        Event("reply", NOW - window, NOW - window),
        Event("demo", NOW - window - 1, NOW - window - 1),
        Event("demo", NOW, NOW),
        Event("demo", NOW - 1, NOW),
        Event("call", NOW - 5 * DAY, NOW - 5 * DAY, "sales"),
        Event("email_sent", NOW - 5 * DAY, NOW - 5 * DAY, "marketing"),
    ]
    assert Evidence.seen(events, NOW, window, 0) == Evidence(kinds=2, days=2, quiet_since=NOW - 1)


@given(
    st.lists(
        st.tuples(
            st.sampled_from("xyz"),
            st.integers(-9, 2),
            st.integers(0, 3),
            st.sampled_from(("lead", "sales", "marketing")),
        ),
        max_size=12,
    )
)
def test_evidence_is_the_same_of_events_and_of_their_columns(drawn):
    """However the events come: in any order, early and late, ours and the lead's."""
    events = [Event(kind, NOW + at * DAY // 2, NOW + (at + late) * DAY // 2, actor) for kind, at, late, actor in drawn]
    assert Evidence.seen(EventColumns.of(events), NOW, 2 * DAY, 7) == Evidence.seen(events, NOW, 2 * DAY, 7)


def test_silence_counts_from_the_last_engagement_of_any_age_or_from_the_creation():
    """An event older than the window is no evidence, but the lead is silent only since then."""
    old = Event("view", NOW - 50 * DAY, NOW - 50 * DAY)
    assert Evidence.seen([old], NOW, 10 * DAY, 7) == Evidence(0, 0, NOW - 50 * DAY)
    assert Evidence.seen([], NOW, 10 * DAY, 7) == Evidence(0, 0, 7)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from("abc"),
            st.sampled_from("xyz"),
            st.integers(0, 12),
            st.integers(0, 4),
            st.sampled_from(("lead", "lead", "sales")),
        ),
        max_size=30,
    ),
    st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 14)), max_size=8),
)
def test_the_counts_of_a_table_are_those_of_one_lead_at_a_time(make_history, drawn, asked):
    """Kinds, days and the last engagement, by what was known at each row's own cutoff."""
    half, window = DAY // 2, 3 * DAY
    events = [(lead, kind, at * half, (at + late) * half) for lead, kind, at, late, _ in drawn]
    history = make_history([(lead, 0) for lead in "abc"], events)
    actors = history.events.schema.get_field_index("actor")
    acted = history.events.set_column(actors, "actor", pa.array([actor for *_, actor in drawn], pa.string()))
    history = replace(history, events=acted)
    spine = pa.table(
        {
            "lead_id": pa.array([lead for lead, _ in asked], pa.string()),
            "cutoff": pa.array([at * half for _, at in asked], TIME),
        }
    )
    leads = dict(zip("abc", lead_histories(history, list("abc")), strict=True))
    expected = [Evidence.seen(leads[lead].events, at * half, window, 0) for lead, at in asked]
    found = evidence_rows(history, spine, window)
    np.testing.assert_array_equal(found, np.array([(e.kinds, e.days, e.quiet_since) for e in expected]).reshape(-1, 3))
