from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.clock import DAY, HOUR, to_micros
from features.compared import Difference, Ratio, Trend
from features.context import Attribute, Calendar, Tenure
from features.definitions import (
    Count,
    DaysSince,
    DecayedSum,
    DistinctCount,
    First,
    GapMean,
    Last,
    Max,
    Mean,
    Min,
    Sum,
)
from features.feature import OverEvents, Where
from features.feature_set import FeatureSet
from features.lead import Change, Event, LeadHistory
from models.facts import facts_of
from models.reasons import Reason, Teller
from models.telling import NOTHING, Told, tell

NOW = to_micros(datetime(2025, 5, 20, 12, tzinfo=UTC))
VIEW = ("pricing_view",)


def _event(kind, days_ago, actor="lead", value=None, item=None, late=0, event_id=None):
    occurred = NOW - int(days_ago * DAY)
    return Event(kind, occurred, occurred + late, actor, value, item, event_id=event_id)


def _lead(*events, created_days_ago=200, **known):
    return LeadHistory("a", NOW - created_days_ago * DAY, events=events, **known)


def _told(feature, *events, **known):
    return tell(feature, facts_of(_lead(*events, **known), NOW)).text


@pytest.mark.parametrize(
    ("feature", "events", "text"),
    [
        (
            Count(kinds=VIEW, window=30 * DAY),
            [_event("pricing_view", days) for days in (49, 8, 5, 2)],
            "3 pricing views since 12 May 2025; nothing for 41 days before that",
        ),
        (Count(kinds=VIEW), [_event("pricing_view", 8)], "1 pricing view on 12 May 2025"),
        (Count(kinds=VIEW), [_event("reply", 8)], "no pricing view yet"),
        (Count(kinds=("reply",)), [_event("reply", 8), _event("reply", 1)], "2 replies since 12 May 2025"),
        (DaysSince(), [_event("reply", 60)], "no engagement for 60 days, the last on 21 March 2025"),
        (DaysSince(), [_event("call", 60, "sales"), _event("email_sent", 1, "marketing")], "no engagement yet"),
        (DecayedSum(half_life=7 * DAY), [_event("reply", 1), _event("view", 2)], "2 engagements since 18 May 2025"),
        (Count(actor="sales"), [_event("call", 8, "sales")], "1 sales touch on 12 May 2025"),
        (Count(actor="sales"), [], "no sales touch yet"),
        (
            Count(actor="sales", kinds=("call",)),
            [_event("call", 3, "sales"), _event("call", 2)],
            "1 call by sales on 17 May 2025",
        ),
        (Count(kinds=("email_sent",)), [_event("email_sent", 3, "marketing")], "1 email sent on 17 May 2025"),
        (
            Count(kinds=("form",), where=Where("item", ("demo",))),
            [_event("form", 3, item="demo"), _event("form", 2, item="news")],
            "1 form with item demo on 17 May 2025",
        ),
        (
            DistinctCount(column="kind", window=30 * DAY),
            [_event("reply", 40), _event("form", 8), _event("view", 2)],
            "2 kinds of engagement since 12 May 2025",
        ),
        (DistinctCount(column="day"), [_event("reply", 8), _event("reply", 8)], "1 day with engagement on 12 May 2025"),
        (
            DistinctCount(column="item", kinds=("download",)),
            [_event("download", 8, item="a"), _event("download", 8, item="b"), _event("download", 1)],
            "2 items of download since 12 May 2025",
        ),
        (
            GapMean(kinds=("order",)),
            [_event("order", days) for days in (28, 18, 8)],
            "3 orders, every 10 days on average, since 22 April 2025",
        ),
        (GapMean(kinds=("order",)), [_event("order", 8)], "one order only on 12 May 2025"),
        (
            Trend(window=30 * DAY, short=7 * DAY),
            [_event("view", days) for days in (20, 6, 5)],
            "3 engagements in the last 30 days, 2 in the last 7 days",
        ),
        (Trend(window=30 * DAY, short=7 * DAY), [_event("view", 31)], "no engagement in the last 30 days"),
        (
            Sum(kinds=("order",)),
            [_event("order", 8, value=1000), _event("order", 2, value=200.0), _event("order", 2)],
            "value 1,200 in total in 2 orders since 12 May 2025",
        ),
        (
            Mean(),
            [_event("view", 8, value=1), _event("view", 8, value=2)],
            "value 1.5 on average in 2 engagements on 12 May 2025",
        ),
        (Max(), [_event("view", 8, value=7)], "value 7 at the most in 1 engagement on 12 May 2025"),
        (Min(), [_event("view", 8)], "no value yet"),
        (First(), [_event("asset_download", 8), _event("reply", 1)], "first engagement: asset download on 12 May 2025"),
        (
            Last(column="item"),
            [_event("form", 8, item="demo"), _event("form", 1)],
            "last item of engagement: demo on 12 May 2025",
        ),
        (Ratio(left=Count(kinds=VIEW), right=Tenure()), [_event("pricing_view", 8)], "1 pricing view on 12 May 2025"),
        (Difference(left=Count(kinds=VIEW), right=Tenure()), [], "no pricing view yet"),
        (Tenure(), [], "created 200 days ago, on 1 November 2024"),
        (Calendar(part="month"), [], "asked in May"),
        (Calendar(part="weekday"), [], "asked on a Tuesday"),
        (Calendar(part="hour"), [], "asked at 12:00 UTC"),
    ],
)
def test_each_question_has_its_sentence(feature, events, text):
    """What a feature asks is told with counts and dates that one can check against the lead's events."""
    assert _told(feature, *events) == text


