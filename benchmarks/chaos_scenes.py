"""What happens to the programs while clients send: each scene on a store of its own, judged at its end."""

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.chaos_clients import Clients
from benchmarks.chaos_judge import Verdict, judge, stored
from benchmarks.chaos_postgres import Postgres, owner_of
from benchmarks.chaos_programs import Ground, Program, Server, serve, work
from benchmarks.chaos_receiver import Receiver, receiving
from serving.outbox.subscribers import add, new_subscriber
from serving.store.store import Store

PATIENCE_S = 300.0
_SMALL_BYTES = 64 * 1024 * 1024
_LEFT_BYTES = 2 * 1024 * 1024


@dataclass(frozen=True)
class Told:
    """How much happens: so many kills or restarts, one every so many seconds, under so many clients."""

    kills: int = 2
    every_s: float = 2.0
    clients: int = 3


@dataclass(frozen=True)
class Result:
    """A scene that was played, and what was found."""

    scene: str
    store: str
    kills: int
    recovered_s: list[float]
    verdict: Verdict
    note: str = ""


def kill_service(ground: Ground, told: Told) -> Result:
    """One service with its worker in it, killed while it takes events and delivers."""
    server = serve("service", ground, worker=True)
    with _played(ground, [server]) as play:
        clients = play.clients([server], told)
        recovered = []
        for _ in range(told.kills):
            time.sleep(told.every_s)
            server.kill()
            server.start()
            recovered.append(server.await_ready())
        time.sleep(told.every_s)
        return play.end("kill -9 of the service", clients, server.kills, recovered)


def kill_worker(ground: Ground, told: Told) -> Result:
    """A service, and a worker of its own that is killed while it delivers."""
    server, worker = serve("service", ground, worker=False), work("worker", ground)
    with _played(ground, [server, worker]) as play:
        clients = play.clients([server], told)
        for _ in range(told.kills):
            seen = len(play.receiver.taken)
            _until(lambda seen=seen: len(play.receiver.taken) > seen)  # type: ignore[misc]  # it is at work
            time.sleep(told.every_s * 0.3)
            worker.kill()
            worker.start()
        return play.end("kill -9 of the worker", clients, worker.kills, [])


def two_of_each(ground: Ground, told: Told) -> Result:
    """Two services and two workers on one store; one of each is killed on the way."""
    servers = [serve(f"service-{k}", ground, worker=False) for k in (1, 2)]
    workers = [work(f"worker-{k}", ground) for k in (1, 2)]
    with _played(ground, [*servers, *workers]) as play:
        clients = play.clients(servers, told)
        time.sleep(told.every_s * 2)
        servers[0].kill()
        workers[0].kill()
        servers[0].start()
        workers[0].start()
        recovered = [servers[0].await_ready()]
        time.sleep(told.every_s * 2)
        return play.end("two services, two workers", clients, 2, recovered)


def restart_postgres(ground: Ground, told: Told, server: Postgres) -> Result:
    """PostgreSQL is restarted in order under load; the service is never restarted."""
    return _postgres_away("PostgreSQL is restarted", ground, told, server.stop, server.start)


def crash_postgres(ground: Ground, told: Told, server: Postgres) -> Result:
    """PostgreSQL crashes under load and comes back; the service is never restarted."""
    return _postgres_away("PostgreSQL crashes", ground, told, server.crash, server.start)


def _postgres_away(
    scene: str, ground: Ground, told: Told, stop: Callable[[], None], start: Callable[[], None]
) -> Result:
    service = serve("service", ground, worker=True)
    with _played(ground, [service]) as play:
        clients = play.clients([service], told)
        recovered = []
        for _ in range(told.kills):
            time.sleep(told.every_s)
            stop()
            time.sleep(1.0)
            start()
            began, done = time.monotonic(), clients.ledger.acknowledged
            _until(lambda done=done: clients.ledger.acknowledged > done)  # type: ignore[misc]
            recovered.append(time.monotonic() - began)
        time.sleep(told.every_s)
        note = "" if service.alive else "the service ended"
        return play.end(scene, clients, told.kills, recovered, note)


