"""One real training, shared by the specifications of the service."""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Thread
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
from serving.app import create_app
from serving.launch import address, listen
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


@pytest.fixture(scope="session")
def client(trained, served, until) -> Iterator[httpx.Client]:
    """A ready service, asked with a valid key."""
    app = create_app(Settings(trained.bundle, keys=(KEY,), version=trained.said["version"]))
    with served(app, **{"x-api-key": KEY}) as client:
        until(lambda: client.get("/readyz").status_code == 200)
        yield client
