"""Dates, counts and words as people read them. In UTC, the same text in every locale."""

import math
import re
from functools import lru_cache

from data.clock import DAY, from_micros

MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
_AFTER_THE_NOUN = re.compile(r"(?= (?:with|by|of) )")
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def date(moment: int) -> str:
    """``12 May 2025`` of microseconds since 1970."""
    return _date(moment // DAY)


@lru_cache(4_096)
def _date(day: int) -> str:
    when = from_micros(day * DAY)
    return f"{when.day} {MONTHS[when.month - 1]} {when.year}"


def days(span: int) -> str:
    """``41 days`` of a span in microseconds, whole days only."""
    return _days(span // DAY)


@lru_cache(4_096)
def _days(count: int) -> str:
    return counted(count, "day")


def counted(count: int, noun: str) -> str:
    """``1 reply``, ``3 replies``."""
    return f"{count} {noun if count == 1 else plural(noun)}"


@lru_cache(1_024)
def plural(noun: str) -> str:
    """The plural of an English noun phrase: of what stands before *with*, *by* or *of*, by its last letters."""
    noun, *rest = _AFTER_THE_NOUN.split(noun, maxsplit=1)
    return "".join([_plural(noun), *rest])


def _plural(noun: str) -> str:
    if noun.endswith(("s", "x", "z", "ch", "sh")):
        return noun + "es"
    if noun.endswith("y") and noun[-2:-1] not in set("aeiou"):
        return noun[:-1] + "ies"
    return noun + "s"


def phrase(name: str) -> str:
    """``pricing_view`` as ``pricing view``."""
    return " ".join(name.replace("_", " ").replace("-", " ").split()) or name


def number(value: float) -> str:
    """A number without needless digits: ``250``, ``3.5``, ``1,200``."""
    if math.isfinite(value) and abs(value) < 1e15 and float(value).is_integer():
        return f"{int(value):,}"
    return f"{value:,.3g}" if abs(value) < 1000 else f"{value:,.0f}"
