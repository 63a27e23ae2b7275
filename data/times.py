"""Times as sources write them, made UTC microseconds; what cannot be read keeps a code that says why.

Accepted: timestamps and dates of any unit, whole numbers since 1970 (their unit is judged by their size), and ISO 8601
text with or without a zone, down to a bare ``2008-05`` (the first of that month). A time without a zone is placed in
the zone of the contract; where summer time makes it impossible or ambiguous, that is said and nothing is guessed.
"""

import re
from typing import NamedTuple

import polars as pl

from data.clock import DAY, MINUTE, SECOND
from data.errors import ContractError, SchemaError

UTC_MICROS = pl.Datetime("us", "UTC")

GOOD, MISSING, UNREADABLE, NAIVE, SKIPPED, TWICE, OUTSIDE = range(7)
PROBLEMS = {
    MISSING: "is missing",
    UNREADABLE: "is not a time",
    NAIVE: "is a naive time",
    SKIPPED: "does not exist in its time zone",
    TWICE: "happens twice in its time zone",
    OUTSIDE: "is outside 1970 to 2200",
}
"""What can be wrong with a cell that should be a time, by code."""

_LAST = 84_006 * DAY  # 2200-01-01
_CLOCK = r"\d{2}:\d{2}(?::\d{2}(?:[.,]\d{1,9})?)?"
_SHIFT = r"Z|UTC|[+-](?:[01]\d|2[0-3])(?::?[0-5]\d)?"
_BODY = rf"^\s*(\d{{4}}-\d{{2}}-\d{{2}}[T ]{_CLOCK}) ?(?:{_SHIFT})?\s*$"
_DATE = r"^\s*(\d{4}-\d{2}(?:-\d{2})?)\s*$"
_ZONE = rf":\d{{2}}(?:[.,]\d{{1,9}})? ?({_SHIFT})\s*$"
_OFFSET = re.compile(r"([+-])(\d{2}):?(\d{2})?")
_FORMATS = ("%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%d %H:%M", "%Y-%m-%d")
_EPOCHS = (("seconds", 1e11, SECOND), ("milliseconds", 1e14, 1_000), ("microseconds", 1e17, 1))
_UNITS = {"ms": 1_000, "us": 1, "ns": 0}


class Times(NamedTuple):
    """One column read as times."""

    at: pl.Series
    """``Datetime("us", "UTC")``; null where ``found`` is not GOOD."""
    found: pl.Series
    """UInt8: GOOD, or a code of ``PROBLEMS``."""
    unit: str | None = None
    """The unit assumed for whole numbers: seconds, milliseconds, microseconds or nanoseconds."""


def read_times(cells: pl.Series, zone: str | None) -> Times:
    """``cells`` of any type as times; ``zone`` (an IANA name) places those that come without one.

    Raises SchemaError when the type of the column cannot hold times, ContractError when the zone is unknown.
    """
    kind = cells.dtype
    if kind == pl.Null:
        return _judged(pl.Series(cells.name, [None] * len(cells), pl.Datetime("us")), cells)
    if kind == pl.String:
        return _from_text(cells, zone)
    if kind == pl.Date:
        return _placed(cells.cast(pl.Datetime("us")), cells, zone)
    if isinstance(kind, pl.Datetime):
        micros = _micros(cells.to_physical(), _UNITS[kind.time_unit]).cast(pl.Datetime("us"))
        return _placed(micros, cells, zone) if kind.time_zone is None else _judged(micros, cells)
    if kind.is_integer():
        unit, scale = epoch_unit(cells)
        return _judged(_micros(cells.cast(pl.Int64), scale).cast(pl.Datetime("us")), cells)._replace(unit=unit)
    raise SchemaError(f"column {cells.name!r} is {kind}. Expected times: timestamps, dates, whole numbers or ISO text.")


def epoch_unit(cells: pl.Series) -> tuple[str, int]:
    """The unit of whole numbers since 1970, judged by their median size, and its microseconds (0: nanoseconds)."""
    middle = cells.cast(pl.Float64).abs().quantile(0.5, "lower")
    size = 0.0 if middle is None else middle
    return next(((name, scale) for name, limit, scale in _EPOCHS if size < limit), ("nanoseconds", 0))


