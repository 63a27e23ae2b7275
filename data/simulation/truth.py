"""The best possible readiness: what an observer who knows the world's parameters would say, given the record.

P(won in [c, c + h)) of a lead that is open at c, given its attributes and every row known before c. Where touches come
at random it is exact to rounding. Where the company calls by its points it is a simulation with a standard error.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pyarrow as pa

from data.clock import format_duration
from data.errors import SchemaError
from data.simulation.crowd import THREADS
from data.simulation.filtering import Rows, filter_leads
from data.simulation.forecast import forecast_leads
from data.simulation.forward import forecast_by_points
from data.simulation.market import Market, Progress
from data.simulation.rates import Rates, rates_of
from data.simulation.record import Record, read_record
from data.simulation.states import DEAD, SILENT, STATES, Floats, Micros
from data.spine import NEVER, micros, positions

BLOCK = 2048
"""Leads between two reports of progress."""


def truth(
    market: Market,
    spine: pa.Table,
    horizons: Sequence[int],
    *,
    seed: int = 0,
    paths: int = 32,
    progress: Progress | None = None,
) -> pa.Table:
    """The truth on a spine (n rows of lead_id, cutoff; open leads only), in the order of its rows.

    Columns: lead_id, cutoff, ``p_unaware`` ... ``p_ready``, ``p_dead`` (recorded or not), then for each horizon
    (microseconds) ``p_30d`` and its standard error ``se_30d``, 0 where the answer is exact. ``seed`` and ``paths``
    (simulated markets for each cutoff, so few cutoffs are better) matter only where touches follow the history. Raises
    SchemaError when a row is not of an open lead, or when the history cannot have come from this world.
    """
    tell = progress or (lambda _label, _share: None)
    asked = np.array(horizons, np.int64)
    rates, record = rates_of(market.world), read_record(market.world, market.history)
    order, rows = sort_rows(market, spine)
    if market.world.company is None:
        odds, chance = _exact(rates, record, rows, asked, tell)
        error = np.zeros_like(chance)
    else:
        odds, chance, error = _by_points(market, record, rows, asked, seed, paths, tell)
    place = np.empty_like(order)
    place[order] = np.arange(len(order))
    return _table(spine, odds[place], chance[place], error[place], horizons)


def sort_rows(market: Market, spine: pa.Table) -> tuple[Micros, Rows]:
    """The order that sorts a spine by lead and cutoff, and its rows so sorted. Raises SchemaError for closed leads."""
    ids = market.history.leads["lead_id"]
    lead, cutoff = positions(spine["lead_id"], ids), micros(spine["cutoff"])
    is_open = (micros(market.history.leads["created_at"])[lead] <= cutoff) & (closed_at(market)[lead] >= cutoff)
    if not is_open.all():
        first = spine.slice(int(np.argmin(is_open)), 1).to_pylist()[0]
        raise SchemaError(
            f"{int((~is_open).sum())} of {len(spine)} rows ask about leads that are not open (first: {first}). "
            "Expected leads created and neither won nor lost before the cutoff: build the spine from the history."
        )
    order = np.lexsort((cutoff, lead))
    return order, Rows(np.searchsorted(lead[order], np.arange(len(ids) + 1)), cutoff[order])


def closed_at(market: Market) -> Micros:
    """When each lead was won or lost; NEVER when it was not."""
    outcomes = market.history.outcomes
    closed = np.full(len(market.history.leads), NEVER, np.int64)
    np.minimum.at(
        closed, positions(outcomes["lead_id"], market.history.leads["lead_id"]), micros(outcomes["occurred_at"])
    )
    return closed


def filtered(rates: Rates, record: Record, rows: Rows, tell: Progress, share: float) -> Floats:
    """The state probabilities (rows, 6). Raises SchemaError when a record is impossible in this world."""
    odds = np.empty((len(rows.cutoff), len(STATES) - 2))
    _by_blocks(
        lambda first, last: filter_leads(rates, record, rows, first, last, odds), len(record.created), tell, share
    )
    if np.isnan(odds).any():
        raise SchemaError(
            f"The records of {int(np.isnan(odds).any(axis=1).sum())} rows are impossible in this world. "
            "Expected the history that it made: do not change the events of a market before asking for its truth."
        )
    return odds


def _exact(rates: Rates, record: Record, rows: Rows, horizons: Micros, tell: Progress) -> tuple[Floats, Floats]:
    odds = filtered(rates, record, rows, tell, 0.8)
    chance = np.empty((len(rows.cutoff), len(horizons)))

    def block(first: int, last: int) -> None:
        forecast_leads(rates, record, rows, horizons, first, last, odds, chance)

    _by_blocks(block, len(record.created), tell, 0.2)
    return odds, chance


def _by_points(
    market: Market, record: Record, rows: Rows, horizons: Micros, seed: int, paths: int, tell: Progress
) -> tuple[Floats, Floats, Floats]:
    """States, answers and errors of ``rows``; all open leads of their cutoffs are followed, for they compete."""
    cutoffs = np.unique(rows.cutoff)
    every = all_open(market, cutoffs)
    odds = filtered(rates_of(market.world), record, every, tell, 0.1)
    chance, error = forecast_by_points(market, record, every, odds, horizons, seed, paths, tell)
    chosen = np.searchsorted(_key(every, cutoffs), _key(rows, cutoffs))
    return odds[chosen], chance[chosen], error[chosen]


def all_open(market: Market, cutoffs: Micros) -> Rows:
    """Every open lead at each of the sorted cutoffs."""
    created, closed = micros(market.history.leads["created_at"]), closed_at(market)
    first = np.searchsorted(cutoffs, created)
    count = np.maximum(np.searchsorted(cutoffs, closed, side="right") - first, 0)
    start = np.concatenate([[0], np.cumsum(count)])
    within = np.arange(start[-1]) - np.repeat(start[:-1], count)
    return Rows(start, cutoffs[np.repeat(first, count) + within])


def _key(rows: Rows, cutoffs: Micros) -> Micros:
    """One growing number for lead and cutoff."""
    lead = np.repeat(np.arange(len(rows.start) - 1), np.diff(rows.start))
    return np.asarray(lead * len(cutoffs) + np.searchsorted(cutoffs, rows.cutoff))


def _by_blocks(run: Callable[[int, int], None], leads: int, tell: Progress, share: float) -> None:
    """Run over blocks of leads on all threads; every block writes its own rows."""
    firsts = range(0, leads, BLOCK)
    with ThreadPoolExecutor(THREADS) as pool:
        done = pool.map(lambda first: run(first, min(first + BLOCK, leads)), firsts)
        for count, _ in enumerate(done, 1):
            tell("computing the truth", share * count / len(firsts))


def _table(spine: pa.Table, odds: Floats, chance: Floats, error: Floats, horizons: Sequence[int]) -> pa.Table:
    columns: dict[str, pa.ChunkedArray | Floats] = {"lead_id": spine["lead_id"], "cutoff": spine["cutoff"]}
    for state in range(DEAD):
        columns[f"p_{STATES[state]}"] = odds[:, state]
    columns["p_dead"] = odds[:, DEAD] + odds[:, SILENT]
    for place, horizon in enumerate(horizons):
        columns[f"p_{format_duration(horizon)}"] = chance[:, place]
        columns[f"se_{format_duration(horizon)}"] = error[:, place]
    return pa.table(columns)
