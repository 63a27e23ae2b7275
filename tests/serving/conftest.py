"""One real training, shared by the specifications of the service."""

import hashlib
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Thread
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
import uvicorn
from fastapi import FastAPI

from data.check import check
from data.contract import load_contract
from data.history import History
from data.simulation.folder import write
from data.simulation.market import simulate
from data.spine import micros
from data.store.tables import account_changes, accounts, changes, events, leads, outcomes
from data.tables import extra_columns
from features.reading import read_text
from models.bundle import read_bundle
from models.histories import lead_histories
from models.scorer import Scorer
from serving.app import create_app
from serving.launch import address, listen, server_of
from serving.live.deploy import deploy
from serving.live.loading import Loaded
from serving.settings import Settings

KEY = "a-key-for-tests"
Served = Callable[..., AbstractContextManager[httpx.Client]]


@dataclass(frozen=True)
class Trained:
    """A market, the contract that reads it, what `readiness train --json` said, and the bundle that it made."""

    contract: Path
    said: dict[str, Any]
    bundle: Path
    history: History


@pytest.fixture(scope="session")
def trained(tmp_path_factory) -> Trained:
    """Some 400 simulated leads, asked about every four weeks, trained and registered once by the program itself."""
    folder = tmp_path_factory.mktemp("trained")
    write(simulate("quick", 400, 4), folder)
    contract = folder / "readiness.toml"
    text = contract.read_text().replace('every = "7d"', 'every = "28d"')
    contract.write_text(f"{text}\n[backtest]\nfolds = 2\n")
    command = [sys.executable, "-P", "-m", "serving.cli", "train", "--contract", str(contract), "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2_000:]
    said = json.loads(done.stdout)
    bundle = folder / ".readiness" / "bundles" / said["bundle_id"]
    return Trained(contract, said, bundle, check(load_contract(contract)).history)


@pytest.fixture(scope="session")
def until() -> Callable[..., None]:
    """A way to wait until something holds; too long a wait fails."""

    def wait(holds: Callable[[], bool], seconds: float = 120.0) -> None:
        end = time.monotonic() + seconds
        while not holds():
            assert time.monotonic() < end, "it did not happen in time"
            time.sleep(0.05)

    return wait


@pytest.fixture(scope="session")
def served(until) -> Served:
    """A way to put an application on a port of its own, with a client that asks it over HTTP."""

    @contextmanager
    def put(app: FastAPI, **headers: str) -> Iterator[httpx.Client]:
        listening = listen("127.0.0.1", 0)
        server = uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False))
        thread = Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            until(lambda: server.started)
            with httpx.Client(base_url=address(listening), headers=headers, timeout=30) as client:
                yield client
        finally:
            server.should_exit = True
            thread.join()

    return put


@pytest.fixture
def live(trained, tmp_path) -> Path:
    """A live folder in which the trained bundle is live as version 1."""
    folder = tmp_path / "live"
    deploy(folder, trained.bundle, "1")
    return folder


@pytest.fixture(scope="session")
def client(trained, served, until) -> Iterator[httpx.Client]:
    """A ready service, asked with a valid key."""
    app = create_app(Settings(trained.bundle, keys=(KEY,), version=trained.said["version"]))
    with served(app, **{"x-api-key": KEY}) as client:
        until(lambda: client.get("/readyz").status_code == 200)
        yield client


@pytest.fixture(scope="session")
def loaded(trained) -> Loaded:
    """The trained bundle, as a service holds it."""
    bundle = read_bundle(trained.bundle)
    scorer = Scorer(bundle)
    scorer.warm()
    return Loaded(bundle, scorer, "7")


def event_row(lead_id, place, event, received_at=None):
    """The row of an event as ingest writes it."""
    extra = {name: value for name, value in event.extra.items() if value is not None}
    sent = json.dumps([lead_id, *event[:6], extra, event.event_id or place])
    return {
        "lead_id": lead_id,
        "occurred_at": event.occurred_at,
        "event_id": event.event_id or f"sha256:{lead_id}-{place}",
        "kind": event.kind,
        "known_at": event.known_at,
        "actor": event.actor,
        "value": event.value,
        "item": event.item,
        "extra": json.dumps(extra) if extra else None,
        "content": hashlib.sha256(sent.encode()).digest()[:16],
        "received_at": event.known_at if received_at is None else received_at,
    }


