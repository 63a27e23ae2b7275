"""CSV as text: a byte-order mark, quoted fields and either separator are read; what is broken is one clear error."""

import csv
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.csv as pacsv

from data.errors import SchemaError

_SEPARATORS = (",", ";", "\t", "|")
_CHUNK = 1 << 22

Broken = list[pacsv.InvalidRow]
"""Rows whose number of fields is not that of the header."""


def csv_header(path: Path) -> tuple[list[str], str]:
    """The column names of a CSV file, and its separator: of comma, semicolon, tab and bar the commonest in the header.

    Raises SchemaError when the file is no UTF-8, has no header, or names a column twice.
    """
    names, separator = _first_record(path)
    if not names:
        raise SchemaError(f"{path} has no header. Expected the names of the columns in the first line.")
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise SchemaError(
            f"{path} has {names.count(twice)} columns called {twice!r}. Expected each name once; rename one."
        )
    return names, separator


def _first_record(path: Path) -> tuple[list[str], str]:
    with path.open("rb") as file:
        if file.read(2) in {b"\xff\xfe", b"\xfe\xff"}:
            raise SchemaError(f"{path} is UTF-16. Expected UTF-8: save it again as 'CSV UTF-8'.")
    try:
        with path.open(encoding="utf-8-sig", newline="") as text:
            separator = max(_SEPARATORS, key=text.readline().count)
            text.seek(0)
            return next(csv.reader(text, delimiter=separator), []), separator
    except UnicodeDecodeError:
        raise _not_utf8(path) from None


def read_csv(path: Path, columns: list[str]) -> pa.Table:
    """These columns as text, empty cells as empty text.

    Raises SchemaError when a column is not there, when rows have more or fewer fields than the header, when a quote
    stays open to the end, or when a cell is not UTF-8.
    """
    names, separator = csv_header(path)
    missing = [column for column in columns if column not in names]
    if missing:
        raise SchemaError(f"{path.name} has no column {missing[0]!r}, as the files before it have. Write them alike.")
    _check_quotes(path, separator)
    ragged: Broken = []
    table = _parse(path, columns, names, separator, ragged)
    if ragged:
        first = ragged[0]
        raise SchemaError(
            f"{path} has {len(ragged)} rows with another number of fields than its header: row {first.number} has "
            f"{first.actual_columns}, {first.text[:80]!r}. Expected {len(names)}: the file may be cut off, or a field "
            "needs quotes. Write it again."
        )
    return table


def _parse(
    path: Path, columns: list[str], names: list[str], separator: str, ragged: list[pacsv.InvalidRow]
) -> pa.Table:
    def keep(row: pacsv.InvalidRow) -> str:
        ragged.append(row)
        return "skip"

    try:
        # One thread: with more of them Arrow cannot say which line is broken.
        return pacsv.read_csv(
            path,
            read_options=pacsv.ReadOptions(use_threads=False, block_size=_CHUNK),
            parse_options=pacsv.ParseOptions(delimiter=separator, newlines_in_values=True, invalid_row_handler=keep),
            convert_options=pacsv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.string()), include_columns=columns, strings_can_be_null=False
            ),
        )
    except pa.ArrowInvalid as error:
        if "UTF8" in str(error):
            raise _not_utf8(path) from None
        raise SchemaError(f"{path} cannot be read as CSV: {str(error).splitlines()[0]}. Write it again.") from None


def _check_quotes(path: Path, separator: str) -> None:
    """A file that ends inside a quoted field was cut off there, and Arrow would not say so."""
    with path.open("rb") as file:
        quotes = sum(chunk.count(b'"') for chunk in iter(lambda: file.read(_CHUNK), b""))
    if quotes % 2 == 0:
        return
    csv.field_size_limit(sys.maxsize)
    try:
        with path.open(encoding="utf-8-sig", newline="") as text:
            for _ in csv.reader(text, delimiter=separator, strict=True):
                pass
    except csv.Error as error:
        if "unexpected end of data" in str(error):
            raise SchemaError(f"{path} ends inside a quoted field: it was cut off. Copy or write it again.") from None
    except UnicodeDecodeError:
        raise _not_utf8(path) from None


def _not_utf8(path: Path) -> SchemaError:
    return SchemaError(f"{path} is not UTF-8. Expected UTF-8 text: save it again as 'CSV UTF-8'.")
