import math

import pytest

from training import wording


@pytest.mark.parametrize(
    ("share", "told"), [(0.283, "28 %"), (0.0716, "7.2 %"), (0.0041, "0.41 %"), (0.0, "0 %"), (1.0, "100 %")]
)
def test_percent_keeps_what_small_rates_need(share, told):
    """A small rate keeps two figures, a large one no decimals."""
    assert wording.percent(share) == told


@pytest.mark.parametrize(
    ("text", "told"), [("30d", "30 days"), ("1d", "1 day"), ("12h", "12 hours"), ("5min", "5 minutes")]
)
def test_durations_are_words(text, told):
    """A duration of the contract is told in words."""
    assert wording.long_duration(text) == told


def test_days_are_utc():
    """A moment is told as its day in UTC, whatever zone it was written in."""
    assert wording.day("2025-05-12T23:30:00-02:00") == "13 May 2025"
    assert wording.day("2025-05-12T00:00:00Z") == "12 May 2025"


def test_what_is_not_a_number_is_a_dash():
    """No page shows nan or None."""
    assert wording.figure("auc", math.nan) == "-"
    assert wording.figure("auc", None) == "-"
    assert wording.interval({"intervals": {"auc": [None, None]}}, "auc") == ""
    assert wording.with_interval({"auc": 0.8125}, "auc") == "0.812"
