"""Runs of engines side by side: each in a fresh process, in turns, so that a busy moment falls on all of them alike."""

import json
import os
import statistics
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from benchmarks.feature_check import disagreement
from benchmarks.feature_market import Market, market
from benchmarks.feature_questions import LEVELS, questions

ROOT = Path(__file__).resolve().parents[1]
STORE = ROOT / ".readiness" / "bench"
WARM_EVENTS = 400
OURS = "benchmarks.peers.readiness_engine"


@dataclass
class Engine:
    """A module to run, how to call it in a table, and the Python to run it with."""

    module: str
    title: str
    python: str = sys.executable


@dataclass
class Runs:
    """What the runs of one engine on one market cost."""

    engine: Engine
    market: Market
    costs: list[dict[str, Any]] = field(default_factory=list)
    names: list[str] = field(default_factory=list)

    def median(self, what: str) -> float:
        """Of ``cpu``, ``wall`` (seconds) or ``peak_mib``."""
        return statistics.median(cost[what] for cost in self.costs)

    def part(self, name: str, what: str = "cpu") -> float:
        """The median of one part of a run."""
        return statistics.median(cost["parts"][name][what] for cost in self.costs)

    def row(self) -> dict[str, Any]:
        """For the JSON file."""
        told = {"engine": self.engine.title, "events": self.market.events, "rows": self.market.rows}
        told |= {"features": len(self.names) or None, "cpu_s": self.median("cpu"), "wall_s": self.median("wall")}
        return {**told, "peak_rss_mib": self.median("peak_mib"), "runs": self.costs}


def side_by_side(
    engines: Sequence[Engine],
    of: Market,
    *,
    repeats: int,
    threads: int,
    check: bool = False,
    count: int = 0,
    warm: int = WARM_EVENTS,
) -> list[Runs]:
    """Every engine ``repeats`` times on one market. With ``check`` the answers of the first round are compared.

    Exits with a sentence when a peer does not answer as ours does: then no time would mean anything.
    """
    found = [Runs(engine, of) for engine in engines]
    _into_page_cache(of.folder)
    with TemporaryDirectory(dir=STORE, prefix="answers-") as answers:
        for turn in range(repeats):
            for runs in found:
                save = Path(answers) / f"{runs.engine.module}.npy" if check and not turn else None
                cost = run_child(runs.engine, of.folder, threads=threads, save=save, count=count, warm=warm)
                runs.names = cost.pop("names", runs.names)
                runs.costs.append(cost)
            if check and not turn:
                _compare(found, Path(answers))
    return found


def _into_page_cache(folder: Path) -> None:
    """Read every file once, so that the first engine does not pay for the disk."""
    for path in folder.glob("*.parquet"):
        with path.open("rb") as file:
            while file.read(1 << 24):
                pass


def run_child(
    engine: Engine, folder: Path, *, threads: int, save: Path | None = None, count: int = 0, warm: int = WARM_EVENTS
) -> dict[str, Any]:
    """One run in a process of its own; the last line that it prints is its account."""
    command = [engine.python, "-m", "benchmarks.feature_child", engine.module, folder, "--threads", str(threads)]
    command += ["--warm", market(STORE, warm).folder, "--count", str(count)]
    if save:
        command += ["--save", save, "--questions", _write_questions(save.with_suffix(".json"))]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT, env=environment(threads))
    if done.returncode:
        sys.exit(f"{engine.title} failed on {folder.name}:\n{done.stderr[-3000:]}")
    return json.loads(done.stdout.splitlines()[-1])


def environment(threads: int) -> dict[str, str]:
    """For a child: where it imports from, and every library's own word for the number of threads."""
    words = ("POLARS_MAX_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
    roots = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    return {**os.environ, "PYTHONPATH": roots, **dict.fromkeys(words, str(threads))}


def _write_questions(path: Path) -> Path:
    path.write_text(json.dumps({"names": questions().names, "levels": LEVELS}))
    return path


def _compare(found: Sequence[Runs], answers: Path) -> None:
    ours = next(runs for runs in found if runs.engine.module == OURS)
    expected = np.load(answers / f"{OURS}.npy", mmap_mode="r")
    for runs in found:
        path = answers / f"{runs.engine.module}.npy"
        wrong = disagreement(expected, ours.names, np.load(path, mmap_mode="r"), runs.names)
        if wrong:
            sys.exit(f"{runs.engine.title} does not answer as the engine does on {runs.market.folder.name}: {wrong}")
    for path in answers.iterdir():
        path.unlink()
