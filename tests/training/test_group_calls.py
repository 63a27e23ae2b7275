"""Where the calls of a list go, group by group."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.clock import DAY, WEEK
from training.duel import duel
from training.duel_play import DuelRows
from training.group_calls import calls_by_group

T0 = 20_000 * DAY


@st.composite
def markets(draw):
    """Rows of some leads over some weeks with scores, and a group for each row's lead."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    leads, weeks = draw(st.integers(2, 12)), draw(st.integers(1, 6))
    lead, period = (part.reshape(-1) for part in np.meshgrid(np.arange(leads), np.arange(weeks), indexing="ij"))
    wins = np.where(rng.random(leads) < 0.4, np.arange(leads), -1)
    rows = DuelRows(lead, T0 + period * WEEK, period, wins[lead], np.ones(weeks), 4 * WEEK)
    return rows, rng.normal(size=len(lead)), rng.integers(0, 3, leads)[lead]


@given(markets(), st.integers(1, 5))
@settings(max_examples=60, deadline=None)
def test_the_groups_add_up_to_the_one_list(market, capacity):
    """Calls, outcomes caught and wins of groups that hold every lead once are those of the duel over all leads."""
    rows, score, group = market
    masks = np.column_stack([group == k for k in range(3)])
    found = calls_by_group(rows, {"blend": score}, masks, capacity, 0, draws=3)
    whole = duel(rows, {"blend": score}, capacity=capacity, draws=1).score("blend")
    assert sum(each["models"]["blend"]["calls"] for each in found) == whole.calls
    assert sum(each["models"]["blend"]["caught"] for each in found) == whole.captured
    assert sum(each["wins"] for each in found) == rows.outcomes


def test_a_group_that_is_not_called_claims_nothing():
    """Two calls a week go to the two leads on top; the group of the third has no call, no catch and no precision."""
    lead, period = np.array([0, 1, 2]), np.zeros(3, np.int64)
    rows = DuelRows(lead, np.full(3, T0), period, np.array([0, -1, 1]), np.ones(1), 4 * WEEK)
    masks = np.column_stack([lead < 2, lead == 2])
    first, second = calls_by_group(rows, {"blend": np.array([3.0, 2.0, 1.0])}, masks, 2, 0, draws=20)
    told = first["models"]["blend"]
    assert (told["calls"], told["caught"], told["precision"], first["wins"]) == (2, 1, 0.5, 1)
    told = second["models"]["blend"]
    assert (told["calls"], told["caught"], told["precision"], second["wins"]) == (0, 0, None, 1)
    assert told["intervals"]["precision"] == [None, None]


def test_intervals_hold_what_was_measured_and_narrow_with_the_leads():
    """The interval lies around the figure, and four times as many leads halve its width."""
    widths = []
    for leads in (400, 1_600):
        rng = np.random.default_rng(5)
        lead, won = np.arange(leads), rng.random(leads) < 0.3
        rows = DuelRows(
            lead, np.full(leads, T0), np.zeros(leads, np.int64), np.where(won, lead, -1), np.ones(1), 4 * WEEK
        )
        score = won + rng.normal(size=leads)
        mask = (lead % 2 == 0)[:, None]
        (found,) = calls_by_group(rows, {"blend": score}, mask, leads / 4, 0)
        told = found["models"]["blend"]
        low, high = told["intervals"]["precision"]
        assert low < told["precision"] < high
        widths.append(high - low)
    assert widths[1] / widths[0] == pytest.approx(0.5, abs=0.15)
