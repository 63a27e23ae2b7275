"""The compiled walk of leads through their states: competing exponential clocks, one draw at a time.

A lead's next happening is an event, a touch or a move, whichever clock rings first (Gillespie 1977). Clocks have no
memory, so a walk may stop anywhere (at the end of a week, at a new regime, at a full buffer) and go on later.
"""

from typing import NamedTuple

import numpy as np

from data.clock import DAY
from data.simulation.compiled import compiled, inlined
from data.simulation.draws import Source, exponential, uniform
from data.simulation.rates import Rates
from data.simulation.states import OPEN, Codes, Floats, Micros

ROOM = 2
"""A single happening writes at most one event and one move; this much room is kept free in every buffer."""


class Walkers(NamedTuple):
    """n leads on their way: state (int16), clock (microseconds; where each has got to), multipliers."""

    state: Codes
    clock: Micros
    pace: Floats
    loss: Floats
    activity: Floats


class Tape(NamedTuple):
    """What one run of the walk writes. Events: lead, at, symbol, state in which they were emitted.

    Moves: lead, at, before, after. Touches are events whose symbol lies behind those of the signals.
    """

    lead: Micros
    at: Micros
    symbol: Codes
    state: Codes
    move_lead: Micros
    move_at: Micros
    before: Codes
    after: Codes


def tape(events: int, moves: int) -> Tape:
    """An empty tape with room for so many events and moves."""
    return Tape(
        np.empty(events, np.int64),
        np.empty(events, np.int64),
        np.empty(events, np.int16),
        np.empty(events, np.int16),
        np.empty(moves, np.int64),
        np.empty(moves, np.int64),
        np.empty(moves, np.int16),
        np.empty(moves, np.int16),
    )


@inlined
def regime_at(starts: Micros, moment: int) -> int:
    """The regime in force at ``moment``."""
    regime = 0
    while starts[regime + 1] <= moment:
        regime += 1
    return regime


@inlined
def move_rate(rates: Rates, regime: int, before: int, after: int, pace: float, loss: float) -> float:
    """Moves per day from ``before`` to ``after`` of a lead with these multipliers."""
    hastened, slowed = rates.forward[regime, before, after], rates.deadly[regime, before, after]
    rate: float = hastened * pace + rates.steady[regime, before, after] + slowed * loss
    return rate


@inlined
def _pick(weights: Floats, size: float) -> int:
    """The first place at which the running sum of ``weights`` exceeds ``size``; the last positive one at the worst."""
    last = 0
    for place in range(len(weights)):
        if weights[place] > 0.0:
            last = place
            size -= weights[place]
            if size < 0.0:
                break
    return last


@inlined
def _fill_moves(rates: Rates, walkers: Walkers, lead: int, regime: int, weights: Floats) -> None:
    """Fill ``weights`` (8) with the moves per day from the lead's state."""
    for after in range(len(weights)):
        weights[after] = move_rate(rates, regime, walkers.state[lead], after, walkers.pace[lead], walkers.loss[lead])


@inlined
def _move(walkers: Walkers, out: Tape, lead: int, after: int, moves: int) -> int:
    """Put a lead into a state and write it down unless it is there already; returns the moves written so far."""
    before = walkers.state[lead]
    if after == before:
        return moves
    out.move_lead[moves], out.move_at[moves] = lead, walkers.clock[lead]
    out.before[moves], out.after[moves] = before, after
    walkers.state[lead] = after
    return moves + 1


@inlined
def _write(walkers: Walkers, out: Tape, lead: int, symbol: int, events: int) -> None:
    out.lead[events], out.at[events] = lead, walkers.clock[lead]
    out.symbol[events], out.state[events] = symbol, walkers.state[lead]


@inlined
def touch_lead(
    rates: Rates, walkers: Walkers, lead: int, touch: int, draw: float, out: Tape, events: int, moves: int
) -> int:
    """Touch an open lead where its clock stands; ``draw`` is uniform. Writes one event, returns the moves so far."""
    regime = regime_at(rates.starts, walkers.clock[lead])
    _write(walkers, out, lead, rates.emit.shape[2] + touch, events)
    return _move(walkers, out, lead, _pick(rates.jump[regime, touch, walkers.state[lead]], draw), moves)


@compiled
def walk(
    rates: Rates, walkers: Walkers, first: int, last: int, until: int, source: Source, out: Tape
) -> tuple[int, int, int]:
    """Walk the leads ``first`` to ``last`` (excluded) up to ``until`` or until they are closed.

    Returns the lead at which the tape was full (``last`` when it was not), the events and the moves written.
    """
    weights = np.empty(rates.forward.shape[1])
    events = moves = 0
    for lead in range(first, last):
        while walkers.clock[lead] < until and walkers.state[lead] < OPEN:
            if events + ROOM > len(out.lead) or moves + ROOM > len(out.move_lead):
                return lead, events, moves
            events, moves = _step(rates, walkers, lead, until, source, weights, out, events, moves)
    return last, events, moves


@inlined
def _step(
    rates: Rates,
    walkers: Walkers,
    lead: int,
    until: int,
    source: Source,
    weights: Floats,
    out: Tape,
    events: int,
    moves: int,
) -> tuple[int, int]:
    """One happening of one lead, or none before ``until`` or the next regime. Returns events and moves so far."""
    regime, state = regime_at(rates.starts, walkers.clock[lead]), walkers.state[lead]
    emitting = rates.emitting[regime, state] * walkers.activity[lead]
    touching = rates.touching[regime]
    leaving = rates.leaving[regime, state]
    moving = leaving[0] * walkers.pace[lead] + leaving[1] + leaving[2] * walkers.loss[lead]
    total = emitting + touching + moving
    limit = min(until, rates.starts[regime + 1])
    wait = exponential(source, lead) / total * DAY if total > 0.0 else np.inf
    if wait >= limit - walkers.clock[lead]:
        walkers.clock[lead] = limit
        return events, moves
    walkers.clock[lead] += int(np.ceil(wait))
    if walkers.clock[lead] >= limit:
        walkers.clock[lead] = limit
        return events, moves
    size = uniform(source, lead) * total
    if size < emitting:
        _write(walkers, out, lead, _pick(rates.emit[regime, state], size / walkers.activity[lead]), events)
        return events + 1, moves
    if size < emitting + touching:
        touch = _pick(rates.touch[regime], size - emitting)
        return events + 1, touch_lead(rates, walkers, lead, touch, uniform(source, lead), out, events, moves)
    _fill_moves(rates, walkers, lead, regime, weights)
    return events, _move(walkers, out, lead, _pick(weights, size - emitting - touching), moves)
