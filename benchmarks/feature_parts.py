"""The parts of the benchmark: peers, floor, growth, online, memory. Each returns rows, and what they come to."""

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from benchmarks import feature_floor
from benchmarks.feature_market import market
from benchmarks.feature_questions import questions
from benchmarks.feature_runs import OURS, ROOT, STORE, WARM_EVENTS, Engine, Runs, environment, run_child, side_by_side
from benchmarks.peers import environments

READINESS = Engine(OURS, "Readiness")
PEERS = {
    "polars": Engine("benchmarks.peers.polars_streaming", "Polars, streaming"),
    "duckdb": Engine("benchmarks.peers.duckdb_packed", "DuckDB, packed buckets"),
    "duckdb-plain": Engine("benchmarks.peers.duckdb_plain", "DuckDB, plain SQL"),
    "pandas": Engine("benchmarks.peers.pandas_frames", "pandas"),
}
OUT_OF_CORE = 30_000_000
"""Sizes from here on are computed from Parquet to Parquet only."""
CUTOFFS = (1, 0, 26, 180)
"""Rows a lead; 0 is five or six."""
FEATURES = (12, 43, 97, 157, 290)
ONLINE_EVENTS = (1, 20, 200, 2_000)


@dataclass
class Asked:
    """The options of the command."""

    sizes: list[int]
    peers: list[str]
    repeats: int
    threads: int
    cutoffs: tuple[int, ...] = CUTOFFS
    features: tuple[int, ...] = FEATURES
    online: tuple[int, ...] = ONLINE_EVENTS
    tell: Callable[[str], None] = print

    @property
    def in_memory(self) -> list[int]:
        """The sizes whose answers are held in memory."""
        return [size for size in self.sizes if size < OUT_OF_CORE] or [1_000_000]


@dataclass
class Part:
    """What one part found: its rows for the table, and figures by name."""

    rows: list[dict[str, Any]] = field(default_factory=list)
    figures: dict[str, Any] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def peers(asked: Asked) -> Part:
    """The engine beside each peer on the smallest size, every answer compared on every row."""
    part = Part()
    size = market(STORE, min(asked.in_memory))
    engines = [READINESS, *(PEERS[name] for name in asked.peers if name in PEERS)]
    ours, *others = side_by_side(engines, size, repeats=asked.repeats, threads=asked.threads, check=True)
    part.rows = [ours.row(), *(_beside(ours, other) for other in others)]
    for name in asked.peers:
        if name in environments.PINS:
            _scaled(name, ours, asked, part)
    speedups = {row["engine"]: row["speedup"] for row in part.rows[1:]}
    part.figures = {"speedup": speedups, "speedup_vs_best_peer": min(speedups.values(), default=None)}
    return part


def _beside(ours: Runs, other: Runs) -> dict[str, Any]:
    """A peer's row, and how many times our CPU and wall time it takes for as many cells."""
    share = len(ours.names) / len(other.names)
    speedup = {what: share * other.median(what) / ours.median(what) for what in ("cpu", "wall")}
    return {**other.row(), "speedup": speedup["cpu"], "speedup_wall": speedup["wall"]}


def _scaled(name: str, ours: Runs, asked: Asked, part: Part) -> None:
    """A peer with an environment of its own: a small slice, its cost multiplied by rows and cells."""
    pins = environments.PINS[name]
    python, reason = environments.prepare(name, STORE)
    if python is None:
        part.notes.append(f"{pins.title} is left out: {reason}")
        return
    engine = Engine(pins.module, pins.title, str(python))
    asked.tell(f"{pins.title} on {pins.events:,} events ...")
    slice_ = market(STORE, pins.events)
    _, theirs = side_by_side(
        [READINESS, engine], slice_, repeats=1, threads=asked.threads, check=True, warm=pins.warm_events
    )
    scale = ours.market.rows / slice_.rows * len(ours.names) / len(theirs.names)
    speedups = {what: scale * theirs.median(what) / ours.median(what) for what in ("cpu", "wall")}
    part.rows.append({**theirs.row(), "speedup": speedups["cpu"], "speedup_wall": speedups["wall"], "scaled": scale})
    missing = [each for each in ours.names if each not in theirs.names]
    part.notes.append(
        f"{pins.title} ran on {slice_.rows:,} rows and answered {len(theirs.names)} of {len(ours.names)} features; its "
        f"cost is scaled by {scale:,.1f} for rows and cells. Not asked: {', '.join(missing) or 'nothing'}."
    )


