"""Tables as files: one Parquet or CSV file, or a folder of part files; a label in the schema survives all of them."""

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
from pyarrow import fs

from data.errors import SchemaError
from data.facts import storage

SINGLE = (".parquet", ".csv")
"""How the name of a table ends that is one file; any other name is a folder of part files."""
SPARK_SCHEMA = "org.apache.spark.sql.parquet.row.metadata"
"""Where Spark keeps its own schema in a Parquet footer, with the metadata of each field."""


class _Writer(Protocol):
    def write_table(self, table: pa.Table) -> None: ...


def write_tables(tables: Iterable[pa.Table], output: str) -> None:
    """Write tables of one schema, one after the other, as one file or as the parts of a folder; one is held at a time.

    ``tables`` has at least one.
    """
    path = Path(output)
    if path.suffix not in SINGLE:
        path.mkdir(parents=True, exist_ok=True)
        for number, table in enumerate(tables):
            pq.write_table(table, path / f"part-{number:05d}.parquet", **parquet_options(table.schema))
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    waiting = iter(tables)
    first = next(waiting)
    with _writer(path, first.schema) as writer:
        writer.write_table(_plain(first, path))
        for table in waiting:
            writer.write_table(_plain(table.cast(first.schema), path))


def read_tables(source: str) -> Iterator[pa.Table]:
    """Each part of a folder or an address, or the one file, whole; its label is the metadata of its schema.

    Raises SchemaError when there are no Parquet files.
    """
    system, paths = _files(source)
    for path in paths:
        with system.open_input_file(path) as file:
            table = pq.ParquetFile(file).read()
        yield table.replace_schema_metadata(_label(table.schema) or None)


def read_columns(source: str, columns: list[str]) -> pa.Table:
    """Those of ``columns`` that a table in files has, whole."""
    system, paths = _files(source)
    if source.endswith(".csv"):
        table = pacsv.read_csv(system.open_input_stream(paths[0]))
        return table.select([name for name in columns if name in table.column_names])
    files = [pq.ParquetFile(system.open_input_file(path)) for path in paths]
    return pa.concat_tables([f.read(columns=[n for n in columns if n in f.schema_arrow.names]) for f in files])


def count_rows(source: str) -> int:
    """How many rows a table in files has: footers of Parquet are read, and the whole of CSV, a block at a time."""
    system, paths = _files(source)
    if source.endswith(".csv"):
        return sum(len(batch) for batch in pacsv.open_csv(system.open_input_stream(paths[0])))
    return sum(pq.ParquetFile(system.open_input_file(path)).metadata.num_rows for path in paths)


def label_of(source: str) -> dict[str, str]:
    """The label of a table in files, whoever wrote them. Raises SchemaError when there are none."""
    system, paths = _files(source)
    with system.open_input_file(paths[0]) as file:
        return _label(pq.read_schema(file))


def _files(source: str) -> tuple[fs.FileSystem, list[str]]:
    """The one file of a table, or the Parquet files of its folder, in order."""
    system, path = storage(source)
    if system.get_file_info(path).type == fs.FileType.File:
        return system, [path]
    entries = system.get_file_info(fs.FileSelector(path, allow_not_found=True))
    found = sorted(e.path for e in entries if e.base_name.endswith(".parquet") and e.base_name[0] not in "._")
    if not found:
        raise SchemaError(f"{source} has no Parquet files. Expected a file or a folder of part files. Check the path.")
    return system, found


def _label(schema: pa.Schema) -> dict[str, str]:
    said = {key.decode(): value.decode() for key, value in (schema.metadata or {}).items()}
    spark = said.get(SPARK_SCHEMA)
    if spark is not None:
        said |= {key: str(value) for key, value in json.loads(spark)["fields"][0]["metadata"].items()}
    return {key: value for key, value in said.items() if key.startswith("readiness.")}


@contextmanager
def _writer(output: Path, schema: pa.Schema) -> Iterator[_Writer]:
    if output.suffix == ".csv":
        with pacsv.CSVWriter(str(output), _texts(schema)) as writer:
            yield writer
    else:
        with pq.ParquetWriter(output, schema, **parquet_options(schema)) as writer:
            yield writer


def parquet_options(schema: pa.Schema) -> dict[str, Any]:
    """How a table of features is written: numbers without a dictionary, which is faster and takes less room."""
    texts = [f.name for f in schema if not (pa.types.is_floating(f.type) or pa.types.is_timestamp(f.type))]
    return {"compression": "zstd", "use_dictionary": texts or False}


def _plain(table: pa.Table, output: Path) -> pa.Table:
    return table.cast(_texts(table.schema)) if output.suffix == ".csv" else table


def _texts(schema: pa.Schema) -> pa.Schema:
    """CSV has no categories."""
    return pa.schema([f.with_type(pa.string()) if pa.types.is_dictionary(f.type) else f for f in schema])
