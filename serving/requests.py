"""Request ids, and one line of log for each request."""

import logging
import re
import time
import uuid

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_GIVEN = re.compile(r"[A-Za-z0-9._-]{1,64}")
_ASKED_BY_MACHINES = {"/healthz", "/readyz"}
_LOG = logging.getLogger("readiness.access")


class RequestIds:
    """Give every request an id (the caller's own, if it is a plain word), return it, and log the answer.

    What is logged: method, path, status, milliseconds, id. Never a header, a query or a body: keys and people are in
    them.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request, as ASGI has it."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        given = Headers(scope=scope).get("x-request-id", "")
        request_id = given if _GIVEN.fullmatch(given) else uuid.uuid4().hex
        scope.setdefault("state", {})["request_id"] = request_id
        started = time.perf_counter()

        async def named(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)["x-request-id"] = request_id
                took = (time.perf_counter() - started) * 1_000
                _log(scope, message["status"], took, request_id)
            await send(message)

        await self.app(scope, receive, named)


def _log(scope: Scope, status: int, took: float, request_id: str) -> None:
    """One line; a probe of the service's state is only worth one to somebody who debugs."""
    level = logging.DEBUG if scope["path"] in _ASKED_BY_MACHINES else logging.INFO
    _LOG.log(level, "%s %.200r %d %.1f ms %s", scope["method"], scope["path"], status, took, request_id)
