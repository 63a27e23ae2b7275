"""The ledger: which scores have matured, what came of them, and when that is off."""

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import brentq

from data.clock import DAY
from data.contract import parse_contract
from data.tables import TIME
from training.watching.ledger import ledger

CONTRACT = """
[ready]
outcome = ["won"]
terminal = ["won", "lost"]
horizons = ["10d", "30d"]
primary = "30d"
reporting_lag = "2d"

[source]
events = { table = "events.parquet" }
outcomes = { table = "outcomes.parquet" }
leads = { table = "leads.parquet" }
"""


@pytest.fixture(scope="module")
def contract(tmp_path_factory):
    """A contract of two horizons with a reporting lag."""
    return parse_contract(CONTRACT, tmp_path_factory.mktemp("contract"))


def table(rows, version="1"):
    """Scores as (lead, as_of in days, readiness within 10 days, within 30 days)."""
    leads, days, short, long = zip(*rows, strict=True)
    return pa.table(
        {
            "lead_id": pa.array(leads, pa.string()),
            "as_of": pa.array([int(day * DAY) for day in days], pa.int64()).cast(TIME),
            "version": pa.array([version] * len(rows), pa.string()),
            "decision": pa.nulls(len(rows), pa.string()),
            "readiness_10d": pa.array(short, pa.float64()),
            "readiness_30d": pa.array(long, pa.float64()),
        }
    )


def entry_of(found, horizon):
    """The entry of all leads at a horizon."""
    (one,) = [entry for entry in found[0] if entry["segment"] == "all" and entry["horizon"] == horizon]
    return one


def test_a_score_counts_when_its_horizon_and_the_lag_have_passed(contract, make_history):
    """By hand: asked at day 5, looked at on day 37: 30 days and 2 of lag; a microsecond earlier it has not matured."""
    history = make_history([("a", 0)], outcomes=[("a", "won", 20 * DAY)], ends_at=37 * DAY)
    told = table([("a", 5, 0.2, 0.4)])
    both = ledger(contract, history, told)
    assert (entry_of(both, "30d")["happened"], entry_of(both, "10d")["happened"]) == (1.0, 0.0)
    assert [one["horizon"] for one in ledger(contract, replace(history, ends_at=37 * DAY - 1), told)[0]] == ["10d"]


def test_the_outcome_is_looked_for_from_the_score_on(contract, make_history):
    """At the moment of the score it counts, at the end of the horizon no more."""
    outcomes = [("a", "won", 5 * DAY), ("b", "won", 35 * DAY), ("c", "won", 35 * DAY - 1)]
    history = make_history([("a", 0), ("b", 0), ("c", 0)], outcomes=outcomes, ends_at=90 * DAY)
    for lead, came in (("a", 1.0), ("b", 0.0), ("c", 1.0)):
        assert entry_of(ledger(contract, history, table([(lead, 5, 0.2, 0.4)])), "30d")["happened"] == came


def test_closed_and_unknown_leads_were_no_question(contract, make_history):
    """A lead that is known by now to have been lost before, and one that was erased, are left out."""
    history = make_history([("a", 0), ("b", 0)], outcomes=[("b", "lost", 4 * DAY)], ends_at=90 * DAY)
    found = ledger(contract, history, table([("a", 5, 0.1, 0.2), ("b", 5, 0.1, 0.2), ("gone", 5, 0.1, 0.2)]))
    assert (entry_of(found, "30d")["scores"], entry_of(found, "30d")["told"]) == (1, 0.2)


@settings(deadline=None, max_examples=40)
@given(st.data())
def test_figures_are_those_of_a_walk_through_the_rows(contract, make_history, data):
    """An oracle of plain loops: scores, told, happened, log loss and bins that hold every row once."""
    leads = [f"l{k}" for k in range(6)]
    won = {one: day for one in leads if (day := data.draw(st.integers(0, 120))) < 60}
    history = make_history(
        [(one, 0) for one in leads], outcomes=[(one, "won", day * DAY) for one, day in won.items()], ends_at=100 * DAY
    )
    rows = data.draw(
        st.lists(
            st.tuples(st.sampled_from(leads), st.integers(1, 99), st.floats(0.01, 0.4), st.floats(0.41, 0.9)),
            min_size=1,
            max_size=25,
        )
    )
    kept = [row for row in rows if row[1] + 30 + 2 <= 100 and won.get(row[0], 999) >= row[1]]
    found = ledger(contract, history, table(rows))
    if not kept:
        assert [entry for entry in found[0] if entry["horizon"] == "30d"] == []
        return
    entry = entry_of(found, "30d")
    came = [row[1] <= won.get(row[0], 999) < row[1] + 30 for row in kept]
    said = [row[3] for row in kept]
    assert (entry["scores"], entry["leads"]) == (len(kept), len({row[0] for row in kept}))
    assert entry["told"] == pytest.approx(np.mean(said))
    assert entry["happened"] == pytest.approx(np.mean(came))
    losses = [-np.log(p if c else 1 - p) for p, c in zip(said, came, strict=True)]
    assert entry["log_loss"] == pytest.approx(np.mean(losses))
    assert sum(one["scores"] for one in entry["bins"]) == len(kept)
    for one in entry["bins"]:
        inside = [p for p in said if one["low"] <= p < one["high"] or p == one["high"] == 1.0]
        assert one["scores"] == len(inside)
        assert one["happened_low"] <= one["happened"] <= one["happened_high"]


def _served(rng, count, tell):
    """Leads scored once, told ``tell`` of the chance that they have."""
    chance = rng.uniform(0.05, 0.5, count)
    won = rng.random(count) < chance
    leads = [f"l{k}" for k in range(count)]
    said = np.clip(tell(chance), 0.001, 0.999)
    outcomes = [(lead, "won", 10 * DAY) for lead, came in zip(leads, won, strict=True) if came]
    return leads, outcomes, table([(lead, 5, p / 2, p) for lead, p in zip(leads, said.tolist(), strict=True)])


def _bold(chance, times):
    """Log-odds so many times as far apart, the mean as it is."""
    odds = times * np.log(chance / (1 - chance))

    def moved(by):
        return 1 / (1 + np.exp(-(odds + by)))

    return moved(brentq(lambda by: float(moved(by).mean() - chance.mean()), -20, 20))


@pytest.mark.parametrize(
    ("tell", "level_is_off", "slope_is_off"),
    [
        (lambda chance: chance, False, False),
        (lambda chance: chance / 2, True, False),
        (lambda chance: _bold(chance, 2.0), False, True),
    ],
    ids=["true", "half of it", "too bold"],
)
def test_what_is_off_is_found_and_what_is_true_is_not(contract, make_history, tell, level_is_off, slope_is_off):
    """With 2,000 leads: a level that is half, log-odds twice as far apart; and true answers raise nothing."""
    leads, outcomes, told = _served(np.random.default_rng(5), 2_000, tell)
    history = make_history([(lead, 0) for lead in leads], outcomes=outcomes, ends_at=90 * DAY)
    _, (level, *_), (slope, *_) = ledger(contract, history, told)
    assert (level.p < 1e-4 and level.matters) == level_is_off
    assert (slope.p < 1e-4 and slope.matters) == slope_is_off


def test_a_slope_is_not_judged_by_a_handful(contract, make_history):
    """With few outcomes nothing is said of it."""
    leads, outcomes, told = _served(np.random.default_rng(1), 30, lambda chance: chance)
    history = make_history([(lead, 0) for lead in leads], outcomes=outcomes, ends_at=90 * DAY)
    assert ledger(contract, history, told)[2][0].p == 1.0
