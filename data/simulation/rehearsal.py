"""Many copies of one market simulated forward side by side, the company calling in each by its points."""

from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from data.simulation.company import NEVER_CALLED, Ledger, Tariff, choose_calls
from data.simulation.crowd import Crowd, draw_states, start_crowd
from data.simulation.population import Multipliers
from data.simulation.rates import Rates
from data.simulation.states import LOST, Bools, Codes, Floats, Micros
from data.simulation.world import Company

Number = TypeVar("Number", np.float64, np.int64, np.bool_)


@dataclass(frozen=True)
class Present:
    """What is known at a cutoff of n open leads: states (n, 6), multipliers, points so far, when last called."""

    cutoff: int
    odds: Floats
    effects: Multipliers
    fixed: Floats
    fading: Floats
    fired: Bools
    called: Micros


@dataclass(frozen=True)
class Newcomers:
    """A pool of m leads from which those that arrive later are drawn; ``per_microsecond`` of them arrive."""

    entry: Floats
    effects: Multipliers
    fixed: Floats
    per_microsecond: float


@dataclass(frozen=True)
class Rules:
    """How the company calls: its tariff, threshold, the touch and the calls a week that it can make."""

    company: Company
    tariff: Tariff
    threshold: float
    touch: int
    capacity: int


@dataclass(frozen=True)
class Calls:
    """The calls of one moment: the market and the lead of each, and the state that it met. Newcomers are left out."""

    market: Micros
    lead: Micros
    state: Codes


@dataclass(frozen=True)
class Rehearsal:
    """``markets`` copies; in each the n present leads come first, then newcomers, then places that stay empty."""

    markets: int
    present: int
    width: int
    rules: Rules
    crowd: Crowd
    ledger: Ledger
    called: Micros

    def call(self, moment: int) -> Calls:
        """Let all markets go on to ``moment`` and the companies call; returns the calls to leads that were present."""
        log = self.crowd.advance(moment)
        self.ledger.add(log.lead, log.at, log.symbol, moment)
        rules = self.rules
        chosen = choose_calls(
            self.crowd, self.ledger, rules.company, rules.threshold, self.called, rules.capacity, self.width
        )
        state = self.crowd.walkers.state[chosen]
        self.crowd.touch(chosen, rules.touch)
        market, lead = np.divmod(chosen, self.width)
        old = lead < self.present
        return Calls(market[old], lead[old], state[old])


def rehearse(
    rates: Rates,
    rules: Rules,
    present: Present,
    newcomers: Newcomers,
    markets: int,
    until: int,
    seed: np.random.SeedSequence,
) -> Rehearsal:
    """Copies of a market as they may be at the cutoff, ready to go on ``until`` (microseconds since 1970)."""
    drawing, walking = seed.spawn(2)
    rng = np.random.default_rng(drawing)
    arriving = rng.poisson(newcomers.per_microsecond * (until - present.cutoff), markets)
    count, fresh = len(present.odds), int(arriving.max(initial=0))
    chosen = rng.integers(0, len(newcomers.fixed), (markets, fresh))
    state = np.full((markets, count + fresh), LOST, np.int16)
    state[:, :count] = _spread_states(present.odds, markets, rng)
    entered = draw_states(newcomers.entry[chosen.ravel()], rng.random(chosen.size)).reshape(chosen.shape)
    state[:, count:] = np.where(np.arange(fresh) < arriving[:, None], entered, LOST)
    clock = np.full(state.shape, present.cutoff, np.int64)
    clock[:, count:] = rng.integers(present.cutoff, until, (markets, fresh))
    old, new = present.effects, newcomers.effects
    effects = Multipliers(
        pace=_beside(old.pace, new.pace[chosen]),
        loss=_beside(old.loss, new.loss[chosen]),
        activity=_beside(old.activity, new.activity[chosen]),
    )
    ledger = Ledger(
        rules.tariff,
        _beside(present.fixed, newcomers.fixed[chosen]),
        _over(present.fading, markets, fresh, 0),
        _over(present.fired, markets, fresh, 0),
        present.cutoff,
    )
    called = _over(present.called, markets, fresh, NEVER_CALLED)
    crowd = start_crowd(rates, state.ravel(), clock.ravel(), effects, walking)
    return Rehearsal(markets, count, count + fresh, rules, crowd, ledger, called)


def _spread_states(odds: Floats, markets: int, rng: np.random.Generator) -> Codes:
    """A state for each lead in each market (markets, n), every lead's markets spread evenly over its odds."""
    strata = rng.permuted(np.tile(np.arange(markets), (len(odds), 1)), axis=1).T
    draws = (strata + rng.random(strata.shape)) / markets
    return draw_states(np.tile(odds, (markets, 1)), draws.ravel()).reshape(draws.shape)


def _beside(old: Floats, new: Floats) -> Floats:
    """``old`` (n) in every market with ``new`` (markets, m) beside it, flat."""
    return np.concatenate([np.tile(old, (len(new), 1)), new], axis=1).ravel()


def _over(old: npt.NDArray[Number], markets: int, fresh: int, fill: int) -> npt.NDArray[Number]:
    """``old`` (n, ...) in every market with ``fresh`` rows of ``fill`` behind it, the markets one after the other."""
    block = np.concatenate([old, np.full((fresh, *old.shape[1:]), fill, old.dtype)])
    return np.tile(block, (markets, *[1] * (old.ndim - 1)))
