"""Markets: reproducible, with the faults that real facts have, and honest about what they planted."""

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from data.clock import DAY
from data.errors import ContractError
from data.simulation import crowd
from data.simulation.crowd import join_logs
from data.simulation.market import Market, record, set_stage, simulate
from data.simulation.points_driven import POINTS_DRIVEN
from data.simulation.states import STATES
from data.simulation.steady import STEADY
from data.simulation.worlds import WORLDS
from data.spine import micros

TABLES = ("leads", "events", "outcomes", "changes")


@pytest.fixture(scope="module", params=sorted(WORLDS))
def market(request) -> Market:
    """A market of each world."""
    return simulate(request.param, 1_500, 7)


def test_the_same_seed_gives_the_same_market(market):
    """Every table is equal for an equal seed and different for another one."""
    again, other = simulate(market.world.name, 1_500, 7), simulate(market.world.name, 1_500, 8)
    for name in TABLES:
        assert getattr(market.history, name).equals(getattr(again.history, name))
    assert market.latent.equals(again.latent)
    assert not market.history.events.equals(other.history.events)


def test_threads_do_not_change_a_market(monkeypatch):
    """One thread or five: the same bits."""
    many = simulate("steady", 9_000, 1)
    for threads in (1, 5):
        monkeypatch.setattr(crowd, "THREADS", threads)
        assert simulate("steady", 9_000, 1).history.events.equals(many.history.events)


def test_some_rows_come_twice_and_some_late(market):
    """About the stated share of events is repeated row by row, and about the stated share of each late kind is late."""
    events = market.history.events
    ids = events["event_id"].to_numpy()
    unique, count = np.unique(ids, return_counts=True)
    assert 0.5 < (count == 2).sum() / len(unique) / market.world.repeated < 1.6
    assert count.max() == 2
    both = events.filter(pc.is_in(events["event_id"], pa.array(unique[count == 2]))).sort_by("event_id")
    assert both.take(list(range(0, len(both), 2))).equals(both.take(list(range(1, len(both), 2))))
    for signal in market.world.regimes[0].signals:
        mine = events.filter(pc.equal(events["kind"], signal.kind))
        mine = mine.filter(pc.equal(mine["item"], signal.item)) if signal.item else mine
        delays = micros(mine["known_at"]) - micros(mine["occurred_at"])
        assert set(np.unique(delays)) <= {0, signal.delay}
        if signal.late:
            assert abs((delays > 0).mean() - signal.late) < 0.08


def test_nothing_is_known_after_the_end(market):
    """All rows were known before the end of the history, and nothing was known before it occurred."""
    for name in ("events", "outcomes", "changes"):
        assert micros(getattr(market.history, name)["known_at"]).max() < market.history.ends_at
    for name in ("events", "outcomes"):
        table = getattr(market.history, name)
        assert (micros(table["known_at"]) >= micros(table["occurred_at"])).all()
    assert micros(market.history.leads["created_at"]).max() < market.history.ends_at


def test_events_stay_within_the_life_of_an_open_lead(market):
    """No event comes before its lead was created or after it was won or lost."""
    history = market.history
    joined = history.events.join(history.leads.select(["lead_id", "created_at"]), "lead_id")
    assert (micros(joined["occurred_at"]) > micros(joined["created_at"])).all()
    closed = history.outcomes.select(["lead_id", "occurred_at"]).rename_columns(["lead_id", "closed_at"])
    joined = history.events.join(closed, "lead_id")
    assert (micros(joined["occurred_at"]) <= micros(joined["closed_at"])).all()
    assert pc.count_distinct(history.outcomes["lead_id"]).as_py() == len(history.outcomes)


def test_outcomes_are_the_ends_of_hidden_paths(market):
    """A won is the entry to bought and a lost the entry to lost, at the same microsecond; no gaps between."""
    latent, outcomes = market.latent, market.history.outcomes
    ends = latent.filter(pc.is_in(latent["state"], pa.array(["bought", "lost"])))
    known = ends.join(outcomes, "lead_id", join_type="inner")
    assert len(known) == len(outcomes)
    assert (micros(known["entered_at"]) == micros(known["occurred_at"])).all()
    assert (pc.equal(known["state"], "bought").to_numpy() == pc.equal(known["kind"], "won").to_numpy()).all()
    left, entered = micros(latent["left_at"]), micros(latent["entered_at"])
    same = latent["lead_id"].to_numpy()[1:] == latent["lead_id"].to_numpy()[:-1]
    assert (left[:-1][same] == entered[1:][same]).all()
    assert set(latent["state"].unique().to_pylist()) <= set(STATES)
    assert pc.all(pc.equal(pc.is_valid(outcomes["value"]), pc.equal(outcomes["kind"], "won"))).as_py()


