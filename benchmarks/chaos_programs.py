"""The programs under test, as a user runs them: started, killed, started again."""

import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import closing, suppress
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PATIENCE_S = 300.0


@dataclass(frozen=True)
class Ground:
    """What the programs run on: a contract, a bundle, a store, a folder for their logs."""

    contract: Path
    bundle: Path
    url: str
    folder: Path


def free_port() -> int:
    """A port of this machine that nobody listens at now."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@dataclass
class Program:
    """A verb of the command line in a process of its own."""

    name: str
    words: list[str]
    ground: Ground
    running: "list[subprocess.Popen[bytes]]" = field(default_factory=list)
    kills: int = 0
    codes: list[int] = field(default_factory=list)

    def start(self) -> None:
        """Start it, or start it again; what it says is added to its log."""
        environment = {
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "READINESS_OUTGOING_PRIVATE": "127.0.0.0/8",
            "READINESS_OUTGOING_HTTP": "1",
        }
        shared = ["--contract", self.ground.contract, "--bundle", self.ground.bundle, "--store", self.ground.url]
        with (self.ground.folder / f"{self.name}.log").open("ab") as log:
            command = [sys.executable, "-P", *self.words, *map(str, shared)]
            self.running = [subprocess.Popen(command, stdout=log, stderr=log, env=environment)]

    @property
    def alive(self) -> bool:
        """Whether it runs."""
        return all(process.poll() is None for process in self.running)

    def kill(self) -> None:
        """End it as a power cut would: kill -9."""
        self._end(signal.SIGKILL)
        self.kills += 1

    def stop(self) -> int:
        """End it in order; returns its exit code."""
        return self._end(signal.SIGTERM)

    def _end(self, number: int) -> int:
        (process,) = self.running
        process.send_signal(number)
        try:
            code = process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            process.kill()
            code = process.wait()
        self.codes.append(code)
        return code


@dataclass
class Server(Program):
    """``readiness serve`` at a port that it keeps."""

    port: int = field(default_factory=free_port)

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    def ready(self) -> bool:
        """Whether it can score leads."""
        with suppress(OSError, HTTPException), closing(HTTPConnection("127.0.0.1", self.port, timeout=5)) as asked:
            asked.request("GET", "/readyz")
            return asked.getresponse().status == 200
        return False

    def await_ready(self) -> float:
        """Seconds until it was ready."""
        began = time.monotonic()
        while not self.ready():
            if not self.alive or time.monotonic() - began > PATIENCE_S:
                log = (self.ground.folder / f"{self.name}.log").read_text(errors="replace")
                raise RuntimeError(f"{self.name} did not become ready: {log[-2_000:]}")
            time.sleep(0.1)
        return time.monotonic() - began


def serve(name: str, ground: Ground, *, worker: bool) -> Server:
    """A service, with or without a worker in it."""
    made = Server(name, [], ground)
    flag = "--worker" if worker else "--no-worker"
    made.words = ["-m", "serving.cli", "serve", "--no-auth", flag, "--port", str(made.port)]
    return made


def work(name: str, ground: Ground) -> Program:
    """A worker of its own."""
    return Program(name, ["-m", "serving.cli", "work"], ground)
