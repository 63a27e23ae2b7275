"""The schedule: what follows from each answer, and when."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.clock import DAY, MINUTE, SECOND
from serving.outbox.schedule import REFUSED_TRIES, WAITS, Answer, Schedule, retry_after

NOW = 1_767_225_600_000_000
STATUSES = st.one_of(st.none(), st.integers(100, 599))


def _life(answer, draw=0.0):
    """Verdicts until the delivery is tried no more."""
    verdicts = []
    while not verdicts or verdicts[-1].state == "again":
        verdicts.append(Schedule().verdict(len(verdicts) + 1, answer, NOW, draw))
        assert len(verdicts) < 100
    return verdicts


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_what_is_taken_is_delivered(status):
    """Any 2xx is enough."""
    assert [v.state for v in _life(Answer(status))] == ["delivered"]


@pytest.mark.parametrize("status", [None, 408, 425, 429, 500, 502, 503, 504, 599])
def test_what_may_pass_is_tried_ten_times_over_three_days(status):
    """The waits of the specification, then dead."""
    life = _life(Answer(status))
    assert [v.state for v in life] == ["again"] * 9 + ["dead"]
    assert [v.due_at - NOW for v in life[:-1]] == list(WAITS)
    assert 3 * DAY < sum(WAITS) < 4 * DAY


@pytest.mark.parametrize("status", [301, 302, 307, 400, 401, 403, 404, 405, 409, 413, 415, 422, 451])
def test_a_refusal_is_tried_three_times(status):
    """The same will be refused again: two more tries within minutes, in case it was a deployment, then dead."""
    life = _life(Answer(status))
    assert [v.state for v in life] == ["again", "again", "dead"]
    assert [v.due_at - NOW for v in life[:-1]] == [5 * SECOND, 5 * MINUTE]


def test_gone_stops_the_subscriber_at_once():
    """410 means: never again, to nobody's loss."""
    assert [v.state for v in _life(Answer(410))] == ["stopped"]


@given(STATUSES, st.integers(0, 10**18), st.floats(0, 1, exclude_max=True), st.integers(1, 12))
def test_waits_have_bounds(status, asked, draw, tries):
    """Never before what the schedule and the subscriber say, never more than a fifth later, never beyond a day so."""
    verdict = Schedule().verdict(tries, Answer(status, retry_after=asked), NOW, draw)
    if verdict.state == "again":
        least = max(WAITS[tries - 1], min(asked, DAY))
        assert least <= verdict.due_at - NOW <= 1.2 * least + 1
    else:
        assert verdict.due_at is None


@given(STATUSES)
def test_every_answer_ends(status):
    """Whatever a subscriber always answers, the delivery comes to an end, within ten tries."""
    life = _life(Answer(status), 0.5)
    assert len(life) <= len(WAITS) + 1
    assert len(life) in {1, REFUSED_TRIES, len(WAITS) + 1}


@pytest.mark.parametrize(
    ("header", "asked"),
    [
        (None, None),
        ("", None),
        ("soon", None),
        ("-5", None),
        ("٣", None),
        ("0", 0),
        ("120", 120 * SECOND),
        ("9" * 40, 999_999_999 * SECOND),
        ("Thu, 01 Jan 2026 00:02:00 GMT", 120 * SECOND),
        ("Thu, 01 Jan 2026 00:02:00 -0000", 120 * SECOND),
        ("Wed, 31 Dec 2025 00:00:00 GMT", 0),
        ("Wed, 31 Dec 20251 00:00:00 GMT", None),
    ],
)
def test_retry_after_is_seconds_or_a_date(header, asked):
    """Both forms are read; what is neither counts as not said."""
    assert retry_after(header, NOW) == asked


@given(st.text(max_size=60))
def test_no_header_breaks_the_reading(header):
    """A subscriber may send anything."""
    found = retry_after(header, NOW)
    assert found is None or found >= 0
