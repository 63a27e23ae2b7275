"""What a benchmark leaves behind: the tables of a page, and runs over seeds that can be told again."""

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

BEGIN, END = "<!-- measured -->", "<!-- end of measured -->"


def renew(page: Path, tables: str) -> None:
    """Put ``tables`` between the marks of a page; what stands around them stays."""
    text = page.read_text(encoding="utf-8")
    before, begun, rest = text.partition(BEGIN)
    _, ended, after = rest.partition(END)
    if not (begun and ended):
        sys.exit(f"{page} has no place for the tables. Expected a line {BEGIN} and below it a line {END}: add them.")
    page.write_text(f"{before}{BEGIN}\n\n{tables.strip()}\n\n{END}{after}", encoding="utf-8")


def over_seeds(parser: argparse.ArgumentParser, seeds: int, first: int) -> None:
    """The options of a benchmark that runs over seeds, and where its answers go."""
    parser.add_argument("--seeds", type=int, default=seeds)
    parser.add_argument("--first-seed", type=int, default=first)
    parser.add_argument("--json", type=Path, help="write every run here")
    parser.add_argument("--again", type=Path, help="tell of the runs in this JSON file instead of measuring")
    parser.add_argument("--write", type=Path, help="the page whose tables to renew")


def seeds_of(options: argparse.Namespace) -> range:
    """The seeds that ``over_seeds`` asks about."""
    return range(options.first_seed, options.first_seed + options.seeds)


def write_runs(path: Path, asked: Any, runs: Sequence[Any]) -> None:
    """What was asked (a dataclass with a range ``seeds``) and every run (a dataclass each) as JSON."""
    span = {"first": asked.seeds.start, "count": len(asked.seeds)}
    content = {"asked": {**asdict(asked), "seeds": span}, "runs": [asdict(run) for run in runs]}
    path.write_text(json.dumps(content, indent=1), encoding="utf-8")


def runs_in(path: Path) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The fields of what ``write_runs`` wrote: of what was asked, with its range of seeds, and of each run."""
    content = json.loads(path.read_text(encoding="utf-8"))
    span = content["asked"]["seeds"]
    return {**content["asked"], "seeds": range(span["first"], span["first"] + span["count"])}, content["runs"]