@pytest.mark.parametrize(
    ("feature", "text"),
    [
        (Attribute(column="industry"), "industry: software"),
        (Attribute(column="company_size", type="number"), "company size: 1,250"),
        (Attribute(column="renewal", type="time"), "renewal: 1 March 2026"),
        (Attribute(column="country"), "country not known"),
        (Attribute(column="size", source="accounts", type="number"), "account size: 12"),
        (Attribute(column="stage", source="changes"), "stage: demo"),
        (Attribute(column="budget", source="changes", type="number"), "budget not known"),
    ],
)
def test_attributes_are_told_as_of_the_moment(feature, text):
    """Attributes are told by name and value as known then; later changes do not exist yet."""
    changes = (
        Change("stage", "demo", NOW - 1),
        Change("stage", "first call", NOW - DAY),
        Change("stage", "won", NOW),
        Change("budget", "100", NOW),
    )
    attributes = {"industry": "software", "company_size": "1250", "renewal": "2026-03-01", "stage": "leaked"}
    assert _told(feature, attributes=attributes, account_attributes={"size": 12}, changes=changes) == text


def test_only_what_was_known_is_told():
    """Events at the moment, known later, or sent twice, are not counted."""
    events = [
        _event("pricing_view", 0),
        _event("pricing_view", 2, late=2 * DAY),
        _event("pricing_view", 8, event_id="x"),
        _event("pricing_view", 8, event_id="x", late=HOUR),
    ]
    assert _told(Count(kinds=VIEW), *events) == "1 pricing view on 12 May 2025"


FEATURES = FeatureSet(
    (
        Count(kinds=VIEW, window=7 * DAY),
        Count(kinds=VIEW, window=30 * DAY),
        DaysSince(),
        DecayedSum(half_life=7 * DAY),
        Attribute(column="industry"),
        Tenure(),
    )
)


def _reasons(pushes, *events, count=9):
    lead = _lead(*events, attributes={"industry": "software"})
    row = np.zeros(len(FEATURES), np.float32)
    return Teller(FEATURES).reasons(row, np.array([*pushes, -2.0]), lead, NOW, count)


def test_features_of_one_question_are_one_reason():
    """Pushes are summed over a question, the largest in size come first, and equal sentences become one."""
    found = _reasons([0.2, 0.3, 0.05, 0.06, -0.9, 0.0], _event("pricing_view", 8))
    assert [(reason.text, round(reason.push, 9)) for reason in found] == [
        ("industry: software", -0.9),
        ("1 pricing view on 12 May 2025", 0.5),
        ("1 engagement on 12 May 2025", 0.11),
    ]
    assert [reason.group for reason in found] == ["profile: industry", "pricing_view", "engagement"]
    assert found[1].since == found[1].until == NOW - 8 * DAY
    assert len(_reasons([0.2, 0.3, 0.05, 0.06, -0.9, 0.0], _event("pricing_view", 8), count=2)) == 2


def test_silence_comes_first():
    """Without engagement every question about it is one reason, which comes first whatever its push."""
    found = _reasons([-0.1, -0.1, -0.05, 0.0, 0.9, 0.4], _event("call", 3, "sales"))
    assert [(reason.text, round(reason.push, 9)) for reason in found] == [
        ("no engagement yet", -0.25),
        ("industry: software", 0.9),
        ("created 200 days ago, on 1 November 2024", 0.4),
    ]
    assert _reasons([0.0] * 6)[0].text == "no engagement yet"


