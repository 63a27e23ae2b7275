"""The command line of ``benchmarks/watch.py``: measure, tell, write."""

import argparse
import sys
from pathlib import Path

from benchmarks.measured import over_seeds, renew, runs_in, seeds_of, write_runs
from benchmarks.watch_report import tables
from benchmarks.watch_runs import Look, Run, Setting, runs

ABOUT = "Measure how soon `readiness watch` notices a change, and how often it cries where nothing has changed."


def main() -> None:
    """Measure, print, and write when asked."""
    options = read_arguments()
    setting, measured = read_runs(options.again) if options.again else measure(options)
    told = tables(setting, measured)
    print(told)
    if options.json:
        write_runs(options.json, setting, measured)
    if options.write:
        renew(options.write, told)


def measure(options: argparse.Namespace) -> tuple[Setting, list[Run]]:
    """A run for each world and seed, each told when it is done."""
    setting = Setting(tuple(options.worlds), options.leads, options.weeks, seeds_of(options), options.threads)
    measured = []
    for run in runs(setting):
        measured.append(run)
        new = [f"{kind}: {subject}" for look in run.looks for kind, subject in look.new]
        print(f"{run.world}, seed {run.seed}: {run.seconds:.0f} s; {new}", file=sys.stderr, flush=True)
    return setting, measured


def read_runs(path: Path) -> tuple[Setting, list[Run]]:
    """What ``--json`` wrote."""
    setting, told = runs_in(path)
    return Setting(**setting), [Run(**{**run, "looks": tuple(map(_look, run["looks"]))}) for run in told]


def _look(told: dict[str, object]) -> Look:
    return Look(**{**told, "new": tuple(map(tuple, told["new"])), "rules": tuple(told["rules"])})


def read_arguments() -> argparse.Namespace:
    """What is asked for, and where the answers go."""
    parser = argparse.ArgumentParser("python benchmarks/watch.py", description=ABOUT)
    parser.add_argument("--worlds", nargs="+", default=["steady", "drifting"])
    parser.add_argument("--leads", type=int, default=1_500, help="so many in the whole history")
    parser.add_argument("--weeks", type=int, default=26, help="so many weekly looks")
    over_seeds(parser, seeds=5, first=1)
    parser.add_argument("--threads", type=int, default=1)
    return parser.parse_args()
