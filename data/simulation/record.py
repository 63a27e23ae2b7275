"""What was observed of each lead, as arrays that compiled code reads."""

from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from data.errors import SchemaError
from data.history import History
from data.simulation.population import Multipliers, entry_states, multipliers
from data.simulation.rates import symbol_names
from data.simulation.states import Codes, Floats, Micros
from data.simulation.world import World
from data.spine import micros, positions


class Record(NamedTuple):
    """n leads in the order of the leads table, and their e events sorted by lead and time, each event once.

    The events of lead i are ``start[i]`` to ``start[i + 1]``. ``symbol`` is the place among the world's symbols,
    ``log_value`` the logarithm of the value (NaN: none). ``entry`` (n, 4) are the probabilities at creation.
    """

    created: Micros
    entry: Floats
    pace: Floats
    loss: Floats
    activity: Floats
    start: Micros
    lead: Micros
    at: Micros
    known: Micros
    symbol: Codes
    log_value: Floats


def read_record(world: World, history: History) -> Record:
    """The record of a history, repeated rows taken once. Raises SchemaError for events foreign to the world."""
    leads, events = history.leads, _once(history.events)
    effects: Multipliers = multipliers(world, leads)
    lead = positions(events["lead_id"], leads["lead_id"])
    at = micros(events["occurred_at"])
    order = np.lexsort((at, lead))
    value = pc.fill_null(events["value"], np.nan).to_numpy()[order]
    return Record(
        created=micros(leads["created_at"]),
        entry=entry_states(world, leads),
        pace=effects.pace,
        loss=effects.loss,
        activity=effects.activity,
        start=np.searchsorted(lead[order], np.arange(len(leads) + 1)),
        lead=lead[order],
        at=at[order],
        known=micros(events["known_at"])[order],
        symbol=_symbols(world, events)[order],
        log_value=np.log(value),
    )


def _once(events: pa.Table) -> pa.Table:
    """The first row of each event_id."""
    codes = events["event_id"].combine_chunks().dictionary_encode().indices.to_numpy()
    return events.take(pa.array(np.unique(codes, return_index=True)[1]))


def _symbols(world: World, events: pa.Table) -> Codes:
    names = [_join(pa.array([kind]), pa.array([item], pa.string()))[0].as_py() for kind, item in symbol_names(world)]
    seen = _join(events["kind"], events["item"])
    found = pc.index_in(seen, value_set=pa.array(names))
    if found.null_count:
        first = seen.filter(pc.is_null(found))[0].as_py()
        raise SchemaError(
            f"{found.null_count} events are foreign to world {world.name!r} (first: {first!r}). "
            "Expected only events of the simulation: ask for the truth of the history that it made."
        )
    return np.asarray(found.to_numpy()).astype(np.int16)


def _join(kind: pa.ChunkedArray, item: pa.ChunkedArray) -> pa.ChunkedArray:
    return pc.binary_join_element_wise(kind, pc.fill_null(item, ""), " / ")
