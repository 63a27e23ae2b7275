"""The service as a user meets it: a process of its own, a key, HTTP."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

from data.errors import ReadinessError

START_S = 120.0
STOP_S = 15.0


@dataclass(frozen=True)
class Running:
    """A service that answers, and a key that opens it."""

    url: str
    key: str

    def post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """The JSON answer to a JSON request."""
        headers = {"content-type": "application/json", "authorization": f"Bearer {self.key}"}
        asked = Request(self.url + path, json.dumps(body).encode(), headers)  # noqa: S310 - our own http address
        with urlopen(asked, timeout=30) as answer:  # noqa: S310 - likewise
            found: dict[str, Any] = json.load(answer)
        return found


@contextmanager
def running_service(contract: Path, version: str, key: str, log: Path) -> Iterator[Running]:
    """``readiness serve`` on a free loopback port, stopped at the end; its stderr goes to ``log``.

    Raises ReadinessError when it does not come up.
    """
    command = [sys.executable, "-P", "-m", "serving.cli", "serve", "--contract", str(contract), "--version", version]
    with log.open("w", encoding="utf-8") as stream:
        service = subprocess.Popen(  # noqa: S603 - our own program
            [*command, "--port", "0"],
            stdout=subprocess.PIPE,
            stderr=stream,
            text=True,
            env={**os.environ, "READINESS_API_KEYS": key},
        )
    try:
        url = _address(service, log)
        _wait_until_ready(service, url, log)
        yield Running(url, key)
    finally:
        _stop(service)


def _address(service: "subprocess.Popen[str]", log: Path) -> str:
    line = service.stdout.readline().strip() if service.stdout else ""
    if not line.startswith("http"):
        raise _failed(log)
    return line


def _wait_until_ready(service: "subprocess.Popen[str]", url: str, log: Path) -> None:
    until = time.monotonic() + START_S
    while time.monotonic() < until and service.poll() is None:
        try:
            with urlopen(f"{url}/readyz", timeout=5):  # noqa: S310 - our own http address
                return
        except OSError:  # refused, or 503 while it loads
            time.sleep(0.1)
    raise _failed(log)


def _failed(log: Path) -> ReadinessError:
    lines = log.read_text(encoding="utf-8").strip().splitlines() or ["it said nothing"]
    return ReadinessError(f"The service did not come up: {lines[-1].removeprefix('error: ')} Its log is {log}.")


def _stop(service: "subprocess.Popen[str]") -> None:
    service.terminate()
    try:
        service.wait(STOP_S)
    except subprocess.TimeoutExpired:
        service.kill()
        service.wait()
    if service.stdout:
        service.stdout.close()
