"""The command of benchmarks/chaos.py."""

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path

from benchmarks import chaos_scenes as scenes
from benchmarks.chaos_judge import Verdict
from benchmarks.chaos_postgres import Postgres, postgres
from benchmarks.chaos_programs import ROOT, Ground
from benchmarks.chaos_scenes import Result, Told
from benchmarks.measured import renew
from data.simulation.folder import write
from data.simulation.market import simulate

SCENES = ("service", "worker", "two", "restart", "crash", "disk")


def main() -> None:
    """Play the scenes that are asked for; exit code 1 when anything is wrong."""
    parser = argparse.ArgumentParser(prog="benchmarks/chaos.py")
    parser.add_argument("--store", choices=["both", "sqlite", "postgresql"], default="both")
    parser.add_argument("--scene", choices=SCENES, action="append", help="Only this one; may be repeated.")
    parser.add_argument("--kills", type=int, default=Told.kills)
    parser.add_argument("--every", type=float, default=Told.every_s, help="Seconds between two kills.")
    parser.add_argument("--clients", type=int, default=Told.clients)
    parser.add_argument("--contract", type=Path, help="With --bundle: no model is trained first.")
    parser.add_argument("--bundle", type=Path)
    parser.add_argument("--json", type=Path, help="Keep the figures here; those of other scenes in it stay.")
    parser.add_argument("--write", type=Path, help="Put the table into this page, between its marks.")
    asked = parser.parse_args()
    told = Told(asked.kills, asked.every, asked.clients)
    with tempfile.TemporaryDirectory(prefix="readiness-chaos-") as text:
        folder = Path(text)
        contract, bundle = (asked.contract, asked.bundle) if asked.bundle else trained(folder)
        results, well = before(asked.json), True
        for result in play(folder, contract, bundle, told, asked.scene or list(SCENES), asked.store):
            results = [one for one in results if (one.scene, one.store) != (result.scene, result.store)] + [result]
            well = well and result.verdict.well and not result.note
            print(line(result), flush=True)
            keep(results, asked.json, asked.write)
    print(table(results))
    if not well:
        sys.exit(1)


def before(figures: Path | None) -> list[Result]:
    """What is kept of scenes that were played before."""
    if figures is None or not figures.is_file():
        return []
    kept = json.loads(figures.read_text(encoding="utf-8"))
    return [Result(**{**one, "verdict": Verdict(**one["verdict"])}) for one in kept]


def keep(results: list[Result], figures: Path | None, page: Path | None) -> None:
    """Write what there is so far: a run that is broken off has not been for nothing."""
    if figures:
        figures.write_text(json.dumps([asdict(one) for one in results], indent=2) + "\n", encoding="utf-8")
    if page:
        renew(page, table(results))


def trained(folder: Path) -> tuple[Path, Path]:
    """A market of 400 leads and the bundle that was learned from it."""
    print("A small market is simulated and a model trained: this takes a minute.", flush=True)
    write(simulate("quick", 400, 4), folder)
    contract = folder / "readiness.toml"
    contract.write_text(contract.read_text().replace('every = "7d"', 'every = "28d"'))
    command = [sys.executable, "-P", "-m", "serving.cli", "train", "--contract", str(contract), "--json"]
    said = json.loads(subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT).stdout)
    return contract, folder / ".readiness" / "bundles" / said["bundle_id"]


def play(folder: Path, contract: Path, bundle: Path, told: Told, wanted: list[str], stores: str) -> Iterator[Result]:
    """Play scenes on SQLite, then on PostgreSQL."""

    def ground(name: str, url: str | None = None, place: Path | None = None) -> Ground:
        logs = folder / name
        logs.mkdir()
        return Ground(contract, bundle, url or f"sqlite:///{(place or logs) / 'store.db'}", logs)

    if stores != "postgresql":
        yield from _shared(wanted, told, lambda name: ground(f"{name}-sqlite"))
        if "disk" in wanted:
            with scenes.small_disk() as disk:
                yield scenes.disk_full(ground("disk-sqlite", place=disk.folder / "store"), told, disk)
    if stores != "sqlite":
        with postgres() as server:
            yield from _shared(wanted, told, lambda name: ground(f"{name}-postgresql", server.database()))
            yield from _of_postgres(wanted, told, ground, server)


def _shared(wanted: list[str], told: Told, ground: Callable[[str], Ground]) -> Iterator[Result]:
    for name, scene in (("service", scenes.kill_service), ("worker", scenes.kill_worker), ("two", scenes.two_of_each)):
        if name in wanted:
            yield scene(ground(name), told)


def _of_postgres(wanted: list[str], told: Told, ground: Callable[..., Ground], server: Postgres) -> Iterator[Result]:
    for name, scene in (("restart", scenes.restart_postgres), ("crash", scenes.crash_postgres)):
        if name in wanted:
            yield scene(ground(name, server.database()), told, server)
    if "disk" in wanted:
        with scenes.small_disk() as disk:
            yield scenes.disk_full(ground("disk-postgresql", server.database(disk.folder / "store")), told, disk)


def line(result: Result) -> str:
    """One scene in a sentence."""
    found = ", ".join(f"{name}: {count}" for name, count in result.verdict.wrong.items() if count) or "nothing is wrong"
    return f"{result.scene} on {result.store}: {found}{'; ' + result.note if result.note else ''}"


def table(results: list[Result]) -> str:
    """The scenes as a Markdown table."""
    names = ("scene", "store", "kills", *(results[0].verdict.seen if results else ()), "wrong", "slowest recovery")
    lines = [f"| {' | '.join(names)} |", f"|{'---|' * 2}{'---:|' * (len(names) - 2)}"]
    for one in results:
        seen = [f"{count:,}" for count in one.verdict.seen.values()]
        slowest = f"{max(one.recovered_s):.1f} s" if one.recovered_s else ""
        cells = [one.scene, one.store, str(one.kills), *seen, str(sum(one.verdict.wrong.values())), slowest]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)
