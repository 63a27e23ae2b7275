"""One import at work: the tables of an export as text, each row with its table and its number."""

from collections.abc import Iterable, Sequence

import polars as pl

from data.cells import Meaning, as_series, texts
from data.errors import SchemaError
from data.source_section import Source
from data.sources.loading.books import Books
from data.sources.loading.export import Export
from data.sources.mapping import Opened, listed
from data.sources.raw import SOURCE_ROW, SOURCE_TABLE
from data.times import read_times

SYNCED = "_fivetran_synced"
"""When the loader last wrote a row. Never a known_at: a row of long ago is written again whenever it changes."""
_SHORT_HOUR = r"^(\s*\d{4}-\d{2}-\d{2}[ T])(\d):"
YES, NO = ("true", "t", "yes", "1"), ("false", "f", "no", "0")
"""How a boolean is spelled, in lower case."""


class Work:
    """Reads the tables of ``export``, and keeps the books of what becomes of their rows."""

    def __init__(self, export: Export, source: Source) -> None:
        self.export = export
        self.source = source
        self.zone = source.timezone
        self.books = Books()
        self.notes: list[str] = []
        self.synced: object = None
        """The last time (UTC) at which the loader wrote any row that was read; None where it does not say."""

    def has(self, name: str) -> bool:
        """Whether the export has the table ``name``."""
        return name in self.export.tables

    def columns(self, name: str) -> list[str]:
        """The columns of the table ``name`` in lower case; none where it is not there."""
        return [column.lower() for column in self._open(name)[1].names] if self.has(name) else []

    def read(
        self,
        name: str,
        columns: Sequence[str],
        *,
        times: Sequence[str] = (),
        fact: str | None = None,
        needs: Sequence[str] = (),
    ) -> pl.DataFrame | None:
        """These columns and ``times`` as text, null where the table lacks one; None where there is no such table.

        Names are lower case. ``fact`` says what the rows are to become. Raises SchemaError when one of ``needs`` is
        not there, or a column holds lists.
        """
        if not self.has(name):
            return None
        theirs, opened = self._open(name)
        names = {column.lower(): column for column in opened.names}
        missing = [column for column in needs if column not in names]
        if missing:
            raise SchemaError(
                f"{theirs} has no column {missing[0]!r}, which a table {name} has. It has {listed(names)}. "
                "Export it with its key columns."
            )
        wanted = list(dict.fromkeys([*columns, *times]))
        rows, meanings = opened.read(list({names[c]: None for c in [*wanted, SYNCED] if c in names}))
        self.books.opened(fact, theirs, rows.num_rows)
        found = {c: as_series(names[c], rows[names[c]]) for c in [*wanted, SYNCED] if c in names}
        self._see(found.pop(SYNCED, None))
        read = [_text(found.get(c), c, meanings.get(names.get(c, "")), rows.num_rows, c in times) for c in wanted]
        return pl.DataFrame(
            [
                *read,
                pl.Series(SOURCE_TABLE, [theirs], pl.Categorical).new_from_index(0, rows.num_rows),
                pl.int_range(1, rows.num_rows + 1, dtype=pl.Int64, eager=True).alias(SOURCE_ROW),
            ]
        )

    def at(self, times: pl.Series) -> pl.Series:
        """Text as moments in UTC; null for what is none, which ``check`` will say."""
        return read_times(times, self.zone).at

    def later(self, first: pl.Series, second: pl.Series) -> pl.Series:
        """Of two times of each row the later one, as it was written; the first where the second is none."""
        return later(first, second, self.zone)

    def _open(self, name: str) -> tuple[str, Opened]:
        theirs, opener = self.export.tables[name]
        return theirs, opener()

    def _see(self, synced: pl.Series | None) -> None:
        if synced is None or synced.is_empty():
            return
        last = self.at(_text(synced, SYNCED, None, len(synced), is_time=True)).max()
        if last is not None and (self.synced is None or last > self.synced):  # type: ignore[operator]
            self.synced = last


def _text(series: pl.Series | None, name: str, meaning: Meaning | None, length: int, is_time: bool) -> pl.Series:
    """A column as text; times with an hour of one digit get their zero, whole numbers become the time they mean."""
    if series is None:
        return pl.Series(name, [None], pl.String).new_from_index(0, length)
    if not is_time:
        return texts(series, meaning or "any").cast(pl.String).alias(name)
    if series.dtype.is_integer():
        series = read_times(series, None).at
    return texts(series).cast(pl.String).str.replace(_SHORT_HOUR, "${1}0${2}:").alias(name)


def later(first: pl.Series, second: pl.Series, zone: str | None) -> pl.Series:
    """Of two times of each row the later one, as it was written; the first where the second is none."""
    after = read_times(second, zone).at > read_times(first, zone).at
    return first.zip_with(~after.fill_null(value=False), second)


PLACE = [SOURCE_TABLE, SOURCE_ROW]
"""The columns that say where a row comes from."""


def no_rows(names: Iterable[str]) -> pl.DataFrame:
    """No row of these columns of text and of the place."""
    texts_only: dict[str, pl.DataType | type[pl.DataType]] = {name: pl.String for name in names if name not in PLACE}
    return pl.DataFrame(schema=texts_only | {SOURCE_TABLE: pl.Categorical, SOURCE_ROW: pl.Int64})


def truth(*columns: str) -> pl.Expr:
    """Whether one of these columns says yes, in any spelling."""
    said = (pl.col(column).str.to_lowercase().is_in(YES).fill_null(value=False) for column in columns)
    return pl.any_horizontal(said)


def untruth(column: str) -> pl.Expr:
    """Whether this column says no, in any spelling; an empty cell does not."""
    return pl.col(column).str.to_lowercase().is_in(NO).fill_null(value=False)
