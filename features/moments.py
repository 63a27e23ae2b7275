"""Times of many events read in one compiled pass: those in the form that nearly everybody writes.

``datetime.fromisoformat`` and the arithmetic after it take longer for a lead's times than all of its features do.
"""

from array import array
from collections.abc import Sequence
from typing import Any

import numpy as np

from features.compiled import compiled, within
from features.event_columns import Moments

FIRST_YEAR, LAST_YEAR = 1970, 2199
FORM = np.frombuffer(b"0000-00-00T00:00:00", np.uint8)
"""A digit where there is a zero, else the letter itself."""
ZERO, NINE, POINT, ZED, NEW_LINE = b"09.Z\n"


def read_moments(texts: Sequence[str]) -> "Moments | None":
    """Microseconds since 1970 of times like ``2026-01-31T09:30:00Z``, with three or six digits after a point or none.

    None where any is written otherwise, is no time, or is outside the years 1970 to 2199.
    """
    found = array("q", [0]) * len(texts)
    if texts and not _read("\n".join([*texts, ""]).encode(), found):
        return None
    return found


@compiled
def _read(text: bytes, found: Moments) -> bool:
    """Read a line for each of ``found``; False where one is written otherwise."""
    at = 0
    for k in range(len(found)):
        good = len(text) > at + len(FORM) + 1
        told: Any = np.int64(0)  # of one type from the start: what is called with two is compiled twice
        for place in range(len(FORM) if good else 0):
            letter = text[at + place]
            if FORM[place] == ZERO:
                good = good and ZERO <= letter <= NINE
                told = told * 10 + letter - ZERO
            else:
                good = good and letter == FORM[place]
        at += len(FORM)
        fraction, digits = 0, 0
        if good and text[at] == POINT:
            at += 1
            while digits < 6 and at < len(text) and ZERO <= text[at] <= NINE:
                fraction, digits, at = fraction * 10 + text[at] - ZERO, digits + 1, at + 1
            good = digits > 0 and digits % 3 == 0
        second = _second(told)
        if not good or second < 0 or at + 1 >= len(text) or text[at] != ZED or text[at + 1] != NEW_LINE:
            return False
        found[k] = second * 1_000_000 + fraction * (1000 if digits == 3 else 1)
        at += 2
    return at == len(text)


@within
def _second(told: int) -> int:
    """The second since 1970 of a time told as the number of its 14 digits; -1 where there is none."""
    year, month, day = told // 10_000_000_000, told // 100_000_000 % 100, told // 1_000_000 % 100
    hour, minute, second = told // 10_000 % 100, told // 100 % 100, told % 100
    leap = 1 if year % 4 == 0 and (year % 100 != 0 or year % 400 == 0) else 0
    days = 28 + leap if month == 2 else 30 + (month + month // 8) % 2
    if not (FIRST_YEAR <= year <= LAST_YEAR and 1 <= month <= 12 and 1 <= day <= days):
        return -1
    if hour > 23 or minute > 59 or second > 59:
        return -1
    # Hinnant's ``days_from_civil``, counting years from 1 March
    march_year = year - 1 if month <= 2 else year
    of_year = (153 * ((month + 9) % 12) + 2) // 5 + day - 1
    since = march_year * 365 + march_year // 4 - march_year // 100 + march_year // 400 + of_year - 719_468
    return int(((since * 24 + hour) * 60 + minute) * 60 + second)
