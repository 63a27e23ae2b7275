"""The command of the benchmark of what serves beside what was judged."""

import argparse
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa

from benchmarks.measured import over_seeds, renew, runs_in, seeds_of, write_runs
from benchmarks.quality_case import as_read
from benchmarks.watch_runs import Setting
from data.check import Checked
from data.clock import WEEK, format_duration
from data.contract import Contract
from data.history import History
from data.report import Report
from data.simulation.drifting import DRIFTS_AT
from data.simulation.market import simulate
from data.simulation.truth import truth
from data.spine import closed_at, micros, positions
from features.local import compute
from features.partition import open_leads
from models.model import ReadinessModel
from models.numerics import Floats
from training.trial import Trial, run_trial

MADE_AT = DRIFTS_AT + 13 * WEEK
APART = 3 * WEEK
MOST_ROWS = 6_000
"""The exact probability is computed of so many rows."""
PATHS = 128
"""Where the company calls by its points the exact probability is a simulation of so many markets for each cutoff. With
32 of them its own noise was 0.003 of the share."""
WORLDS = ("steady", "quick", "points_driven", "drifting")
BOTH = ("judged", "served")
HEADS = ("share reached by the judged", "by the one that serves", "told / exact, judged", "the one that serves")


@dataclass(frozen=True)
class Run:
    """A world with a seed: rows asked about, and what became of both models on the primary horizon.

    ``share`` of the explainable log loss that is reached, and the mean ``told`` beside the ``exact`` one.
    """

    world: str
    seed: int
    horizon: str
    rows: int
    exact: float
    share: dict[str, float]
    told: dict[str, float]


def main() -> None:
    """Measure, print the table, write what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--worlds", nargs="+", choices=WORLDS, default=WORLDS)
    parser.add_argument("--leads", type=int, default=3_000)
    parser.add_argument("--weeks", type=int, default=13)
    over_seeds(parser, 3, 1)
    options = parser.parse_args()
    setting = Setting(tuple(options.worlds), options.leads, options.weeks, seeds_of(options))
    if options.again:
        asked, kept = runs_in(options.again)
        setting, found = Setting(**asked), [Run(**run) for run in kept]
    else:
        found = []
        for run in runs(setting):
            print(f"{run.world} {run.seed}: {run.share}, told {run.told}, exact {run.exact:.4f}", flush=True)
            found.append(run)
    if options.json:
        write_runs(options.json, setting, found)
    text = table(setting, found)
    print(text)
    if options.write:
        renew(options.write, text)


def runs(setting: Setting) -> Iterator[Run]:
    """A run for each world and seed."""
    for world in setting.worlds:
        for seed in setting.seeds:
            yield _run(setting, world, seed)


def _run(setting: Setting, world: str, seed: int) -> Run:
    market = simulate(world, setting.leads, seed)
    contract, history = as_read(market, 1)
    past = replace(history.upto(MADE_AT), ends_at=MADE_AT)
    trial = run_trial(contract, Checked(past, {}, Report((), MADE_AT, ())))
    spine = _asked(contract, history, setting.weeks, seed)
    name = format_duration(contract.ready.primary)
    exact = truth(market, spine, contract.ready.horizons, seed=seed, paths=PATHS)[f"p_{name}"].to_numpy()
    matrix = compute(history, spine, trial.feature_set, trial.vocabulary, threads=1).matrix
    said = {which: _primary(model, matrix) for which, model in zip(BOTH, (trial.judged, trial.model), strict=True)}
    base = _loss(exact, np.full(len(exact), _base_rate(trial)))
    share = {which: (base - _loss(exact, told)) / (base - _loss(exact, exact)) for which, told in said.items()}
    told = {which: float(chance.mean()) for which, chance in said.items()}
    return Run(world, seed, name, len(spine), float(exact.mean()), share, told)


def _asked(contract: Contract, history: History, weeks: int, seed: int) -> pa.Table:
    """The leads open at each moment and, as became known later, not closed before it."""
    moments = range(MADE_AT, MADE_AT + weeks * WEEK + 1, APART)
    spine = pa.concat_tables([open_leads(history.upto(at), contract.ready, at) for at in moments])
    closed = closed_at(history.leads["lead_id"], contract.ready, history)
    there = closed[positions(spine["lead_id"], history.leads["lead_id"])] >= micros(spine["cutoff"])
    rows = np.random.default_rng(seed).permutation(np.flatnonzero(there))[:MOST_ROWS]
    return spine.take(pa.array(np.sort(rows)))


def _primary(model: ReadinessModel, matrix: np.ndarray) -> Floats:
    return model.predict(matrix)[:, model.horizons.index(model.primary)]


def _base_rate(trial: Trial) -> float:
    """What a company that knows only its past would tell everybody: the rate of the rows judged on."""
    return float(trial.report["horizons"][trial.report["primary"]]["rate"])


def _loss(exact: Floats, told: Floats) -> float:
    """The log loss to be expected under the exact probability, in nats."""
    kept = np.clip(told, 1e-9, 1 - 1e-9)
    return float(-(exact * np.log(kept) + (1 - exact) * np.log1p(-kept)).mean())


def table(setting: Setting, found: Sequence[Run]) -> str:
    """The means over seeds, with their standard errors, as Markdown."""
    seeds = f"seeds {setting.seeds.start} to {setting.seeds.stop - 1}"
    lines = [
        f"{setting.leads:,} leads in the whole history, {setting.weeks} weeks after the model was made, {seeds}.",
        "",
        f"| world | {' | '.join(HEADS)} |",
        "|---|---:|---:|---:|---:|",
    ]
    for world in setting.worlds:
        mine = [run for run in found if run.world == world]
        shares = [_mean([run.share[which] for run in mine]) for which in BOTH]
        levels = [_mean([run.told[which] / run.exact for run in mine]) for which in BOTH]
        lines.append("| " + " | ".join([f"{world}, {_days(mine[0].horizon)}", *shares, *levels]) + " |")
    return "\n".join(lines)


def _mean(values: Sequence[float]) -> str:
    spread = f" ± {statistics.stdev(values) / len(values) ** 0.5:.3f}" if len(values) > 1 else ""
    return f"{statistics.fmean(values):.3f}{spread}"


def _days(horizon: str) -> str:
    return f"{horizon.removesuffix('d')} days"
