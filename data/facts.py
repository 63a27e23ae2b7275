"""Checked facts in a folder: what ``readiness check --output`` writes, and what a cluster reads piece by piece.

    leads.parquet  events.parquet  outcomes.parquet     a file, or a folder of part files, for each table
    changes, accounts, account_changes, spine           where there are any
    facts.json                                          the end of the history

The folder may lie on any storage that ``pyarrow.fs`` knows by address (``s3://``, ``gs://``, ``hdfs://``). Its tables
have the columns and types of ``data.tables``: what is good was settled by ``check``, and is not asked again here.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pyarrow import fs

from data.errors import SchemaError
from data.history import History
from data.spine import SPINE
from data.tables import SCHEMAS, TIME, empty

HEAD = "facts.json"
TABLES = {**SCHEMAS, "spine": SPINE}
"""The facts, and the rows to answer for, where somebody has laid them out."""
VERSION = 1
ROWS_OF_A_GROUP = 1 << 18
"""Rows of a Parquet row group as written here: the smallest piece that a worker reads."""


@dataclass(frozen=True)
class Piece:
    """Some row groups of one file; ``rows`` is how many rows they hold."""

    file: str
    groups: tuple[int, ...]
    rows: int


@dataclass(frozen=True)
class Facts:
    """A folder of checked facts: its address, the end of the history, and the files of each table that is there."""

    root: str
    ends_at: int
    files: tuple[tuple[str, tuple[str, ...]], ...]

    def has(self, name: str) -> bool:
        """Whether there is a table of this name."""
        return name in dict(self.files)

    def pieces(self, name: str, rows: int) -> list[Piece]:
        """The table cut into pieces of about ``rows`` rows, whole row groups each; only footers are read."""
        return [piece for file in dict(self.files).get(name, ()) for piece in _pieces(self.root, file, rows)]

    def rows(self, name: str) -> int:
        """How many rows the table has; only footers are read."""
        return sum(piece.rows for piece in self.pieces(name, ROWS_OF_A_GROUP))

    def read(self, name: str, piece: Piece) -> pa.Table:
        """One piece, in the types of ``data.tables``. Raises SchemaError when it cannot be brought to them."""
        with _open(self.root, piece.file) as file:
            return conformed(name, pq.ParquetFile(file).read_row_groups(list(piece.groups)), piece.file)

    def table(self, name: str) -> pa.Table:
        """The whole table; one without rows where there is none."""
        pieces = [self.read(name, piece) for piece in self.pieces(name, ROWS_OF_A_GROUP)]
        return united(name, pieces)

    def first(self, name: str, column: str) -> int | None:
        """The least moment (microseconds) in a time column; None without rows. That column alone is read."""
        found: list[int] = []
        for file in dict(self.files).get(name, ()):
            with _open(self.root, file) as opened:
                least = pc.min(pq.ParquetFile(opened).read(columns=[column])[column].cast(TIME, safe=False))
            found += [] if least.as_py() is None else [least.cast(pa.int64()).as_py()]
        return min(found, default=None)

    def history(self) -> History:
        """Everything, in memory."""
        return History(**{name: self.table(name) for name in SCHEMAS}, ends_at=self.ends_at)


def write_facts(history: History, folder: Path) -> Facts:
    """Write ``history`` to ``folder`` (made when absent), one file for each table, and open it."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in SCHEMAS:
        pq.write_table(
            getattr(history, name), folder / f"{name}.parquet", compression="zstd", row_group_size=ROWS_OF_A_GROUP
        )
    head = {"version": VERSION, "ends_at": history.ends_at}
    (folder / HEAD).write_text(json.dumps(head), encoding="utf-8")
    return open_facts(str(folder))


def open_facts(root: str, ends_at: int | None = None) -> Facts:
    """The facts at ``root``, a path or an address. ``ends_at`` is the end of the history where no facts.json says it.

    Raises SchemaError when a table that must be there is not, or when nothing says where the history ends.
    """
    system, path = storage(root)
    found = tuple((name, files) for name in TABLES if (files := _files(system, path, name)))
    missing = [name for name in ("leads", "events", "outcomes") if name not in dict(found)]
    if missing:
        raise SchemaError(
            f"{root} has no {missing[0]}.parquet ({len(missing)} of 3 tables are missing). Expected leads, events and "
            "outcomes as Parquet files or folders of them. `readiness check --output DIR` writes them."
        )
    said = _ends_at(system, path)
    ends_at = ends_at if said is None else said
    if ends_at is None:
        raise SchemaError(
            f"{root} has no {HEAD}, and the contract no history_end. Expected the end of the history in one of them. "
            "Set history_end in [source], or write the folder with `readiness check --output DIR`."
        )
    return Facts(as_seen_elsewhere(root), ends_at, found)


