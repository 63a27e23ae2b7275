"""The client of the serving benchmark: threads with sockets of their own, prepared bytes out, statuses and times in.

Its own CPU is not counted: what is read is the CPU time of the server's processes.
"""

import os
import socket
import statistics
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from threading import Thread

TICKS = os.sysconf("SC_CLK_TCK")
CPU_CLOCK = 2
"""What the last bits of a process's clock id say: the time on a CPU, as the scheduler counts it."""


@dataclass(frozen=True)
class Run:
    """What one round of requests showed: CPU microseconds a request, seconds, latencies in ms, statuses."""

    cpu_us: float
    seconds: float
    latencies: list[float]
    statuses: dict[int, int]

    @property
    def per_second(self) -> float:
        """Requests a second."""
        return len(self.latencies) / self.seconds

    def quantile(self, share: float) -> float:
        """A latency in ms that this share of requests did not exceed."""
        ordered = sorted(self.latencies)
        return ordered[min(int(share * len(ordered)), len(ordered) - 1)]


def request(method: str, path: str, body: bytes = b"", **headers: str) -> bytes:
    """A request as bytes."""
    told = [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    lines = [f"{method} {path} HTTP/1.1", "host: 127.0.0.1", *told]
    if body or method != "GET":
        lines += ["content-type: application/json", f"content-length: {len(body)}"]
    return "\r\n".join([*lines, "", ""]).encode() + body


def drive(
    session: int, port: int, requests: list[bytes], count: int, connections: int = 4, rate: float | None = None
) -> Run:
    """``count`` requests, taken in turn, over so many connections; ``rate`` a second in all, or as fast as it goes.

    With a rate, a latency counts from when the request was due, not from when the client came to send it. ``session``
    is that of the server's processes, whose CPU time is read.
    """
    latencies: list[float] = []
    statuses: Counter[int] = Counter()
    failures: list[Exception] = []

    def one(place: int) -> None:
        try:
            _ask(port, requests, range(place, count, connections), start, rate, latencies, statuses)
        except Exception as error:  # noqa: BLE001 - told below, in the thread that waits
            failures.append(error)

    threads = [Thread(target=one, args=(place,)) for place in range(connections)]
    before, start = cpu_seconds(session), time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    took, spent = time.perf_counter() - start, cpu_seconds(session) - before
    if failures:
        raise failures[0]
    return Run(spent / count * 1e6, took, latencies, dict(statuses))


def _ask(
    port: int,
    requests: list[bytes],
    turns: range,
    start: float,
    rate: float | None,
    latencies: list[float],
    statuses: Counter[int],
) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=60) as caller:
        caller.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for turn in turns:
            due = time.perf_counter()
            if rate is not None:
                due = start + turn / rate
                time.sleep(max(due - time.perf_counter(), 0.0))
            caller.sendall(requests[turn % len(requests)])
            statuses[_status(caller)] += 1
            latencies.append((time.perf_counter() - due) * 1_000)


def _status(caller: socket.socket) -> int:
    """Read one whole answer; its status."""
    answer = b""
    while (head := answer.find(b"\r\n\r\n")) < 0:
        answer += _more(caller)
    lines = answer[:head].lower()
    if b"transfer-encoding: chunked" in lines:
        while not answer.endswith(b"0\r\n\r\n"):
            answer += _more(caller)
    else:
        length = int(lines.partition(b"content-length:")[2].partition(b"\r\n")[0])
        while len(answer) < head + 4 + length:
            answer += _more(caller)
    return int(answer[9:12])


def _more(caller: socket.socket) -> bytes:
    found = caller.recv(1 << 16)
    if not found:
        raise ConnectionError("The server closed the connection in the middle of an answer.")
    return found


def processes(session: int) -> list[Path]:
    """The processes of a session and all their descendants, whatever session these moved to, as folders of /proc."""
    parents, found = {}, {session}
    for folder in Path("/proc").iterdir():
        if folder.name.isdecimal():
            try:
                fields = (folder / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            parents[int(folder.name)] = int(fields[1])
            if int(fields[3]) == session:
                found.add(int(folder.name))
    grown = True
    while grown:
        children = {process for process, parent in parents.items() if parent in found} - found
        found |= children
        grown = bool(children)
    return [Path("/proc") / str(process) for process in sorted(found & set(parents))]


def cpu_seconds(session: int) -> float:
    """User and system time of all processes of a session, and of their children that have ended.

    By the CPU clock of each process (clock_getcpuclockid(3)), in nanoseconds: in a round of 300 requests a tick of the
    system's 10 ms is 33 microseconds a request. Children that ended are counted in ticks.
    """
    total = 0.0
    for folder in processes(session):
        try:
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
            total += time.clock_gettime((~int(folder.name) << 3) | CPU_CLOCK)
        except OSError:
            continue
        total += sum(int(fields[k]) for k in (13, 14)) / TICKS
    return total


def resident_mib(session: int) -> float:
    """Resident memory of a session's processes together."""
    pages = 0
    for folder in processes(session):
        try:
            pages += int((folder / "statm").read_text().split()[1])
        except OSError:
            continue
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def median_run(runs: list[Run]) -> dict[str, float]:
    """The medians of several rounds."""
    return {
        "cpu_us": statistics.median(run.cpu_us for run in runs),
        "per_second": statistics.median(run.per_second for run in runs),
        "p50_ms": statistics.median(run.quantile(0.5) for run in runs),
        "p99_ms": statistics.median(run.quantile(0.99) for run in runs),
    }
