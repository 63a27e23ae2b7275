"""Tables of a PostgreSQL or SQLite database, streamed in batches; nothing of its URL's secrets is ever printed."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import sqlalchemy as sa

from data.cells import Meaning
from data.errors import ContractError, SchemaError
from data.sources.mapping import Opened, listed

BATCH_ROWS = 50_000
"""Rows fetched from the server at a time."""

_TELLING = 3
"""Shorter pieces of a broken URL are too common in any sentence to hide them."""
_ARROW = {bool: pa.bool_(), int: pa.int64(), float: pa.float64(), str: pa.string()}
_Values = list[Any]


@contextmanager
def connect(url: str, folder: Path) -> Iterator[sa.Connection]:
    """A connection for reading; a relative SQLite path starts at ``folder``.

    Raises ContractError when the URL is none, its driver is missing or its kind is not known, SchemaError when the
    database cannot be reached.
    """
    engine = _engine(url, folder)
    try:
        with engine.connect() as connection:
            if engine.dialect.name == "postgresql":
                connection = connection.execution_options(postgresql_readonly=True)  # noqa: PLW2901 - the same one
                connection.execute(sa.text("SET TIME ZONE 'UTC'"))
                connection.execute(sa.text("SET DATESTYLE TO 'ISO'"))
            yield connection
    except sa.exc.DBAPIError as error:
        raise SchemaError(
            f"The database {_shown(engine.url, url)} cannot be read: {_reason(error, url)}. "
            "Expected a database that answers: mend [source] url, its user or its password."
        ) from None
    finally:
        engine.dispose()


def _engine(url: str, folder: Path) -> sa.Engine:
    try:
        parsed = sa.make_url(url)
    except sa.exc.ArgumentError:
        raise ContractError(
            "[source] url is not a database URL. Expected postgresql://user:password@host/database or sqlite:///file.db."
        ) from None
    kind = parsed.get_backend_name()
    if kind not in {"postgresql", "sqlite"}:
        raise ContractError(f"[source] url is of kind {kind!r}. Expected postgresql or sqlite; or export files.")
    if kind == "sqlite":
        return sa.create_engine(_sqlite(parsed, folder))
    driver = parsed.set(drivername="postgresql+psycopg") if "+" not in parsed.drivername else parsed
    try:
        return sa.create_engine(driver)
    except (ImportError, sa.exc.NoSuchModuleError):
        raise ContractError(
            "[source] url is PostgreSQL, whose driver is not installed. Run: pip install 'readiness[postgres]'."
        ) from None


def _sqlite(url: sa.URL, folder: Path) -> str:
    """The URL of an existing SQLite file, opened for reading only: SQLite would make a missing one."""
    path = folder / (url.database or "")
    if not path.is_file():
        raise SchemaError(f"There is no SQLite file {path}. Mend [source] url; it starts at the contract.")
    return f"sqlite:///file:{path}?mode=ro&uri=true"


def _shown(url: sa.URL, given: str) -> str:
    """The URL without its secrets: those of its query, and those that a stray sign has put elsewhere."""
    return _cleared(url.set(query={}).render_as_string(hide_password=True), given)


def _reason(error: sa.exc.DBAPIError, given: str) -> str:
    """The driver's first sentence without secrets."""
    return _cleared(str(error.orig).strip().split("\n")[0].rstrip("."), given)


def _cleared(text: str, given: str) -> str:
    """``text`` without any piece of the URL ``given`` that could be secret, however the URL was understood."""
    url = sa.make_url(given)
    private = given.split("://", 1)[-1].rpartition("@")[0].partition(":")[2]
    whole = [url.password, private, *(value for value in url.query.values() if isinstance(value, str))]
    pieces = [piece for piece in re.split(r"[@/:?#]", private) if len(piece) >= _TELLING]
    for piece in sorted({str(piece) for piece in [*whole, *pieces] if piece}, key=len, reverse=True):
        text = text.replace(piece, "***")
    return text