def test_leaks_are_listed_and_really_late(market):
    """At least three fields are planted; each is exported, not honest, and filled after a touch or the end."""
    history, planted = market.history, market.world.planted_leaks
    assert len(planted) >= 3
    assert not set(planted) & set(market.world.attributes)
    first = history.events.filter(pc.equal(history.events["actor"], "sales"))
    moments = pa.concat_tables(
        [first.select(["lead_id", "known_at"]), history.outcomes.select(["lead_id", "known_at"])]
    )
    earliest = moments.group_by("lead_id").aggregate([("known_at", "min")])
    for name in planted:
        changes = history.changes.filter(pc.equal(history.changes["field"], name))
        filled = history.leads.filter(pc.is_valid(history.leads[name]))
        assert set(filled["lead_id"].to_pylist()) == set(changes["lead_id"].to_pylist()) != set()
        joined = changes.join(earliest, "lead_id")
        assert (micros(joined["known_at"]) > micros(joined["known_at_min"], null=2**62)).all()


def test_the_export_shows_the_future(market):
    """Read as if known from the start, a planted field tells winners from losers: that is what makes it a leak."""
    won = market.history.outcomes.filter(pc.equal(market.history.outcomes["kind"], "won"))["lead_id"]
    is_won = pc.is_in(market.history.leads["lead_id"], won.combine_chunks()).to_numpy()
    filled = pc.is_valid(market.history.leads["deal_size_band"]).to_numpy()
    assert is_won[filled].mean() > 0.6 > 2 * is_won.mean()
    assert is_won[~filled].mean() < 0.02


def test_attributes_move_the_market():
    """Leads with attributes that quicken the pace buy more often than those that slow it."""
    market = simulate("steady", 8_000, 3)
    won = market.history.outcomes.filter(pc.equal(market.history.outcomes["kind"], "won"))["lead_id"]
    is_won = pc.is_in(market.history.leads["lead_id"], won.combine_chunks()).to_numpy()
    source = market.history.leads["source"].to_numpy()
    assert is_won[source == "referral"].mean() > 1.3 * is_won[source == "content"].mean()


def test_the_drifting_world_drifts():
    """The new channel and the new source are there after the date, and never before."""
    market = simulate("drifting", 2_000, 5)
    date = market.world.regimes[1].starts_at
    chats = market.history.events.filter(pc.equal(market.history.events["kind"], "chat"))
    new = market.history.leads.filter(pc.equal(market.history.leads["source"], "marketplace"))
    assert len(chats) > 100
    assert micros(chats["occurred_at"]).min() > date
    assert micros(new["created_at"]).min() >= date
    assert len(new) > 0.2 * (micros(market.history.leads["created_at"]) >= date).sum()


def test_a_simulation_can_be_stepped_by_hand():
    """Moving week by week and touching whom one likes gives a market like any other, with those touches in it."""
    stage = set_stage(STEADY, 300, 2)
    created = micros(stage.leads["created_at"])
    logs, touched = [], set()
    for moment in range(STEADY.starts_at + 3 * DAY, STEADY.ends_at, 7 * DAY):
        logs.append(stage.crowd.advance(moment))
        chosen = np.flatnonzero((created <= moment) & stage.crowd.is_open)[::10]
        logs.append(stage.crowd.touch(chosen, 1))
        touched |= {(stage.leads["lead_id"][place].as_py(), moment) for place in chosen}
    logs.append(stage.crowd.advance(STEADY.ends_at))
    events = record(stage, join_logs(logs)).history.events
    meetings = events.filter(pc.equal(events["kind"], "meeting"))
    held = set(zip(meetings["lead_id"].to_pylist(), micros(meetings["occurred_at"]).tolist(), strict=True))
    assert len(touched) > 500
    assert touched < held


def test_wrong_orders_are_refused():
    """A world that is not there, a market of nobody, and regimes that do not fit are each one sentence."""
    with pytest.raises(ContractError, match=r"no world 'stedy'\. Expected one of steady"):
        simulate("stedy", 10, 0)
    with pytest.raises(ContractError, match="Expected at least 1"):
        simulate("steady", 0, 0)
    first = STEADY.regimes[0]
    odd = replace(STEADY, name="odd", regimes=(first, replace(first, signals=first.signals[::-1])))
    with pytest.raises(ContractError, match="regime 2 names other signals"):
        simulate(odd, 10, 0)


def test_progress_is_told():
    """Progress only grows and ends at 1."""
    told = []
    simulate(POINTS_DRIVEN, 100, 0, progress=lambda label, share: told.append((label, share)))
    shares = [share for _, share in told]
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
    assert len(shares) > 50
