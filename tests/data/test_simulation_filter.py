"""The filter is exact: against a dense one in plain Python, against brute force, and against what really was."""

from itertools import pairwise

import numpy as np
import pyarrow as pa
import pytest
from scipy.linalg import expm

from data.clock import DAY
from data.simulation.market import simulate
from data.simulation.rates import jump_matrix, rates_of
from data.simulation.states import STATES
from data.simulation.truth import truth
from data.simulation.worlds import WORLDS
from data.tables import TIME

OPEN_STATES = STATES[:6]


def _rows(market, every: int, first: int = 60) -> pa.Table:
    """Every open lead at each moment of a grid (days), with no help from the code under test."""
    closed = {}
    for row in market.history.outcomes.to_pylist():
        closed[row["lead_id"]] = min(row["occurred_at"], closed.get(row["lead_id"], row["occurred_at"]))
    end = market.world.ends_at
    moments = pa.array(range(market.world.starts_at + first * DAY, end, every * DAY), TIME).to_pylist()
    created = market.history.leads.select(["lead_id", "created_at"]).to_pylist()
    rows = [
        {"lead_id": lead["lead_id"], "cutoff": moment}
        for lead in created
        for moment in moments
        if lead["created_at"] <= moment <= closed.get(lead["lead_id"], moment)
    ]
    return pa.Table.from_pylist(rows, schema=pa.schema([("lead_id", pa.string()), ("cutoff", TIME)]))


class DenseFilter:
    """The same question answered with dense exponentials, one lead and one cutoff at a time, from the parameters."""

    def __init__(self, market):
        self.world = market.world
        self.leads = {row["lead_id"]: row for row in market.history.leads.to_pylist()}
        seen = {}
        for row in market.history.events.to_pylist():
            seen.setdefault(row["lead_id"], {})[row["event_id"]] = row
        self.events = {lead: sorted(rows.values(), key=lambda r: r["occurred_at"]) for lead, rows in seen.items()}

    def effects(self, lead):
        """Multipliers of pace, loss and activity."""
        pace = loss = activity = 0.0
        for category in self.world.categories:
            level = next(v for v in category.levels if v.name == lead[category.field])
            pace, loss, activity = pace + level.pace, loss + level.loss, activity + level.activity
        for number in self.world.numbers:
            away = np.log(lead[number.field] / number.median) / number.spread
            pace, loss, activity = (
                pace + number.pace * away,
                loss + number.loss * away,
                activity + number.activity * away,
            )
        return np.exp([pace, loss, activity])

    def generator(self, lead, moment, cutoff, touched: bool):
        """(8, 8) per day; without ``touched`` the rate of rows that would be known is taken from the diagonal."""
        regime = [r for r in self.world.regimes if r.starts_at <= moment or r is self.world.regimes[0]][-1]
        pace, loss, activity = self.effects(lead)
        q = np.zeros((8, 8))
        for move in regime.moves:
            i, j = STATES.index(move.before), STATES.index(move.after)
            rate = move.per_month / 30
            if move.after == "dead":
                q[i, 4] += rate * loss * self.world.recorded
                q[i, 5] += rate * loss * (1 - self.world.recorded)
            else:
                q[i, j] += rate * (pace if j == i + 1 or move.after == "bought" else 1.0)
        q -= np.diag(q.sum(axis=1))
        for touch in regime.touches if touched else ():
            q[:6] += touch.per_month / 30 * (jump_matrix(touch, self.world.recorded) - np.eye(6, 8))
        for signal in () if touched else regime.signals:
            known = 1.0 - signal.late * (moment + signal.delay >= cutoff)
            for i in range(6):
                q[i, i] -= activity * signal.per_month[min(i, 4)] / 30 * known
        return q

    def breaks(self, begin, end, cutoff):
        """Where rates change between two moments, both included."""
        delays = {s.delay for s in self.world.regimes[0].signals if s.late}
        cuts = {r.starts_at for r in self.world.regimes} | {cutoff - d for d in delays}
        return [begin, *sorted(c for c in cuts if begin < c < end), end]

    def silence(self, odds, lead, begin, end, cutoff):
        """Nothing was seen between two moments."""
        cuts = self.breaks(begin, end, cutoff)
        for left, right in pairwise(cuts):
            odds = odds @ expm(self.generator(lead, left, cutoff, touched=False)[:6, :6] * (right - left) / DAY)
        return odds

    def observe(self, odds, event, moment):
        """One event or touch."""
        regime = [r for r in self.world.regimes if r.starts_at <= moment or r is self.world.regimes[0]][-1]
        if event["actor"] == "sales":
            touch = next(t for t in regime.touches if t.kind == event["kind"])
            return odds @ jump_matrix(touch, self.world.recorded)[:, :6]
        signal = next(s for s in regime.signals if (s.kind, s.item) == (event["kind"], event["item"]))
        odds = odds * [signal.per_month[min(i, 4)] for i in range(6)]
        if signal.seconds:
            away = [(np.log(event["value"] / signal.seconds[min(i, 4)])) / signal.spread for i in range(6)]
            odds = odds * np.exp(-0.5 * np.square(away))
        return odds

    def states(self, lead_id, cutoff):
        """P(state) at the cutoff (6)."""
        lead = self.leads[lead_id]
        odds = np.zeros(6)
        odds[:4] = next(e.states for e in self.world.entries if e.source == lead["source"])
        now = _us(lead["created_at"])
        for event in self.events.get(lead_id, ()):
            at = _us(event["occurred_at"])
            if at < cutoff and _us(event["known_at"]) < cutoff:
                odds = self.observe(self.silence(odds, lead, now, at, cutoff), event, at)
                odds, now = odds / odds.sum(), at
        odds = self.silence(odds, lead, now, cutoff, cutoff)
        return odds / odds.sum()

    def chance(self, lead_id, cutoff, horizon):
        """P(won within the horizon)."""
        odds = np.append(self.states(lead_id, cutoff), [0.0, 0.0])
        cuts = self.breaks(cutoff, cutoff + horizon, cutoff)
        for left, right in pairwise(cuts):
            odds = odds @ expm(self.generator(self.leads[lead_id], left, 0, touched=True) * (right - left) / DAY)
        return odds[6]