def as_seen_elsewhere(root: str) -> str:
    """A path or an address as processes name it that were started in another folder."""
    return root if "://" in root else str(Path(root).resolve())


@lru_cache(maxsize=16)
def storage(root: str) -> tuple[fs.FileSystem, str]:
    """The file system of a path or an address, and the path within it."""
    if "://" in root:
        system, path = fs.FileSystem.from_uri(root)
        return system, path
    return fs.LocalFileSystem(), str(Path(root).resolve())


def conformed(name: str, table: pa.Table, origin: str = "") -> pa.Table:
    """``table`` in the columns and types of ``data.tables``; a column that may be empty is added where it is missing.

    Further columns become one of the three types that facts have. Raises SchemaError where that cannot be.
    """
    fixed = TABLES[name]
    lacking = [f.name for f in fixed if not f.nullable and f.name not in table.column_names]
    if lacking:
        raise SchemaError(
            f"{origin or name} has no column {lacking[0]!r}. Expected {fixed.names}: write it by `readiness check`."
        )
    fields = [
        *fixed,
        *(pa.field(f.name, _further(f, origin or name)) for f in table.schema if f.name not in fixed.names),
    ]
    columns = [_column(table, field, origin or name) for field in fields]
    return pa.Table.from_arrays(columns, schema=pa.schema(fields))


def united(name: str, tables: list[pa.Table]) -> pa.Table:
    """The rows of all ``tables``; a further column that one of them lacks is null there."""
    return pa.concat_tables(tables, promote_options="default") if tables else empty(name)


def _column(table: pa.Table, field: pa.Field, origin: str) -> pa.ChunkedArray:
    if field.name not in table.column_names:
        return pa.chunked_array([pa.nulls(len(table), field.type)])
    column = table[field.name]
    if column.null_count and not field.nullable:
        raise SchemaError(
            f"{origin}: {column.null_count} of {len(table)} rows have no {field.name}. Expected none: read the table "
            "through `readiness check`, which says which rows are bad."
        )
    try:
        return column if column.type == field.type else pc.cast(column, field.type)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise SchemaError(
            f"{origin}: {field.name} is {column.type}. Expected {field.type}: {error}. Read it through `check`."
        ) from None


def _further(field: pa.Field, origin: str) -> pa.DataType:
    kind = field.type
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind) or pa.types.is_null(kind):
        return pa.float64()
    if pa.types.is_timestamp(kind) and kind.tz is not None:
        return TIME
    if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        return pa.string()
    raise SchemaError(
        f"{origin}: {field.name} is {field.type}. Expected a number, a text or a time with a zone: read it by `check`."
    )


def _files(system: fs.FileSystem, path: str, name: str) -> tuple[str, ...]:
    """The Parquet files of a table: ``name.parquet``, or those of a folder ``name.parquet`` or ``name``."""
    for place in (f"{path}/{name}.parquet", f"{path}/{name}"):
        info = system.get_file_info(place)
        if info.type == fs.FileType.File:
            return (f"{name}.parquet",)
        if info.type == fs.FileType.Directory:
            entries = system.get_file_info(fs.FileSelector(place, recursive=True))
            inside = sorted(entry.path for entry in entries if entry.type == fs.FileType.File)
            return tuple(file[len(path) + 1 :] for file in inside if file.endswith(".parquet"))
    return ()


def _ends_at(system: fs.FileSystem, path: str) -> int | None:
    if system.get_file_info(f"{path}/{HEAD}").type != fs.FileType.File:
        return None
    with system.open_input_stream(f"{path}/{HEAD}") as file:
        return int(json.loads(file.read())["ends_at"])


def _open(root: str, file: str) -> pa.NativeFile:
    system, path = storage(root)
    return system.open_input_file(f"{path}/{file}")


def _pieces(root: str, file: str, rows: int) -> Iterator[Piece]:
    with _open(root, file) as opened:
        footer = pq.ParquetFile(opened).metadata
        sizes = [footer.row_group(k).num_rows for k in range(footer.num_row_groups)]
    groups: list[int] = []
    for group, size in enumerate(sizes):
        if groups and sum(sizes[k] for k in groups) + size > rows:
            yield Piece(file, tuple(groups), sum(sizes[k] for k in groups))
            groups = []
        groups.append(group)
    if groups:
        yield Piece(file, tuple(groups), sum(sizes[k] for k in groups))
