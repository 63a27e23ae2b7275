"""What is served and asked: a simulated market, a version trained from it, its leads as requests."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from data.check import check
from data.clock import DAY, iso
from data.contract import load_contract
from data.simulation.folder import write
from data.simulation.market import simulate
from serving.commands.asked import lead_request
from serving.live.deploy import deploy
from training.address import registry_uri

LEADS = 3_000
ASKED = 1_200
STORED = 1_000
_GIVEN_ANEW = {"event_id", "occurred_at", "known_at"}
EVENTS = 200


@dataclass(frozen=True)
class Market:
    """A contract with a live version, the bundle, the registry's address, and requests for different leads."""

    contract: Path
    bundle: Path
    tracking_uri: str
    model_uri: str
    leads: list[dict[str, Any]]


def market(folder: Path) -> Market:
    """The market, made and trained once and kept in ``folder``."""
    contract = folder / "readiness.toml"
    if not (folder / "trained.json").exists():
        write(simulate("quick", LEADS, 4), folder)
        contract.write_text(contract.read_text().replace('every = "7d"', 'every = "14d"'))
        command = [sys.executable, "-P", "-m", "serving.cli", "train", "--contract", str(contract), "--json"]
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, cwd=Path(__file__).resolve().parents[1])
        (folder / "trained.json").write_bytes(done.stdout)
    said = json.loads((folder / "trained.json").read_text())
    agreed = load_contract(contract)
    bundle = agreed.state_folder / "bundles" / said["bundle_id"]
    deploy(agreed.state_folder / "live", bundle, said["version"], said["bundle_id"])
    return Market(contract, bundle, registry_uri(agreed), f"models:/{said['model']}@champion", _leads(contract))


def _leads(contract: Path) -> list[dict[str, Any]]:
    history = check(load_contract(contract)).history
    as_of = history.ends_at - 60 * DAY
    known = history.upto(as_of)
    names = known.leads["lead_id"].to_pylist()[:: max(1, known.leads.num_rows // ASKED)][:ASKED]
    if len(names) < 1_000:
        raise RuntimeError(f"The market has {len(names)} leads. Expected 1,000: branch prediction flatters fewer.")
    kept = contract.parent / "asked.json"
    if not kept.exists():
        kept.write_text(json.dumps([lead_request(history, name, as_of) for name in names]))
    found: list[dict[str, Any]] = json.loads(kept.read_text())
    return found


def stored(leads: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Batches of 100 events for ``POST /v1/events``: so many leads with 200 events each, made of the market's own."""
    pool = [event for lead in leads for event in lead["events"]]
    for number in range(STORED):
        events = []
        for k in range(EVENTS):
            source = pool[(number * 7919 + k * 31) % len(pool)]
            moment = iso(1_700_000_000_000_000 + number * 1_000_003 + k * DAY // 3)
            plain = {name: value for name, value in source.items() if name not in _GIVEN_ANEW}
            events.append({**plain, "lead_id": f"stored-{number}", "occurred_at": moment, "event_id": f"{number}-{k}"})
        yield {"events": events[:100]}
        yield {"events": events[100:]}


def rows_of(bundle: Path, count: int) -> tuple[list[str], list[list[Any]]]:
    """Names and rows of features as analysts have them: from the bundle's reference rows, nulls as None."""
    table = pq.read_table(bundle / "reference.parquet").slice(0, count)
    names = [name for name in table.column_names if name not in {"lead_id", "cutoff", "readiness"}]
    columns = [[None if value != value else value for value in table[name].to_pylist()] for name in names]  # noqa: PLR0124
    return names, [list(row) for row in zip(*columns, strict=True)]


def scratch() -> Path:
    """Where the benchmark keeps what it makes."""
    return Path(os.environ.get("READINESS_BENCH", ".readiness/bench")) / "serving"
