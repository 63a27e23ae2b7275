"""Programs that stay: started as users start them, asked, and told to stop."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from queue import Empty, Queue

import httpx

PATIENCE_S = 120.0
STOPS = "Ctrl-C stops it"
"""What every verb says that stays."""


class Staying:
    """A verb that stays, in a process of its own; what it says on either stream is read as it comes."""

    def __init__(self, folder: Path, words: Sequence[str], environment: dict[str, str] | None = None) -> None:
        command = [sys.executable, "-P", "-m", "serving.cli", *words]
        self._process = subprocess.Popen(
            command,
            cwd=folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), **(environment or {})},
        )
        self._lines: Queue[str] = Queue()
        self.said: list[str] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as lines:
            for line in lines:
                self._lines.put(line)

    def line(self, sign: str) -> str:
        """The first line with this in it."""
        end = time.monotonic() + PATIENCE_S
        while time.monotonic() < end:
            try:
                self.said.append(self._lines.get(timeout=0.2))
            except Empty:
                assert self._process.poll() is None, f"it ended with {self._process.returncode}: {self.said}"
                continue
            if sign in self.said[-1]:
                return self.said[-1].strip()
        raise AssertionError(f"{sign!r} was not said in time, but: {self.said}")

    def stop(self) -> int:
        """Tell it to stop; its exit code."""
        self._process.send_signal(signal.SIGTERM)
        try:
            return self._process.wait(60)
        finally:
            self._process.kill()
            self._process.wait()
            self._reader.join()


def answer(url: str, *codes: int) -> int:
    """The status at an address, as soon as it is one of these."""
    end, got = time.monotonic() + PATIENCE_S, 0
    while time.monotonic() < end:
        try:
            got = httpx.get(url, timeout=10).status_code
        except httpx.TransportError:
            got = 0
        if got in codes:
            return got
        time.sleep(0.1)
    raise AssertionError(f"{url} answered {got}, not one of {codes}")
