"""The command line of ``benchmarks/unlearning.py``: measure, tell, draw, write."""

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path

from benchmarks import unlearning_plots
from benchmarks.policy_command import BEGIN, END
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
        text = options.write.read_text(encoding="utf-8")
        before, _, rest = text.partition(BEGIN)
        options.write.write_text(f"{before}{BEGIN}\n\n{tables}\n\n{END}{rest.partition(END)[2]}", encoding="utf-8")


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


def write_runs(path: Path, asked: Asked, measured: list[Run]) -> None:
    """Every run as JSON, to be told again."""
    span = {"first": asked.seeds.start, "count": len(asked.seeds)}
    content = {"asked": {**asdict(asked), "seeds": span}, "runs": [asdict(run) for run in measured]}
    path.write_text(json.dumps(content, indent=1), encoding="utf-8")


def read_runs(path: Path) -> tuple[Asked, list[Run]]:
    """What ``write_runs`` wrote."""
    content = json.loads(path.read_text(encoding="utf-8"))
    span = content["asked"]["seeds"]
    asked = Asked(**{**content["asked"], "seeds": range(span["first"], span["first"] + span["count"])})
    found = []
    for run in content["runs"]:
        loops = {kind: {name: Lived(**one) for name, one in part.items()} for kind, part in run["loops"].items()}
        found.append(Run(**{**run, "loops": loops, "judged": Judged(**run["judged"])}))
    return asked, found


def read_arguments() -> tuple[Asked, argparse.Namespace]:
    """What is asked for, and where the answers go."""
    parser = argparse.ArgumentParser("python benchmarks/unlearning.py", description=ABOUT)
    parser.add_argument("--world", default="steady")
    parser.add_argument("--leads", type=int, default=6_700, help="so many in the whole history")
    parser.add_argument("--trainings", type=int, default=10, help="so often a model is trained again, every four weeks")
    parser.add_argument("--share", type=float, default=0.05, help="of the calls, so large a slice goes to chance")
    parser.add_argument("--seeds", type=int, default=6)
    parser.add_argument("--first-seed", type=int, default=1_000)
    parser.add_argument("--json", type=Path, help="write every run here")
    parser.add_argument("--again", type=Path, help="tell of the runs in this JSON file instead of measuring")
    parser.add_argument("--plot", type=Path, help="draw the comparison here, a PNG")
    parser.add_argument("--write", type=Path, help="the page whose tables to renew")
    options = parser.parse_args()
    seeds = range(options.first_seed, options.first_seed + options.seeds)
    return Asked(options.world, options.leads, options.trainings, options.share, seeds), options