def floor(asked: Asked) -> Part:
    """The engine beside the physical floor, for each size that fits in memory; and how cost grows with events."""
    part = Part()
    feature_floor.write_keys(market(STORE, WARM_EVENTS).folder)
    for size in asked.in_memory:
        asked.tell(f"floor at {size:,} events ...")
        part.rows.append(_against_floor(size, asked))
    for name in feature_floor.FLOORS:
        part.figures[f"ratio_to_{name}"] = max(row[f"ratio_to_{name}"] for row in part.rows)
    if len(part.rows) > 1:
        first, last = part.rows[0], part.rows[-1]
        part.figures["growth"] = {"events": last["events"] / first["events"], "cpu": last["cpu_s"] / first["cpu_s"]}
    return part


def _against_floor(size: int, asked: Asked) -> dict[str, Any]:
    facts = market(STORE, size)
    feature_floor.write_keys(facts.folder)
    engines = [READINESS, Engine("benchmarks.feature_floor", "floor")]
    ours, base = side_by_side(engines, facts, repeats=asked.repeats, threads=asked.threads)
    parts = {name: base.part(name) for name in base.costs[0]["parts"]}
    told = {**ours.row(), "floor": parts}
    for name, sort in feature_floor.FLOORS.items():
        told[f"{name}_cpu_s"] = parts["scan"] + parts[sort] + parts["write"]
        told[f"ratio_to_{name}"] = ours.median("cpu") / told[f"{name}_cpu_s"]
    return told


def cells(asked: Asked) -> Part:
    """What each further feature costs: from few to many on the smallest size."""
    part = Part()
    facts = market(STORE, min(asked.in_memory))
    for count in asked.features:
        asked.tell(f"{count} features ...")
        (runs,) = side_by_side([READINESS], facts, repeats=asked.repeats, threads=asked.threads, count=count)
        part.rows.append({**runs.row(), "features": count})
    few, many = part.rows[0], part.rows[-1]
    further = facts.rows * (many["features"] - few["features"])
    part.figures["ns_per_further_cell"] = (many["cpu_s"] - few["cpu_s"]) / further * 1e9
    return part


def cutoffs(asked: Asked) -> Part:
    """What more rows of each lead cost."""
    part = Part()
    for each in asked.cutoffs:
        facts = market(STORE, min(asked.in_memory), cutoffs=each)
        asked.tell(f"{facts.rows / facts.leads:.3g} cutoffs a lead ...")
        (runs,) = side_by_side([READINESS], facts, repeats=asked.repeats, threads=asked.threads)
        count = len(questions())
        per_cell = runs.median("cpu") / (facts.rows * count) * 1e9
        row = {**runs.row(), "features": count, "cutoffs": facts.rows / facts.leads, "ns_per_cell": per_cell}
        part.rows.append(row)
    part.figures["ns_per_cell_by_cutoffs"] = {f"{row['cutoffs']:.3g}": row["ns_per_cell"] for row in part.rows}
    return part


def online(asked: Asked) -> Part:
    """One lead at a time."""
    command = [sys.executable, "-m", "benchmarks.feature_online", "--events", ",".join(map(str, asked.online))]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT, env=environment(1))
    found = json.loads(done.stdout)
    rows = [{"engine": "Readiness", "events": int(count), "features": 100, **cost} for count, cost in found.items()]
    part = Part(rows)
    part.figures["online_us"] = {row["events"]: row["median_us"] for row in rows}
    part.figures["online_ms"] = found["20"]["median_us"] / 1e3 if "20" in found else None
    return part


def memory(asked: Asked) -> Part:
    """Peak of resident memory: in memory at each size that fits, and from Parquet to Parquet at the largest."""
    part = Part()
    size = max(asked.sizes)
    asked.tell(f"{size:,} events from Parquet to Parquet ...")
    facts = market(STORE, size)
    engine = Engine("benchmarks.peers.readiness_files", "Readiness, Parquet to Parquet")
    cost = run_child(engine, facts.folder, threads=asked.threads)
    runs = Runs(engine, facts, [cost], list(questions().names))
    part.rows.append({**runs.row(), "events_per_s": facts.events / cost["wall"]})
    part.figures["peak_rss_mib"] = cost["peak_mib"]
    return part


PARTS: dict[str, Callable[[Asked], Part]] = {
    "peers": peers,
    "floor": floor,
    "features": cells,
    "cutoffs": cutoffs,
    "online": online,
    "memory": memory,
}
