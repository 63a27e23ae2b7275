"""The command line of ``benchmarks/policy.py``: measure, tell, draw, write."""

import argparse
import sys
from pathlib import Path

from benchmarks import policy_plots
from benchmarks.measured import over_seeds, renew, runs_in, seeds_of, write_runs
from benchmarks.policy_flaps import Flaps
from benchmarks.policy_report import flapping, outcomes, pairs
from benchmarks.policy_runs import Asked, Run, runs

ABOUT = "Measure what a policy brings: the same market, the same capacity, and somebody who chooses whom sales calls."


def main() -> None:
    """Measure, print, and write when asked."""
    asked, options = read_arguments()
    if options.again:
        asked, measured = read_runs(options.again)
    else:
        measured = measure(asked)
    tables = told(asked, measured)
    print(tables)
    if options.json:
        write_runs(options.json, asked, measured)
    if options.plot:
        policy_plots.write(options.plot, measured)
    if options.write:
        renew(options.write, tables)


def measure(asked: Asked) -> list[Run]:
    """A run for each seed, each told when it is done."""
    measured = []
    for run in runs(asked):
        measured.append(run)
        won = ", ".join(f"{name} {tally['won']}" for name, tally in run.tallies.items())
        print(f"seed {run.seed}: {run.seconds:.0f} s; won: {won}", file=sys.stderr, flush=True)
    return measured


def read_runs(path: Path) -> tuple[Asked, list[Run]]:
    """What ``--json`` wrote."""
    asked, told = runs_in(path)
    found = [{**run, "flaps": {rule: Flaps(**one) for rule, one in run["flaps"].items()}} for run in told]
    return Asked(**asked), [Run(**run) for run in found]


def read_arguments() -> tuple[Asked, argparse.Namespace]:
    """What is asked for, and where the answers go."""
    parser = argparse.ArgumentParser("python benchmarks/policy.py", description=ABOUT)
    parser.add_argument("--world", default="steady")
    parser.add_argument("--leads", type=int, default=6_000, help="so many in the whole history")
    parser.add_argument("--weeks", type=int, default=26, help="so long each policy chooses")
    over_seeds(parser, seeds=12, first=1_000)
    parser.add_argument("--plot", type=Path, help="draw the comparison here, a PNG")
    options = parser.parse_args()
    return Asked(options.world, options.leads, options.weeks, seeds_of(options)), options


def told(asked: Asked, measured: list[Run]) -> str:
    """The size of the comparison and its tables."""
    aucs, thresholds = ([getattr(run, name) for run in measured] for name in ("auc", "threshold"))
    head = (
        f"World {asked.world}, {asked.leads:,} leads, {measured[0].capacity} calls a week for {asked.weeks} weeks, "
        f"{len(measured)} seeds from {asked.seeds.start}. Means over seeds, 95 % intervals in brackets. AUC of the "
        f"models on later rows: {min(aucs):.3f} to {max(aucs):.3f}; their thresholds: {min(thresholds):.1%} to "
        f"{max(thresholds):.1%}."
    )
    return "\n\n".join([head, outcomes(measured), pairs(measured), flapping(measured)])