@settings(max_examples=300, deadline=None)
@given(data=st.data(), count=st.integers(0, 6))
def test_only_what_can_come_first_is_told_and_nothing_is_missed(data, count):
    """The reasons are those of telling every group and sorting them, whatever pushes and whatever happened."""
    features = FeatureSet(
        (
            *(Count(kinds=(kind,), window=window) for kind in ("view", "reply", "call") for window in (7 * DAY, None)),
            Count(window=30 * DAY),
            DaysSince(),
            DistinctCount(column="kind"),
            Sum(column="value", kinds=("view",)),
            Sum(column="value", kinds=("reply",)),
            Max(column="value"),
            Last(column="kind"),
            Trend(window=30 * DAY, short=7 * DAY),
            Count(actor="sales"),
            Attribute(column="industry"),
            Attribute(column="employees", type="number"),
            Tenure(),
            Calendar(part="weekday"),
        )
    )
    events = data.draw(
        st.lists(
            st.builds(
                _event,
                st.sampled_from(("view", "reply", "call")),
                st.floats(0.1, 100),
                st.sampled_from(("lead", "sales", "marketing")),
                st.none() | st.floats(0, 9),
            ),
            max_size=8,
        )
    )
    steps = st.sampled_from((0.0, 1e-7, 0.25, 0.5, -0.25, -0.5, 1.0, 1 / 3))
    pushes = np.array([*data.draw(st.lists(steps, min_size=len(features), max_size=len(features))), -2.0])
    lead = _lead(*events, attributes={"industry": "software"})
    row = np.zeros(len(features), np.float32)
    assert Teller(features).reasons(row, pushes, lead, NOW, count) == _every_group_told(features, pushes, lead, count)


def _every_group_told(features, pushes, lead, count):
    """Reasons by telling all groups, one after the other."""
    facts = facts_of(lead, NOW)
    groups = {}
    for position, (feature, group) in enumerate(zip(features, features.groups, strict=True)):
        engaged = isinstance(feature, OverEvents) and feature.actor != "sales"
        groups.setdefault("engagement" if facts.silent and engaged else group, []).append((position, feature, engaged))
    told = []
    for group, members in groups.items():
        push = 0.0
        for position, *_ in members:
            push += pushes[position]
        along = [one for one in members if pushes[one[0]] * push > 0] or members
        _, feature, engaged = max(along, key=lambda one: (abs(pushes[one[0]]), -one[0]))
        said = Told(NOTHING) if facts.silent and engaged else tell(feature, facts)
        told.append(Reason(said.text, group, float(push), said.since, said.until))
    merged = {}
    for reason in sorted(told, key=lambda one: (-abs(one.push), one.group)):
        before = merged.get(reason.text)
        merged[reason.text] = reason if before is None else replace(before, push=before.push + reason.push)
    order = sorted(merged.values(), key=lambda r: (facts.silent and r.text != NOTHING, -abs(r.push), r.text))
    return tuple(r for r in order if abs(r.push) >= 1e-6 or r.text == NOTHING)[:count]


_MOMENTS = st.integers(-3, 6).map(lambda step: NOW + (step - 4) * DAY)
_SENT = st.lists(
    st.builds(
        lambda kind, occurred, late, event_id: Event(kind, occurred, occurred + late * DAY, event_id=event_id),
        st.sampled_from(["reply", "pricing_view"]),
        _MOMENTS,
        st.integers(0, 3),
        st.sampled_from([None, "one", "two"]),
    ),
    max_size=8,
)


@given(_SENT)
def test_of_events_with_one_id_the_first_known_is_told_and_all_are_in_order(events):
    """However they were sent: in order, out of order, twice."""
    seen = [event for event in events if event.occurred_at < NOW and event.known_at < NOW]
    named = {event.event_id for event in seen} - {None}
    first = [min((e for e in seen if e.event_id == one), key=lambda e: e.known_at) for one in named]
    expected = sorted([*first, *(e for e in seen if e.event_id is None)], key=lambda e: e[1:3] + e[:1])
    found = facts_of(_lead(*events), NOW).events
    in_order = [event[1:3] + event[:1] for event in found]
    assert in_order == sorted(in_order)
    assert sorted(map(str, found)) == sorted(map(str, expected))
