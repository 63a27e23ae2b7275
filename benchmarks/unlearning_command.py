"""The command line of ``benchmarks/unlearning.py``: measure, tell, draw, write."""

import argparse
import sys
from pathlib import Path

from benchmarks import unlearning_plots
from benchmarks.measured import over_seeds, renew, runs_in, seeds_of, write_runs
from benchmarks.unlearning_judged import Judged
from benchmarks.unlearning_report import told
from benchmarks.unlearning_runs import Asked, Lived, Run, runs

ABOUT = "Measure what a loop unlearns that only sees what it let happen, and what exploration costs and saves."


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
        unlearning_plots.write(options.plot, measured)
    if options.write:
        renew(options.write, tables)


def measure(asked: Asked) -> list[Run]:
    """A run for each seed, each told when it is done."""
    measured = []
    for run in runs(asked):
        measured.append(run)
        won = "; ".join(
            f"{kind}: " + ", ".join(f"{name} {lived.won}" for name, lived in loops.items())
            for kind, loops in run.loops.items()
        )
        print(f"seed {run.seed}: {run.seconds:.0f} s; won: {won}", file=sys.stderr, flush=True)
    return measured


def read_runs(path: Path) -> tuple[Asked, list[Run]]:
    """What ``--json`` wrote."""
    asked, told_before = runs_in(path)
    found = []
    for run in told_before:
        loops = {kind: {name: Lived(**one) for name, one in part.items()} for kind, part in run["loops"].items()}
        found.append(Run(**{**run, "loops": loops, "judged": Judged(**run["judged"])}))
    return Asked(**asked), found


def read_arguments() -> tuple[Asked, argparse.Namespace]:
    """What is asked for, and where the answers go."""
    parser = argparse.ArgumentParser("python benchmarks/unlearning.py", description=ABOUT)
    parser.add_argument("--world", default="steady")
    parser.add_argument("--leads", type=int, default=6_700, help="so many in the whole history")
    parser.add_argument("--trainings", type=int, default=10, help="so often a model is trained again, every four weeks")
    parser.add_argument("--share", type=float, default=0.05, help="of the calls, so large a slice goes to chance")
    over_seeds(parser, seeds=6, first=1_000)
    parser.add_argument("--plot", type=Path, help="draw the comparison here, a PNG")
    options = parser.parse_args()
    return Asked(options.world, options.leads, options.trainings, options.share, seeds_of(options)), options
