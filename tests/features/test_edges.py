"""Edges computed by hand."""

import math

import numpy as np
import pytest

from data.clock import DAY, HOUR
from data.errors import SchemaError
from features.compared import Ratio, Trend
from features.context import Attribute, Calendar, Tenure
from features.definitions import (
    Count,
    DaysSince,
    DecayedSum,
    DistinctCount,
    First,
    GapMean,
    GapStd,
    Last,
    Max,
    Mean,
    Min,
    Sum,
)
from features.feature_set import FeatureSet
from features.local import compute
from features.online import OnlineEngine
from features.vocabulary import Vocabulary

WEEK = 7 * DAY


@pytest.fixture
def ask(make):
    """Ask features of lead "a" at day 100; the table and the online engine must agree before the answer counts."""

    def answer(features, events=(), *, cutoff=make.START + 100 * DAY, changes=(), levels=None, **attributes):
        world = make.World([make.lead("a", **attributes)], list(events), list(changes), [], [("a", cutoff)])
        feature_set, vocabulary = FeatureSet(tuple(features)), Vocabulary(levels or {})
        table = compute(world.history(), world.spine(), feature_set, vocabulary).matrix[0]
        np.testing.assert_array_equal(OnlineEngine(feature_set, vocabulary).row(world.lead("a"), cutoff), table)
        return [None if math.isnan(number) else float(number) for number in table]

    return answer


@pytest.fixture
def at(make):
    """A kind of event at day 100 plus so many microseconds."""
    return lambda offset, kind="view", **more: make.event("a", kind, make.START + 100 * DAY + offset, **more)


def test_an_event_at_the_cutoff_is_not_seen(ask, at):
    """The window is open at its near end: a microsecond earlier is in, the cutoff itself is out."""
    assert ask([Count()], [at(0)]) == [0]
    assert ask([Count()], [at(-1)]) == [1]


def test_an_event_a_window_ago_is_seen(ask, at):
    """The window is closed at its far end: exactly a week ago is in, a microsecond more is out."""
    features = [Count(window=WEEK), DaysSince(window=WEEK), Count()]
    assert ask(features, [at(-WEEK)]) == [1, 7, 1]
    assert ask(features, [at(-WEEK - 1)]) == [0, None, 1]


def test_an_event_known_late_is_seen_from_then_on(ask, at, make):
    """It is out while it is not known and in, at its own age, a microsecond after it became known."""
    late = at(-WEEK, known_at=make.START + 100 * DAY)
    assert ask([Count(), DaysSince()], [late]) == [0, None]
    assert ask([Count(), DaysSince()], [late], cutoff=make.START + 100 * DAY + 1) == [1, pytest.approx(7)]


def test_nothing_is_zero_for_sums_and_null_for_the_rest(ask):
    """Counts, sums and decayed sums of nothing are 0; all else is null."""
    zero = [Count(), DistinctCount(column="item"), Sum(), DecayedSum(half_life=DAY)]
    null = [Mean(), Max(), Min(), DaysSince(), DaysSince(first=True), GapMean(), GapStd(), First(), Last()]
    assert ask([*zero, *null, Trend(short=DAY, window=WEEK)]) == [0] * 4 + [None] * 10


def test_one_event_has_no_gap(ask, at):
    """A mean gap needs two events, a deviation of gaps three."""
    features = [GapMean(), GapStd()]
    assert ask(features, [at(-DAY)]) == [None, None]
    assert ask(features, [at(-DAY), at(-4 * DAY)]) == [3, None]
    assert ask(features, [at(-DAY), at(-4 * DAY), at(-9 * DAY)]) == [4, 1]


def test_events_before_the_creation_count(ask, make):
    """A visitor may act before it becomes a lead."""
    early = make.event("a", "view", make.START - 10 * DAY)
    assert ask([Count(), DaysSince(first=True), Tenure()], [early]) == [1, 110, 100]


def test_sales_touches_are_no_engagement(ask, at):
    """Calls by sales are seen only by features that ask for them."""
    events = [at(-DAY, "call", actor="sales"), at(-2 * DAY, "mail", actor="marketing"), at(-3 * DAY)]
    features = [Count(), DaysSince(), Count(actor="sales"), DaysSince(actor="sales"), Count(actor="lead"), Last()]
    levels = {"events.kind": ("view", "mail")}
    assert ask(features, events, levels=levels) == [2, 2, 1, 1, 1, 1]


def test_null_nan_and_infinity_are_one_thing(ask, at):
    """Events without a number do not take part in numbers, but they count."""
    events = [at(-k, value=value) for k, value in enumerate([None, math.nan, math.inf, -math.inf, 2.0, 4.0], 1)]
    assert ask([Count(), Sum(), Mean(), Min(), Max()], events) == [6, 6, 3, 2, 4]


