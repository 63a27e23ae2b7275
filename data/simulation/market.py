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
from data.spine import micros
from data.tables import TIME

Progress = Callable[[str, float], None]


@dataclass(frozen=True)
class Market:
    """A simulated market.

    ``history`` is what the company has recorded, as a source would bring it: not checked, with repeated rows and with
    planted leaks among the fields of leads. ``leads`` is how many leads the world creates in its whole history, the
    scale of its company. ``latent`` is the truth: lead_id, state, entered_at, left_at (null where
    the state was not left within the history).
    """

    world: World
    seed: int
    leads: int
    history: History
    latent: pa.Table


@dataclass(frozen=True)
class Stage:
    """A market before anything has happened: who will come when, in which state (int16), and the crowd to move forward.

    For a simulation of your own, step it: ``log = stage.crowd.advance(moment)``, ``stage.crowd.touch(leads, touch)``
    (positions in ``leads``), as often as you like; in the end ``record(stage, join_logs(logs))``.
    """

    world: World
    seed: int
    leads: pa.Table
    start: Codes
    crowd: Crowd
    streams: tuple[np.random.SeedSequence, np.random.SeedSequence]


def simulate(world: str | World, leads: int, seed: int, progress: Progress | None = None) -> Market:
    """The market of ``world`` (a name, or parameters of your own) with so many leads; a seed gives the same bits again.

    Raises ContractError for a name that is not there or for fewer than one lead.
    """
    tell = progress or (lambda _label, _share: None)
    stage = set_stage(find_world(world) if isinstance(world, str) else world, leads, seed)
    tell("simulating", 0.05)
    log = run_company(stage, tell) if stage.world.company else stage.crowd.advance(stage.world.ends_at)
    tell("writing the log", 0.6)
    market = record(stage, log)
    tell("simulated", 1.0)
    return market


def set_stage(world: World, leads: int, seed: int) -> Stage:
    """Draw who will come. Raises ContractError for fewer than one lead."""
    if leads < 1:
        raise ContractError(f"A market of {leads} leads was asked for. Expected at least 1.")
    people, walk, clerk, crm = np.random.SeedSequence([seed, zlib.crc32(world.name.encode())]).spawn(4)
    rng = np.random.default_rng(people)
    table = draw_leads(world, arrivals(world, leads, rng), rng)
    start = draw_states(entry_states(world, table), rng.random(leads))
    crowd = start_crowd(rates_of(world), start, micros(table["created_at"]), multipliers(world, table), walk)
    return Stage(world, seed, table, start, crowd, (clerk, crm))


def run_company(stage: Stage, tell: Progress) -> Log:
    """Move the crowd from the start to the end of its world's history while the company calls by its points."""
    world, crowd, leads = stage.world, stage.crowd, stage.leads
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


def record(stage: Stage, log: Log) -> Market:
    """What the company has written down, at the end of the history, of all that happened."""
    world, leads = stage.world, stage.leads
    clerk, crm = (np.random.default_rng(stream) for stream in stage.streams)
    events = event_table(world, leads["lead_id"], log, clerk)
    outcomes = outcome_table(world, leads, log, clerk)
    filled, changes = fill_leaks(world, leads, events, outcomes, crm)
    end = pa.scalar(world.ends_at, TIME)
    history = History(
        leads=filled,
        events=events.filter(pc.less(events["known_at"], end)),
        outcomes=outcomes.filter(pc.less(outcomes["known_at"], end)),
        ends_at=world.ends_at,
        changes=changes.filter(pc.less(changes["known_at"], end)),
    )
    return Market(world, stage.seed, len(leads), history, latent_table(leads, stage.start, log))
