"""P(won within a horizon) where the company calls by its points: exact filter, then whole markets simulated forward.

Leads compete for the company's calls, so each path is a whole market: the hidden states of all open leads are drawn
from the filter, new leads arrive, the company calls week by week as it does. What is estimated is not the raw share of
purchases but

    P(won) = P(won if nobody called any more) + E[sum over calls of what the call changes]

where both the first term and the change, P(won | after the call) - P(won | before it) without further calls, come from
matrix exponentials. This is Dynkin's formula used as a control variate: unbiased, and only called leads carry noise.
"""

from dataclasses import dataclass

import numpy as np

from data.simulation.company import (
    NEVER_CALLED,
    Ledger,
    call_code,
    call_moments,
    capacity_of,
    company_of,
    field_points,
    open_ledger,
    tariff_of,
)
from data.simulation.compiled import compiled
from data.simulation.filtering import Rows
from data.simulation.forecast import SIZE, fill_backward, look_back
from data.simulation.market import Market, Progress
from data.simulation.population import Multipliers, draw_leads, entry_states, multipliers
from data.simulation.rates import Rates, rates_of
from data.simulation.record import Record
from data.simulation.rehearsal import Newcomers, Present, Rules, rehearse
from data.simulation.states import BOUGHT, OPEN, Floats, Micros

POOL = 20_000
"""Newcomers are drawn from a pool of so many leads; they matter only as rivals for the company's calls."""
MOST = 600_000
"""Leads that are simulated side by side, over all copies of the market."""

Estimate = tuple[Floats, Floats]
"""Probabilities and standard errors, (rows, horizons) each."""


@dataclass
class Books:
    """The company's books, opened once and read forward in time: ``order`` sorts the events of the record by time."""

    record: Record
    order: Micros
    ledger: Ledger
    called: Micros
    place: int = 0

    def read(self, cutoff: int, call: int) -> None:
        """Bring points and last calls of all leads to what is known just before ``cutoff``."""
        until = int(np.searchsorted(self.record.at[self.order], cutoff))
        new = self.order[self.place : until]
        lead, at, symbol = self.record.lead[new], self.record.at[new], self.record.symbol[new]
        self.ledger.add(lead, at, symbol, cutoff)
        self.called[lead[symbol == call]] = at[symbol == call]
        self.place = until


def open_books(market: Market, record: Record) -> Books:
    """The books of a market's company before its first event."""
    fixed = field_points(market.world.points, market.history.leads)
    ledger = open_ledger(tariff_of(market.world), fixed, market.world.starts_at)
    called = np.full(len(fixed), NEVER_CALLED, np.int64)
    return Books(record, np.argsort(record.at, kind="stable"), ledger, called)