def lead_row(lead_id, created_at, account_id=None, attributes=None):
    """The row of a lead that somebody described."""
    return {
        "lead_id": lead_id,
        "created_at": created_at,
        "account_id": account_id,
        "implied": False,
        "attributes": json.dumps(attributes or {}),
        "received_at": created_at,
        "updated_at": created_at,
    }


def change_row(lead_id, field, value, known_at):
    """The row of a change of an attribute."""
    return {
        "lead_id": lead_id,
        "field": field,
        "known_at": known_at,
        "value": read_text(value),
        "received_at": known_at,
    }


def outcome_row(lead_id, kind, occurred_at, known_at=None, place=0):
    """The row of an outcome."""
    return {
        "outcome_id": f"{lead_id}-{kind}-{occurred_at}-{place}",
        "lead_id": lead_id,
        "kind": kind,
        "occurred_at": occurred_at,
        "known_at": occurred_at if known_at is None else known_at,
        "value": None,
        "content": b"0" * 16,
        "received_at": occurred_at if known_at is None else known_at,
    }


@pytest.fixture(scope="session")
def rows() -> SimpleNamespace:
    """Ways to write rows of facts as ingest does."""
    return SimpleNamespace(event=event_row, lead=lead_row, change=change_row, outcome=outcome_row)


@pytest.fixture(scope="session")
def filling(trained) -> Callable[..., None]:
    """``filling(history)``: the change that brings all facts of a history into a store."""

    def change(history: History = trained.history):
        logged = set(history.changes["field"].to_pylist())
        ids = history.leads["lead_id"].to_pylist()
        read = lead_histories(history, ids)
        accounts_of = history.leads["account_id"].to_pylist()
        table = _tables(history, read, accounts_of, logged)

        def write(connection):
            for target, found in table:
                if found:
                    connection.execute(target.insert(), found)

        return write

    return change


def _tables(history, read, accounts_of, logged):
    told = [
        (one.lead_id, account, one.created_at, {k: v for k, v in one.attributes.items() if v is not None})
        for one, account in zip(read, accounts_of, strict=True)
    ]
    first = [
        change_row(lead_id, name, value, created)
        for lead_id, _, created, attributes in told
        for name, value in attributes.items()
        if name not in logged
    ]
    later = {
        (one.lead_id, c.field, c.known_at): change_row(one.lead_id, c.field, c.value, c.known_at)
        for one in read
        for c in sorted(one.changes, key=lambda c: (c.known_at, read_text(c.value) or ""))
    }
    closing = zip(
        history.outcomes["lead_id"].to_pylist(),
        history.outcomes["kind"].to_pylist(),
        micros(history.outcomes["occurred_at"]).tolist(),
        micros(history.outcomes["known_at"]).tolist(),
        strict=True,
    )
    return [
        (leads, [lead_row(lead_id, created, account, held) for lead_id, account, created, held in told]),
        (changes, [*first, *later.values()]),
        (events, [event_row(one.lead_id, place, e) for one in read for place, e in enumerate(one.events)]),
        (outcomes, [outcome_row(*row, place=place) for place, row in enumerate(closing)]),
        *_account_tables(history),
    ]


def _account_tables(history):
    kept = extra_columns("accounts", history.accounts)
    held = [
        (row["account_id"], {name: row[name] for name in kept if row[name] is not None})
        for row in history.accounts.to_pylist()
    ]
    born = [
        {"account_id": account, "field": name, "known_at": 0, "value": read_text(value), "received_at": 0}
        for account, values in held
        for name, value in values.items()
    ]
    return [
        (accounts, [_account(account, values) for account, values in held]),
        (account_changes, born),
    ]


def _account(account_id, values):
    return {"account_id": account_id, "attributes": json.dumps(values), "received_at": 0, "updated_at": 0}


@pytest.fixture
def filled(store, filling):
    """A store with the facts of the trained market."""
    store.write(filling())
    return store


@pytest.fixture
def put(until) -> Iterator[Callable[..., str]]:
    """A way to run an application as `readiness serve` does, limits of the connection included."""
    running = []

    def start(app, stop_s=5.0):
        listening = listen("127.0.0.1", 0)
        server = server_of(app, stop_s)
        thread = Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        running.append((server, thread))
        until(lambda: server.started)
        return address(listening)

    yield start
    for server, thread in running:
        server.should_exit = True
        thread.join()
