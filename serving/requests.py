"""The gate that every request goes through: its id, its limits, its line in the log, its place in the metrics."""

import logging
import os
import re
import time
from collections.abc import Awaitable, Callable
from itertools import chain, count

from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serving.access_log import AccessLog
from serving.heads import headers_of
from serving.logs import place_of
from serving.metrics import Metrics
from serving.problems import Refusal, answer, answer_to, failed
from serving.waiting import at_once_or
from serving.whole import Headers, whole_of

MOST_HEADERS = 100
MOST_HEADER_BYTES = 32 * 1024
MOST_URL_BYTES = 8 * 1024
_METHODS = frozenset({"GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "HEAD"})
_GIVEN = re.compile(rb"[A-Za-z0-9._-]{1,64}")
_ASKED_BY_MACHINES = frozenset({"/healthz", "/readyz", "/metrics"})
_ERRORS = logging.getLogger("readiness.service")

Shortcut = Callable[[Scope, Receive], Awaitable[Response]]
"""Answers a request without the framework's detours; what it raises is answered as everywhere."""
Now = Callable[[Scope, Callable[[], bytes]], Response | None]
"""The same of a request that has come whole, without waiting; None, and its body is not taken: this cannot be."""


class Gate:
    """Lets requests in to ``app``, or to their shortcut with its route, and sees their answers out."""

    def __init__(
        self,
        app: ASGIApp,
        metrics: Metrics,
        seconds: float,
        shortcut: Callable[[Scope], tuple[str, Shortcut] | None],
        now: Callable[[Scope], tuple[str, Now] | None],
    ) -> None:
        self.app = app
        self._metrics = metrics
        self._seconds = seconds
        self._shortcut = shortcut
        self._now = now
        self._log = AccessLog()
        self._ids = map(f"{os.urandom(10).hex()}{{:012x}}".format, count())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One HTTP request, as ASGI has it."""
        exchange = _Exchange(scope, send, self._id_of(scope))
        try:
            _must_be_bounded(scope)
            await at_once_or(self._lead_in(scope, receive, exchange), self._seconds)
        except Exception as error:  # noqa: BLE001 - every request gets an answer, whatever happened
            await self._answer(error, exchange, receive)
        self._note(scope, exchange.request_id, exchange.status, exchange.started)

    def at_once(self, scope: Scope, take: Callable[[], bytes], write: Callable[[int, Headers, bytes], None]) -> bool:
        """The same without waiting, where that can be (``serving.whole.AtOnce``)."""
        short = self._now(scope)
        if short is None:
            return False
        started, request_id = time.perf_counter(), self._id_of(scope)
        scope["route_path"], ask = short
        try:
            _must_be_bounded(scope)
            told = ask(scope, take)
        except Exception as error:  # noqa: BLE001 - every request gets an answer, whatever happened
            told = _told(error, request_id)
        if told is None:
            return False
        write(told.status_code, _with_id(told.raw_headers, request_id), bytes(told.body))
        self._note(scope, request_id, told.status_code, started)
        return True

    def _id_of(self, scope: Scope) -> str:
        """The caller's own, if it is a plain word; else one that no other request has."""
        given = headers_of(scope).get(b"x-request-id")
        return next(self._ids) if given is None or not _GIVEN.fullmatch(given) else str(given, "ascii")

    async def _lead_in(self, scope: Scope, receive: Receive, exchange: "_Exchange") -> None:
        short = self._shortcut(scope)
        if short is None:
            await self.app(scope, receive, exchange.send)
        else:
            scope["route_path"], ask = short
            told = await ask(scope, receive)
            if not exchange.tell(told):
                await told(scope, receive, exchange.send)

    async def _answer(self, error: Exception, exchange: "_Exchange", receive: Receive) -> None:
        """Tell the caller, unless it has gone or was told already."""
        if isinstance(error, ClientDisconnect):
            exchange.status = exchange.status or 499
            return
        late = isinstance(error, TimeoutError)
        known = _too_slow(self._seconds) if late else _told(error, exchange.request_id)
        if not exchange.status:
            await known(exchange.scope, receive, exchange.send)

    def _note(self, scope: Scope, request_id: str, status: int, started: float) -> None:
        took = time.perf_counter() - started
        route = scope.get("route_path") or getattr(scope.get("route"), "path", "") or "none"
        method = scope["method"] if scope["method"] in _METHODS else "other"
        self._metrics.answered(method, route, status, took)
        self._log.note(
            logging.DEBUG if route in _ASKED_BY_MACHINES else logging.INFO,
            {
                "request_id": request_id,
                "key": scope["state"].get("caller", ""),
                "method": method,
                "route": route,
                "status": status,
                "ms": int(took * 100_000 + 0.5) / 100,  # ``round`` writes and reads the number as text
            },
        )

    def close(self) -> None:
        """Write the lines that wait."""
        self._log.flush()


class _Exchange:
    """A request and its answer: the id, when it came, the status."""

    __slots__ = ("_send", "request_id", "scope", "started", "status")

    def __init__(self, scope: Scope, send: Send, request_id: str) -> None:
        self.scope = scope
        self.started = time.perf_counter()
        self.status = 0
        self.request_id = request_id
        self._send = send
        scope.setdefault("state", {})["request_id"] = request_id

    def tell(self, answer: Response) -> bool:
        """Write a whole answer at once, where the server can (``serving.whole``)."""
        whole = whole_of(self.scope)
        headers = _with_id(answer.raw_headers, self.request_id)
        if whole is None or not whole["write"](answer.status_code, headers, answer.body):
            return False
        self.status = answer.status_code
        return True

    async def send(self, message: Message) -> None:
        """Send a part of the answer; the first one carries the id."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            message = {**message, "headers": _with_id(message["headers"], self.request_id)}
        await self._send(message)


def _with_id(headers: Headers, request_id: str) -> list[tuple[bytes, bytes]]:
    return [*headers, (b"x-request-id", request_id.encode())]


def _told(error: Exception, request_id: str) -> Response:
    """What the caller is told; the log has why, where nobody expected it."""
    known = answer_to(error)
    if known is None:
        _ERRORS.error("request %s failed: %s", request_id, place_of(error))
        known = failed(request_id)
    return known


def _must_be_bounded(scope: Scope) -> None:
    """Raises Refusal: 414 for a long address, 431 for many or large headers."""
    if len(scope.get("raw_path") or b"") + len(scope["query_string"]) > MOST_URL_BYTES:
        raise Refusal(414, "uri-too-long", f"The address has more than {MOST_URL_BYTES:,} bytes. Shorten it.")
    headers = scope["headers"]
    if len(headers) > MOST_HEADERS or len(b"".join(chain.from_iterable(headers))) > MOST_HEADER_BYTES:
        raise Refusal(
            431,
            "headers-too-large",
            f"The request has more than {MOST_HEADERS} headers or {MOST_HEADER_BYTES:,} bytes of them. Send fewer.",
        )


def _too_slow(seconds: float) -> Response:
    detail = (
        f"There was no answer within {seconds:g} seconds, so the request was given up. Try again, with less at once."
    )
    return answer(503, "timeout", detail, {"retry-after": "5"})
