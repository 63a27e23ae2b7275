"""A whole market from a world and a seed."""

import zlib
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from data.errors import ContractError
from data.history import History
from data.simulation.company import (
    NEVER_CALLED,
    call_code,
    call_moments,
    capacity_of,
    choose_calls,
    company_of,
    field_points,
    open_ledger,
    tariff_of,
)
from data.simulation.crowd import Crowd, Log, draw_states, join_logs, start_crowd
from data.simulation.leaks import fill_leaks
from data.simulation.ledgers import event_table, latent_table, outcome_table
from data.simulation.population import arrivals, draw_leads, entry_states, multipliers
from data.simulation.rates import rates_of
from data.simulation.states import Codes
from data.simulation.world import World
from data.simulation.worlds import find_world
from data.tables import TIME

Progress = Callable[[str, float], None]


@dataclass(frozen=True)
class Market:
    """A simulated market.

    ``history`` is what the company has recorded, as a source would bring it: not checked, with repeated rows and with
    planted leaks among the fields of leads. ``latent`` is the truth: lead_id, state, entered_at, left_at (null where
    the state was not left within the history).
    """

    world: World
    seed: int
    history: History
    latent: pa.Table

    @property
    def leads(self) -> int:
        """How many leads were created in all."""
        return len(self.history.leads)


def simulate(world: str | World, leads: int, seed: int, progress: Progress | None = None) -> Market:
    """The market of ``world`` (a name, or parameters of your own) with so many leads; a seed gives the same bits again.

    Raises ContractError for a name that is not there or for fewer than one lead.
    """
    place = find_world(world) if isinstance(world, str) else world
    if leads < 1:
        raise ContractError(f"A market of {leads} leads was asked for. Expected at least 1.")
    tell = progress or _silent
    people, walk, clerk, crm = np.random.SeedSequence([seed, zlib.crc32(place.name.encode())]).spawn(4)
    rng = np.random.default_rng(people)
    table = draw_leads(place, arrivals(place, leads, rng), rng)
    start = draw_states(entry_states(place, table), rng.random(leads))
    created = table["created_at"].cast(pa.int64()).to_numpy()
    crowd = start_crowd(rates_of(place), start, created, multipliers(place, table), walk)
    tell("simulating", 0.05)
    log = run_company(place, crowd, table, tell) if place.company else crowd.advance(place.ends_at)
    tell("writing the log", 0.6)
    market = _record(place, seed, table, start, log, clerk, crm)
    tell("simulated", 1.0)
    return market


def run_company(world: World, crowd: Crowd, leads: pa.Table, tell: Progress) -> Log:
    """Move a crowd from the start to the end of its world's history while the company calls by its points."""
    company, touch = company_of(world), call_code(world)
    ledger = open_ledger(tariff_of(world), field_points(world.points, leads), world.starts_at)
    called = np.full(len(leads), NEVER_CALLED, np.int64)
    capacity, logs = capacity_of(company, len(leads)), []
    for moment in call_moments(company, world.starts_at, world.ends_at):
        walked = crowd.advance(moment)
        ledger.add(walked.lead, walked.at, walked.symbol, moment)
        chosen = choose_calls(crowd, ledger, company, world.points.threshold, called, capacity, len(leads))
        logs += [walked, crowd.touch(chosen, touch)]
        tell("simulating", 0.05 + 0.55 * (moment - world.starts_at) / (world.ends_at - world.starts_at))
    return join_logs([*logs, crowd.advance(world.ends_at)])


def _record(
    world: World,
    seed: int,
    leads: pa.Table,
    start: Codes,
    log: Log,
    clerk: np.random.SeedSequence,
    crm: np.random.SeedSequence,
) -> Market:
    """What the company writes down of what happened."""
    rng = np.random.default_rng(clerk)
    events = event_table(world, leads["lead_id"], log, rng)
    outcomes = outcome_table(world, leads, log, rng)
    filled, changes = fill_leaks(world, leads, events, outcomes, np.random.default_rng(crm))
    end = pa.scalar(world.ends_at, TIME)
    history = History(
        leads=filled,
        events=events.filter(pc.less(events["known_at"], end)),
        outcomes=outcomes.filter(pc.less(outcomes["known_at"], end)),
        ends_at=world.ends_at,
        changes=changes.filter(pc.less(changes["known_at"], end)),
    )
    return Market(world, seed, history, latent_table(leads, start, log))


def _silent(_label: str, _share: float) -> None:
    """Nobody is listening."""
