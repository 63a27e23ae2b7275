"""The night: begun once for all workers, and made up for when nobody was there at its time."""

import re
from datetime import UTC, timedelta

from data.clock import from_micros, to_micros
from data.errors import ContractError

DUTY = "nightly"
_TIME = re.compile(r"([01]\d|2[0-3]):([0-5]\d)")


def time_of_day(text: str) -> tuple[int, int]:
    """Hour and minute of ``"02:00"``. Raises ContractError."""
    match = _TIME.fullmatch(text.strip())
    if match is None:
        raise ContractError(f"The nightly pass is at {text[:20]!r}. Expected a time of day (UTC) such as 02:00.")
    return int(match[1]), int(match[2])


def last_due(at: tuple[int, int], now: int) -> int:
    """The last moment (microseconds) at that hour and minute, UTC, at or before ``now``."""
    hour, minute = at
    today = from_micros(now).astimezone(UTC).replace(hour=hour, minute=minute, second=0, microsecond=0)
    return to_micros(today if to_micros(today) <= now else today - timedelta(days=1))
