"""Many leads moved forward together, touched, and what they left behind."""

import os
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields
from itertools import chain

import numpy as np

from data.simulation.compiled import compiled
from data.simulation.population import Multipliers
from data.simulation.rates import Rates
from data.simulation.states import OPEN, Bools, Codes, Floats, Micros
from data.simulation.walk import Tape, Walkers, tape, touch_lead, walk

CHUNK = 4096
"""Leads that share a stream of random numbers: the same numbers whatever the count of threads."""
THREADS = os.cpu_count() or 1


@dataclass(frozen=True)
class Log:
    """What happened, in no particular order: e events and m moves.

    ``symbol`` counts the signals first and the touches after them; ``state`` is where the lead was when it emitted.
    """

    lead: Micros
    at: Micros
    symbol: Codes
    state: Codes
    move_lead: Micros
    move_at: Micros
    before: Codes
    after: Codes


@dataclass(frozen=True)
class Crowd:
    """n leads whose hidden states are known, to be moved forward in place; each chunk has its own random numbers."""

    rates: Rates
    walkers: Walkers
    streams: tuple[np.random.Generator, ...]

    def advance(self, until: int) -> Log:
        """Move every open lead to ``until`` (microseconds since 1970); those created later stay as they are."""
        with ThreadPoolExecutor(THREADS) as pool:
            parts = pool.map(lambda chunk: self._advance_chunk(chunk, until), range(len(self.streams)))
            return join_logs(chain.from_iterable(parts))

    def touch(self, leads: Micros, touch: int) -> Log:
        """Touch these leads where their clocks stand; those that are closed are left alone."""
        chosen = leads[self.walkers.state[leads] < OPEN]
        out = tape(len(chosen), len(chosen))
        draws = self.streams[0].random(len(chosen))
        moves = _touch_all(self.rates, self.walkers, chosen, touch, draws, out)
        return cut(out, len(chosen), moves)

    @property
    def is_open(self) -> Bools:
        """Which leads have neither bought nor been recorded as lost."""
        return np.asarray(self.walkers.state < OPEN)

    def _advance_chunk(self, chunk: int, until: int) -> list[Log]:
        first, last = chunk * CHUNK, min((chunk + 1) * CHUNK, len(self.walkers.state))
        out = tape(4 * (last - first) + 64, 2 * (last - first) + 64)
        logs = []
        while first < last:
            first, events, moves = walk(self.rates, self.walkers, first, last, until, self.streams[chunk], out)
            logs.append(cut(out, events, moves))
        return logs


def start_crowd(rates: Rates, state: Codes, clock: Micros, effects: Multipliers, seed: np.random.SeedSequence) -> Crowd:
    """N leads in the given states (``int16``) at the given moments."""
    chunks = max(1, -(-len(state) // CHUNK))
    walkers = Walkers(state.astype(np.int16), clock.copy(), effects.pace, effects.loss, effects.activity)
    return Crowd(rates, walkers, tuple(np.random.default_rng(s) for s in seed.spawn(chunks)))


def draw_states(odds: Floats, draws: Floats) -> Codes:
    """A state for each row of probabilities (n, s) from uniform ``draws`` (n)."""
    edges = np.cumsum(odds, axis=1)
    return np.asarray((draws[:, None] * edges[:, -1:] >= edges[:, :-1]).sum(axis=1), np.int16)


def join_logs(logs: Iterable[Log]) -> Log:
    """Several logs as one."""
    parts = list(logs)
    return Log(*(np.concatenate([getattr(log, f.name) for log in parts]) for f in fields(Log)))


@compiled
def _touch_all(rates: Rates, walkers: Walkers, chosen: Micros, touch: int, draws: Floats, out: Tape) -> int:
    moves = 0
    for place in range(len(chosen)):
        moves = touch_lead(rates, walkers, chosen[place], touch, draws[place], out, place, moves)
    return moves


def cut(out: Tape, events: int, moves: int) -> Log:
    """A copy of what was written on a tape."""
    return Log(
        lead=out.lead[:events].copy(),
        at=out.at[:events].copy(),
        symbol=out.symbol[:events].copy(),
        state=out.state[:events].copy(),
        move_lead=out.move_lead[:moves].copy(),
        move_at=out.move_at[:moves].copy(),
        before=out.before[:moves].copy(),
        after=out.after[:moves].copy(),
    )
