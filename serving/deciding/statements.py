"""Statements of the hot paths: written in SQLAlchemy, compiled once for each kind of database, run at the driver.

SQLAlchemy's own execution and result take some 30 microseconds a statement and 100 for 200 rows, as much as all else
that a stored score reads.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import Connection, Select, Table
from sqlalchemy.exc import DBAPIError

from serving.store.upsert import insert_into

Rows = list[tuple[Any, ...]]
_Compiled = tuple[str, tuple[str, ...] | None, dict[str, Any]]


class Quick:
    """A SELECT with plain bound parameters and columns that need no conversion: text, whole numbers, doubles."""

    def __init__(self, statement: "Select[Any]") -> None:
        self._statement = statement
        self._compiled: dict[str, _Compiled] = {}

    def __call__(self, connection: Connection, **values: Any) -> Rows:
        """The rows. Raises DBAPIError like any other statement."""
        text, names, fixed = self._compiled.get(connection.dialect.name) or self._compile(connection)
        if fixed:
            values = {**fixed, **values}
        given: Any = values if names is None else tuple([values[name] for name in names])
        return _driven(connection, text, given)

    def _compile(self, connection: Connection) -> _Compiled:
        compiled = self._statement.compile(dialect=connection.dialect)
        names = None if compiled.positiontup is None else tuple(compiled.positiontup)
        fixed = {name: value for name, value in compiled.params.items() if value is not None}
        self._compiled[connection.dialect.name] = str(compiled), names, fixed
        return self._compiled[connection.dialect.name]


class QuickInsert:
    """An INSERT of whole rows into a table with such columns; a row that is there already is left as it is."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self._names = tuple(column.name for column in table.columns)
        self._texts: dict[str, str] = {}

    def __call__(self, connection: Connection, rows: Iterable[Mapping[str, Any]]) -> None:
        """Insert the rows, each with a value for each column. Raises DBAPIError like any other statement."""
        dialect = connection.dialect
        if (text := self._texts.get(dialect.name)) is None:
            statement = insert_into(connection, self._table).on_conflict_do_nothing()
            text = self._texts[dialect.name] = str(statement.compile(dialect=dialect, column_keys=list(self._names)))
        given: Any = [tuple([row[name] for name in self._names]) for row in rows] if dialect.positional else list(rows)
        _driven(connection, text, given, many=True)


def _driven(connection: Connection, text: str, given: Any, *, many: bool = False) -> Rows:
    """The rows of a statement, or none of one for ``many``; in a transaction, its errors SQLAlchemy's."""
    dialect = connection.dialect
    cursor = connection.connection.cursor()
    try:
        if not connection.in_transaction():
            _begin(connection, cursor)
        if many:
            cursor.executemany(text, given)
            return []
        cursor.execute(text, given)
        return cursor.fetchall()  # type: ignore[return-value]  # plain tuples in both drivers
    except dialect.loaded_dbapi.Error as error:
        lost = dialect.is_disconnect(error, None, cursor)
        raise DBAPIError.instance(
            text, None, error, dialect.loaded_dbapi.Error, connection_invalidated=lost, dialect=dialect
        ) from error
    finally:
        cursor.close()


def _begin(connection: Connection, cursor: Any) -> None:
    """Begin a transaction; on SQLite at the driver, because SQLAlchemy takes longer for it than SQLite for a read."""
    if connection.dialect.name != "sqlite":
        connection.begin()
    elif not cursor.connection.in_transaction:
        cursor.execute("BEGIN")