def open_table(connection: sa.Connection, table: str) -> Opened:
    """The table or view ``table``, which may name its schema. Raises SchemaError when it is not there."""
    inspector = sa.inspect(connection)
    schema, _, name = table.rpartition(".")
    for place, bare in dict.fromkeys([(None, table), (schema or None, name)]):
        if inspector.has_table(bare, schema=place):
            types = {str(column["name"]): column["type"] for column in inspector.get_columns(bare, schema=place)}
            return DatabaseTable(connection, bare, place, types)
    known = sorted([*inspector.get_table_names(schema or None), *inspector.get_view_names(schema or None)])
    raise SchemaError(f"The database has no table {table!r}. It has {listed(known)}. Mend table in [source].")


def table_names(connection: sa.Connection, schema: str) -> list[str]:
    """The tables and views of ``schema``; empty: those of the usual one."""
    inspector = sa.inspect(connection)
    return sorted({*inspector.get_table_names(schema or None), *inspector.get_view_names(schema or None)})


@dataclass(frozen=True)
class DatabaseTable:
    """One table of a database. Its rows come in no particular order."""

    connection: sa.Connection
    table: str
    schema: str | None
    types: dict[str, Any]
    ordered: bool = False

    @property
    def origin(self) -> str:
        """The name of the table."""
        return f"{self.schema}.{self.table}" if self.schema else self.table

    @property
    def names(self) -> list[str]:
        """Its columns."""
        return list(self.types)

    def read(self, columns: list[str]) -> tuple[pa.Table, dict[str, Meaning]]:
        """These columns of every row, fetched in batches through a cursor on the server."""
        query = sa.select(*(self._cell(column) for column in columns))
        query = query.select_from(sa.table(self.table, schema=self.schema))
        streamed = self.connection.execution_options(stream_results=True, yield_per=BATCH_ROWS).execute(query)
        parts: list[list[pa.Array]] = [[] for _ in columns]
        for batch in streamed.partitions():
            for part, values in zip(parts, zip(*batch, strict=True), strict=True):
                part.append(_arrow(list(values)))
        cells = {column: _joined(part) for column, part in zip(columns, parts, strict=True)}
        meanings = {column: _meaning(self.types[column]) for column in columns}
        return pa.table(cells), {column: meaning for column, meaning in meanings.items() if meaning}

    def _cell(self, column: str) -> sa.ColumnElement[Any]:
        """The cell as the server has it; what is neither text, number nor boolean comes as the server's own text."""
        plain: sa.ColumnElement[Any] = sa.column(column)
        if self.connection.dialect.name == "sqlite" or isinstance(
            self.types[column], sa.String | sa.Integer | sa.Float | sa.Boolean
        ):
            return plain
        return sa.cast(plain, sa.Text).label(column)


def _meaning(kind: Any) -> Meaning | None:
    """What the text of a column may hold, from its declared type."""
    if isinstance(kind, sa.DateTime | sa.Date):
        return "time"
    if isinstance(kind, sa.Numeric | sa.Float | sa.Integer):
        return "number"
    return "any" if isinstance(kind, sa.types.NullType) else None


def _arrow(values: _Values) -> pa.Array:
    """Values of one column of one batch; values of several types, as SQLite allows, become text."""
    kinds = {type(value) for value in values if value is not None}
    kind = _ARROW.get(next(iter(kinds)), pa.string()) if len(kinds) == 1 else pa.string()
    if kinds <= {int, float} and len(kinds) > 1:
        kind = pa.float64()
    if not kinds:
        return pa.nulls(len(values))
    try:
        return pa.array(values if kind != pa.string() or kinds == {str} else _as_text(values), kind)
    except (pa.ArrowInvalid, OverflowError):
        return pa.array(_as_text(values), pa.string())


def _as_text(values: _Values) -> _Values:
    return [
        None if value is None else value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
        for value in values
    ]


def _joined(parts: list[pa.Array]) -> pa.ChunkedArray:
    """The batches of one column as one type: integers among floats become floats, any other mixture text."""
    kinds = {part.type for part in parts} - {pa.null()}
    if len(kinds) > 1:
        common = pa.float64() if kinds == {pa.int64(), pa.float64()} else pa.string()
        return pa.chunked_array([part.cast(common) for part in parts])
    kind = next(iter(kinds), pa.null())
    return pa.chunked_array([part.cast(kind) for part in parts], kind)