def forecast_by_points(
    market: Market, record: Record, rows: Rows, odds: Floats, horizons: Micros, seed: int, paths: int, tell: Progress
) -> Estimate:
    """P(won within each horizon) and its standard error (rows, h).

    ``rows`` must hold every open lead of each of its cutoffs, ``odds`` (rows, 6) their filtered states.
    """
    rates, rules, newcomers = rates_of(market.world), rules_of(market), newcomers_of(market, seed)
    books = open_books(market, record)
    lead = np.repeat(np.arange(len(record.created)), np.diff(rows.start))
    chance, error = np.empty((len(lead), len(horizons))), np.empty((len(lead), len(horizons)))
    cutoffs = np.unique(rows.cutoff)
    for count, cutoff in enumerate(cutoffs):
        chosen = np.flatnonzero(rows.cutoff == cutoff)
        books.read(int(cutoff), rates.emit.shape[2] + rules.touch)
        present = present_of(books, int(cutoff), lead[chosen], odds[chosen])
        stream = np.random.SeedSequence([seed, int(cutoff) // 1_000_000])
        chance[chosen], error[chosen] = _at_cutoff(rates, rules, present, newcomers, horizons, paths, stream)
        tell("computing the truth", 0.1 + 0.9 * (count + 1) / len(cutoffs))
    return chance, error


def rules_of(market: Market) -> Rules:
    """How the company of a market calls."""
    company = company_of(market.world)
    return Rules(
        company=company,
        tariff=tariff_of(market.world),
        threshold=market.world.points.threshold,
        touch=call_code(market.world),
        capacity=capacity_of(company, market.leads),
    )


def newcomers_of(market: Market, seed: int) -> Newcomers:
    """The pool of those who may still come."""
    world = market.world
    rng = np.random.default_rng([seed, POOL])
    pool = draw_leads(world, np.full(POOL, world.starts_at, np.int64), rng)
    per_microsecond = market.leads / (world.ends_at - world.starts_at)
    return Newcomers(
        entry_states(world, pool), multipliers(world, pool), field_points(world.points, pool), per_microsecond
    )


def present_of(books: Books, cutoff: int, lead: Micros, odds: Floats) -> Present:
    """What the books and the filter (``odds``) say at a cutoff of the open leads ``lead`` (n)."""
    record, ledger = books.record, books.ledger
    return Present(
        cutoff=cutoff,
        odds=odds,
        effects=Multipliers(record.pace[lead], record.loss[lead], record.activity[lead]),
        fixed=ledger.fixed[lead],
        fading=ledger.fading[lead],
        fired=ledger.fired[lead],
        called=books.called[lead],
    )


def _at_cutoff(
    rates: Rates,
    rules: Rules,
    present: Present,
    newcomers: Newcomers,
    horizons: Micros,
    paths: int,
    stream: np.random.SeedSequence,
) -> Estimate:
    """The estimate for the n leads of one cutoff (n, h): ``paths`` markets or more, simulated in batches."""
    until = present.cutoff + int(horizons.max())
    moments = np.array(call_moments(rules.company, present.cutoff, until), np.int64)
    uncalled, gain = _what_calls_change(rates, present, rules.touch, moments, horizons)
    at_once = max(1, min(paths, MOST // max(1, len(present.odds))))
    sums = np.zeros((2, len(present.odds), len(horizons)))
    for batch in stream.spawn(-(-paths // at_once)):
        rehearsal = rehearse(rates, rules, present, newcomers, at_once, until, batch)
        changed = np.zeros((at_once, len(present.odds), len(horizons)))
        for place, moment in enumerate(moments):
            calls = rehearsal.call(int(moment))
            changed[calls.market, calls.lead] += gain[calls.lead, place, :, calls.state]
        sums += changed.sum(axis=0), (changed**2).sum(axis=0)
    count = at_once * -(-paths // at_once)
    mean, square = sums / count
    error = np.sqrt(np.maximum(square - mean**2, 0.0) / max(1, count - 1))
    return np.clip(uncalled + mean, 0.0, 1.0), error


def _what_calls_change(
    rates: Rates, present: Present, touch: int, moments: Micros, horizons: Micros
) -> tuple[Floats, Floats]:
    """P(won) if nobody called any more (n, h), and what a call changes (n, moments, h, 6) by the state it meets."""
    count = len(present.odds)
    uncalled = np.zeros((count, len(horizons)))
    gain = np.zeros((count, len(moments), len(horizons), OPEN))
    effects = present.effects
    _fill_changes(
        rates, effects.pace, effects.loss, present.odds, present.cutoff, touch, moments, horizons, uncalled, gain
    )
    return uncalled, gain


@compiled
def _fill_changes(
    rates: Rates,
    pace: Floats,
    loss: Floats,
    odds: Floats,
    cutoff: int,
    touch: int,
    moments: Micros,
    horizons: Micros,
    uncalled: Floats,
    gain: Floats,
) -> None:
    generators = np.empty((rates.emit.shape[0], SIZE, SIZE))
    jump = rates.jump[0, touch, :, :SIZE].copy()
    for lead in range(len(pace)):
        fill_backward(rates, pace[lead], loss[lead], generators)
        for place in range(len(horizons)):
            chance = np.zeros(SIZE)
            chance[BOUGHT] = 1.0
            now = cutoff + horizons[place]
            for call in range(len(moments) - 1, -1, -1):
                if moments[call] < now:
                    look_back(rates, generators, chance, moments[call], now)
                    now = moments[call]
                    gain[lead, call, place] = jump @ chance - chance[:OPEN]
            look_back(rates, generators, chance, cutoff, now)
            uncalled[lead, place] = odds[lead] @ chance[:OPEN]
