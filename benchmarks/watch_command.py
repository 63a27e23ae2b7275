"""The command line of ``benchmarks/watch.py``: measure, tell, write."""

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path

from benchmarks.watch_report import tables
from benchmarks.watch_runs import Look, Run, Setting, runs

ABOUT = "Measure how soon `readiness watch` notices a change, and how often it cries where nothing has changed."
BEGIN, END = "<!-- measured -->", "<!-- end of measured -->"


def main() -> None:
    """Measure, print, and write when asked."""
    options = read_arguments()
    setting, measured = read_runs(options.again) if options.again else measure(options)
    told = tables(setting, measured)
    print(told)
    if options.json:
        content = {"setting": _plain(setting), "runs": [asdict(run) for run in measured]}
        options.json.write_text(json.dumps(content, indent=1), encoding="utf-8")
    if options.write:
        text = options.write.read_text(encoding="utf-8")
        before, _, rest = text.partition(BEGIN)
        options.write.write_text(f"{before}{BEGIN}\n\n{told}\n\n{END}{rest.partition(END)[2]}", encoding="utf-8")


def measure(options: argparse.Namespace) -> tuple[Setting, list[Run]]:
    """A run for each world and seed, each told when it is done."""
    seeds = range(options.first_seed, options.first_seed + options.seeds)
    setting = Setting(tuple(options.worlds), options.leads, options.weeks, seeds, options.threads)
    measured = []
    for run in runs(setting):
        measured.append(run)
        new = [f"{kind}: {subject}" for look in run.looks for kind, subject in look.new]
        print(f"{run.world}, seed {run.seed}: {run.seconds:.0f} s; {new}", file=sys.stderr, flush=True)
    return setting, measured


def _plain(setting: Setting) -> dict[str, object]:
    return {**asdict(setting), "seeds": {"first": setting.seeds.start, "count": len(setting.seeds)}}


def read_runs(path: Path) -> tuple[Setting, list[Run]]:
    """What ``--json`` wrote."""
    content = json.loads(path.read_text(encoding="utf-8"))
    span = content["setting"].pop("seeds")
    setting = Setting(**content["setting"], seeds=range(span["first"], span["first"] + span["count"]))
    found = [{**run, "looks": tuple(map(_look, run["looks"]))} for run in content["runs"]]
    return setting, [Run(**run) for run in found]


def _look(told: dict[str, object]) -> Look:
    return Look(**{**told, "new": tuple(map(tuple, told["new"])), "rules": tuple(told["rules"])})


def read_arguments() -> argparse.Namespace:
    """What is asked for, and where the answers go."""
    parser = argparse.ArgumentParser("python benchmarks/watch.py", description=ABOUT)
    parser.add_argument("--worlds", nargs="+", default=["steady", "drifting"])
    parser.add_argument("--leads", type=int, default=1_500, help="so many in the whole history")
    parser.add_argument("--weeks", type=int, default=26, help="so many weekly looks")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--first-seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--json", type=Path, help="write every run here")
    parser.add_argument("--again", type=Path, help="tell of the runs in this JSON file instead of measuring")
    parser.add_argument("--write", type=Path, help="the page whose tables to renew")
    return parser.parse_args()
