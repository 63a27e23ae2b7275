"""The servers of the benchmark, each a session of its own on a loopback port."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

ROOT = Path(__file__).resolve().parents[1]
KEY = "the-key-of-the-benchmark"


@dataclass
class Server:
    """A running server."""

    name: str
    port: int
    process: "subprocess.Popen[bytes]"
    log: Path

    @property
    def session(self) -> int:
        """The session of its processes."""
        return self.process.pid

    def stop(self) -> None:
        """End all of it."""
        for end in (15, 9):
            try:
                os.killpg(self.process.pid, end)
                self.process.wait(20)
            except (ProcessLookupError, subprocess.TimeoutExpired):
                continue


def free_port() -> int:
    """A loopback port that nobody listens at."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def start(
    name: str, command: Sequence[object], port: int, folder: Path, environment: Mapping[str, str] | None = None
) -> Server:
    """Start a server whose log goes to ``folder``."""
    log = folder / f"{name.replace(' ', '-')}.log"
    programs = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    own = {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "READINESS_API_KEYS": KEY, "PATH": programs}
    own["MLFLOW_DISABLE_TELEMETRY"] = "true"
    with log.open("wb") as stream:
        process = subprocess.Popen(
            [str(word) for word in command],
            stdout=stream,
            stderr=stream,
            start_new_session=True,
            env={**os.environ, **own, **(environment or {})},
        )
    return Server(name, port, process, log)


def answers(server: Server, path: str, body: bytes | None = None, seconds: float = 120.0) -> float:
    """Seconds until ``path`` is answered 200. Raises RuntimeError with the end of the log when it never is."""
    began = time.perf_counter()
    headers = {"content-type": "application/json", "x-api-key": KEY}
    while time.perf_counter() - began < seconds and server.process.poll() is None:
        try:
            with urlopen(Request(f"http://127.0.0.1:{server.port}{path}", body, headers), timeout=10) as found:
                found.read()
                return time.perf_counter() - began
        except HTTPError as error:
            error.close()
            time.sleep(0.02)
        except OSError:
            time.sleep(0.02)
    raise RuntimeError(f"{server.name} did not answer {path}: {server.log.read_text(errors='replace')[-600:]}")


def hello(folder: Path) -> Server:
    """The bare FastAPI application on the server that ours runs on, with its options."""
    port = free_port()
    options = ["--no-access-log", "--log-level", "warning", "--http", "httptools", "--loop", "uvloop", "--ws", "none"]
    command = [sys.executable, "-m", "uvicorn", "benchmarks.serving_hello:app", "--port", port, *options]
    return start("hello", [*command, "--no-server-header", "--no-proxy-headers"], port, folder)


def ours(name: str, contract: Path, folder: Path, *options: str) -> Server:
    """``readiness serve`` with one worker process."""
    port = free_port()
    command = [sys.executable, "-P", "-m", "serving.cli", "serve", "--contract", contract, "--port", port, *options]
    return start(name, command, port, folder)
