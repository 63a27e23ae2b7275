"""Parquet and CSV files: one file, a folder of them, or a glob."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from data.cells import Meaning
from data.errors import SchemaError
from data.sources.csvs import csv_header, read_csv
from data.sources.mapping import Opened, listed

FORMATS = (".parquet", ".csv")


def open_files(folder: Path, table: str) -> Opened:
    """The files that ``table`` (a file, a folder or a glob under ``folder``) names, in the order of their names.

    Raises SchemaError when there are none, when they are of several formats, empty, or damaged.
    """
    paths = find_files(folder, table)
    for path in paths:
        if path.stat().st_size == 0:
            raise SchemaError(f"{path} is empty: 0 bytes. Expected at least a header; write the file again.")
    formats = {path.suffix for path in paths}
    if len(formats) > 1:
        raise SchemaError(f"{table} has files of {len(formats)} formats, {listed(formats)}. Expected one of them.")
    return ParquetFiles(paths) if formats == {".parquet"} else CsvFiles(paths)


def find_files(folder: Path, table: str) -> list[Path]:
    """The data files of ``table``; hidden files and those that begin with ``_`` are not data. Raises SchemaError."""
    path = folder / Path(table).expanduser()
    if path.is_file():
        found = [path]
    elif path.is_dir():
        found = [file for file in path.rglob("*") if _is_data(file.relative_to(path))]
    else:
        found = [file for file in folder.glob(table) if _is_data(file)] if _is_glob(table) else []
    files = sorted(file for file in found if file.is_file())
    if not files:
        raise SchemaError(f"There is no {path}.{_nearby(folder)} Mend table or path in [source].")
    if files[0].suffix not in FORMATS:
        raise SchemaError(f"{files[0]} is not a file that Readiness reads. Expected {' or '.join(FORMATS)}.")
    return files


def _is_glob(table: str) -> bool:
    return any(sign in table for sign in "*?[") and not Path(table).is_absolute()


def _is_data(path: Path) -> bool:
    return path.suffix in FORMATS and not any(
        part.startswith((".", "_")) for part in path.parts if part not in {".", ".."}
    )


def _nearby(folder: Path) -> str:
    if not folder.is_dir():
        return f" The folder {folder} does not exist."
    return f" {folder} has {listed(sorted(file.name for file in folder.iterdir()))}."


@dataclass(frozen=True)
class _Files:
    paths: list[Path]
    ordered: bool = True

    @property
    def origin(self) -> str:
        """The name of the file, or of the first and how many follow."""
        more = f" and {len(self.paths) - 1} more" if len(self.paths) > 1 else ""
        return self.paths[0].name + more


class ParquetFiles(_Files):
    """Parquet, with the types that it declares."""

    @cached_property
    def names(self) -> list[str]:
        """The columns of the first file."""
        return list(_footer(self.paths[0]).names)

    def read(self, columns: list[str]) -> tuple[pa.Table, dict[str, Meaning]]:
        """These columns of every file, one after the other."""
        tables = [_read_parquet(path, columns) for path in self.paths]
        return join(tables, [path.name for path in self.paths]), {}


class CsvFiles(_Files):
    """CSV: every cell is text, and may mean anything."""

    @cached_property
    def names(self) -> list[str]:
        """The columns of the first file."""
        return csv_header(self.paths[0])[0]

    def read(self, columns: list[str]) -> tuple[pa.Table, dict[str, Meaning]]:
        """These columns of every file, one after the other."""
        tables = [read_csv(path, columns) for path in self.paths]
        return join(tables, [path.name for path in self.paths]), dict.fromkeys(columns, "any")


def join(tables: list[pa.Table], names: list[str]) -> pa.Table:
    """Tables of equal columns as one. Raises SchemaError when a column changes its type on the way."""
    try:
        return pa.concat_tables(tables, promote_options="permissive")
    except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
        raise SchemaError(
            f"The parts {listed(names, 3)} do not fit together: {first_line(error)}. Write them alike."
        ) from None


def _footer(path: Path) -> pa.Schema:
    try:
        return pq.read_schema(path)
    except (pa.ArrowInvalid, OSError) as error:
        raise _damaged(path, error) from None


def _read_parquet(path: Path, columns: list[str]) -> pa.Table:
    missing = [column for column in columns if column not in _footer(path).names]
    if missing:
        raise SchemaError(f"{path.name} has no column {missing[0]!r}, as the files before it have. Write them alike.")
    try:
        with pq.ParquetFile(path) as file:
            table = file.read(columns=columns).select(columns)
    except (pa.ArrowInvalid, OSError) as error:
        raise _damaged(path, error) from None
    return pa.table({name: _plain(table[name]) for name in columns})


def _plain(cells: pa.ChunkedArray) -> pa.ChunkedArray:
    """A dictionary's values in place of its codes, so that parts with different dictionaries join."""
    return cells.cast(cells.type.value_type) if pa.types.is_dictionary(cells.type) else cells


def _damaged(path: Path, error: Exception) -> SchemaError:
    return SchemaError(
        f"{path} is not a whole Parquet file ({first_line(error)}). It may be cut off: copy or write it again."
    )


def first_line(error: Exception) -> str:
    """The first sentence of a library's message."""
    return str(error).strip().split("\n")[0].split(". ")[0].rstrip(".")
