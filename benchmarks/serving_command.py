"""The command of the serving benchmark."""

import argparse
import json
import os
import statistics
import time
from pathlib import Path
from typing import Any

from benchmarks.feature_machine import load, machine
from benchmarks.serving_load import Run, drive, median_run, request, resident_mib
from benchmarks.serving_market import STORED, Market, market, scratch, stored
from benchmarks.serving_peers import start_peers
from benchmarks.serving_report import AIMS, report
from benchmarks.serving_servers import KEY, Server, answers, hello, ours

PEERS = ("mlflow", "bentoml", "mlserver", "mlserver-inline")
Turn = tuple[Server, list[bytes], int]


def main() -> None:
    """Measure, print the table, write what was asked for."""
    asked = _arguments()
    folder = scratch()
    folder.mkdir(parents=True, exist_ok=True)
    began, before = time.perf_counter(), load()
    told = measure(market(folder), folder, asked)
    told |= {"machine": machine(), "load": [before, load()], "minutes": (time.perf_counter() - began) / 60}
    text = report(told)
    print(text)
    if asked.json:
        Path(asked.json).write_text(json.dumps(told, indent=1))
    if asked.write:
        Path(asked.write).write_text(text)


def measure(found: Market, folder: Path, asked: argparse.Namespace) -> dict[str, Any]:
    """All figures: of each server, their ratios, start-up, ingest and half load."""
    told: dict[str, Any] = {"start": _start_up(found, folder)}
    servers: list[Server] = []
    skipped: dict[str, str] = {}
    try:
        scorer = ours("ours", found.contract, folder, "--no-store")
        store = _fresh_store(folder)
        keeper = ours("ours-stored", found.contract, folder, "--store", f"sqlite:///{store.resolve()}", "--no-worker")
        yardstick = hello(folder)
        servers += [scorer, keeper, yardstick]
        answers(yardstick, "/hello")
        for server in (scorer, keeper):
            answers(server, "/readyz")
        told["ingest"] = _ingest(found, keeper)
        peers, skipped = start_peers(found, folder, [name for name in asked.peers.split(",") if name])
        servers += [peer.server for peer in peers.values()]
        turns = _turns(found, scorer, keeper, yardstick, asked.requests)
        for name, peer in peers.items():
            turns[name] = (peer.server, peer.requests, max(asked.requests // 4, 100))
        told["servers"] = _rounds(turns, asked.rounds)
        told["half_load"] = _half_load(turns["score with reasons"], told["servers"]["score with reasons"]["per_second"])
        told["memory_mib"] = {server.name: resident_mib(server.session) for server in servers}
    finally:
        for server in servers:
            server.stop()
    told["skipped"] = skipped
    told["ratios"] = _ratios(told)
    told["met"] = {name: _met(told["ratios"].get(name), aim) for name, aim in AIMS.items()}
    return told


def _turns(found: Market, scorer: Server, keeper: Server, yardstick: Server, count: int) -> dict[str, Turn]:
    bodies = [json.dumps(lead).encode() for lead in found.leads]
    key = {"authorization": f"Bearer {KEY}"}
    one = "/v1/leads/stored-{}/score?reasons={}"
    return {
        "hello": (yardstick, [request("GET", "/hello")], count * 3),
        "score": (scorer, [request("POST", "/v1/score?reasons=0", body, **key) for body in bodies], count),
        "score with reasons": (scorer, [request("POST", "/v1/score", body, **key) for body in bodies], count),
        "stored lead": (keeper, [request("GET", one.format(k, 0), **key) for k in range(STORED)], count),
        "stored lead with reasons": (keeper, [request("GET", one.format(k, 3), **key) for k in range(STORED)], count),
    }


def _rounds(turns: dict[str, Turn], rounds: int) -> dict[str, dict[str, float]]:
    """Every server in turn, round by round, after a round to warm up; medians."""
    runs: dict[str, list[Run]] = {name: [] for name in turns}
    for number in range(rounds + 1):
        for name, (server, requests, count) in turns.items():
            run = drive(server.session, server.port, requests, count if number else max(count // 3, 50))
            if set(run.statuses) != {200}:
                raise RuntimeError(f"{name} answered {run.statuses}. Expected 200 for every request: see {server.log}.")
            if number:
                runs[name].append(run)
    return {name: median_run(found) for name, found in runs.items()}


def _half_load(turn: Turn, per_second: float) -> dict[str, float]:
    """Latencies when requests come at half the rate that the server can take; the best of three tries."""
    server, requests, _ = turn
    rate = per_second / 2
    runs = [drive(server.session, server.port, requests, int(rate * 5), 8, rate) for _ in range(3)]
    tails = [run.quantile(0.99) for run in runs]
    return {"rate": rate, "p50_ms": statistics.median(run.quantile(0.5) for run in runs), "p99_ms": min(tails)}


def _ingest(found: Market, keeper: Server) -> dict[str, float]:
    """Events a second, each batch of 100 acknowledged when durable, on eight connections."""
    path = "/v1/events?backfill=true"
    key = {"authorization": f"Bearer {KEY}"}
    bodies = [request("POST", path, json.dumps(batch).encode(), **key) for batch in stored(found.leads)]
    run = drive(keeper.session, keeper.port, bodies, len(bodies), 8)
    if set(run.statuses) != {200}:
        raise RuntimeError(f"Ingest answered {run.statuses}. Expected 200 for every batch: see {keeper.log}.")
    return {
        "events_per_second": run.per_second * 100,
        "cpu_us_per_event": run.cpu_us / 100,
        "p99_ms": run.quantile(0.99),
    }


def _start_up(found: Market, folder: Path) -> dict[str, float]:
    """Seconds from the command to the first score, and resident memory then: the median of three starts."""
    body, seconds, memory = json.dumps(found.leads[0]).encode(), [], []
    for store in ("--no-store", "", ""):
        began = time.perf_counter()
        options = [store] if store else ["--store", f"sqlite:///{_fresh_store(folder).resolve()}"]
        server = ours("start", found.contract, folder, *options)
        try:
            answers(server, "/v1/score", body)
            seconds.append(time.perf_counter() - began)
            memory.append(resident_mib(server.session))
        finally:
            server.stop()
    return {"seconds": statistics.median(seconds), "memory_mib": statistics.median(memory)}


def _fresh_store(folder: Path) -> Path:
    store = folder / "store.db"
    for file in folder.glob("store.db*"):
        file.unlink()
    return store


def _ratios(told: dict[str, Any]) -> dict[str, float]:
    cpu = {name: figures["cpu_us"] for name, figures in told["servers"].items()}
    found = {
        "score_over_hello": cpu["score"] / cpu["hello"],
        "score_with_reasons_over_hello": cpu["score with reasons"] / cpu["hello"],
        "stored_with_reasons_over_hello": cpu["stored lead with reasons"] / cpu["hello"],
        "p99_ms_at_half_load": told["half_load"]["p99_ms"],
        "ingest_events_per_second": told["ingest"]["events_per_second"],
        "start_up_s": told["start"]["seconds"],
        "memory_mib": told["start"]["memory_mib"],
    }
    return found | {f"{name}_over_score": cpu[name] / cpu["score"] for name in PEERS if name in cpu}


def _met(value: float | None, aim: tuple[str, float, str]) -> bool | None:
    if value is None:
        return None
    return value <= aim[1] if aim[0] == "at most" else value >= aim[1]


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="so often every server takes its turn")
    parser.add_argument("--requests", type=int, default=1_200, help="requests of ours in a turn")
    parser.add_argument("--peers", default=",".join(PEERS), help="which peers; empty for none")
    parser.add_argument("--json", help="write all figures and ratios here")
    parser.add_argument("--write", help="write the table here, as Markdown")
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    return parser.parse_args()
