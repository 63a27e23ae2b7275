"""Times: what is read, and what is said about the rest."""

from datetime import UTC, date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.errors import ContractError, SchemaError
from data.times import PROBLEMS, read_times

moments = st.datetimes(datetime(1970, 1, 2), datetime(2199, 12, 30))  # noqa: DTZ001 - zones are added below
near = st.datetimes(datetime(1970, 1, 2), datetime(2095, 1, 1))  # noqa: DTZ001 - zone tables end before 2100


def said(*cells, zone=None, kind=None):
    """What is wrong with each cell, None where it is a time."""
    return [PROBLEMS.get(code) for code in read_times(pl.Series("at", cells, kind), zone).found]


@settings(max_examples=200, deadline=None)
@given(moments, st.integers(-14 * 60, 14 * 60), st.sampled_from("T "), st.sampled_from(["auto", "microseconds"]))
def test_iso_text_with_a_zone(moment, minutes, separator, precision):
    """Text that Python writes as ISO 8601 with a zone is the same moment as Python says."""
    aware = moment.replace(tzinfo=timezone(timedelta(minutes=minutes)))
    found = read_times(pl.Series([aware.isoformat(separator, precision)]), None)
    assert found.at.to_list() == [aware]


@settings(max_examples=200, deadline=None)
@given(near, st.sampled_from(["Europe/London", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe"]))
def test_naive_times_in_a_zone(moment, zone):
    """A naive time means what zoneinfo says it means, or is refused where zoneinfo knows no or two answers."""
    first, second = (moment.replace(tzinfo=ZoneInfo(zone), fold=fold).astimezone(UTC) for fold in (0, 1))
    text = read_times(pl.Series([moment.isoformat()]), zone)
    typed = read_times(pl.Series([moment]), zone)
    assert text.at.to_list() == typed.at.to_list() == ([first] if first == second else [None])
    assert text.found.to_list() == typed.found.to_list()
    if first != second:
        exists = first.astimezone(ZoneInfo(zone)).replace(tzinfo=None) == moment
        assert PROBLEMS[text.found[0]] == ("happens twice" if exists else "does not exist") + " in its time zone"


def test_zones_in_every_spelling():
    """Z, UTC, +hh, +hhmm and +hh:mm name the same zone, with or without a space before it."""
    cells = [f"2024-05-06T07:08:09{zone}" for zone in ("Z", "UTC", " UTC", "+00", "+0000", "-00:00", " +00:00")]
    assert read_times(pl.Series(cells), None).at.n_unique() == 1


def test_partial_dates():
    """A date is its midnight, and a month its first day."""
    found = read_times(pl.Series(["2008-05", "2008-05-01", "2008-05-01 00:00"]), "UTC").at
    assert found.to_list() == [datetime(2008, 5, 1, tzinfo=UTC)] * 3


def test_dates_are_naive():
    """A date column needs the zone of the contract like any other time without one."""
    assert read_times(pl.Series([date(2024, 7, 1)]), "Europe/London").at[0] == datetime(2024, 6, 30, 23, tzinfo=UTC)
    assert said(date(2024, 7, 1)) == ["is a naive time"]


def test_what_is_not_a_time():
    """Impossible dates, other orders of day and month, epochs as text and words are no times."""
    cells = ["2024-02-30", "01/02/2024", "1700000000", "yesterday", "2024-13", "2024-01-01T25:00:00Z", "2024-01-01Z"]
    assert said(*cells, "2024-01-01T10:00:00+25:00", zone="UTC") == ["is not a time"] * 8


def test_missing_is_not_unreadable():
    """An empty cell is missing; so is every cell of a column without values."""
    assert said("", None, zone="UTC") == ["is missing"] * 2
    assert said(None, None) == ["is missing"] * 2


def test_summer_time():
    """An hour that the clocks skip and one that they repeat are refused, each with its own words."""
    cells = ["2024-03-31 01:30:00", "2024-10-27 01:30:00", "2024-10-27 00:30:00"]
    assert said(*cells, zone="Europe/London") == [
        "does not exist in its time zone",
        "happens twice in its time zone",
        None,
    ]


def test_naive_without_a_zone():
    """Without a zone in the contract nothing is guessed: a naive time is a bad one, its neighbours are not."""
    assert said("2024-01-01", "2024-01-01T00:00:00Z") == ["is a naive time", None]


def test_outside_the_centuries():
    """Times before 1970 and from 2200 on are refused."""
    cells = ["1969-12-31T23:59:59.999999Z", "1970-01-01T00:00:00Z", "2199-12-31T23:59:59Z", "2200-01-01T00:00:00Z"]
    assert said(*cells) == ["is outside 1970 to 2200", None, None, "is outside 1970 to 2200"]


@pytest.mark.parametrize(
    ("factor", "unit"), [(1, "seconds"), (1_000, "milliseconds"), (10**6, "microseconds"), (10**9, "nanoseconds")]
)
def test_whole_numbers(factor, unit):
    """Whole numbers are seconds, milli-, micro- or nanoseconds since 1970, by their size, and that is said."""
    found = read_times(pl.Series([1_700_000_000 * factor, None, 1_600_000_000 * factor]), None)
    assert found.at[0] == datetime.fromtimestamp(1_700_000_000, UTC)
    assert found.unit == unit


def test_a_huge_number_does_not_overflow():
    """A number far too large is refused; it does not wrap around into a plausible time."""
    assert said(1_700_000_000, 1_700_000_001, 2**62) == [None, None, "is outside 1970 to 2200"]


@pytest.mark.parametrize("unit", ["ms", "us", "ns"])
def test_any_unit_of_a_timestamp(unit):
    """Milli-, micro- and nanosecond columns give the same microseconds."""
    cells = pl.Series([datetime(2024, 1, 1, 2, 3, 4, tzinfo=UTC)]).cast(pl.Datetime(unit, "UTC"))
    assert read_times(cells, None).at.to_list() == [datetime(2024, 1, 1, 2, 3, 4, tzinfo=UTC)]


def test_a_column_that_cannot_hold_times():
    """Floats and booleans are no times: the column is named, not each of its rows."""
    with pytest.raises(SchemaError, match=r"column 'ts' is Float64\. Expected times"):
        read_times(pl.Series("ts", [1.5]), None)


def test_an_unknown_zone():
    """A zone that nobody knows is an error of the contract."""
    with pytest.raises(ContractError, match="timezone is 'Mars/Phobos'"):
        read_times(pl.Series(["2024-01-01"]), "Mars/Phobos")
