"""A raw table as the columns that the rules look at: ids as text, times in UTC, a code for each time that cannot be."""

from dataclasses import dataclass, field

import polars as pl
import pyarrow as pa

from data.cells import as_series, further, numbers, texts
from data.errors import SchemaError
from data.sources.raw import RawTable
from data.tables import ACTORS, SCHEMAS, TIME
from data.times import Times, read_times

_ACTOR = pl.Enum(ACTORS)


@dataclass(frozen=True)
class Prepared:
    """Every row of a raw table, converted."""

    rows: pl.DataFrame
    """``row`` and the fixed columns of the table, for each time column T also ``T_found``, and ``value_found``."""
    further: dict[str, pl.Series]
    """The further columns, each of one of the three types."""
    notes: tuple[str, ...] = field(default=())
    """What had to be assumed."""


def prepare(name: str, raw: RawTable, zone: str | None) -> Prepared:
    """``raw`` converted column by column. Raises SchemaError when a column's type cannot mean what it should."""
    try:
        reader = _Reader(raw, zone, raw.rows.num_rows)
        columns = reader.columns(name)
        attributes = {column: _further(raw, column, zone) for column in raw.attributes}
    except SchemaError as error:
        raise SchemaError(f"{raw.origin} ({name}): {error}") from None
    row = pl.int_range(reader.length, dtype=pl.UInt32, eager=True).alias("row")
    return Prepared(pl.DataFrame([row, *columns]), attributes, tuple(dict.fromkeys(reader.notes)))


def cells(rows: pa.Table, theirs: str) -> pl.Series:
    """One column of a raw table; times with any zone come in UTC."""
    return as_series(theirs, rows[theirs])


def _further(raw: RawTable, theirs: str, zone: str | None) -> pl.Series:
    return further(cells(raw.rows, theirs), raw.meanings.get(theirs), zone)


class _Reader:
    """Reads the fixed columns of one raw table, with their meaning where the source does not have them."""

    def __init__(self, raw: RawTable, zone: str | None, length: int) -> None:
        self.raw, self.zone, self.length = raw, zone, length
        self.notes: list[str] = []
        self.times: dict[str, Times] = {}

    def columns(self, name: str) -> list[pl.Series]:
        """The fixed columns of the table ``name``, times followed by their codes."""
        found: list[pl.Series] = []
        for ours in SCHEMAS[name]:
            if ours.type == TIME:
                found += self._time(ours.name)
            elif ours.type == pa.float64():
                found += self._number(ours.name)
            elif ours.name == "actor":
                found.append(self._actor())
            else:
                found.append(self._kind() if ours.name == "kind" else self._text(ours.name))
        return found

    def _text(self, ours: str) -> pl.Series:
        theirs = self.raw.columns.get(ours)
        if theirs is None:
            return self._constant(ours, None, pl.String)
        return texts(cells(self.raw.rows, theirs), self.raw.meanings.get(theirs)).alias(ours)

    def _kind(self) -> pl.Series:
        if self.raw.kind is not None:
            return self._constant("kind", self.raw.kind, pl.String)
        kinds = self._text("kind")
        return kinds.replace(self.raw.kinds) if self.raw.kinds else kinds

    def _actor(self) -> pl.Series:
        if "actor" not in self.raw.columns:
            return self._constant("actor", "lead", _ACTOR)
        return self._text("actor").str.to_lowercase().cast(_ACTOR, strict=False)

    def _number(self, ours: str) -> list[pl.Series]:
        theirs = self.raw.columns.get(ours)
        if theirs is None:
            return [self._constant(ours, None, pl.Float64), self._constant(f"{ours}_found", True, pl.Boolean)]
        found, bad = numbers(cells(self.raw.rows, theirs))
        return [found.alias(ours), (~bad).alias(f"{ours}_found")]

    def _time(self, ours: str) -> list[pl.Series]:
        theirs = self.raw.columns.get(ours) or self.raw.columns["occurred_at"]
        if theirs not in self.times:
            self.times[theirs] = self._shifted(read_times(cells(self.raw.rows, theirs), self.zone))
        times = self.times[theirs]
        if times.unit is not None:
            self.notes.append(f"{self.raw.origin}: the whole numbers of {theirs!r} are read as {times.unit} since 1970")
        return [times.at.alias(ours), times.found.alias(f"{ours}_found")]

    def _shifted(self, times: Times) -> Times:
        if self.raw.shifts is None:
            return times
        return times._replace(at=times.at + pl.Series(self.raw.shifts).cast(pl.Duration("us")))

    def _constant(self, name: str, value: object, kind: pl.DataType | type[pl.DataType]) -> pl.Series:
        return pl.Series(name, [value], kind).new_from_index(0, self.length)
