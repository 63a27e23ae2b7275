"""The log: a JSON object a line, on stderr.

A line has what an operator needs (moment, level, logger, request id, name of the key, route, status, milliseconds) and
nothing of a request's content: no header, no query, no body, no path that a caller made up. Of an unexpected error its
type and place are told, not its words, for these may quote what was sent.
"""

import logging
import sys
import traceback
from typing import Any, TextIO

from msgspec.json import Encoder
from pythonjsonlogger.msgspec import MsgspecFormatter

from data.clock import iso

LINES = "readiness_lines"
"""The name under which a record brings lines, whole ones."""
Line = tuple[float, str, str, str, dict[str, Any]]
"""When (seconds since 1970), level, logger, message, and further fields."""
_NAMES = {"levelname": "level", "name": "logger"}
_ENCODE = Encoder().encode


def start_logging(stream: TextIO | None = None) -> None:
    """Write the log of this process as JSON lines from now on."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(_Lines("%(levelname)s %(name)s %(message)s", rename_fields=_NAMES, timestamp="at"))
    logging.basicConfig(handlers=[handler], level=logging.INFO, force=True)
    # No line names a place, a thread or a process. To look for them takes as long as to write the line:
    # https://docs.python.org/3/howto/logging.html#optimization
    logging._srcfile = None  # noqa: SLF001 - the documented way
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    logging.getLogger("uvicorn").setLevel(logging.WARNING)
    for noisy in ("httpx", "httpcore", "alembic", "apscheduler"):
        logging.getLogger(noisy).setLevel(logging.WARNING)


class _Lines(MsgspecFormatter):
    """JSON lines; a record that brings lines is written as these."""

    def format(self, record: logging.LogRecord) -> str:
        """The line of a record, or its lines."""
        lines: list[Line] | None = getattr(record, LINES, None)
        return str(super().format(record)) if lines is None else "\n".join(map(_text, lines))


def _text(line: Line) -> str:
    seconds, level, logger, message, fields = line
    at = iso(int(seconds * 1_000_000))
    return _ENCODE({"at": at, "level": level, "logger": logger, "message": message, **fields}).decode()


def place_of(error: BaseException) -> str:
    """The type of an error and where it was raised, without its words: ``KeyError at scoring.py:41 in _answer``."""
    frames = traceback.extract_tb(error.__traceback__)
    where = [f"{frame.filename.rpartition('/')[2]}:{frame.lineno} in {frame.name}" for frame in frames[-3:]]
    return f"{type(error).__name__} at {' < '.join(reversed(where)) or 'an unknown place'}"
