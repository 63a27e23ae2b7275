"""Silent sources: the rhythm of the week, imports at night, and what is too rare to be missed."""

import numpy as np
import pytest

from data.clock import DAY, HOUR, WEEK
from training.watching.sources import LOOK_BACK, silence_of, silent_sources

MONDAY = 4 * DAY  # 1970 began on a Thursday


def office(rng, weeks, per_hour):
    """Arrivals on working days from 8 to 18 o'clock."""
    hours = [
        MONDAY + week * WEEK + day * DAY + hour * HOUR
        for week in range(weeks)
        for day in range(5)
        for hour in range(8, 18)
    ]
    counts = rng.poisson(per_hour, len(hours))
    return np.repeat(hours, counts) + rng.integers(0, HOUR, int(counts.sum()))


def test_a_weekend_is_no_silence():
    """After ten weeks of office hours: nothing is missed on Sunday evening, much on Tuesday noon."""
    known = office(np.random.default_rng(0), 10, 3.0)
    monday = MONDAY + 10 * WEEK
    assert silence_of(known, monday - HOUR).p > 0.01
    missing = silence_of(known, monday + DAY + 12 * HOUR)
    assert missing.p < 1e-6
    assert missing.expected == pytest.approx(14 * 3, rel=0.25)


def test_an_import_at_night_is_missed_when_it_does_not_come():
    """Three hundred rows at two every night: by noon nothing is strange, after three nights without it is."""
    nights = MONDAY + np.arange(70) * DAY + 2 * HOUR
    known = np.repeat(nights, 300) + np.tile(np.arange(300), 70)
    assert silence_of(known, nights[-1] + 10 * HOUR).p == 1.0
    assert silence_of(known, nights[-1] + DAY + 6 * HOUR).p > 1e-3
    assert silence_of(known, nights[-1] + 3 * DAY + 6 * HOUR).p < 1e-4


def test_a_source_with_pauses_of_its_own_is_waited_for():
    """Where every third week was silent before, a silent week is nothing."""
    rng = np.random.default_rng(2)
    known = office(rng, 12, 3.0)
    known = known[(known - MONDAY) // WEEK % 3 != 2]
    steady = office(rng, 12, 3.0)
    at = MONDAY + 12 * WEEK
    assert silence_of(known[known < MONDAY + 11 * WEEK], at).p > 1e-3
    assert silence_of(steady[steady < MONDAY + 11 * WEEK], at).p < 1e-6


def test_what_is_rare_is_not_missed():
    """A handful of arrivals says nothing about when the next one is due."""
    assert silence_of(MONDAY + np.arange(10) * WEEK, MONDAY + 40 * WEEK) is None


@pytest.mark.parametrize("per_day", [2.0, 20.0])
def test_where_all_is_well_p_values_are_seldom_small(per_day):
    """Arrivals by chance, looked at 600 times: below 1 % no oftener than in two looks of a hundred."""
    rng = np.random.default_rng(int(per_day))
    small = []
    for _ in range(60):
        known = np.sort(rng.uniform(0, 90 * DAY, rng.poisson(per_day * 90))).astype(np.int64)
        for at in rng.uniform(80 * DAY, 90 * DAY, 10):
            before = known[(known < at) & (known >= at - LOOK_BACK)]
            small.append(silence_of(before, int(at)).p < 0.01)
    assert np.mean(small) <= 0.02


def test_each_kind_of_event_and_outcome_is_asked_about(make_history):
    """Replies that stopped a month ago, page views that go on, and outcomes that never were many."""
    every = [("a", "page_view", at, at) for at in range(0, 80 * DAY, 2 * HOUR)]
    until = [("a", "reply", at, at) for at in range(0, 50 * DAY, 3 * HOUR)]
    history = make_history([("a", 0)], every + until, [("a", "won", 3 * DAY)], ends_at=80 * DAY)
    found = {one.subject: one for one in silent_sources(history, 40 * DAY)}
    assert set(found) == {"page_view", "reply"}
    assert found["page_view"].p == 1.0
    assert found["reply"].p < 1e-9
    assert "Nothing of reply has arrived since 19 Feb 1970 21:00 UTC, for 722 hours" in found["reply"].text


def test_a_silence_is_missed_however_long_it_lasts(make_history):
    """A source that died after the model was made is missed a year later too; one that was dead before it never is."""
    daily = [("a", "reply", at, at) for at in range(0, 300 * DAY, 3 * HOUR)]
    before = [("a", "webinar", at, at) for at in range(0, 90 * DAY, 3 * HOUR)]
    for silent in (5, 60, 365):
        history = make_history([("a", 0)], daily + before, [], ends_at=(300 + silent) * DAY)
        found = {one.subject: one.p for one in silent_sources(history, 250 * DAY)}
        assert set(found) == {"reply"}
        assert found["reply"] < 1e-9
