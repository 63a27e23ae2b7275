"""Times of many events read in one compiled pass: those in the form that nearly everybody writes.

``datetime.fromisoformat`` and the arithmetic after it take longer for a lead's times than all of its features do.
"""

from array import array
from collections.abc import Sequence

from features.compiled import compiled
from features.event_columns import Moments

FIRST_YEAR, LAST_YEAR = 1970, 2199
DASH, POINT, COLON, TEE, ZED, NEW_LINE = b"-.:TZ\n"


def read_moments(texts: Sequence[str]) -> "Moments | None":
    """Microseconds since 1970 of times like ``2026-01-31T09:30:00Z``, with three or six digits after a point or none.

    None where any is written otherwise, is no time, or is outside the years 1970 to 2199.
    """
    found = array("q", bytes(8 * len(texts)))
    if texts and not _read("\n".join([*texts, ""]).encode(), found):
        return None
    return found


@compiled
def _read(text: bytes, found: Moments) -> bool:
    """Read a line for each of ``found``; False where one is written otherwise."""
    at = 0
    for k in range(len(found)):
        if not _plain(text, at):
            return False
        year, month, day = _number(text, at, 4), _number(text, at + 5, 2), _number(text, at + 8, 2)
        hour, minute, second = _number(text, at + 11, 2), _number(text, at + 14, 2), _number(text, at + 17, 2)
        day_is = FIRST_YEAR <= year <= LAST_YEAR and 1 <= month <= 12 and 1 <= day <= _days_of(year, month)
        at, part = at + 19, 0
        if text[at] == POINT:
            digits = 3 if at + 4 < len(text) and text[at + 4] == ZED else 6
            part = _number(text, at + 1, digits) * (1000 if digits == 3 else 1) if at + digits < len(text) else -1
            at += 1 + digits
        time_is = 0 <= hour < 24 and 0 <= minute < 60 and 0 <= second < 60 and part >= 0
        if not (day_is and time_is) or at + 1 >= len(text) or text[at] != ZED or text[at + 1] != NEW_LINE:
            return False
        at += 2
        found[k] = (((_day(year, month, day) * 24 + hour) * 60 + minute) * 60 + second) * 1_000_000 + part
    return at == len(text)


@compiled
def _plain(text: bytes, at: int) -> bool:
    """Whether what separates the parts of a time is where it should be."""
    if len(text) < at + 21:
        return False
    date = text[at + 4] == DASH and text[at + 7] == DASH and text[at + 10] == TEE
    return bool(date and text[at + 13] == COLON and text[at + 16] == COLON)


@compiled
def _number(text: bytes, at: int, digits: int) -> int:
    """The number in so many digits; far below zero where one is no digit."""
    number = 0
    for k in range(digits):
        digit = int(text[at + k]) - 48
        number = number * 10 + (digit if 0 <= digit <= 9 else -100_000_000)
    return number


@compiled
def _days_of(year: int, month: int) -> int:
    """The days of a month, in the years of this century and the one before and after."""
    if month == 2:
        return 29 if year % 4 == 0 and (year % 100 != 0 or year % 400 == 0) else 28
    return 30 if month in (4, 6, 9, 11) else 31


@compiled
def _day(year: int, month: int, day: int) -> int:
    """The day since 1970: Hinnant's ``days_from_civil``, counting years from 1 March."""
    march_year = year - 1 if month <= 2 else year
    of_year = (153 * ((month + 9) % 12) + 2) // 5 + day - 1
    return march_year * 365 + march_year // 4 - march_year // 100 + march_year // 400 + of_year - 719_468
