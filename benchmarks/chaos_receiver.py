"""A subscriber that verifies what it gets, is sometimes out of order, and remembers what it has taken."""

import json
import random
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from standardwebhooks import Webhook, WebhookVerificationError


@dataclass
class Receiver:
    """What came: how often each message was taken, its bodies, and what could not be verified."""

    failing: float = 0.0
    secret: str = ""
    url: str = ""
    taken: Counter[str] = field(default_factory=Counter)
    bodies: dict[str, set[bytes]] = field(default_factory=dict)
    failed_once: set[str] = field(default_factory=set)
    forged: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def answer(self, headers: dict[str, str], body: bytes) -> int:
        """Take a request, or fail: each message once at the most, so that its next try is seconds away."""
        try:
            Webhook(self.secret).verify(body, headers)
            message_id = str(json.loads(body)["id"])
        except (WebhookVerificationError, ValueError, KeyError):
            with self.lock:
                self.forged += 1
            return 400
        with self.lock:
            if message_id not in self.failed_once and random.random() < self.failing:  # noqa: S311 - no secret
                self.failed_once.add(message_id)
                return 503
            self.forged += headers.get("webhook-id") != message_id
            self.taken[message_id] += 1
            self.bodies.setdefault(message_id, set()).add(body)
            return 204


@contextmanager
def receiving(failing: float) -> Iterator[Receiver]:
    """A receiver on a port of this machine; so large a share of the messages fails at first."""
    receiver = Receiver(failing)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            length = int(self.headers.get("content-length", 0))
            body = self.rfile.read(length)
            if len(body) < length:  # who sent was killed in the middle
                self.close_connection = True
                return
            self.send_response(receiver.answer({k.lower(): v for k, v in self.headers.items()}, body))
            self.send_header("content-length", "0")
            self.end_headers()

        def handle(self) -> None:
            try:
                super().handle()
            except (ConnectionError, TimeoutError):  # who sent was killed
                self.close_connection = True

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    receiver.url = f"http://127.0.0.1:{server.server_address[1]}/hook"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
