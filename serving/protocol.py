"""HTTP/1.1 as uvicorn speaks it, with what it leaves open.

Limits: how large and how slow a request's head may be. And ways to take a body that has come, and to write a short
answer, whole: to await the one as ASGI has it takes five coroutines, and head and body of an answer apart are two calls
of the system and two packets, which cost as much as a fifth of a small score.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any
from weakref import ref

from starlette.types import Scope
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

HEAD_S = 15.0
"""So long a connection may take to send the head of its first request."""
HEAD_BYTES = 64 * 1024
WHOLE = "readiness.whole"
"""The ASGI extension of a request's scope: ``take`` is ``take_whole`` for its body, ``write`` ``write_whole``."""
_NO_EXTENSIONS: Mapping[str, Any] = {}
_TOO_LARGE = b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"


class BoundedProtocol(HttpToolsProtocol):
    """A connection that is closed when the head of a request is too large, or does not come."""

    _late: asyncio.TimerHandle | None = None
    _head = 0
    _in_head = True
    _quiet_since: float | None = None
    """When the last answer was given, on the loop's clock; None: something came since."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """A new connection: its first head must come soon."""
        super().connection_made(transport)
        self._late = self.loop.call_later(HEAD_S, self._give_up)

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone."""
        self._in_time()
        super().connection_lost(exc)
        super()._unset_keepalive_if_required()

    def data_received(self, data: bytes) -> None:
        """More of a request."""
        if self._in_head:
            self._head += len(data)
        super().data_received(data)
        if self._in_head:
            self._wait_for_the_rest()

    def _wait_for_the_rest(self) -> None:
        """A head that has begun must not grow for ever, and must end soon; most come whole, and no timer is set."""
        if self._head > HEAD_BYTES and not self.transport.is_closing():
            self.transport.write(_TOO_LARGE)
            self.transport.close()
        elif self._late is None:
            self._late = self.loop.call_later(HEAD_S, self._give_up)

    def on_message_begin(self) -> None:
        """The first byte of a request."""
        self._in_head, self._head = True, 0
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """The head is whole."""
        self._in_head = False
        self._in_time()
        super().on_headers_complete()
        # Weakly: what holds itself is freed only when Python looks for garbage, and until then nothing takes its place.
        asked = ref(self.cycle)
        self.scope["extensions"] = {WHOLE: {"take": partial(take_whole, asked), "write": partial(write_whole, asked)}}

    def on_response_complete(self) -> None:
        """An answer is given. A timer for the silence after each, as uvicorn has it, costs more than a small answer."""
        if self.pipeline or self.transport.is_closing():
            super().on_response_complete()
            return
        self.server_state.total_requests += 1
        self.flow.resume_reading()
        self._quiet_since = self.loop.time()
        if self.timeout_keep_alive_task is None:
            self._look_later(self.timeout_keep_alive)

    def _unset_keepalive_if_required(self) -> None:
        self._quiet_since = None

    def _look_later(self, seconds: float) -> None:
        self.timeout_keep_alive_task = self.loop.call_later(seconds, self._close_if_quiet)

    def _close_if_quiet(self) -> None:
        """Close a connection that was silent for long after an answer; look again when that may be."""
        self.timeout_keep_alive_task = None
        if self._quiet_since is None:
            return
        left = self._quiet_since + self.timeout_keep_alive - self.loop.time()
        if left > 0:
            self._look_later(left)
        else:
            self.timeout_keep_alive_handler()

    def _in_time(self) -> None:
        if self._late is not None:
            self._late.cancel()
            self._late = None

    def _give_up(self) -> None:
        if not self.transport.is_closing():
            self.transport.close()


def whole_of(scope: Scope) -> Mapping[str, Callable[..., Any]] | None:
    """The extension WHOLE of a request; None where another server, or a test, has none."""
    found: Mapping[str, Callable[..., Any]] | None = scope.get("extensions", _NO_EXTENSIONS).get(WHOLE)
    return found


def take_whole(asked: "ref[RequestResponseCycle]") -> bytes | None:
    """The body of a request, if all of it has come and none was received; None: it is to be received."""
    cycle = asked()
    if cycle is None or cycle.more_body or cycle.waiting_for_100_continue or not cycle.message_event.is_set():
        return None
    if cycle.disconnected or cycle.response_complete:
        return None
    body = bytes(cycle.body)
    cycle.body = bytearray()
    cycle.message_event.clear()
    return body


def write_whole(
    asked: "ref[RequestResponseCycle]", status: int, headers: Iterable[tuple[bytes, bytes]], body: bytes
) -> bool:
    """Write an answer in one piece, its length among its ``headers``; False where it must be sent as ASGI has it.

    That is so of a connection that is gone, closes after this answer, or is slow to read. The headers are lower case
    and hold nothing of a request that was not looked at: they are written as they are.
    """
    cycle = asked()
    if cycle is None or cycle.response_started or cycle.disconnected or not cycle.keep_alive or cycle.flow.write_paused:
        return False
    cycle.response_started = cycle.response_complete = True
    cycle.waiting_for_100_continue = False
    parts = [STATUS_LINE[status]]
    for name, value in (*cycle.default_headers, *headers):
        parts += (name, b": ", value, b"\r\n")
    cycle.transport.write(b"".join((*parts, b"\r\n", body)))
    cycle.message_event.set()
    cycle.on_response()
    return True
