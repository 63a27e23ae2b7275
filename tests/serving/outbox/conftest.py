"""Receivers of messages: real HTTP servers on this machine that answer as a test tells them."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from models.states import Transition
from serving.outbox.messages import Crossing, crossings
from serving.outbox.subscribers import add, new_subscriber

AT = 1_767_225_600_000_000


@dataclass(frozen=True)
class Got:
    """A request as it came."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def id(self) -> str:
        """Its webhook id."""
        return self.headers["webhook-id"]


@dataclass
class Receiver:
    """A server that answers each request with what ``says`` returns: status, headers, body."""

    url: str = ""
    got: list[Got] = field(default_factory=list)
    says: Any = lambda _got: (204, {}, b"")

    @property
    def ids(self) -> list[str]:
        """The ids of what came, in order of arrival."""
        return [one.id for one in self.got]


def _handler(receiver: Receiver) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            got = Got(self.command, self.path, {k.lower(): v for k, v in self.headers.items()}, body)
            receiver.got.append(got)
            status, headers, answer = receiver.says(got)
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            if status != 204:
                self.send_header("content-length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        do_PATCH = do_POST  # noqa: N815 - http.server's name

        def handle(self) -> None:
            try:
                super().handle()
            except (ConnectionError, TimeoutError):
                self.close_connection = True

        def log_message(self, *_args: object) -> None:
            """Say nothing."""

    return Handler


@contextmanager
def _receiving() -> Iterator[Receiver]:
    receiver = Receiver()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(receiver))
    server.daemon_threads = True
    receiver.url = f"http://127.0.0.1:{server.server_address[1]}/hook"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A server that takes everything."""
    with _receiving() as made:
        yield made


@pytest.fixture
def other_receiver() -> Iterator[Receiver]:
    """Another one."""
    with _receiving() as made:
        yield made


@pytest.fixture
def subscribe(store):
    """A way to add a subscriber; returns it with its secret."""

    def make(name: str, url: str, **more: Any):
        made = new_subscriber(name, url, time.time_ns() // 1_000, **more)
        store.write(lambda connection: add(connection, made, "a test"))
        return made

    return make


@pytest.fixture
def tell(store):
    """A way to write crossings of leads into the ready state, at a wall clock; returns the ids of the messages."""
    count = iter(range(10**6))

    def write(*lead_ids: str, now: int | None = None, before: str = "nurture", after: str = "ready") -> list[str]:
        made = [
            Crossing(f"t-{next(count)}", lead_id, Transition(before, after, AT, "a reason"), "event", "leads")
            for lead_id in lead_ids
        ]
        return store.write(lambda connection: crossings(connection, made, now))

    return write
