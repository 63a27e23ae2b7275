"""The facts of a market as tables: values, late rows, repeated rows, outcomes, and the hidden states behind them."""

import numpy as np
import pyarrow as pa

from data.simulation.crowd import Log
from data.simulation.rates import rates_of, symbol_names
from data.simulation.states import BOUGHT, LOST, STATES, Codes, Floats, Micros
from data.simulation.world import World
from data.tables import EVENTS, OUTCOMES, TIME

LATENT = pa.schema(
    [
        pa.field("lead_id", pa.string(), nullable=False),
        pa.field("state", pa.string(), nullable=False),
        pa.field("entered_at", TIME, nullable=False),
        pa.field("left_at", TIME),
    ]
)


def event_table(world: World, ids: pa.ChunkedArray, log: Log, rng: np.random.Generator, numbered: int = 0) -> pa.Table:
    """The events of a log (schema ``EVENTS``), sorted by known_at, some rows twice with the same event_id.

    ``numbered`` events had their ids before: whoever writes a market down week by week goes on counting.
    """
    rates = rates_of(world)
    order = np.lexsort((log.lead, log.at))
    lead, at, symbol, state = log.lead[order], log.at[order], log.symbol[order], log.state[order]
    signals = len(rates.late)
    signal = np.minimum(symbol, signals - 1)
    is_signal = symbol < signals
    spread = np.where(is_signal, rates.spread[signal], 0.0)
    value = np.exp(rates.level[signal, state] + spread * rng.standard_normal(len(at)))
    late = is_signal & (rng.random(len(at)) < rates.late[signal])
    known = at + np.where(late, rates.delay[signal], 0)
    twice = np.flatnonzero(rng.random(len(at)) < world.repeated)
    rows = np.concatenate([np.arange(len(at)), twice])
    rows = rows[np.argsort(known[rows], kind="stable")]
    kinds, items, actors = _symbol_columns(world)
    codes = pa.array(symbol[rows])
    columns = [
        ids.take(pa.array(lead[rows])),
        kinds.take(codes),
        pa.array(at[rows], TIME),
        pa.array(known[rows], TIME),
        pa.array(np.char.add("E", np.char.zfill((rows + numbered).astype(np.str_), 9))),
        actors.take(codes),
        pa.array(value[rows], mask=spread[rows] == 0.0),
        items.take(codes),
    ]
    return pa.table(columns, schema=EVENTS)


def outcome_table(world: World, leads: pa.Table, log: Log, rng: np.random.Generator) -> pa.Table:
    """Every won and lost of a log (schema ``OUTCOMES``), known within the recording lag; a won has its deal size."""
    closing = np.flatnonzero((log.after == BOUGHT) | (log.after == LOST))
    closing = closing[np.argsort(log.move_lead[closing])]
    lead, at = log.move_lead[closing], log.move_at[closing]
    won = log.after[closing] == BOUGHT
    deal = np.round(_deal_sizes(world, leads, lead, rng), -2)
    known = at + np.floor(rng.random(len(at)) * world.recording_lag).astype(np.int64)
    columns = [
        leads["lead_id"].take(pa.array(lead)),
        pa.array(np.where(won, "won", "lost")),
        pa.array(at, TIME),
        pa.array(known, TIME),
        pa.array(deal, mask=~won),
    ]
    return pa.table(columns, schema=OUTCOMES)


def latent_table(leads: pa.Table, start: Codes, log: Log) -> pa.Table:
    """The intervals that each lead spent in each hidden state (schema ``LATENT``), sorted by lead and time."""
    count = len(leads)
    created = leads["created_at"].cast(pa.int64()).to_numpy()
    lead = np.concatenate([np.arange(count), log.move_lead])
    at = np.concatenate([created, log.move_at])
    state = np.concatenate([start, log.after])
    entry = np.concatenate([np.zeros(count), np.ones(len(log.move_lead))])
    order = np.lexsort((entry, at, lead))
    lead, at, state = lead[order], at[order], state[order]
    last = np.append(lead[1:] != lead[:-1], True)
    columns = [
        leads["lead_id"].take(pa.array(lead)),
        pa.array(STATES).take(pa.array(state)),
        pa.array(at, TIME),
        pa.array(np.append(at[1:], 0), TIME, mask=last),
    ]
    return pa.table(columns, schema=LATENT)


def _symbol_columns(world: World) -> tuple[pa.Array, pa.Array, pa.Array]:
    """Kind, item and actor by symbol."""
    names = symbol_names(world)
    actors = [signal.actor for signal in world.regimes[0].signals]
    return (
        pa.array([kind for kind, _ in names]),
        pa.array([item for _, item in names], pa.string()),
        pa.array([*actors, *["sales"] * (len(names) - len(actors))]),
    )


def _deal_sizes(world: World, leads: pa.Table, lead: Micros, rng: np.random.Generator) -> Floats:
    """Log-normal around the world's median, larger with the size of the company where the world knows it."""
    logs = np.log(world.deal) + 0.6 * rng.standard_normal(len(lead))
    for number in world.numbers:
        if number.field == "employees":
            employees = leads["employees"].to_numpy()[lead]
            logs += 0.35 * np.log(employees / number.median)
    return np.asarray(np.exp(logs))
