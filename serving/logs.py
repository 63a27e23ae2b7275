"""The log: a JSON object a line, on stderr.

A line has what an operator needs (moment, level, logger, request id, name of the key, route, status, milliseconds) and
nothing of a request's content: no header, no query, no body, no path that a caller made up. Of an unexpected error its
type and place are told, not its words, for these may quote what was sent.
"""

import logging
import sys
import traceback
from typing import TextIO

from pythonjsonlogger.msgspec import MsgspecFormatter

_NAMES = {"levelname": "level", "name": "logger"}


def start_logging(stream: TextIO | None = None) -> None:
    """Write the log of this process as JSON lines from now on."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(MsgspecFormatter("%(levelname)s %(name)s %(message)s", rename_fields=_NAMES, timestamp="at"))
    logging.basicConfig(handlers=[handler], level=logging.INFO, force=True)
    logging.getLogger("uvicorn").setLevel(logging.WARNING)
    for noisy in ("httpx", "httpcore", "alembic", "apscheduler"):
        logging.getLogger(noisy).setLevel(logging.WARNING)


def place_of(error: BaseException) -> str:
    """The type of an error and where it was raised, without its words: ``KeyError at scoring.py:41 in _answer``."""
    frames = traceback.extract_tb(error.__traceback__)
    where = [f"{frame.filename.rpartition('/')[2]}:{frame.lineno} in {frame.name}" for frame in frames[-3:]]
    return f"{type(error).__name__} at {' < '.join(reversed(where)) or 'an unknown place'}"
