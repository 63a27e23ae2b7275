"""The lines about requests, written together a moment later: alone each would take a third of a small answer's time.

What a kill can take is the lines of the last moments.
"""

import asyncio
import logging
import time
from typing import Any

from serving.logs import LINES, Line

SOON_S = 0.02
AT_ONCE = 256
_LOG = logging.getLogger("readiness.access")


class AccessLog:
    """Keeps lines until they are written. Belongs to one event loop."""

    def __init__(self) -> None:
        self._waiting: list[tuple[float, int, dict[str, Any]]] = []

    def note(self, level: int, fields: dict[str, Any]) -> None:
        """Write a line soon, if lines of this level are wanted."""
        if not _LOG.isEnabledFor(level):
            return
        self._waiting.append((time.time(), level, fields))
        if len(self._waiting) == 1:
            asyncio.get_running_loop().call_later(SOON_S, self.flush)
        elif len(self._waiting) >= AT_ONCE:
            self.flush()

    def flush(self) -> None:
        """Write what waits now."""
        waiting, self._waiting = self._waiting, []
        if waiting:
            lines: list[Line] = [
                (moment, logging.getLevelName(level), _LOG.name, "request", fields) for moment, level, fields in waiting
            ]
            _LOG.log(logging.INFO, "%d requests", len(lines), extra={LINES: lines})
