"""Ways to take a body that has come, and to write a short answer, whole.

To await the one as ASGI has it takes five coroutines, and head and body of an answer apart are two calls of the system
and two packets, which cost as much as a fifth of a small score. A task and its coroutines, which a request that has
come whole and waits for nothing needs not, cost as much as a tenth of it.
"""

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any, Protocol
from weakref import ref

from starlette.types import Scope
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, RequestResponseCycle

WHOLE = "readiness.whole"
"""The ASGI extension of a request's scope: ``take`` is ``take_whole`` for its body, ``write`` ``write_whole``."""
Headers = Iterable[tuple[bytes, bytes]]
_NO_EXTENSIONS: Mapping[str, Any] = {}


class AtOnce(Protocol):
    """The attribute ``at_once`` of an application. Never raises."""

    def __call__(self, scope: Scope, take: Callable[[], bytes], write: Callable[[int, Headers, bytes], None]) -> bool:
        """Answer a request without waiting for anything: ``take`` its body, ``write`` the answer; else False.

        Then the body was not taken, and the application is called as ASGI has it.
        """


def extension(cycle: RequestResponseCycle) -> Mapping[str, Any]:
    """The extensions of a request's scope: WHOLE."""
    # Weakly: what holds itself is freed only when Python looks for garbage, and until then nothing takes its place.
    asked = ref(cycle)
    return {WHOLE: {"take": partial(take_whole, asked), "write": partial(write_whole, asked)}}


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


def write_whole(asked: "ref[RequestResponseCycle]", status: int, headers: Headers, body: bytes) -> bool:
    """Write an answer in one piece, its length among its ``headers``; False where it must be sent as ASGI has it.

    That is so of a connection that is gone, closes after this answer, or is slow to read. The headers are lower case
    and hold nothing of a request that was not looked at: they are written as they are.
    """
    cycle = asked()
    if cycle is None or not can_be_told(cycle):
        return False
    write(cycle, status, headers, body)
    cycle.message_event.set()
    return True


def can_be_told(cycle: RequestResponseCycle) -> bool:
    """Whether a connection takes an answer whole, and stays."""
    return not (cycle.response_started or cycle.disconnected or not cycle.keep_alive or cycle.flow.write_paused)


def write(cycle: RequestResponseCycle, status: int, headers: Headers, body: bytes) -> None:
    """Write an answer as ``write_whole`` does, where it ``can_be_told`` and nobody waits for more of the request."""
    cycle.response_started = cycle.response_complete = True
    cycle.waiting_for_100_continue = False
    parts = [STATUS_LINE[status]]
    for name, value in (*cycle.default_headers, *headers):
        parts += (name, b": ", value, b"\r\n")
    cycle.transport.write(b"".join((*parts, b"\r\n", body)))
    cycle.on_response()
