"""HTTP/1.1 as uvicorn speaks it, with what it leaves open: how large and how slow a request's head may be.

What has come whole is answered whole (``serving.whole``), and at once where nothing is waited for.
"""

import asyncio
from functools import partial
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from serving.whole import AtOnce, can_be_told, extension, write

HEAD_S = 15.0
"""So long a connection may take to send the head of its first request."""
HEAD_BYTES = 64 * 1024
_TOO_LARGE = b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"


class BoundedProtocol(HttpToolsProtocol):
    """A connection that is closed when the head of a request is too large, or does not come."""

    _at_once: AtOnce | None = None
    _reading = False
    _due: tuple[RequestResponseCycle, Any] | None = None
    """A request that began in what is being read, and who is to answer it."""
    _late: asyncio.TimerHandle | None = None
    _head = 0
    _in_head = True
    _quiet_since: float | None = None
    """When the last answer was given, on the loop's clock; None: something came since."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """A new connection: its first head must come soon."""
        super().connection_made(transport)
        self._at_once = getattr(self.app, "at_once", None)
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
        self._reading = True
        super().data_received(data)
        self._reading = False
        if self._in_head:
            self._wait_for_the_rest()
        if self._due is not None:
            due, self._due = self._due, None
            self._begin(*due)

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
        if self._late is not None:
            self._in_time()
        super().on_headers_complete()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        """Whoever is to answer begins, once all that has come is read."""
        if self._reading:
            self._due = cycle, app
            return
        scope: Any = cycle.scope
        scope["extensions"] = extension(cycle)
        super()._start_asgi_task(cycle, app)

    def _begin(self, cycle: RequestResponseCycle, app: Any) -> None:
        """Let a request be answered at once if it has come whole and that can be; else as ASGI has it."""
        whole = not cycle.more_body and not cycle.waiting_for_100_continue and can_be_told(cycle)
        at_once = self._at_once if whole and app is self.app else None
        scope: Any = cycle.scope
        if at_once is None or not at_once(scope, partial(bytes, cycle.body), partial(write, cycle)):
            self._start_asgi_task(cycle, app)
        else:
            cycle.on_response = _nothing  # it holds the connection, which holds it

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


def _nothing() -> None:
    """What is done after an answer that was given."""
