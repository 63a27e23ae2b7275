"""One market for each seed: a model trained on what was known before, then every policy from there on."""

import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import pyarrow.parquet as pq

from benchmarks.policy_callers import Agreed, Score, best, by_chance, by_gain, by_model, by_points, by_truth, nobody
from benchmarks.policy_flaps import Flaps, flaps
from data.check import check
from data.clock import WEEK
from data.contract import Contract, load_contract
from data.simulation.folder import TABLES, contract_toml
from data.simulation.loop import Caller, Opening, open_market, run_loop
from data.simulation.points import points_toml
from data.simulation.tally import count
from data.simulation.world import World
from data.simulation.worlds import find_world
from training.trial import Trial, run_trial

POLICIES = (
    *("nobody calls", "random", "points", "model", "model, shortest horizon", "model, agreed policy"),
    *("exact readiness", "exact gain"),
)


@dataclass(frozen=True)
class Asked:
    """How large the comparison is."""

    world: str
    leads: int
    weeks: int
    seeds: range


@dataclass(frozen=True)
class Run:
    """What came of one seed: the tally of each policy, and the flaps of each rule."""

    seed: int
    capacity: int
    auc: float
    threshold: float
    tallies: dict[str, dict[str, int]]
    flaps: dict[str, Flaps]
    seconds: float


def runs(asked: Asked) -> Iterator[Run]:
    """A run for each seed."""
    world = find_world(asked.world)
    for seed in asked.seeds:
        yield one_run(world, asked, seed)


def one_run(world: World, asked: Asked, seed: int) -> Run:
    """Every policy in the market of a seed, from the end of the world's history on, with the same capacity."""
    started = time.perf_counter()
    longer = replace(world, ends_at=world.ends_at + asked.weeks * WEEK)
    opening = open_market(longer, asked.leads, seed, world.ends_at)
    trial = train(opening, seed)
    capacity = round(trial.contract.policy.capacity_per_week or 0)
    scores: dict[str, Score] = {
        "random": by_chance(seed),
        "points": by_points(opening),
        "model": by_model(trial),
        "model, shortest horizon": by_model(trial, trial.model.horizons[0]),
        "exact readiness": by_truth(opening),
        "exact gain": by_gain(opening),
    }
    callers: dict[str, Caller] = {"nobody calls": nobody}
    callers |= {name: best(score, capacity) for name, score in scores.items()}
    callers["model, agreed policy"] = Agreed(trial, capacity, scores["model"])
    courses = {name: run_loop(opening, callers[name], asked.weeks) for name in POLICIES}
    served = trial.report["horizons"][trial.report["primary"]]["models"][trial.report["served"]]
    return Run(
        seed,
        capacity,
        served["auc"],
        trial.policy.threshold,
        {name: asdict(count(course)) for name, course in courses.items()},
        flaps(courses["nobody calls"], trial),
        time.perf_counter() - started,
    )


def train(opening: Opening, seed: int) -> Trial:
    """A model of what was recorded and known before the policy took over, by the contract of the world."""
    with tempfile.TemporaryDirectory() as folder:
        contract = _written(opening, Path(folder), seed)
        return run_trial(contract, check(contract))


def _written(opening: Opening, folder: Path, seed: int) -> Contract:
    """The facts and their contract as files; fewer cutoffs, folds and hazard bins than by default, to save time."""
    history = opening.history
    for name in TABLES:
        pq.write_table(getattr(history, name), folder / f"{name}.parquet")
    (folder / "points.toml").write_text(points_toml(opening.world.points), encoding="utf-8")
    text = contract_toml(opening.world, len(opening.leads))
    (folder / "readiness.toml").write_text(text, encoding="utf-8")
    agreed = load_contract(folder / "readiness.toml")
    changed = {
        "source": agreed.source.model_copy(update={"history_end": opening.at}),
        "spine": agreed.spine.model_copy(update={"every": 2 * WEEK}),
        "model": agreed.model.model_copy(update={"threads": 1, "bins": 2, "seed": seed}),
        "backtest": agreed.backtest.model_copy(update={"folds": 2}),
        "leaks": agreed.leaks.model_copy(update={"check": False}),
    }
    return agreed.model_copy(update=changed)
