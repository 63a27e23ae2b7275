"""The truth is true: it predicts what happens in every world and sees nothing of the future."""

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from sklearn.metrics import roc_auc_score

from data.clock import DAY, format_duration
from data.errors import ContractError, SchemaError
from data.labels import label
from data.sections import Ready, Spine
from data.simulation.company import call_code, call_moments
from data.simulation.forward import newcomers_of, open_books, present_of, rules_of
from data.simulation.market import Market, simulate
from data.simulation.points_driven import POINTS_DRIVEN
from data.simulation.rates import rates_of
from data.simulation.record import read_record
from data.simulation.rehearsal import rehearse
from data.simulation.states import BOUGHT, STATES
from data.simulation.steady import STEADY
from data.simulation.truth import all_open, filtered, truth
from data.simulation.worlds import WORLDS
from data.spine import build_spine, micros
from data.tables import TIME

SIZES = {"steady": 8_000, "quick": 8_000, "drifting": 8_000, "points_driven": 1_500}


def _ready(market: Market) -> Ready:
    world = market.world
    return Ready(
        outcome=("won",),
        terminal=("won", "lost"),
        horizons=world.horizons,
        primary=world.primary,
        reporting_lag=world.recording_lag,
    )


def _snapshot(market: Market, *days: int) -> pa.Table:
    """Every open lead so many days after the start."""
    moments = tuple(market.world.starts_at + day * DAY for day in days)
    return build_spine(Spine(at=moments), _ready(market), market.history, None)


@pytest.fixture(scope="module", params=sorted(WORLDS))
def judged(request):
    """A market, its truth at five moments a primary horizon apart, and what came of each row."""
    market = simulate(request.param, SIZES[request.param], 31)
    step = market.world.primary // DAY
    rows = _snapshot(market, *range(80, 80 + 5 * step, step))
    labels = label(market.history, rows, _ready(market))
    return market, truth(market, rows, market.world.horizons, paths=16), labels


def test_as_many_buy_as_the_truth_says(judged):
    """Over rows whose horizons do not overlap, purchases and predictions differ by chance only, in every tenth."""
    market, best, labels = judged
    for horizon in market.world.horizons:
        assert labels.matured(horizon).all()
        bought, chance = labels.outcome(horizon), best[f"p_{format_duration(horizon)}"].to_numpy()
        noise = best[f"se_{format_duration(horizon)}"].to_numpy()
        tenth = np.argsort(np.argsort(chance)) * 10 // len(chance)
        for rows in [np.ones(len(chance), bool), *(tenth == place for place in range(10))]:
            spread = np.sqrt((chance * (1 - chance) + noise**2)[rows].sum())
            assert abs((bought - chance)[rows].sum()) < 4 * spread + 1


def test_there_is_something_to_learn_but_not_everything(judged):
    """Between 3 and 12 % buy within the primary horizon, and even the truth ranks them with an AUC below .90."""
    market, best, labels = judged
    bought = labels.outcome(market.world.primary)
    assert 0.03 < bought.mean() < 0.12
    assert 0.78 < roc_auc_score(bought, best[f"p_{format_duration(market.world.primary)}"].to_numpy()) < 0.90


def test_a_longer_horizon_is_no_less_likely(judged):
    """The answers are probabilities and grow with the horizon, but for the noise where they are simulated."""
    market, best, _ = judged
    short, long = (best[f"p_{format_duration(horizon)}"].to_numpy() for horizon in market.world.horizons)
    assert ((short >= 0) & (long <= 1)).all()
    noise = 6 * sum(best[f"se_{format_duration(horizon)}"].to_numpy() for horizon in market.world.horizons)
    assert (long - short + noise >= -1e-12).all()
    states = sum(best[f"p_{state}"].to_numpy() for state in STATES[:5])
    np.testing.assert_allclose(states, 1.0)


@pytest.mark.parametrize("world", sorted(WORLDS))
def test_hidden_states_are_as_frequent_as_the_filter_says(world):
    """Within every tenth of a state's probability, the leads that really were in it are as many as predicted."""
    market = simulate(world, 6_000, 21)
    rows = _snapshot(market, 330)
    found = truth(market, rows, (market.world.primary,), paths=1)
    really = _really(market, rows)
    for state in STATES[:5]:
        chance = found[f"p_{state}"].to_numpy()
        hit = np.isin(really, ["dead", "silent"]) if state == "dead" else really == state
        tenth = np.argsort(np.argsort(chance)) * 10 // len(chance)
        for place in range(10):
            inside = tenth == place
            spread = np.sqrt((chance * (1 - chance))[inside].sum())
            assert abs((hit - chance)[inside].sum()) < 4.5 * spread + 1.0, (state, place)


def _really(market, rows) -> np.ndarray:
    """The hidden state of each row, from the latent intervals."""
    cutoff = micros(rows["cutoff"])[0]
    latent = market.latent
    inside = pa.array((micros(latent["entered_at"]) <= cutoff) & (micros(latent["left_at"]) > cutoff))
    there = latent.filter(inside)
    state = dict(zip(there["lead_id"].to_pylist(), there["state"].to_pylist(), strict=True))
    return np.array([state[lead] for lead in rows["lead_id"].to_pylist()])


@pytest.mark.parametrize("world", sorted(WORLDS))
def test_the_truth_does_not_change_when_the_log_goes_on(world):
    """From the history as it was known at the cutoff, the truth is the same to the last bit."""
    market = simulate(world, 500, 3)
    rows = _snapshot(market, 400)
    cutoff = int(micros(rows["cutoff"])[0])
    before = replace(market, history=market.history.upto(cutoff))
    full = truth(market, rows, market.world.horizons, paths=4)
    cut = truth(before, rows, market.world.horizons, paths=4)
    assert full.equals(cut)


