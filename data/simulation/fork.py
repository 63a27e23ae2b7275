"""A crowd that can be copied as it stands, so that several policies meet the same market.

Each lead has a stream of random numbers for its walk and another for what touches do to it: until a lead is treated
otherwise it does the same in every copy, and a touch that changes nothing leaves its walk as it was.
"""

from dataclasses import dataclass

import numpy as np

from data.simulation.compiled import compiled
from data.simulation.crowd import Log, cut, join_logs
from data.simulation.draws import Streams, open_streams, uniform
from data.simulation.population import Multipliers
from data.simulation.rates import Rates
from data.simulation.states import OPEN, Bools, Codes, Micros
from data.simulation.walk import Tape, Walkers, tape, touch_lead, walk


@dataclass(frozen=True)
class Fork:
    """n leads whose hidden states are known, to be moved forward in place."""

    rates: Rates
    walkers: Walkers
    walking: Streams
    touching: Streams

    def copy(self) -> "Fork":
        """The same leads, to be moved forward on their own."""
        walkers = self.walkers._replace(state=self.walkers.state.copy(), clock=self.walkers.clock.copy())
        return Fork(self.rates, walkers, self.walking.copy(), self.touching.copy())

    def advance(self, until: int) -> Log:
        """Move every open lead to ``until`` (microseconds since 1970); those created later stay as they are."""
        count = len(self.walkers.state)
        out, logs, first = tape(4 * count + 64, 2 * count + 64), [], 0
        while first < count:
            first, events, moves = walk(self.rates, self.walkers, first, count, until, self.walking, out)
            logs.append(cut(out, events, moves))
        return join_logs(logs)

    def touch(self, leads: Micros, touch: int) -> Log:
        """Touch these leads where their clocks stand; those that are closed are left alone."""
        chosen = leads[self.is_open[leads]]
        out = tape(len(chosen), len(chosen))
        return cut(out, len(chosen), _touch_all(self.rates, self.walkers, chosen, touch, self.touching, out))

    @property
    def is_open(self) -> Bools:
        """Which leads have neither bought nor been recorded as lost."""
        return np.asarray(self.walkers.state < OPEN)


def start_fork(rates: Rates, state: Codes, clock: Micros, effects: Multipliers, seed: np.random.SeedSequence) -> Fork:
    """N leads in the given states (``int16``) at the given moments."""
    walking, touching = (open_streams(len(state), part) for part in seed.spawn(2))
    walkers = Walkers(state.astype(np.int16), clock.copy(), effects.pace, effects.loss, effects.activity)
    return Fork(rates, walkers, walking, touching)


@compiled
def _touch_all(rates: Rates, walkers: Walkers, chosen: Micros, touch: int, touching: Streams, out: Tape) -> int:
    moves = 0
    for place in range(len(chosen)):
        draw = uniform(touching, chosen[place])
        moves = touch_lead(rates, walkers, chosen[place], touch, draw, out, place, moves)
    return moves
