"""Cells of any type made text, numbers or times, a whole column at a time.

An empty text, NULL and NaN are one thing: null. A further column becomes one of three types: ``float64`` (numbers and
booleans), ``timestamp[us, UTC]`` or ``string``. Where a source has text for everything (CSV), the type of a further
column is the strictest that fits every cell: numbers (without leading zeros, which are codes), booleans, times with
a zone, and text otherwise.
"""

from typing import Literal

import polars as pl
import pyarrow as pa

from data.errors import SchemaError
from data.times import GOOD, NAIVE, UTC_MICROS, read_times

Meaning = Literal["any", "time", "number"]
"""What a column of text may hold: anything (a CSV cell), times or numbers. A column without a meaning is what it is."""

_WHOLE = r"^\s*(-?\d+)\.0\s*$"
_NUMBER = r"^(?:[+-]?(?:0|[1-9]\d*|0?\.\d+|[1-9]\d*\.\d*|0\.\d*)(?:[eE][+-]?\d+)?|[Nn]a[Nn])$"
_BOOLEANS = {"true": 1.0, "false": 0.0}
_EXACT = 2.0**53


def as_series(name: str, cells: pa.ChunkedArray) -> pl.Series:
    """An Arrow column as Polars has it; times with any zone come in UTC."""
    if pa.types.is_timestamp(cells.type) and cells.type.tz is not None:
        cells = cells.cast(pa.timestamp(cells.type.unit, "UTC"))
    return pl.Series(name, cells)


def texts(cells: pl.Series, meaning: Meaning | None = None) -> pl.Series:
    """``cells`` as text, whole numbers without ``.0``. Raises SchemaError for lists and structs."""
    kind = cells.dtype
    if kind == pl.String:
        whole = cells.str.replace(_WHOLE, "$1") if meaning is not None else cells
        return whole.set(whole == "", None)
    if kind.is_nested():
        raise SchemaError(
            f"column {cells.name!r} holds {kind}. Expected one value a cell: pick it apart in the source."
        )
    if kind.is_float():
        return _float_texts(cells)
    if isinstance(kind, pl.Decimal):
        return cells.cast(pl.String).str.replace(r"\.0*$", "").str.replace(r"(\.\d*?)0+$", "$1")
    if isinstance(kind, pl.Datetime):
        return cells.dt.to_string("iso:strict")
    return cells.cast(pl.String, strict=kind != pl.Binary)


def _float_texts(cells: pl.Series) -> pl.Series:
    """Floats as text; those that are whole, as pandas makes of integers with gaps, read like integers."""
    cells = cells.cast(pl.Float64).fill_nan(None)
    whole = (cells == cells.floor()) & (cells.abs() < _EXACT)
    return (
        cells.cast(pl.Int64, strict=False).cast(pl.String).zip_with(whole.fill_null(value=False), cells.cast(pl.String))
    )


def numbers(cells: pl.Series) -> tuple[pl.Series, pl.Series]:
    """``cells`` as float64, and which of them are no finite number. Raises SchemaError for a type without numbers."""
    kind = cells.dtype
    if kind == pl.String:
        stripped = cells.str.strip_chars()
        empty = stripped.is_null() | (stripped == "")
        found = stripped.cast(pl.Float64, strict=False)
        return _finite(found), found.is_infinite().fill_null(value=False) | (found.is_null() & ~empty)
    if not (kind.is_numeric() or kind in {pl.Boolean, pl.Null}):
        raise SchemaError(f"column {cells.name!r} is {kind}. Expected numbers.")
    found = cells.cast(pl.Float64)
    return _finite(found), found.is_infinite().fill_null(value=False)


def _finite(cells: pl.Series) -> pl.Series:
    cells = cells.fill_nan(None)
    return cells.set(cells.is_infinite(), None)


def further(cells: pl.Series, meaning: Meaning | None, zone: str | None) -> pl.Series:
    """A further column as float64, UTC microseconds or text; what does not fit its type is null.

    Raises SchemaError for times without a zone where the contract names none.
    """
    if cells.dtype == pl.String and meaning == "any":
        return _inferred(cells.set(cells == "", None), zone)
    if meaning == "number" or cells.dtype.is_numeric() or cells.dtype == pl.Boolean:
        return numbers(cells)[0]
    if meaning == "time" or cells.dtype.is_temporal():
        return _times(cells, zone)
    return texts(cells)


def _times(cells: pl.Series, zone: str | None) -> pl.Series:
    times = read_times(cells, zone)
    naive = times.found == NAIVE
    if naive.any():
        raise SchemaError(
            f"column {cells.name!r} holds {naive.sum()} times without a zone, the first {cells.filter(naive)[0]}. "
            "Expected times with a zone: add timezone = 'Europe/London', or theirs, to [source]."
        )
    return times.at


def _inferred(cells: pl.Series, zone: str | None) -> pl.Series:
    """A column of CSV text as the strictest type that fits all of its cells."""
    filled = cells.drop_nulls()
    if filled.is_empty():
        return cells
    if filled.str.contains(_NUMBER).all():
        return numbers(cells)[0]
    if filled.str.to_lowercase().is_in(list(_BOOLEANS)).all():
        return cells.str.to_lowercase().replace_strict(_BOOLEANS, default=None, return_dtype=pl.Float64)
    if (read_times(filled.head(100), zone).found == GOOD).all():
        times = read_times(cells, zone)
        if (times.found == GOOD).sum() == len(filled):
            return times.at.cast(UTC_MICROS)
    return cells