def _micros(numbers: pl.Series, scale: int) -> pl.Series:
    """Whole numbers times ``scale`` (0: a thousandth), clipped first: an overflow could look plausible."""
    if scale == 0:
        return numbers // 1_000
    return numbers.clip(-(2**62) // scale, 2**62 // scale) * scale


def _from_text(cells: pl.Series, zone: str | None) -> Times:
    cells = cells.set(cells == "", None)
    body = _body(cells).str.replace("T", " ", literal=True).str.replace(",", ".", literal=True)
    local = _parsed(body)
    offsets = _offsets(cells.str.extract(_ZONE))
    aware = _judged(local - pl.Series(offsets * MINUTE).cast(pl.Duration("us")), cells)
    if offsets.null_count() == 0:
        return aware
    placed = _placed(local, cells, zone)
    has_zone = offsets.is_not_null()
    return Times(aware.at.zip_with(has_zone, placed.at), aware.found.zip_with(has_zone, placed.found))


def _body(cells: pl.Series) -> pl.Series:
    """What is left of each cell without its zone; null where it does not look like a time."""
    found = cells.str.extract(_BODY)
    left = found.is_null() & cells.is_not_null()
    return found.zip_with(~left, cells.str.extract(_DATE)) if left.any() else found


def _parsed(body: pl.Series) -> pl.Series:
    """ISO text without its zone as a naive time; null where it is none. The commonest shape is tried first."""
    found = pl.Series(body.name, [None], pl.Datetime("us")).new_from_index(0, len(body))
    for shape in _FORMATS:
        left = found.is_null() & body.is_not_null()
        if not left.any():
            return found
        found = found.zip_with(~left, body.str.to_datetime(shape, time_unit="us", strict=False))
    left = found.is_null() & (body.str.len_chars() == 7)
    months = (body + "-01").str.to_datetime(_FORMATS[-1], time_unit="us", strict=False)
    return found.zip_with(~left.fill_null(value=False), months)


def _offsets(zones: pl.Series) -> pl.Series:
    """Minutes east of Greenwich of ``Z``, ``UTC``, ``+01``, ``+0100`` or ``-05:30``; null where there is no zone."""
    known = {text: _minutes(text) for text in zones.unique() if text is not None}
    return zones.replace_strict(known, default=None, return_dtype=pl.Int64)


def _minutes(zone: str) -> int:
    match = _OFFSET.fullmatch(zone)
    if match is None:
        return 0
    return int(match[1] + "1") * (int(match[2]) * 60 + int(match[3] or 0))


def _placed(local: pl.Series, cells: pl.Series, zone: str | None) -> Times:
    """Naive times put into ``zone``; without one each is a problem of its own."""
    if zone is None:
        judged = _judged(local, cells)
        naive = judged.found.set(judged.found == GOOD, NAIVE)
        return Times(judged.at.clear(len(local)), naive)
    utc = _in_zone(local, zone, "null")
    lost = local.is_not_null() & utc.is_null()
    judged = _judged(utc, cells)
    if not lost.any():
        return judged
    earliest = _in_zone(local.filter(lost), zone, "earliest")
    codes = pl.select(pl.when(earliest.is_null()).then(SKIPPED).otherwise(TWICE).cast(pl.UInt8)).to_series()
    return judged._replace(found=judged.found.scatter(lost.arg_true(), codes))


def _in_zone(local: pl.Series, zone: str, ambiguous: str) -> pl.Series:
    try:
        placed = local.dt.replace_time_zone(zone, ambiguous=ambiguous, non_existent="null")  # type: ignore[arg-type]
    except pl.exceptions.ComputeError:
        raise ContractError(
            f"[source] timezone is {zone!r}. Expected a name of the IANA list, such as 'Europe/London' or 'UTC'."
        ) from None
    return placed.dt.convert_time_zone("UTC").dt.replace_time_zone(None)


def _judged(utc: pl.Series, cells: pl.Series) -> Times:
    """UTC times (without their zone), each with the code of what is wrong with it."""
    micros = utc.to_physical()
    outside = (micros < 0) | (micros >= _LAST)
    code = pl.when(cells.is_null()).then(MISSING).when(utc.is_null()).then(UNREADABLE).when(outside).then(OUTSIDE)
    found = pl.select(code.otherwise(GOOD).cast(pl.UInt8).alias("found")).to_series()
    at = utc.dt.replace_time_zone("UTC")
    good = found == GOOD
    return Times(at if good.all() else at.zip_with(good, at.clear(len(at))), found)
