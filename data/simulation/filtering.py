"""The exact forward filter: P(hidden state at the cutoff | what was known of an open lead before it).

Between observations the probabilities follow the generator less the rate of the rows that we would have seen and
did not (Rabiner 1989 for the discrete chain; Fearnhead and Sherlock 2006 for this continuous one). An event multiplies
by its rate in each state and by the density of its value; a touch moves the mass by its jump; that the lead is still
open removes the mass of ``bought`` and ``lost``.

A row may become known late, by a delay of fixed length. Up to the longest delay before the cutoff everything is
known. After that, late rows of a kind are missing from ``cutoff - delay`` on, so the rate of what we would have seen
is thinned there. For each cutoff this tail is walked anew. The rate of touches is the same in every state, so it
cancels.
"""

from typing import NamedTuple

import numpy as np

from data.clock import DAY
from data.simulation.compiled import compiled
from data.simulation.exponential import evolve
from data.simulation.rates import Rates
from data.simulation.record import Record
from data.simulation.states import ALIVE, OPEN, Floats, Micros
from data.simulation.walk import move_rate, regime_at

FAR = np.iinfo(np.int64).max
"""A cutoff so far away that every row is known."""


class Rows(NamedTuple):
    """The questions, sorted by lead and cutoff: those of lead i are ``start[i]`` to ``start[i + 1]`` of ``cutoff``."""

    start: Micros
    cutoff: Micros


@compiled
def filter_leads(rates: Rates, record: Record, rows: Rows, first: int, last: int, out: Floats) -> None:
    """The state probabilities (rows, 6) at the cutoffs of leads ``first`` to ``last`` (excluded), written to ``out``.

    A row becomes NaN when its record is impossible in this world.
    """
    generators = np.empty((rates.emit.shape[0], len(rates.delays) + 1, OPEN, OPEN))
    for lead in range(first, last):
        if rows.start[lead] < rows.start[lead + 1]:
            fill_generators(rates, record.pace[lead], record.loss[lead], record.activity[lead], generators)
            _filter_lead(rates, record, rows, lead, generators, out)


@compiled
def fill_generators(rates: Rates, pace: float, loss: float, activity: float, generators: Floats) -> None:
    """Generators of open states under silence (r, d + 1, 6, 6): the diagonal also loses what would have been seen."""
    for regime in range(generators.shape[0]):
        for level in range(generators.shape[1]):
            for before in range(OPEN):
                leaving = rates.seen[regime, level, before] * activity
                for after in range(rates.forward.shape[2]):
                    rate = move_rate(rates, regime, before, after, pace, loss)
                    leaving += rate
                    if after < OPEN:
                        generators[regime, level, before, after] = rate
                generators[regime, level, before, before] = -leaving


@compiled
def _filter_lead(rates: Rates, record: Record, rows: Rows, lead: int, generators: Floats, out: Floats) -> None:
    settled = np.zeros(OPEN)
    settled[:ALIVE] = record.entry[lead]
    now, event, end = record.created[lead], record.start[lead], record.start[lead + 1]
    longest = rates.delays[0] if len(rates.delays) else 0
    for row in range(rows.start[lead], rows.start[lead + 1]):
        cutoff = rows.cutoff[row]
        base = max(now, cutoff - longest)
        now, event = _follow(rates, record, generators, settled, now, base, event, end, FAR)
        out[row] = settled
        _follow(rates, record, generators, out[row], now, cutoff, event, end, cutoff)


@compiled
def _follow(
    rates: Rates,
    record: Record,
    generators: Floats,
    odds: Floats,
    now: int,
    until: int,
    event: int,
    end: int,
    cutoff: int,
) -> tuple[int, int]:
    """Bring ``odds`` from ``now`` to ``until`` through events known before ``cutoff``; returns until, next event."""
    while event < end and record.at[event] < until:
        if record.known[event] < cutoff:
            _silence(rates, generators, odds, now, record.at[event], cutoff)
            _observe(rates, record, odds, event)
            now = record.at[event]
        event += 1
    _silence(rates, generators, odds, now, until, cutoff)
    return until, event


@compiled
def _silence(rates: Rates, generators: Floats, odds: Floats, now: int, until: int, cutoff: int) -> None:
    """Nothing was seen from ``now`` to ``until``: cut at regimes and where late rows of a kind begin to be missing."""
    while now < until:
        regime = regime_at(rates.starts, now)
        level = 0
        limit = min(until, rates.starts[regime + 1])
        while level < len(rates.delays) and now >= cutoff - rates.delays[level]:
            level += 1
        if level < len(rates.delays):
            limit = min(limit, cutoff - rates.delays[level])
        evolve(odds, generators[regime, level], (limit - now) / DAY)
        now = limit
    _normalise(odds)


@compiled
def _observe(rates: Rates, record: Record, odds: Floats, event: int) -> None:
    """An event or a touch was seen."""
    regime = regime_at(rates.starts, record.at[event])
    symbol = record.symbol[event]
    touch = symbol - rates.emit.shape[2]
    if touch >= 0:
        odds[:] = odds @ rates.jump[regime, touch, :, :OPEN].copy()
    else:
        for state in range(OPEN):
            odds[state] *= rates.emit[regime, state, symbol]
        if rates.spread[symbol] > 0.0 and not np.isnan(record.log_value[event]):
            for state in range(OPEN):
                deviation = (record.log_value[event] - rates.level[symbol, state]) / rates.spread[symbol]
                odds[state] *= np.exp(-0.5 * deviation * deviation)
    _normalise(odds)


@compiled
def _normalise(odds: Floats) -> None:
    total = odds.sum()
    for state in range(len(odds)):
        odds[state] = odds[state] / total