def test_a_late_row_is_not_used_before_it_is_known():
    """The truth moves at the moment from which a late row is known, and never before."""
    market = simulate("steady", 400, 8)
    events = market.history.events
    late = np.flatnonzero(micros(events["known_at"]) > micros(events["occurred_at"]))
    closed = set(market.history.outcomes["lead_id"].to_pylist())
    moved = 0
    for place in late[:60]:
        lead = events["lead_id"][place].as_py()
        if lead in closed:
            continue
        without = market.history.events.filter(pc.not_equal(events["event_id"], events["event_id"][place]))
        forgot = replace(market, history=replace(market.history, events=without))
        known = int(micros(events["known_at"])[place])
        rows = pa.table({"lead_id": [lead, lead], "cutoff": pa.array([known, known + 1], TIME)})
        seen, unseen = truth(market, rows, (30 * DAY,)), truth(forgot, rows, (30 * DAY,))
        gap = np.abs(seen["p_ready"].to_numpy() - unseen["p_ready"].to_numpy())
        assert gap[0] == 0.0
        moved += gap[1] > 0.0
    assert moved > 10


def test_simulated_answers_equal_the_raw_share_of_purchases():
    """Where calls follow the points, counting purchases in simulated markets gives the same answer, with more noise."""
    market = simulate("points_driven", 250, 2)
    rows = _snapshot(market, 300)
    horizon = 60 * DAY
    best = truth(market, rows, (horizon,), paths=400)
    chance, error = best["p_60d"].to_numpy(), best["se_60d"].to_numpy()
    share = _raw_share(market, rows, horizon, 1_500)
    spread = np.sqrt(chance * (1 - chance) / 1_500 + error**2 + 1e-9)
    assert np.abs((share - chance) / spread).max() < 4.5
    total = np.sqrt((spread**2).sum())
    assert abs((share - chance).sum()) < 4 * total
    assert error.mean() < 0.5 * np.sqrt(chance * (1 - chance) / 400).mean()


def _raw_share(market, rows, horizon, markets) -> np.ndarray:
    """The share of simulated markets in which each lead has bought by the horizon, week by week, with calls."""
    cutoff = int(micros(rows["cutoff"])[0])
    rates, record = rates_of(market.world), read_record(market.world, market.history)
    every = all_open(market, np.array([cutoff]))
    odds = filtered(rates, record, every, lambda _label, _share: None, 1.0)
    books = open_books(market, record)
    books.read(cutoff, rates.emit.shape[2] + call_code(market.world))
    present = present_of(books, cutoff, np.flatnonzero(np.diff(every.start)), odds)
    rehearsal = rehearse(
        rates,
        rules_of(market),
        present,
        newcomers_of(market, 5),
        markets,
        cutoff + horizon,
        np.random.SeedSequence(99),
    )
    for moment in call_moments(market.world.company, cutoff, cutoff + horizon):
        rehearsal.call(moment)
    rehearsal.crowd.advance(cutoff + horizon)
    state = rehearsal.crowd.walkers.state.reshape(markets, -1)[:, : len(rows)]
    return (state == BOUGHT).mean(axis=0)


def test_calls_change_the_truth():
    """Without a company that calls, the same leads would buy less or more: the calls are in the answer."""
    market = simulate("points_driven", 400, 4)
    rows = _snapshot(market, 300)
    uncalled = replace(market, world=replace(POINTS_DRIVEN, company=None))
    called, alone = (truth(m, rows, (90 * DAY,), paths=64)["p_90d"].to_numpy() for m in (market, uncalled))
    assert np.abs(called - alone).max() > 0.02


def test_closed_leads_are_refused():
    """A row about a lead that has bought, or is not there yet, is an error that names the first."""
    market = simulate("steady", 300, 1)
    won = market.history.outcomes.slice(0, 1)
    rows = pa.table({"lead_id": won["lead_id"], "cutoff": pa.array(micros(won["occurred_at"]) + 1, TIME)})
    with pytest.raises(SchemaError, match="1 of 1 rows ask about leads that are not open"):
        truth(market, rows, (30 * DAY,))


def _with_replies(**changed):
    """The steady world with its replies changed."""
    regime = STEADY.regimes[0]
    signals = tuple(replace(s, **changed) if s.kind == "reply" else s for s in regime.signals)
    return replace(STEADY, regimes=(replace(regime, signals=signals),))


def test_foreign_events_are_refused():
    """Events that the world does not know are an error that shows the first."""
    market = replace(simulate("steady", 200, 1), world=_with_replies(kind="telegram"))
    with pytest.raises(SchemaError, match=r"foreign to world 'steady' \(first: 'reply / '\)"):
        truth(market, _snapshot(market, 300), (30 * DAY,))


def test_impossible_records_are_refused():
    """Events that cannot happen in any state are an error, not a number."""
    market = replace(simulate("steady", 200, 1), world=_with_replies(per_month=(0.0, 0.0, 0.0, 0.0, 0.0)))
    with pytest.raises(SchemaError, match="impossible in this world"):
        truth(market, _snapshot(market, 300), (30 * DAY,))


def test_worlds_that_the_truth_cannot_follow_are_refused():
    """A company that calls by points needs known outcomes and points for rows that are known at once."""
    with pytest.raises(ContractError, match="recording lag of 2d"):
        simulate(replace(POINTS_DRIVEN, recording_lag=2 * DAY), 10, 0)
    rule = replace(POINTS_DRIVEN.points.events[0], kind="webinar")
    with pytest.raises(ContractError, match="may become known late"):
        simulate(replace(POINTS_DRIVEN, points=replace(POINTS_DRIVEN.points, events=(rule,))), 10, 0)
