"""Who the leads are: accounts, attributes, arrivals, and what their attributes multiply."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from data.simulation.states import Floats, Micros
from data.simulation.world import Category, Number, World
from data.tables import TIME

LEADS_PER_ACCOUNT = 1.4


@dataclass(frozen=True)
class Multipliers:
    """For each of n leads: what its moves forward, its deaths and its events are multiplied by."""

    pace: Floats
    loss: Floats
    activity: Floats


def arrivals(world: World, leads: int, rng: np.random.Generator) -> Micros:
    """When ``leads`` leads are created: a Poisson process, given its count, over the history of the world."""
    return np.sort(rng.integers(world.starts_at, world.ends_at, leads))


def draw_leads(world: World, created: Micros, rng: np.random.Generator, prefix: str = "L") -> pa.Table:
    """The leads created at the sorted moments ``created`` (n): ids, accounts and honest attributes."""
    leads = len(created)
    accounts = max(1, round(leads / LEADS_PER_ACCOUNT))
    account = rng.integers(0, accounts, leads)
    columns: dict[str, pa.Array] = {
        "lead_id": pa.array([f"{prefix}{i:07d}" for i in range(leads)]),
        "created_at": pa.array(created, TIME),
        "account_id": pa.array([f"A{i:07d}" for i in range(accounts)]).take(pa.array(account)),
    }
    for category in world.categories:
        columns[category.field] = _categories(world, category, created, account, accounts, rng)
    for number in world.numbers:
        size = accounts if number.shared else leads
        drawn = np.maximum(1.0, np.round(number.median * np.exp(number.spread * rng.standard_normal(size))))
        columns[number.field] = pa.array(drawn[account] if number.shared else drawn)
    return pa.table(columns)


def multipliers(world: World, leads: pa.Table) -> Multipliers:
    """What the attributes of ``leads`` (n rows) multiply, read from the table itself; unknown levels multiply by 1."""
    logs = np.zeros((3, len(leads)))
    for category in world.categories:
        logs += _category_effects(category, leads[category.field])
    for number in world.numbers:
        logs += _number_effects(number, leads[number.field].to_numpy())
    pace, loss, activity = np.exp(logs)
    return Multipliers(pace, loss, activity)


def entry_states(world: World, leads: pa.Table) -> Floats:
    """P(unaware, interested, evaluating, ready) of each lead at its creation (n, 4)."""
    table = np.array([entry.states for entry in world.entries])
    place = pa.array([entry.source for entry in world.entries])
    rows = pc.index_in(leads["source"], value_set=place).to_numpy()
    return np.asarray(table[rows])


def _categories(
    world: World, category: Category, created: Micros, account: Micros, accounts: int, rng: np.random.Generator
) -> pa.Array:
    names = pa.array([level.name for level in category.levels])
    if category.field == "source":
        codes = _sources(world, category, created, rng)
    else:
        share = np.array([level.share for level in category.levels])
        size = accounts if category.shared else len(created)
        codes = rng.choice(len(share), size, p=share / share.sum())
        codes = codes[account] if category.shared else codes
    return names.take(pa.array(codes))


def _sources(world: World, category: Category, created: Micros, rng: np.random.Generator) -> Micros:
    """Codes of the sources, by the shares of the regime in which each lead was created."""
    names = [level.name for level in category.levels]
    codes = np.zeros(len(created), np.int64)
    starts = [regime.starts_at for regime in world.regimes]
    regime_of = np.maximum(np.searchsorted(starts, created, side="right") - 1, 0)
    for place, regime in enumerate(world.regimes):
        shares = dict(regime.sources)
        share = np.array([shares.get(name, 0.0) for name in names])
        chosen = np.flatnonzero(regime_of == place)
        codes[chosen] = rng.choice(len(names), len(chosen), p=share / share.sum())
    return codes


def _category_effects(category: Category, column: pa.ChunkedArray) -> Floats:
    """Logarithms of the multipliers (3, n); the last column of the table is for levels that are not known."""
    names = pa.array([level.name for level in category.levels])
    effects = np.array([[v.pace, v.loss, v.activity] for v in category.levels] + [[0.0, 0.0, 0.0]]).T
    rows = pc.fill_null(pc.index_in(column, value_set=names), len(names)).to_numpy()
    return np.asarray(effects[:, rows])


def _number_effects(number: Number, values: Floats) -> Floats:
    deviations = np.log(values / number.median) / number.spread
    return np.outer([number.pace, number.loss, number.activity], deviations)
