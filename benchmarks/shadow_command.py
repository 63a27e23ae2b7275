"""The command of the shadow's benchmark."""

import argparse
import json
import statistics
import time
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

from benchmarks.feature_machine import load, machine
from benchmarks.measured import renew
from benchmarks.serving_load import Run, drive, request
from benchmarks.serving_market import Market, market, scratch
from benchmarks.serving_servers import KEY, Server, answers, ours
from models.folder import FILES, write_folder
from serving.live.deploy import deploy_shadow, end_shadow

SHARES = {"no shadow": "0", "a tenth": "0.1", "every lead": "1"}
PATH = "/v1/score?reasons=0"


def main() -> None:
    """Measure, print the table, write what was asked for."""
    asked = _arguments()
    folder = scratch()
    folder.mkdir(parents=True, exist_ok=True)
    before = load()
    told = measure(market(folder), folder, asked)
    told |= {"machine": machine(), "load": [before, load()], "rate": asked.rate, "rounds": asked.rounds}
    text = report(told)
    print(text)
    if asked.json:
        asked.json.write_text(json.dumps(told, indent=1), encoding="utf-8")
    if asked.write:
        renew(asked.write, text)


def measure(found: Market, folder: Path, asked: argparse.Namespace) -> dict[str, Any]:
    """The figures of each service at a rate and as fast as it goes, and what its shadow counted."""
    live = found.contract.parent / ".readiness" / "live"
    deploy_shadow(live, challenger(found, folder), "challenger")
    servers: dict[str, Server] = {}
    try:
        for name, share in SHARES.items():
            store = folder / f"shadow-{share}.db"
            for file in folder.glob(f"{store.name}*"):
                file.unlink()
            options = ("--store", f"sqlite:///{store.resolve()}", "--no-worker", "--shadow-share", share)
            servers[name] = ours(f"shadow-{share}", found.contract, folder, *options)
        for server in servers.values():
            answers(server, "/readyz")
        for name in list(SHARES)[1:]:
            _until_there(servers[name])
        return {"services": _rounds(servers, found, asked)}
    finally:
        end_shadow(live)
        for server in servers.values():
            server.stop()


def challenger(found: Market, folder: Path) -> Path:
    """The bundle in the shadow: the champion's model under an id of its own."""
    made = folder / "challenger"
    files = {name: (found.bundle / name).read_bytes() for name in FILES}
    noted = {**json.loads(files["report.json"]), "note": "in the shadow"}
    write_folder(made, {**files, "report.json": json.dumps(noted).encode()})
    return made


def _rounds(servers: dict[str, Server], found: Market, asked: argparse.Namespace) -> dict[str, dict[str, float]]:
    key = {"authorization": f"Bearer {KEY}"}
    requests = [request("POST", PATH, json.dumps(lead).encode(), **key) for lead in found.leads]
    paced: dict[str, list[Run]] = {name: [] for name in servers}
    fast: dict[str, list[Run]] = {name: [] for name in servers}
    names = list(servers)
    for number in range(asked.rounds + 1):
        for name in names[number % len(names) :] + names[: number % len(names)]:
            server = servers[name]
            runs = (
                (paced, drive(server.session, server.port, requests, asked.requests, 4, asked.rate)),
                (fast, drive(server.session, server.port, requests, asked.requests)),
            )
            for kept, run in runs:
                if set(run.statuses) != {200}:
                    raise RuntimeError(f"{name} answered {run.statuses}. Expected 200 each: see {server.log}.")
                if number:
                    kept[name].append(run)
    return {name: _told(paced[name], fast[name], _counted(servers[name])) for name in servers}


def _told(paced: list[Run], fast: list[Run], counted: dict[str, float]) -> dict[str, float]:
    def middle(values: list[float]) -> float:
        return statistics.median(values)

    return {
        "p50_ms": middle([run.quantile(0.5) for run in paced]),
        "p99_ms": middle([run.quantile(0.99) for run in paced]),
        "fast_p50_ms": middle([run.quantile(0.5) for run in fast]),
        "fast_p99_ms": middle([run.quantile(0.99) for run in fast]),
        "fast_per_second": middle([run.per_second for run in fast]),
        "cpu_us": middle([run.cpu_us for run in paced]),
        **counted,
    }


def _counted(server: Server) -> dict[str, float]:
    """What the shadow of a service has counted; 0 where there is none."""
    found = {}
    for line in _metrics(server).splitlines():
        for name in ("scored", "dropped", "failed"):
            if line.startswith(f"readiness_shadow_{name}_total "):
                found[name] = float(line.split()[1])
    return {name: found.get(name, 0.0) for name in ("scored", "dropped", "failed")}


def _until_there(server: Server) -> None:
    """Until the challenger is in the shadow. Raises RuntimeError when it never is."""
    for _ in range(600):
        if "readiness_shadow_info{" in _metrics(server):
            return
        time.sleep(0.1)
    raise RuntimeError(f"Nothing came into the shadow of {server.name}: see {server.log}.")


def _metrics(server: Server) -> str:
    with urlopen(Request(f"http://127.0.0.1:{server.port}/metrics", headers={"x-api-key": KEY}), timeout=10) as found:
        return found.read().decode()


def report(told: dict[str, Any]) -> str:
    """The table."""
    about, rate = told["machine"], told["rate"]
    made = (
        f"On {about['processor']}, {about['cores']} cores; load average {told['load'][0]:.1f} before, "
        f"{told['load'][1]:.1f} after; medians of {told['rounds']} rounds."
    )
    head = (
        f"| in the shadow | p50 ms at {rate:g}/s | p99 ms | CPU µs a request | p50 ms as fast as it goes | p99 ms | "
        "requests/s | scored | dropped |"
    )
    lines = [made, "", head, "|---|" + "---:|" * 8]
    for name, one in told["services"].items():
        figures = [f"{one[key]:.2f}" for key in ("p50_ms", "p99_ms")] + [f"{one['cpu_us']:,.0f}"]
        figures += [f"{one[key]:.2f}" for key in ("fast_p50_ms", "fast_p99_ms")]
        figures += [f"{one[key]:,.0f}" for key in ("fast_per_second", "scored", "dropped")]
        lines.append(f"| {name} | {' | '.join(figures)} |")
    return "\n".join(lines) + "\n"


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser("python benchmarks/shadow.py", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--requests", type=int, default=600, help="of each service in each half of a round")
    parser.add_argument("--rate", type=float, default=60.0, help="requests a second in the first half")
    parser.add_argument("--json", type=Path, help="write all figures here")
    parser.add_argument("--write", type=Path, help="the page whose table to renew")
    return parser.parse_args()
