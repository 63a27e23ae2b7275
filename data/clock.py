"""Time: UTC, whole microseconds, two clocks, and the one statement of every interval.

``occurred_at`` is when something happened; ``known_at`` is when *we* could have known it. At a cutoff *c*:

- a feature with window *w* sees the events with ``c - w <= occurred_at < c`` **and** ``known_at < c``;
- an outcome counts for horizon *h* when ``c <= occurred_at < c + h``.

The two intervals tile the axis at *c*: nothing is seen twice, nothing is missed. ``in_window`` and ``in_horizon`` are
the reading of these two sentences; compiled code restates them and is tested against them.
"""

import re
import time
from datetime import UTC, datetime
from functools import lru_cache

from data.errors import ContractError

SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR
WEEK = 7 * DAY

_UNITS = {"s": SECOND, "min": MINUTE, "h": HOUR, "d": DAY, "w": WEEK}
_DURATION = re.compile(r"\s*(\d+)\s*(s|min|h|d|w)\s*")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def in_window(occurred_at: int, known_at: int, cutoff: int, window: int | None) -> bool:
    """Whether a feature at ``cutoff`` sees an event (all in microseconds; ``window=None`` reaches back for ever)."""
    return known_at < cutoff and occurred_at < cutoff and (window is None or occurred_at >= cutoff - window)


def in_horizon(occurred_at: int, cutoff: int, horizon: int) -> bool:
    """Whether an outcome answers the question asked at ``cutoff`` (all in microseconds)."""
    return cutoff <= occurred_at < cutoff + horizon


def parse_duration(text: str) -> int:
    """Microseconds of ``"30d"``, ``"12h"``, ``"90min"``, ``"2w"`` or ``"45s"``.

    Raises ContractError for anything else; a bare ``m`` is refused because it could mean minutes or months.
    """
    match = _DURATION.fullmatch(text)
    if match is None:
        raise ContractError(
            f"{text!r} is not a duration. Expected a whole number and s, min, h, d or w, such as '30d'."
        )
    return int(match[1]) * _UNITS[match[2]]


def format_duration(microseconds: int) -> str:
    """The shortest text that ``parse_duration`` reads back: days before weeks, so that 14 days stay ``14d``."""
    for unit in ("d", "h", "min"):
        if microseconds and microseconds % _UNITS[unit] == 0:
            return f"{microseconds // _UNITS[unit]}{unit}"
    return f"{microseconds // SECOND}s"


def to_micros(moment: datetime) -> int:
    """Microseconds since 1970 of an aware ``datetime``. Raises ValueError when it is naive."""
    if moment.tzinfo is None:
        raise ValueError(f"{moment!r} has no time zone; every time in Readiness is aware.")
    delta = moment - _EPOCH
    return (delta.days * 86_400 + delta.seconds) * SECOND + delta.microseconds


def wall_clock() -> int:
    """Now, in microseconds since 1970."""
    return time.time_ns() // 1_000


def from_micros(microseconds: int) -> datetime:
    """The aware UTC ``datetime`` of microseconds since 1970."""
    return datetime.fromtimestamp(microseconds // SECOND, UTC).replace(microsecond=microseconds % SECOND)


def iso(microseconds: int) -> str:
    """ISO 8601 with a ``Z``; a midnight is printed as its date alone where people read it, never here."""
    seconds, part = divmod(microseconds, SECOND)
    return f"{_second(seconds)}.{part:06}Z" if part else f"{_second(seconds)}Z"


_TWO = tuple([f"{number:02}" for number in range(60)])
"""To format a number costs ten times as much as to look it up, and every answer tells several moments."""


@lru_cache(512)
def _second(seconds: int) -> str:
    """The date and time of a second since 1970: a service tells the same ones again and again, above all now."""
    day, of_day = divmod(seconds, 86_400)
    minutes, second = divmod(of_day, 60)
    hour, minute = divmod(minutes, 60)
    return f"{_date(day)}T{_TWO[hour]}:{_TWO[minute]}:{_TWO[second]}"


@lru_cache(4_096)
def _date(day: int) -> str:
    """The date of a day since 1970: most moments that are printed lie on few days."""
    return from_micros(day * DAY).date().isoformat()