def test_huge_numbers_stay_finite(ask, at):
    """What float32 cannot hold is written as its largest number."""
    largest = float(np.finfo(np.float32).max)
    assert ask([Sum(), Min()], [at(-1, value=1e300), at(-2, value=-1e300 * 10)]) == [-largest, -largest]


def test_levels_have_codes_and_unseen_ones_are_other(ask, at):
    """Known levels by rank, unseen ones the code after the last, null none."""
    features = [Attribute(column="industry"), First(column="item"), Last(column="item")]
    levels = {"leads.industry": ("software", "retail"), "events.item": ("ebook",)}
    events = [at(-3, item="ebook"), at(-2, item="webinar"), at(-1)]
    assert ask(features, events, levels=levels, industry="retail") == [1, 0, 1]
    assert ask(features, levels=levels, industry="mining") == [2, None, None]
    assert ask(features, levels=levels, industry="") == [None, None, None]


def test_changes_are_read_as_of_the_cutoff(ask, make):
    """The latest change known before the cutoff wins; before the first one the attribute is null."""
    stage = [Attribute(column="industry", source="changes"), Attribute(column="size", source="changes", type="number")]
    cutoff = make.START + 100 * DAY
    changes = [
        {"lead_id": "a", "field": "industry", "value": "retail", "known_at": cutoff - 1},
        {"lead_id": "a", "field": "industry", "value": "software", "known_at": cutoff - DAY},
        {"lead_id": "a", "field": "industry", "value": "won", "known_at": cutoff},
        {"lead_id": "a", "field": "size", "value": "many", "known_at": cutoff - 2},
        {"lead_id": "a", "field": "size", "value": "12.5", "known_at": cutoff - 3},
    ]
    levels = {"leads.industry": ("software", "retail")}
    known = {"changes": changes, "levels": levels, "industry": "won", "size": 1000.0}
    assert ask(stage, **known) == [1, None]
    assert ask(stage, cutoff=cutoff - 2, **known) == [0, 12.5]
    assert ask(stage, cutoff=cutoff - DAY, **known) == [None, None]


def test_a_time_attribute_is_its_age(ask, make):
    """Days from that moment to the cutoff, negative while it lies ahead."""
    renewal = [Attribute(column="renewal", type="time")]
    assert ask(renewal, renewal=make.START + 98 * DAY) == [2]
    assert ask(renewal, renewal=make.START + 100 * DAY + 12 * HOUR) == [-0.5]
    assert ask(renewal) == [None]


def test_a_trend_compares_rates(ask, at):
    """Three of four events in the last week of four: 3/4 of the events in 1/4 of the time."""
    events = [at(-DAY), at(-2 * DAY), at(-7 * DAY), at(-8 * DAY)]
    assert ask([Trend(short=WEEK, window=4 * WEEK)], events) == [3]
    assert ask([Trend(short=WEEK, window=4 * WEEK)], [at(-8 * DAY)]) == [0]


def test_a_decayed_sum_halves(ask, at):
    """After one half-life an event weighs a half, after two a quarter."""
    events = [at(-WEEK, value=10.0), at(-2 * WEEK, value=4.0)]
    assert ask([DecayedSum(half_life=WEEK), DecayedSum(half_life=WEEK, column="value")], events) == [0.75, 6]


def test_a_ratio_over_zero_is_null(ask, at):
    """Division by nothing has no answer."""
    ratio = Ratio(left=Sum(), right=Count(window=WEEK))
    assert ask([ratio], [at(-DAY, value=6.0), at(-8 * DAY, value=3.0)]) == [9]
    assert ask([ratio], [at(-8 * DAY, value=3.0)]) == [None]


def test_ties_are_settled_by_content(ask, at, make):
    """Equal times: known_at first, then kind, actor, value, item; null last; the order told does not matter."""
    levels = {"events.item": ("p", "q", "r"), "events.kind": ("a", "b")}
    features = [First(column="item"), Last(column="item"), First()]
    events = [at(-DAY, "b", item="q"), at(-DAY, "a", item="r"), at(-DAY, "b", item="p")]
    assert ask(features, events, levels=levels) == [2, 1, 0]
    assert ask(features, events[::-1], levels=levels) == [2, 1, 0]
    valued = [at(-DAY, "a", item="p"), at(-DAY, "a", item="q", value=2.0), at(-DAY, "a", item="r", value=1.0)]
    assert ask(features, valued, levels=levels) == [2, 0, 0]
    negative = [at(-DAY, item="p", value=-1.0), at(-DAY, item="q", value=-3.0), at(-DAY, item="r", value=-2.0)]
    assert ask(features[:2], negative, levels=levels) == [1, 0]
    known = [at(-DAY, "a", item="p", known_at=make.START + 99 * DAY + 5), at(-DAY, "b", item="q")]
    assert ask(features[:2], known, levels=levels) == [1, 0]


