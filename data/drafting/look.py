"""The first rows of each file of a folder: enough to guess from, whatever the size of the file."""

from dataclasses import dataclass
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from data.errors import SchemaError
from data.prepare import cells
from data.sources.csvs import csv_header
from data.sources.files import FORMATS, open_files
from data.times import GOOD, NAIVE, read_times

ROWS = 20_000
"""How many rows are looked at, at the most."""
_BLOCK = 4 << 20
_MOST = 0.9


@dataclass(frozen=True)
class Look:
    """A file and its first rows."""

    name: str
    rows: pa.Table
    untyped: bool
    """Whether every cell is text (CSV)."""

    @property
    def stem(self) -> str:
        """The name of the file without its ending."""
        return Path(self.name).stem

    @property
    def names(self) -> list[str]:
        """The columns."""
        return list(self.rows.column_names)

    def cells(self, column: str) -> pl.Series:
        """One column without its empty cells."""
        found = cells(self.rows, column).drop_nulls()
        return found.filter(found != "") if found.dtype == pl.String else found

    def is_unique(self, column: str) -> bool:
        """Whether no value repeats among the rows that were looked at, and none is missing."""
        found = self.cells(column)
        return len(found) == self.rows.num_rows and found.n_unique() == len(found)

    def is_time(self, column: str, *, numbers: bool = False) -> bool:
        """Whether nearly all cells read as times; whole numbers only where ``numbers`` allows them."""
        found = self.cells(column)
        if found.dtype.is_integer() and not numbers:
            return False
        if found.is_empty() or not (found.dtype.is_temporal() or found.dtype.is_integer() or found.dtype == pl.String):
            return False
        if found.dtype in {pl.Time, pl.Duration}:
            return False
        good = (read_times(found, "UTC").found == GOOD).mean()
        return isinstance(good, float) and good >= _MOST

    def is_naive(self, column: str) -> bool:
        """Whether some of its times come without a zone."""
        return bool((read_times(self.cells(column), None).found == NAIVE).any())

    def is_number(self, column: str) -> bool:
        """Whether its values are numbers, or text that reads as numbers."""
        found = self.cells(column)
        if found.dtype == pl.String:
            return not found.is_empty() and found.cast(pl.Float64, strict=False).null_count() == 0
        return found.dtype.is_numeric() or found.dtype == pl.Boolean

    def values(self, column: str) -> list[str]:
        """Its distinct values as text, the most frequent first."""
        found = self.cells(column).cast(pl.String)
        return list(found.value_counts(sort=True)[column].to_list())


def look_at(folder: Path) -> list[Look]:
    """The Parquet and CSV files of ``folder``, by name. Raises SchemaError when there is none, or one is broken."""
    if not folder.is_dir():
        raise SchemaError(f"There is no folder {folder}. Expected a folder with your Parquet or CSV files.")
    paths = sorted(path for path in folder.iterdir() if path.suffix in FORMATS and path.name[0] not in "._")
    if not paths:
        raise SchemaError(f"{folder} has 0 Parquet or CSV files. Expected at least a file of leads.")
    return [_look(path) for path in paths if path.is_file()]


def look_at_table(folder: Path, name: str) -> Look:
    """The table ``name`` of an export: a file without its ending, or the first file of a folder of parts."""
    parts = [path for path in folder.iterdir() if name in {path.stem, path.name}]
    files = sorted(file for path in parts for file in ([path] if path.is_file() else path.rglob("*")))
    return _look(next(file for file in files if file.suffix in FORMATS))


def _look(path: Path) -> Look:
    open_files(path.parent, path.name).names  # noqa: B018 - damage is told here, in the words of the source
    rows = _csv_head(path) if path.suffix == ".csv" else _parquet_head(path)
    return Look(path.name, rows, untyped=path.suffix == ".csv")


def _parquet_head(path: Path) -> pa.Table:
    with pq.ParquetFile(path) as file:
        batch = next(file.iter_batches(batch_size=ROWS), None)
        return file.schema_arrow.empty_table() if batch is None else pa.Table.from_batches([batch])


def _csv_head(path: Path) -> pa.Table:
    """The first rows as text; a row that is cut by the end of the block, or is ragged, is not looked at."""
    names, separator = csv_header(path)
    try:
        with pacsv.open_csv(
            path,
            read_options=pacsv.ReadOptions(use_threads=False, block_size=_BLOCK),
            parse_options=pacsv.ParseOptions(
                delimiter=separator, newlines_in_values=True, invalid_row_handler=lambda _row: "skip"
            ),
            convert_options=pacsv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False, include_columns=names
            ),
        ) as reader:
            batch = next(iter(reader), None)
            return reader.schema.empty_table() if batch is None else pa.Table.from_batches([batch]).slice(0, ROWS)
    except pa.ArrowInvalid as error:
        raise SchemaError(f"{path} cannot be read as CSV: {str(error).splitlines()[0]}. Write it again.") from None
