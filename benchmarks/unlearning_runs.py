"""One market for each seed: three loops that choose, twice, and what each of their models has learned."""

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.policy_callers import nobody
from benchmarks.unlearning_judged import Judged, judged_by_calls
from benchmarks.unlearning_learner import EVERY, learned
from benchmarks.unlearning_loop import Loop
from benchmarks.unlearning_truth import Probe, judged, probes
from data.clock import WEEK
from data.contract import Contract, parse_contract
from data.simulation.folder import contract_toml
from data.simulation.loop import Opening, open_market, run_loop
from data.simulation.tally import count
from data.simulation.worlds import find_world

LOOPS = {"no exploration": 0.0, "a slice": 0.05, "chance alone": 1.0}
"""The share of the calls that goes to chance."""
RECORDED = {"of every lead": False, "of called leads only": True}
"""Of whom outcomes are recorded; whether of called leads only."""


@dataclass(frozen=True)
class Asked:
    """How large the comparison is."""

    world: str
    leads: int
    trainings: int
    share: float
    seeds: range


@dataclass(frozen=True)
class Lived:
    """What came of a loop: deals won, calls, leads lost to a premature one, and its models on the probes, in order."""

    won: int
    calls: int
    lost: int
    learned: list[dict[str, float]]


@dataclass(frozen=True)
class Run:
    """One seed: by whose outcomes are recorded and by loop; deals won when nobody calls; the slice judged by calls."""

    seed: int
    capacity: int
    nobody: int
    open: int
    loops: dict[str, dict[str, Lived]]
    judged: Judged
    seconds: float


def runs(asked: Asked) -> Iterator[Run]:
    """A run for each seed."""
    for seed in asked.seeds:
        yield one_run(asked, seed)


def one_run(asked: Asked, seed: int) -> Run:
    """Every loop in the market of a seed, from the end of the world's history on, by its shortest horizon."""
    started = time.perf_counter()
    found = find_world(asked.world)
    spare = found.horizons[0] + 2 * WEEK  # the truth looks a horizon ahead of the last training
    until = found.ends_at + (asked.trainings + 1) * EVERY
    world = replace(found, primary=found.horizons[0], ends_at=until + spare)
    opening = open_market(world, asked.leads, seed, found.ends_at)
    contract = _contract(opening)
    weeks = (asked.trainings + 1) * EVERY // WEEK
    untouched = run_loop(opening, nobody, weeks)
    asked_about = probes(untouched, asked.trainings)
    shares = {**LOOPS, "a slice": asked.share}
    told: dict[str, dict[str, Lived]] = {}
    judged_slice = None
    for name, called_only in RECORDED.items():
        first = learned(contract, opening.history, opening.at, called_only=called_only)
        told[name] = {}
        for loop_name, share in shares.items():
            capacity = round(contract.policy.capacity_per_week or 1)
            loop = Loop(contract, capacity, share, seed, asked.trainings, [first], called_only)
            course = run_loop(opening, loop, weeks)
            told[name][loop_name] = _lived(loop, count(course).won, count(course).lost, asked_about)
            if called_only and loop_name == "a slice":
                judged_slice = judged_by_calls(contract, course, loop)
    assert judged_slice is not None  # noqa: S101 - the loops above hold a slice
    seconds = time.perf_counter() - started
    places = len(asked_about[0].called)
    return Run(seed, capacity, count(untouched).won, places, told, judged_slice, seconds)


def _lived(loop: Loop, won: int, lost: int, asked_about: list[Probe]) -> Lived:
    pairs = zip(loop.models, asked_about, strict=True)
    found = [judged(model, probe, loop.capacity, called_only=loop.called_only) for model, probe in pairs]
    return Lived(won, sum(len(call.leads) for call in loop.calls), lost, found)


def _contract(opening: Opening) -> Contract:
    """The world's contract without its points."""
    text = contract_toml(opening.world, len(opening.leads)).split("[points]")[0]
    capacity = max(1, round(opening.world.calls_per_week * len(opening.leads) / 1000))
    return parse_contract(f"{text}\n[policy]\ncapacity_per_week = {capacity}\n", Path())