def _us(moment) -> int:
    return pa.scalar(moment, TIME).cast(pa.int64()).as_py()


@pytest.mark.parametrize("world", ["steady", "quick", "drifting"])
def test_the_filter_is_the_dense_filter(world):
    """States and probabilities equal those of dense exponentials in plain Python: gaps, values, touches, late rows."""
    market = simulate(world, 60, 11)
    rows = _rows(market, every=59)
    rows = rows.take(np.random.default_rng(1).choice(len(rows), 50, replace=False))
    found = truth(market, rows, market.world.horizons).to_pylist()
    dense = DenseFilter(market)
    for row in found:
        cutoff = _us(row["cutoff"])
        odds = dense.states(row["lead_id"], cutoff)
        expected = [*odds[:4], odds[4] + odds[5]]
        np.testing.assert_allclose([row[f"p_{s}"] for s in STATES[:5]], expected, rtol=1e-9, atol=1e-12)
        for horizon in market.world.horizons:
            name = f"p_{horizon // DAY}d"
            assert row[name] == pytest.approx(dense.chance(row["lead_id"], cutoff, horizon), rel=1e-9, abs=1e-12)


def test_the_filter_is_what_brute_force_finds():
    """States drawn blindly and weighted by the likelihood of one record agree with the filter: z-test on each state."""
    market = simulate("quick", 40, 5)
    dense = DenseFilter(market)
    lead_id = max(dense.events, key=lambda lead: sum(e["actor"] == "sales" for e in dense.events[lead][:8]))
    cutoff = _us(dense.events[lead_id][7]["occurred_at"]) + 2 * DAY
    assert any(event["actor"] == "sales" for event in dense.events[lead_id][:8])
    row = pa.table({"lead_id": [lead_id], "cutoff": pa.array([cutoff], TIME)})
    found = truth(market, row, (30 * DAY,)).to_pylist()[0]
    state, weight = _weighted_paths(dense, lead_id, cutoff, 300_000, np.random.default_rng(7))
    assert weight.sum() ** 2 / (weight**2).sum() > 3_000
    for places, name in [((i,), s) for i, s in enumerate(STATES[:4])] + [((4, 5), "dead")]:
        inside = np.isin(state, places)
        share = (weight * inside).sum() / weight.sum()
        error = np.sqrt((weight**2 * (inside - share) ** 2).sum()) / weight.sum()
        assert abs(found[f"p_{name}"] - share) < 4 * error + 1e-6, name


