"""How one raw value becomes a number, a text or a moment: the same in tables and for one lead, never a crash."""

import math
from datetime import UTC, date, datetime

from data.clock import to_micros

NAN = math.nan


def read_number(value: object) -> float:
    """A finite number, true as 1 and false as 0, also from text; NaN for anything else. Zero has no sign."""
    if type(value) is float:
        return value + 0.0 if math.isfinite(value) else NAN
    if isinstance(value, str):
        word = value.strip().lower()
        value = {"true": 1.0, "false": 0.0}.get(word, word)
    try:
        number = float(value)  # type: ignore[arg-type]  # what float cannot take is null
    except (TypeError, ValueError, OverflowError):
        return NAN
    return number + 0.0 if math.isfinite(number) else NAN


def read_text(value: object) -> str | None:
    """The text of a value: whole numbers without a point, true and false in lower case; None for null and ''."""
    if isinstance(value, str):
        return value or None
    if value is None:
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        if not math.isfinite(value):
            return None
        return str(int(value)) if value == int(value) else repr(float(value))
    return value.isoformat() if isinstance(value, date) else str(value)


def read_moment(value: object) -> float:
    """Microseconds since 1970 from an aware time, ISO 8601 text with a zone, a date (midnight UTC) or microseconds."""
    if isinstance(value, str):
        try:
            value = (
                datetime.fromisoformat(value.strip()) if len(value.strip()) > 10 else date.fromisoformat(value.strip())
            )
        except ValueError:
            return NAN
    if isinstance(value, date) and not isinstance(value, datetime):
        value = datetime(value.year, value.month, value.day, tzinfo=UTC)
    if isinstance(value, datetime):
        return float(to_micros(value)) if value.tzinfo is not None else NAN
    return read_number(value) if isinstance(value, int | float) and not isinstance(value, bool) else NAN
