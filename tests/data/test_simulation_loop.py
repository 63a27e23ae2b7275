"""The closed loop: policies meet the same market, see only what is known, and what comes of it is counted right."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from data.clock import DAY, WEEK
from data.errors import ContractError
from data.simulation.draws import exponential, open_streams, uniform
from data.simulation.filtering import Rows
from data.simulation.forecast import forecast_leads, touch_gains
from data.simulation.ledgers import latent_table
from data.simulation.loop import CALL, open_market, run_loop, untouched_from
from data.simulation.market import set_stage
from data.simulation.points_driven import POINTS_DRIVEN
from data.simulation.rates import rates_of
from data.simulation.record import read_record
from data.simulation.states import BOUGHT, DEAD, OPEN, READY, SILENT
from data.simulation.steady import STEADY
from data.simulation.tally import count
from data.simulation.truth import filtered
from data.simulation.worlds import WORLDS
from data.spine import micros

AT = STEADY.ends_at - 13 * WEEK


@pytest.fixture(scope="module")
def opening():
    """A market of 1,200 leads at the moment at which a policy takes over."""
    return open_market(STEADY, 1_200, 5, AT)


def nobody(seen):
    """Calls no one."""
    return seen.open[:0]


def some(seen):
    """Calls ten open leads, others each week."""
    return np.random.default_rng(seen.moment).choice(seen.open, 10, replace=False)


def test_a_stream_is_splitmix64():
    """The published numbers of seed 1234567, scaled to [0, 1); compiled code and plain Python draw the same."""
    published = (6457827717110365317, 3203168211198807973, 9817491932198370423, 4593380528125082431)
    streams = np.array([0, 1234567], np.uint64)
    assert [uniform(streams, 1) for _ in published] == [(z >> 11) / 2**53 for z in published]
    assert streams[0] == 0


def test_waiting_times_have_a_mean_and_a_deviation_of_one():
    """Exponential at rate 1, lead by lead and over leads."""
    streams = open_streams(200, np.random.SeedSequence(3))
    waits = np.array([[exponential(streams, lead) for _ in range(50)] for lead in range(200)])
    assert abs(waits.mean() - 1) < 0.05
    assert abs(waits.std() - 1) < 0.05
    assert abs(np.corrcoef(waits[:-1].ravel(), waits[1:].ravel())[0, 1]) < 0.05


def test_copies_that_are_treated_alike_do_the_same(opening):
    """A copy moves on its own, leaves the original alone, and repeats itself to the last bit."""
    before = opening.fork.walkers.state.copy()
    one, two = (opening.fork.copy() for _ in range(2))
    first, second = one.advance(AT + 8 * WEEK), two.advance(AT + 8 * WEEK)
    for name in ("lead", "at", "symbol", "move_lead", "move_at", "after"):
        np.testing.assert_array_equal(getattr(first, name), getattr(second, name))
    np.testing.assert_array_equal(opening.fork.walkers.state, before)
    assert (one.walkers.state != before).any()


def test_a_touch_moves_nobody_else(opening):
    """Whatever happens to the leads that are called, all others walk as if nothing had been done."""
    fork, alone = opening.fork.copy(), opening.fork.copy()
    chosen = np.flatnonzero(fork.is_open)[::7]
    touched = fork.touch(chosen, CALL)
    called, uncalled = fork.advance(AT + 8 * WEEK), alone.advance(AT + 8 * WEEK)
    moved = np.unique(touched.move_lead)
    assert 0 < len(moved) < len(chosen)
    others = [~np.isin(log.lead, moved) for log in (called, uncalled)]
    np.testing.assert_array_equal(called.lead[others[0]], uncalled.lead[others[1]])
    np.testing.assert_array_equal(called.at[others[0]], uncalled.at[others[1]])


def test_a_fork_obeys_the_same_law_as_a_crowd():
    """Leads with streams of their own are won, lost and active as often as those that share one."""
    leads = 6_000
    stage = set_stage(STEADY, leads, 1)
    crowd = stage.crowd.advance(AT)
    fork = open_market(STEADY, leads, 1, AT)
    mine = len(fork.books.events)
    theirs = len(crowd.lead) * (1 + STEADY.repeated)
    assert abs(mine - theirs) < 6 * np.sqrt(2 * 30 * theirs)  # some thirty events of a lead come together
    won = fork.books.outcomes.filter(pc.equal(fork.books.outcomes["kind"], "won"))
    expected = int((crowd.after == BOUGHT).sum())
    assert abs(len(won) - expected) < 4 * np.sqrt(2 * expected)


def test_who_chooses_sees_only_what_was_known(opening):
    """Facts known before the moment, leads created before it and open in the books, when they were last called."""
    calls = {}

    def look(seen):
        history = seen.history
        assert micros(history.events["known_at"]).max() < seen.moment
        assert micros(history.leads["created_at"]).max() < seen.moment
        assert micros(history.outcomes["known_at"]).max() < seen.moment
        ids = history.leads["lead_id"].to_pylist()
        closed = set(history.outcomes["lead_id"].to_pylist())
        assert [ids[place] for place in seen.open] == [lead for lead in ids if lead not in closed]
        for place, moment in calls.items():
            assert seen.called[place] == moment
        chosen = some(seen)
        calls.update(dict.fromkeys(chosen.tolist(), seen.moment))
        return chosen

    course = run_loop(opening, look, 6)
    assert len(course.lead) == 60
    assert sorted(set(course.at.tolist())) == [AT + week * WEEK for week in range(6)]


def test_after_the_take_over_sales_touches_only_whom_it_is_told_to(opening):
    """No random touches any more; each call to a lead that was open in truth is one event of sales."""
    course = run_loop(opening, some, 6)
    events = course.history.events
    late = events.filter(pc.greater_equal(events["occurred_at"], pa.scalar(AT, pa.timestamp("us", "UTC"))))
    made = late.filter(pc.equal(late["actor"], "sales"))
    kinds = set(made["kind"].to_pylist())
    assert kinds == {"call"}
    assert len(pc.unique(made["event_id"])) == int((course.before < OPEN).sum())
    ids = pc.unique(events["event_id"])
    assert len(ids) == len(set(ids.to_pylist()))
    assert len(events) - len(ids) < 0.03 * len(events)


def test_the_tally_is_what_the_hidden_states_say(opening):
    """Counted again lead by lead from the intervals of the truth: won, lost to a call, ready and never called."""
    course = run_loop(opening, some, 8)
    tally = count(course)
    spent = latent_table(opening.leads, opening.fork.walkers.state, course.log).to_pylist()
    ids = opening.leads["lead_id"].to_pylist()
    created = dict(zip(ids, micros(opening.leads["created_at"]).tolist(), strict=True))
    was_open = {ids[n] for n in range(len(ids)) if opening.fork.walkers.state[n] < OPEN}
    there = {lead for lead in was_open if created[lead] < course.until}
    called = {ids[place] for place in course.lead}
    entered = {(row["lead_id"], row["state"]) for row in spent}
    assert tally.calls == 80
    assert tally.won == sum((lead, "bought") in entered for lead in was_open)
    assert tally.open == len(there)
    assert tally.never_called == len(there - called)
    assert tally.missed == sum((lead, "ready") in entered for lead in there - called)
    premature = [k for k in range(80) if course.before[k] < READY]
    assert tally.premature == len(premature)
    assert tally.lost == sum(course.after[k] in {DEAD, SILENT} for k in premature)
    assert tally.too_late == sum(course.before[k] > READY for k in range(80))


def test_calling_the_ready_wins_and_calling_the_unaware_loses(opening):
    """With the truth in hand: the market responds to whom is called."""

    def of_state(*states):
        def choose(seen):
            state = opening.fork.walkers.state[seen.open]
            return seen.open[np.isin(state, states)] if seen.moment == AT else seen.open[:0]

        return count(run_loop(opening, choose, 13))

    idle = count(run_loop(opening, nobody, 13))
    right, wrong = of_state(READY), of_state(0, 1)
    assert right.won > idle.won
    assert (right.premature, right.lost) == (0, 0)
    assert wrong.won < idle.won
    assert wrong.lost > 0.05 * wrong.calls


def test_what_a_touch_changes_is_the_forecast_after_it_less_the_forecast_without(opening):
    """The gain of a call, against the same forecast made from the states into which the call puts the lead."""
    rates, record = rates_of(opening.world), read_record(opening.world, opening.history)
    count_of = len(record.created)
    rows = Rows(np.arange(count_of + 1), np.full(count_of, AT))
    odds = filtered(rates, record, rows, lambda _label, _share: None, 0.0)
    horizon = np.array([90 * DAY])
    without, after, gain = np.empty((count_of, 1)), np.empty((count_of, 1)), np.empty(count_of)
    jump = rates.jump[-1, CALL]
    forecast_leads(rates, record, rows, horizon, 0, count_of, odds, without)
    forecast_leads(rates, record, rows, horizon, 0, count_of, odds @ jump[:, :OPEN], after)
    touch_gains(rates, record, rows, CALL, 90 * DAY, odds, gain)
    np.testing.assert_allclose(gain, (after - without)[:, 0] + odds @ jump[:, BOUGHT], atol=1e-12)
    assert gain.min() < 0 < gain.max()


def test_the_exact_readiness_stays_true_while_nobody_calls():
    """At the take-over the chances of all open leads add up to the deals that are won within the horizon."""
    market = open_market(STEADY, 4_000, 9, AT)
    rates, record = rates_of(market.world), read_record(market.world, market.history)
    alive = np.zeros(len(record.created), np.int64)
    run_loop(market, lambda seen: alive.__setitem__(seen.open, 1) or seen.open[:0], 1)
    rows = Rows(np.concatenate([[0], np.cumsum(alive)]), np.full(int(alive.sum()), AT))
    odds = filtered(rates, record, rows, lambda _label, _share: None, 0.0)
    chance = np.empty((len(odds), 1))
    forecast_leads(rates, record, rows, np.array([13 * WEEK]), 0, len(alive), odds, chance)
    log = run_loop(market, nobody, 13).log
    won = log.move_lead[log.after == BOUGHT]
    came = int((won < len(alive)).sum())
    assert abs(came - chance.sum()) < 4 * np.sqrt((chance * (1 - chance)).sum())


def test_a_world_may_change_before_and_after_the_take_over():
    """Regimes keep their rates; only the touches stop."""
    drifting = WORLDS["drifting"]
    at = drifting.regimes[1].starts_at + 5 * WEEK
    quiet = untouched_from(drifting, at)
    assert [r.starts_at for r in quiet.regimes] == [
        *(r.starts_at for r in drifting.regimes[:2]),
        at,
        *(r.starts_at for r in drifting.regimes[2:]),
    ]
    assert quiet.regimes[:2] == drifting.regimes[:2]
    assert quiet.regimes[2].moves == drifting.regimes[1].moves
    assert all(touch.per_month == 0 for r in quiet.regimes[2:] for touch in r.touches)


def test_what_cannot_be_asked():
    """A take-over outside the history, weeks beyond it, and a world with a company that calls already."""
    with pytest.raises(ContractError, match="cannot take over"):
        untouched_from(STEADY, STEADY.ends_at)
    with pytest.raises(ContractError, match="cannot take over"):
        untouched_from(POINTS_DRIVEN, AT)
    with pytest.raises(ContractError, match="reach beyond the end"):
        run_loop(open_market(STEADY, 50, 1, AT), nobody, 14)