def _weighted_paths(dense, lead_id, cutoff, paths, rng):
    """Blind paths of the hidden state alone, on a grid of touches and small steps, and the likelihood of the record."""
    lead, world = dense.leads[lead_id], dense.world
    activity = dense.effects(lead)[2]
    entry = next(e.states for e in world.entries if e.source == lead["source"])
    state = rng.choice(4, paths, p=entry)
    weight = np.ones(paths)
    now = _us(lead["created_at"])
    known = [e for e in dense.events[lead_id] if _us(e["occurred_at"]) < cutoff and _us(e["known_at"]) < cutoff]
    for event in [*known, None]:
        until = cutoff if event is None else _us(event["occurred_at"])
        cuts = dense.breaks(now, until, cutoff)
        for left, right in pairwise(cuts):
            state, weight = _blind(dense, lead, activity, state, weight, (left, right, cutoff), rng)
        if event is not None and event["actor"] == "sales":
            jumps = jump_matrix(next(t for t in world.regimes[0].touches if t.kind == event["kind"]), world.recorded)
            inside = state < 6
            moved = (rng.random(paths)[:, None] >= np.cumsum(jumps, axis=1)[np.minimum(state, 5)]).sum(axis=1)
            state = np.where(inside, moved, state)
        elif event is not None:
            weight = weight * dense.observe(np.ones(6), event, until)[np.minimum(state, 5)]
        weight = weight * (state < 6)
        weight, now = weight / weight.max(), until
    return state, weight


def _blind(dense, lead, activity, state, weight, span, rng):
    """Move every path on its own, event by event, and weigh it by the silence that it passed through."""
    begin, end, cutoff = span
    moves = dense.generator(lead, begin, 0, touched=True) - _touch_part(dense)
    hazard = np.zeros(8)
    for signal in dense.world.regimes[0].signals:
        shown = 1.0 - signal.late * (begin + signal.delay >= cutoff)
        hazard[:6] += [activity * shown * signal.per_month[min(i, 4)] / 30 for i in range(6)]
    state, left = state.copy(), np.full(len(state), (end - begin) / DAY)
    weight = weight.copy()
    going = np.flatnonzero(state < 6)
    while len(going):
        rate = np.maximum(-moves[state[going], state[going]], 1e-12)
        wait = rng.standard_exponential(len(going)) / rate
        stay = np.minimum(wait, left[going])
        weight[going] *= np.exp(-hazard[state[going]] * stay)
        left[going] -= stay
        going = going[wait <= stay]
        rows = np.clip(moves[state[going]], 0.0, None)
        edges = np.cumsum(rows / rows.sum(axis=1, keepdims=True), axis=1)
        state[going] = (rng.random(len(going))[:, None] >= edges).sum(axis=1)
        going = going[state[going] < 6]
    return state, weight


def _touch_part(dense):
    part = np.zeros((8, 8))
    for touch in dense.world.regimes[0].touches:
        part[:6] += touch.per_month / 30 * (jump_matrix(touch, dense.world.recorded) - np.eye(6, 8))
    return part


def test_rates_of_every_world_are_sound():
    """Jump rows are distributions, no rate is negative, and thinned rates fall with every delay that reaches over."""
    for world in WORLDS.values():
        rates = rates_of(world)
        np.testing.assert_allclose(rates.jump.sum(axis=3), 1.0)
        assert (rates.jump >= 0).all()
        assert min(rates.forward.min(), rates.steady.min(), rates.deadly.min(), rates.emit.min()) >= 0
        assert (np.diff(rates.seen, axis=1) <= 0).all()
        np.testing.assert_allclose(rates.seen[:, 0], rates.emit.sum(axis=2))
