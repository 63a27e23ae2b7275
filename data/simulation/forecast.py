"""P(won within a horizon) from each state, by the backward equation; random touches are part of the generator.

The lead's generator is constant between regimes, so the answer is a product of matrix exponentials applied to the
vector that is 1 in ``bought``. ``lost`` is left out: nothing comes of it.
"""

import numpy as np

from data.clock import DAY
from data.simulation.compiled import compiled
from data.simulation.exponential import evolve
from data.simulation.filtering import Rows
from data.simulation.rates import Rates
from data.simulation.record import Record
from data.simulation.states import BOUGHT, OPEN, Floats, Micros
from data.simulation.walk import move_rate, regime_at

SIZE = OPEN + 1
"""The open states and ``bought``."""


@compiled
def fill_backward(rates: Rates, pace: float, loss: float, generators: Floats) -> None:
    """Transposed generators (r, 7, 7) of the open states and ``bought``, random touches included."""
    generators[:] = 0.0
    for regime in range(generators.shape[0]):
        for before in range(OPEN):
            leaving = 0.0
            for after in range(rates.forward.shape[2]):
                rate = move_rate(rates, regime, before, after, pace, loss)
                for touch in range(rates.touch.shape[1]):
                    rate += rates.touch[regime, touch] * rates.jump[regime, touch, before, after]
                if after != before:
                    leaving += rate
                    if after < SIZE:
                        generators[regime, after, before] = rate
            generators[regime, before, before] = -leaving


@compiled
def look_back(rates: Rates, generators: Floats, chance: Floats, begin: int, end: int) -> None:
    """Bring ``chance`` (7), P(won by the horizon) from each state at ``end``, back to ``begin``, in place."""
    while end > begin:
        regime = regime_at(rates.starts, end - 1)
        limit = max(begin, rates.starts[regime])
        evolve(chance, generators[regime], (end - limit) / DAY)
        end = limit


@compiled
def forecast_leads(
    rates: Rates, record: Record, rows: Rows, horizons: Micros, first: int, last: int, odds: Floats, out: Floats
) -> None:
    """P(won in [cutoff, cutoff + horizon)) of leads ``first`` to ``last`` (excluded), written to ``out`` (rows, h).

    ``odds`` (rows, 6) are the filtered states. Within one regime the answer from each state is computed once a lead.
    """
    generators = np.empty((rates.emit.shape[0], SIZE, SIZE))
    chance = np.empty(SIZE)
    for lead in range(first, last):
        if rows.start[lead] == rows.start[lead + 1]:
            continue
        fill_backward(rates, record.pace[lead], record.loss[lead], generators)
        for place in range(len(horizons)):
            valid = -1
            for row in range(rows.start[lead], rows.start[lead + 1]):
                begin, end = rows.cutoff[row], rows.cutoff[row] + horizons[place]
                regime = regime_at(rates.starts, begin)
                if regime != valid or end > rates.starts[regime + 1]:
                    chance[:] = 0.0
                    chance[BOUGHT] = 1.0
                    look_back(rates, generators, chance, begin, end)
                    valid = regime if end <= rates.starts[regime + 1] else -1
                out[row, place] = odds[row] @ chance[:OPEN]


@compiled
def touch_gains(rates: Rates, record: Record, rows: Rows, touch: int, horizon: int, odds: Floats, out: Floats) -> None:
    """What a touch at the cutoff adds to P(won in [cutoff, cutoff + horizon)), written to ``out`` (rows).

    ``odds`` (rows, 6) are the filtered states; after the touch only random ones follow.
    """
    generators = np.empty((rates.emit.shape[0], SIZE, SIZE))
    chance = np.empty(SIZE)
    for lead in range(len(rows.start) - 1):
        if rows.start[lead] == rows.start[lead + 1]:
            continue
        fill_backward(rates, record.pace[lead], record.loss[lead], generators)
        for row in range(rows.start[lead], rows.start[lead + 1]):
            begin = rows.cutoff[row]
            chance[:] = 0.0
            chance[BOUGHT] = 1.0
            look_back(rates, generators, chance, begin, begin + horizon)
            jump = rates.jump[regime_at(rates.starts, begin), touch, :, :SIZE].copy()
            out[row] = odds[row] @ (jump @ chance - chance[:OPEN])
