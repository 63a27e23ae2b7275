"""Figures and moments as the pages say them, in UTC."""

import math
import re

from data.clock import DAY, HOUR, MINUTE, from_micros
from models.wording import MONTHS, counted, number

_LONG = re.compile(r"(?<![\w.])-?\d+\.\d{3,}(?![\w.])")


def percent(share: float) -> str:
    """``24 %``, ``3.1 %``, ``0.35 %``: two digits that count."""
    value = 100.0 * share
    if value >= 9.95 or value == 0.0:
        return f"{value:.0f} %"
    return f"{value:.1f} %" if value >= 0.95 else f"{value:.2f} %"


def on_axis(share: float) -> str:
    """``20 %``, ``5 %``, ``0.5 %``: a round share, without digits that say nothing."""
    return f"{100.0 * share:.6g} %"


def points(change: float) -> str:
    """``+12``, or less with a minus sign: by how many percentage points a share moved."""
    value = 100.0 * change
    size = f"{abs(value):.0f}" if abs(value) >= 9.95 else f"{abs(value):.1f}"
    sign = "" if float(size) == 0.0 else "+" if value > 0 else "\N{MINUS SIGN}"
    return f"{sign}{size}"


def weekly(number: float) -> str:
    """``40``, ``4.5``, ``0.3``: so many a week."""
    return f"{number:,.0f}" if number >= 9.95 or number == round(number) else f"{number:.1f}"


def signed(number: float) -> str:
    """``+3.2``, or less with a minus sign."""
    shown = f"{number:+.1f}"
    return "0.0" if float(shown) == 0.0 else shown.replace("-", "\N{MINUS SIGN}")


def ago(span: int) -> str:
    """``3 days`` of a span in microseconds: in the largest unit that fits."""
    for unit, name in ((DAY, "day"), (HOUR, "hour"), (MINUTE, "minute")):
        if span >= unit:
            return counted(span // unit, name)
    return "less than a minute"


def day(moment: int) -> str:
    """``12 May`` this year or any other: ``12 May 2026``."""
    when = from_micros(moment)
    return f"{when.day} {MONTHS[when.month - 1][:3]} {when.year}"


def minute(moment: int) -> str:
    """``12 May 2026, 14:05``."""
    return f"{day(moment)}, {from_micros(moment):%H:%M}"


def machine(moment: int) -> str:
    """A moment for ``datetime`` attributes."""
    return f"{from_micros(moment):%Y-%m-%dT%H:%M:%SZ}"


def short(text: str) -> str:
    """A text in which long decimals are cut to what people read: ``value: 26.643341405684563`` is ``value: 26.6``."""
    return _LONG.sub(
        lambda found: f"{float(found[0]):.3g}" if abs(float(found[0])) < 1e3 else f"{float(found[0]):.0f}", text
    )


def plain(value: object) -> str:
    """An attribute as people read it: a whole number without its point."""
    return number(value) if isinstance(value, float) else str(value)


def sentence(text: str) -> str:
    """A text as a sentence of its own."""
    return text[:1].upper() + text[1:] + ("" if text.endswith(".") else ".")


def number_or_dash(value: float | None, form: str = ".3f") -> str:
    """A figure, or a dash where there is none."""
    return "\N{EN DASH}" if value is None or not math.isfinite(value) else format(value, form)