def disk_full(ground: Ground, told: Told, disk: "SmallDisk") -> Result:
    """The disk of the store is full under load, and then it is given room; the service is never restarted."""
    service = serve("service", ground, worker=True)
    with _played(ground, [service]) as play:
        disk.fill()
        clients = play.clients([service], told)
        _until(lambda: clients.ledger.statuses[507] >= 20)
        full = clients.ledger.acknowledged
        disk.make_room()
        began = time.monotonic()
        _until(lambda: clients.ledger.acknowledged > full + 20)
        recovered = [time.monotonic() - began]
        note = "" if service.alive else "the service ended"
        return play.end("the disk is full", clients, 1, recovered, note)


class _Play:
    """A scene under way: its programs run, its subscriber listens."""

    def __init__(self, ground: Ground, receiver: Receiver) -> None:
        self.ground, self.receiver = ground, receiver

    def clients(self, servers: list[Server], told: Told) -> Clients:
        """Clients that have begun to send."""
        made = Clients([server.url for server in servers], told.clients)
        made.start()
        return made

    def end(self, scene: str, clients: Clients, kills: int, recovered: list[float], note: str = "") -> Result:
        """Let what was begun come to its end, then judge."""
        clients.stop()
        store = Store.open(self.ground.url)
        try:
            _until(lambda: not stored(store).pending)
            verdict = judge(stored(store), clients.ledger, self.receiver)
        finally:
            store.close()
        kind = "SQLite" if self.ground.url.startswith("sqlite") else "PostgreSQL"
        return Result(scene, kind, kills, recovered, verdict, note)


@contextmanager
def _played(ground: Ground, programs: list[Program]) -> Iterator[_Play]:
    with receiving(failing=0.1) as receiver:
        made = new_subscriber("receiver", receiver.url, time.time_ns() // 1_000)
        receiver.secret = made.secret
        store = Store.open(ground.url)
        store.write(lambda connection: add(connection, made, "chaos"))
        store.close()
        for program in programs:
            program.start()
        try:
            for program in programs:
                if isinstance(program, Server):
                    program.await_ready()
            yield _Play(ground, receiver)
        finally:
            for program in programs:
                program.stop()


def _until(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE_S
    while not holds():
        if time.monotonic() > end:
            raise RuntimeError(f"It did not happen within {PATIENCE_S:.0f} s. Look into the logs of the programs.")
        time.sleep(0.05)


@dataclass(frozen=True)
class SmallDisk:
    """A file system of 64 MiB that something else fills up."""

    folder: Path

    def fill(self) -> None:
        """Leave 2 MiB."""
        free = shutil.disk_usage(self.folder).free
        with (self.folder / "ballast").open("wb") as ballast:
            os.posix_fallocate(ballast.fileno(), 0, free - _LEFT_BYTES)

    def make_room(self) -> None:
        """Take away what filled it."""
        (self.folder / "ballast").unlink()


@contextmanager
def small_disk() -> Iterator[SmallDisk]:
    """A mounted tmpfs with a folder ``store`` for the store. Raises RuntimeError without the right to mount."""
    folder = Path(tempfile.mkdtemp(prefix="readiness-chaos-disk-"))
    mount = ["mount", "-t", "tmpfs", "-o", f"size={_SMALL_BYTES}", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(mount, check=False, capture_output=True).returncode != 0:
        folder.rmdir()
        raise RuntimeError("A small file system could not be mounted: this scene needs root and tmpfs.")
    (folder / "store").mkdir()
    folder.chmod(0o755)
    owner_of(folder / "store")
    try:
        yield SmallDisk(folder)
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=False)
        shutil.rmtree(folder, ignore_errors=True)
