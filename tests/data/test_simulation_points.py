"""The company's points: the fast ledger against a naive replay, and calls that obey it."""

from collections import Counter
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from data.clock import DAY, WEEK, iso
from data.history import History
from data.sections import Ready, Spine
from data.simulation.company import capacity_of, choose
from data.simulation.market import Market, simulate
from data.simulation.points import points_toml
from data.simulation.worlds import WORLDS
from data.spine import build_spine, micros
from models.points import load_points, replay


@pytest.fixture(scope="module")
def market() -> Market:
    """A market whose company calls by its points."""
    return simulate("points_driven", 600, 13)


def _once(history: History) -> list[dict]:
    """Each event once, by its id."""
    return list({row["event_id"]: row for row in history.events.to_pylist()}.values())


def _naive_points(market: Market, lead: dict, events: list[dict], moment: int) -> float:
    """The rules read aloud, one event at a time."""
    total = 0.0
    table = market.world.points
    for rule in table.fields:
        value = lead[rule.field]
        holds = {"in": lambda v, w: v in w, "eq": lambda v, w: v == w, "ge": lambda v, w: v >= w}[rule.op]
        total += rule.points if holds(value, rule.value) else 0.0
    for event in events:
        at, known = _us(event["occurred_at"]), _us(event["known_at"])
        for rule in table.events:
            if rule.kind == event["kind"] and rule.item in (None, event["item"]) and at < moment and known < moment:
                total += rule.points * 0.5 ** ((moment - at) / rule.half_life)
    return max(0.0, total)


def _us(moment) -> int:
    return pa.scalar(moment, pa.timestamp("us", "UTC")).cast(pa.int64()).as_py()


def test_calls_go_to_the_most_points_within_capacity(market):
    """In sampled weeks, those called are exactly the open leads with enough points and rest, the highest first."""
    company, table = market.world.company, market.world.points
    leads = {row["lead_id"]: row for row in market.history.leads.to_pylist()}
    mine, calls, closed = {lead: [] for lead in leads}, {lead: [] for lead in leads}, {}
    for event in _once(market.history):
        mine[event["lead_id"]].append(event)
        if event["kind"] == "call":
            calls[event["lead_id"]].append(_us(event["occurred_at"]))
    for row in market.history.outcomes.to_pylist():
        closed[row["lead_id"]] = _us(row["occurred_at"])
    capacity = capacity_of(company, 600)
    for moment in range(company.first_at + 20 * WEEK, market.world.ends_at, 13 * WEEK):
        candidates = []
        for lead, row in leads.items():
            is_open = _us(row["created_at"]) <= moment <= closed.get(lead, moment)
            rested = all(called <= moment - company.rest for called in calls[lead] if called < moment)
            if is_open and rested:
                points = _naive_points(market, row, mine[lead], moment)
                candidates += [(-points, lead)] if points >= table.threshold else []
        expected = {lead for _, lead in sorted(candidates)[:capacity]}
        assert {lead for lead, at in calls.items() if moment in at} == expected, iso(moment)


def test_nobody_is_called_too_often(market):
    """Calls come only at the weekly moments, at most as many as capacity, and leads rest between them."""
    company = market.world.company
    calls = [event for event in _once(market.history) if event["kind"] == "call"]
    weeks = Counter(_us(call["occurred_at"]) for call in calls)
    assert max(weeks.values()) == capacity_of(company, 600)
    assert all((moment - company.first_at) % company.period == 0 for moment in weeks)
    by_lead = {}
    for call in sorted(calls, key=lambda row: row["occurred_at"]):
        by_lead.setdefault(call["lead_id"], []).append(_us(call["occurred_at"]))
    gaps = [second - first for moments in by_lead.values() for first, second in pairwise(moments)]
    assert min(gaps) >= company.rest


def test_ties_and_blocks():
    """Each block has its own capacity; among equals the earlier lead goes first."""
    points = np.array([70.0, 90.0, 70.0, 10.0, 61.0, 61.0, 99.0, 61.0])
    allowed = np.array([True, True, True, True, True, True, False, True])
    assert choose(points, 60.0, allowed, 2, 4).tolist() == [1, 0, 4, 5]


@pytest.mark.parametrize("world", sorted(WORLDS))
def test_the_points_file_replays_to_the_same_numbers(world):
    """points.toml, replayed by the points model, gives what the rules read aloud give; and buyers have more."""
    market = simulate(world, 400, 9)
    seen, first = np.unique(market.history.events["event_id"].to_numpy(), return_index=True)
    assert len(seen) < len(market.history.events)
    history = History(
        leads=market.history.leads,
        events=market.history.events.take(pa.array(first)),
        outcomes=market.history.outcomes,
        ends_at=market.history.ends_at,
    )
    moment = market.world.starts_at + 350 * DAY
    ready = Ready(outcome=("won",), terminal=("won", "lost"), horizons=(30 * DAY,), primary=30 * DAY)
    rows = build_spine(Spine(at=(moment,)), ready, history, None)
    found = replay(load_points(points_toml(market.world.points)), history, rows)
    leads = {row["lead_id"]: row for row in history.leads.to_pylist()}
    mine = {lead: [] for lead in leads}
    for event in history.events.to_pylist():
        mine[event["lead_id"]].append(event)
    expected = [_naive_points(market, leads[lead], mine[lead], moment) for lead in rows["lead_id"].to_pylist()]
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9)
    won = history.outcomes.filter(pc.equal(history.outcomes["kind"], "won"))
    soon = won.filter(pa.array(micros(won["occurred_at"]) >= moment))["lead_id"]
    buys = pc.is_in(rows["lead_id"], soon.combine_chunks()).to_numpy()
    assert np.mean(np.array(expected)[buys]) > 1.5 * np.mean(np.array(expected)[~buys])
