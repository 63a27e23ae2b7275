"""Fields that the CRM fills too late: the export of leads shows their last value, whenever it was asked for.

Their true times are rows of ``changes``. Whoever reads the export as if it had been known at creation sees the future:

- ``deal_size_band`` is filled when a deal is closed, nearly always for a won one;
- ``decision_maker`` is filled after a sales touch, or when the deal is won;
- ``last_call_result`` is overwritten after every touch, and by the outcome;
- ``lost_reason`` is filled when a deal is lost.

What is written before the outcome is drawn without looking at the hidden state, so that reading these fields as of the
cutoff tells no more than the touches themselves: the exact filter stays the best possible answer.
"""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from data.clock import HOUR
from data.simulation.states import Bools, Floats, Micros
from data.simulation.world import World
from data.spine import micros, positions
from data.tables import CHANGES, TIME

BANDS = ((10_000.0, "S"), (25_000.0, "M"), (60_000.0, "L"), (float("inf"), "XL"))

Changes = tuple[Micros, Micros, pa.Array]
"""Positions of leads, moments (microseconds), values."""


def fill_leaks(
    world: World, leads: pa.Table, events: pa.Table, outcomes: pa.Table, rng: np.random.Generator
) -> tuple[pa.Table, pa.Table]:
    """``leads`` with the planted fields as an export shows them, and the ``changes`` that tell when each was filled."""
    ids = leads["lead_id"]
    touch_lead, touch_at = _touches(ids, events, rng)
    lead, at = positions(outcomes["lead_id"], ids), micros(outcomes["known_at"]) + _clerk(len(outcomes), rng)
    won = np.asarray(outcomes["kind"].to_numpy()) == "won"
    deal = pc.fill_null(outcomes["value"], 0.0).to_numpy()
    fields = {
        "deal_size_band": _bands(lead, at, won, deal, rng),
        "decision_maker": _decision_makers(touch_lead, touch_at, lead[won], at[won], rng),
        "last_call_result": _call_results(touch_lead, touch_at, lead, at, won, rng),
        "lost_reason": _reasons(lead[~won], at[~won], rng),
    }
    tables = [_changes(ids, name, fields[name]) for name in world.planted_leaks]
    for name in world.planted_leaks:
        leads = leads.append_column(name, _last_values(len(leads), fields[name], world.ends_at))
    return leads, pa.concat_tables(tables)


def _touches(ids: pa.ChunkedArray, events: pa.Table, rng: np.random.Generator) -> tuple[Micros, Micros]:
    """Lead and moment of the note that a sales touch leaves, in order of time."""
    sales = events.filter(pc.equal(events["actor"], "sales"))
    lead, at = positions(sales["lead_id"], ids), micros(sales["known_at"])
    order = np.argsort(at, kind="stable")
    return lead[order], at[order] + _clerk(len(order), rng)


def _clerk(count: int, rng: np.random.Generator) -> Micros:
    """How long it takes until somebody types it in: some hours."""
    return np.ceil(rng.exponential(6 * HOUR, count)).astype(np.int64)


def _bands(lead: Micros, at: Micros, won: Bools, deal: Floats, rng: np.random.Generator) -> Changes:
    filled = rng.random(len(lead)) < np.where(won, 0.97, 0.12)
    size = np.where(won, deal, rng.lognormal(10.0, 0.6, len(lead)))[filled]
    edges = [edge for edge, _ in BANDS[:-1]]
    names = pa.array([name for _, name in BANDS])
    return lead[filled], at[filled], names.take(pa.array(np.searchsorted(edges, size, side="right")))


def _decision_makers(
    touched: Micros, touched_at: Micros, won: Micros, won_at: Micros, rng: np.random.Generator
) -> Changes:
    asked = rng.random(len(touched)) < 0.5
    lead, at = np.concatenate([touched[asked], won]), np.concatenate([touched_at[asked], won_at])
    return lead, at, _drawn(("yes", "no"), (0.6, 0.4), len(lead), rng)


def _call_results(
    touched: Micros, touched_at: Micros, lead: Micros, at: Micros, won: Bools, rng: np.random.Generator
) -> Changes:
    before = _drawn(("reached", "voicemail", "call back", "wrong number"), (0.4, 0.35, 0.2, 0.05), len(touched), rng)
    after = pa.array(np.where(won, "agreed", "declined"), pa.string())
    return np.concatenate([touched, lead]), np.concatenate([touched_at, at]), pa.concat_arrays([before, after])


def _reasons(lead: Micros, at: Micros, rng: np.random.Generator) -> Changes:
    told = rng.random(len(lead)) < 0.9
    count = int(told.sum())
    return (
        lead[told],
        at[told],
        _drawn(("price", "competitor", "no budget", "silence"), (0.3, 0.2, 0.2, 0.3), count, rng),
    )


def _drawn(names: tuple[str, ...], shares: tuple[float, ...], count: int, rng: np.random.Generator) -> pa.Array:
    return pa.array(names, pa.string()).take(pa.array(rng.choice(len(names), count, p=shares)))


def _changes(ids: pa.ChunkedArray, field: str, filled: Changes) -> pa.Table:
    lead, at, value = filled
    names = pa.repeat(pa.scalar(field, pa.string()), len(lead))
    return pa.table([ids.take(pa.array(lead)), names, value, pa.array(at, TIME)], schema=CHANGES)


def _last_values(leads: int, filled: Changes, until: int) -> pa.Array:
    """The value that each lead has at the end of the history; null where none was filled."""
    lead, at, value = filled
    order = np.flatnonzero(at < until)[np.argsort(at[at < until], kind="stable")]
    last = np.full(leads, -1, np.int64)
    last[lead[order]] = order
    return value.take(pa.array(last, mask=last < 0))
