"""Whom the company calls: a fast ledger of its points, and the choice of a week.

The ledger keeps what a replay of the same rules over the same known events gives: each event is worth its points,
halved every half-life, and rules without one are worth their points once. A world whose touches follow the points
gives none for rows that may become known late, so that every event that counts is known when it has occurred.
"""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from data.clock import format_duration
from data.errors import ContractError
from data.simulation.crowd import Crowd
from data.simulation.points import FieldRule, PointsTable
from data.simulation.rates import symbol_names
from data.simulation.states import Bools, Codes, Floats, Micros
from data.simulation.world import Company, World

NEVER_CALLED = -(1 << 62)
"""The last call of a lead that was never called: microseconds, long ago."""

_OPS = {
    "eq": pc.equal,
    "ne": pc.not_equal,
    "ge": pc.greater_equal,
    "le": pc.less_equal,
    "gt": pc.greater,
    "lt": pc.less,
}


@dataclass(frozen=True)
class Tariff:
    """The rules by symbol (k): ``worth`` (k, f) for each of f half-lives, ``once`` (k, o) for o single rules."""

    half_lives: Floats
    worth: Floats
    once: Bools
    once_points: Floats


@dataclass
class Ledger:
    """The points of n leads at the moment ``at``: fixed (n), fading (n, f), and which single rules fired (n, o)."""

    tariff: Tariff
    fixed: Floats
    fading: Floats
    fired: Bools
    at: int

    def add(self, lead: Micros, at: Micros, symbol: Codes, until: int) -> None:
        """Let the points fade up to ``until`` and add e events (each argument (e)), all of them before it."""
        self.fading *= np.exp2(-(until - self.at) / self.tariff.half_lives)
        faded = np.exp2(-(until - at)[:, None] / self.tariff.half_lives)
        np.add.at(self.fading, lead, self.tariff.worth[symbol] * faded)
        np.logical_or.at(self.fired, lead, self.tariff.once[symbol])
        self.at = until

    @property
    def points(self) -> Floats:
        """The total of each lead (n), never below 0."""
        total = self.fixed + self.fading.sum(axis=1) + self.fired @ self.tariff.once_points
        return np.asarray(np.maximum(0.0, total))


def tariff_of(world: World) -> Tariff:
    """The event rules of a world, by symbol. Raises ContractError when a rule counts rows that may be known late."""
    names = symbol_names(world)
    fading = [rule for rule in world.points.events if rule.half_life is not None]
    single = [rule for rule in world.points.events if rule.half_life is None]
    half_lives = sorted({float(rule.half_life or 0) for rule in fading}) or [1.0]
    worth = np.zeros((len(names), len(half_lives)))
    once = np.zeros((len(names), len(single)), bool)
    for rule in fading:
        worth[_matching(names, rule.kind, rule.item), half_lives.index(float(rule.half_life or 0))] += rule.points
    for place, rule in enumerate(single):
        once[_matching(names, rule.kind, rule.item), place] = True
    _refuse_late(world, worth, once)
    return Tariff(np.array(half_lives), worth, once, np.array([rule.points for rule in single]))


def open_ledger(tariff: Tariff, fixed: Floats, at: int) -> Ledger:
    """The ledger of n leads that have done nothing yet; ``fixed`` (n) are the points of their attributes."""
    fading = np.zeros((len(fixed), len(tariff.half_lives)))
    return Ledger(tariff, fixed.copy(), fading, np.zeros((len(fixed), len(tariff.once_points)), bool), at)


def field_points(table: PointsTable, leads: pa.Table) -> Floats:
    """The points that each lead (n) has for its attributes."""
    total = np.zeros(len(leads))
    for rule in table.fields:
        total += rule.points * _holds(rule, leads[rule.field])
    return total


def choose(points: Floats, threshold: float, allowed: Bools, capacity: int, block: int) -> Micros:
    """The leads to call: in each block of ``block`` leads, the ``capacity`` highest that are allowed and have enough.

    Among equals the earlier lead goes first.
    """
    ready = np.flatnonzero(allowed & (points >= threshold))
    order = ready[np.lexsort((ready, -points[ready], ready // block))]
    market = order // block
    start = np.searchsorted(market, market)
    return order[np.arange(len(order)) - start < capacity]


def call_moments(company: Company, after: int, until: int) -> range:
    """The moments at which the company calls, from ``after`` (included) to ``until`` (excluded)."""
    missed = max(0, -(-(after - company.first_at) // company.period))
    return range(company.first_at + missed * company.period, until, company.period)


def capacity_of(company: Company, leads: int) -> int:
    """Calls a week in a market that creates so many leads in all."""
    return max(1, round(company.capacity * leads / 1000))


def choose_calls(
    crowd: Crowd, ledger: Ledger, company: Company, threshold: float, called: Micros, capacity: int, block: int
) -> Micros:
    """Choose at the moment of the ledger; ``called`` (n), when each lead was last called, is updated."""
    created = crowd.walkers.clock <= ledger.at
    allowed = crowd.is_open & created & (called <= ledger.at - company.rest)
    chosen = choose(ledger.points, threshold, allowed, capacity, block)
    called[chosen] = ledger.at
    return chosen


def call_code(world: World) -> int:
    """The place of the company's calls among the world's touches."""
    return [touch.kind for touch in world.regimes[0].touches].index(company_of(world).touch)


def company_of(world: World) -> Company:
    """The company of a world.

    Raises ContractError when nobody calls by points there, or when the truth could not follow it: it needs one regime,
    calls that are made by the points alone, and outcomes that the company knows at once.
    """
    if world.company is None:
        raise ContractError(f"World {world.name!r} has no company that calls by points. Expected one with `company`.")
    random = [touch.kind for touch in world.regimes[0].touches if touch.per_month]
    if len(world.regimes) > 1 or world.company.touch in random or world.recording_lag:
        raise ContractError(
            f"World {world.name!r} has {len(world.regimes)} regimes, random touches {random} and a recording lag of "
            f"{format_duration(world.recording_lag)}. Expected one regime, no random {world.company.touch!r} and no "
            "lag where the company calls by points."
        )
    return world.company


def _matching(names: list[tuple[str, str | None]], kind: str, item: str | None) -> list[int]:
    return [place for place, name in enumerate(names) if name[0] == kind and item in (None, name[1])]


def _refuse_late(world: World, worth: Floats, once: Bools) -> None:
    """Without this the company would wait for rows that the truth does not follow."""
    late = np.array([signal.late > 0 for signal in world.regimes[0].signals])
    counted = (np.abs(worth).sum(axis=1) > 0) | once.any(axis=1)
    if (late & counted[: len(late)]).any():
        raise ContractError(
            f"World {world.name!r} gives points for events that may become known late, and calls by points. "
            "Expected points only for kinds that are known at once: change the rule or the signal."
        )


def _holds(rule: FieldRule, column: pa.ChunkedArray) -> Floats:
    is_set = rule.op == "in"
    found = pc.is_in(column, value_set=pa.array(rule.value)) if is_set else _OPS[rule.op](column, rule.value)
    return np.asarray(pc.fill_null(found, False).to_numpy()).astype(np.float64)
