from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.clock import DAY, HOUR, format_duration, from_micros, in_horizon, in_window, iso, parse_duration, to_micros
from data.errors import ContractError

moments = st.integers(-(10**15), 4 * 10**15)
spans = st.integers(1, 400 * DAY)


@given(moments, moments, spans, spans)
def test_window_and_horizon_tile_the_axis(occurred, cutoff, window, horizon):
    """Nothing is seen twice: an event known at once is in the past, in the future, or out of reach of both."""
    past, future = in_window(occurred, occurred, cutoff, window), in_horizon(occurred, cutoff, horizon)
    assert not (past and future)
    assert (past or future) == (cutoff - window <= occurred < cutoff + horizon)


def test_the_edges_of_the_window():
    """An event at the cutoff is out, one at cutoff - window is in, one known at the cutoff is out."""
    assert not in_window(100, 100, 100, 50)
    assert in_window(50, 50, 100, 50)
    assert not in_window(49, 49, 100, 50)
    assert not in_window(60, 100, 100, 50)
    assert in_window(-(10**15), -(10**15), 100, None)


def test_the_edges_of_the_horizon():
    """An outcome at the cutoff counts, one at cutoff + horizon does not."""
    assert in_horizon(100, 100, 50)
    assert not in_horizon(150, 100, 50)


@given(st.integers(0, 10_000), st.sampled_from(["s", "min", "h", "d", "w"]))
def test_durations_survive_printing(count, unit):
    """What a duration means is unchanged by writing it and reading it back."""
    assert parse_duration(format_duration(parse_duration(f"{count}{unit}"))) == parse_duration(f"{count}{unit}")


@pytest.mark.parametrize("text", ["30", "3m", "d", "-1d", "1.5d", "", "1y"])
def test_what_is_no_duration_is_refused(text):
    """A bare number, months, signs and fractions are refused with an example of what is right."""
    with pytest.raises(ContractError, match="'30d'"):
        parse_duration(text)


@given(moments)
def test_microseconds_survive_the_calendar(at):
    """Microseconds to datetime and back is the same moment, before 1970 too."""
    assert to_micros(from_micros(at)) == at


def test_a_zone_moves_the_clock_and_a_naive_time_is_an_error():
    """Two hours east is two hours earlier in UTC; a time without a zone is refused."""
    noon = datetime(2026, 1, 1, 12, tzinfo=timezone(timedelta(hours=2)))
    assert to_micros(noon) == to_micros(datetime(2026, 1, 1, 12, tzinfo=UTC)) - 2 * HOUR
    with pytest.raises(ValueError, match="no time zone"):
        to_micros(datetime(2026, 1, 1))  # noqa: DTZ001 -- a naive time is what is tested


def test_iso_ends_in_z():
    """Printed times are UTC and say so."""
    assert iso(0) == "1970-01-01T00:00:00Z"