def test_events_in_any_disorder_are_the_same_events(ask, at):
    """In order, newest first or shuffled, a few or thousands: nothing else changes, however much is to be moved."""
    features = [
        First(column="item"),
        Last(column="item"),
        GapStd(),
        DecayedSum(half_life=DAY),
        DistinctCount(column="day"),
    ]
    levels = {"events.item": ("p", "q", "r")}
    for many in (20, 2_000):
        events = [at(-DAY - (k * k % 4_001) * (HOUR // 4), item="pqr"[k % 3]) for k in range(many)]
        ordered = sorted(events, key=lambda event: event["occurred_at"])
        answers = [ask(features, told, levels=levels) for told in (ordered, ordered[::-1], events)]
        assert answers[1:] == answers[:-1]


def test_changes_known_at_once_are_settled_by_text(ask, make):
    """The greatest text wins, a value wins over null, and the order told does not matter."""
    stage = [Attribute(column="industry", source="changes")]
    levels = {"leads.industry": ("x", "y")}
    values = ("y", None, "x")
    changes = [{"lead_id": "a", "field": "industry", "value": value, "known_at": make.START} for value in values]
    assert ask(stage, changes=changes, levels=levels) == [1]
    assert ask(stage, changes=changes[::-1], levels=levels) == [1]
    assert ask(stage, changes=changes[1:], levels=levels) == [0]


def test_the_calendar_is_utc(ask):
    """The parts of 2024-02-29 23:30 UTC, a Thursday, and of a day before 1970."""
    parts = [Calendar(part="month"), Calendar(part="weekday"), Calendar(part="hour")]
    assert ask(parts, cutoff=1_709_249_400_000_000) == [2, 3, 23]
    assert ask(parts, cutoff=-HOUR) == [12, 2, 23]


def test_one_event_id_counts_once_online(make):
    """Of events told twice the one known first counts; without an id both do."""
    engine = OnlineEngine(FeatureSet((Count(), Sum())), Vocabulary({}))
    first = make.event("a", "view", make.START, value=1.0, event_id="e1")
    again = make.event("a", "view", make.START, known_at=make.START + DAY, value=5.0, event_id="e1")
    nameless = make.event("a", "view", make.START, value=2.0)
    world = make.World([make.lead("a")], [again, first, nameless, nameless], [], [], [])
    assert engine.row(world.lead("a"), make.START + 2 * DAY).tolist() == [3, 5]


def test_what_a_caller_tells_now_counts_as_known(make):
    """``told`` makes present attributes visible to a feature that reads logged changes, but never overrides the log."""
    features = FeatureSet((Attribute(column="size", source="changes", type="number"),))
    engine, cutoff = OnlineEngine(features, Vocabulary({})), make.START + DAY
    lead = make.World([make.lead("a", size=7.0)], [], [], [], []).lead("a")
    assert np.isnan(engine.row(lead, cutoff)[0])
    assert engine.row(lead.told(cutoff), cutoff)[0] == 7
    logged = [{"lead_id": "a", "field": "size", "value": "3", "known_at": make.START}]
    lead = make.World([make.lead("a", size=7.0)], [], logged, [], []).lead("a")
    assert engine.row(lead.told(cutoff), cutoff)[0] == 3


def test_odd_facts_are_one_sentence(make):
    """Unknown leads, actors and columns are SchemaErrors that name the first example."""
    features = FeatureSet((Count(), DistinctCount(column="page")))
    world = make.World([make.lead("a")], [make.event("a", "view", make.START)], [], [], [("zoe", make.START)])
    with pytest.raises(SchemaError, match=r"1 rows .*'zoe'"):
        compute(world.history(), world.spine(), FeatureSet((Count(),)), Vocabulary({}))
    world.rows = [("a", make.START)]
    with pytest.raises(SchemaError, match="no column 'page'"):
        compute(world.history(), world.spine(), features, Vocabulary({}))
    world.events[0]["actor"] = "robot"
    with pytest.raises(SchemaError, match="'robot'"):
        compute(world.history(), world.spine(), FeatureSet((Count(),)), Vocabulary({}))
    with pytest.raises(SchemaError, match="'robot'"):
        OnlineEngine(FeatureSet((Count(),)), Vocabulary({})).row(world.lead("a"), make.START)
