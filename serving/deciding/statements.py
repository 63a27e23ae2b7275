"""Statements for the hot reads: written in SQLAlchemy, compiled once for each kind of database, run at the driver.

SQLAlchemy's own execution and result take some 30 microseconds a statement and 100 for 200 rows, as much as all else
that a stored score reads.
"""

from typing import Any

from sqlalchemy import Connection, Select
from sqlalchemy.exc import DBAPIError

Rows = list[tuple[Any, ...]]
_Compiled = tuple[str, tuple[str, ...] | None, dict[str, Any]]


class Quick:
    """A SELECT with plain bound parameters and columns that need no conversion: text, whole numbers, doubles."""

    def __init__(self, statement: "Select[Any]") -> None:
        self._statement = statement
        self._compiled: dict[str, _Compiled] = {}

    def __call__(self, connection: Connection, **values: Any) -> Rows:
        """The rows. Raises DBAPIError like any other statement."""
        if not connection.in_transaction():
            connection.begin()
        dialect = connection.dialect
        text, names, fixed = self._compiled.get(dialect.name) or self._compile(connection)
        if fixed:
            values = {**fixed, **values}
        given: Any = values if names is None else tuple([values[name] for name in names])
        cursor = connection.connection.cursor()
        try:
            cursor.execute(text, given)
            return cursor.fetchall()  # type: ignore[return-value]  # plain tuples in both drivers
        except dialect.loaded_dbapi.Error as error:
            lost = dialect.is_disconnect(error, None, cursor)
            raise DBAPIError.instance(
                text, None, error, dialect.loaded_dbapi.Error, connection_invalidated=lost, dialect=dialect
            ) from error
        finally:
            cursor.close()

    def _compile(self, connection: Connection) -> _Compiled:
        compiled = self._statement.compile(dialect=connection.dialect)
        names = None if compiled.positiontup is None else tuple(compiled.positiontup)
        fixed = {name: value for name, value in compiled.params.items() if value is not None}
        self._compiled[connection.dialect.name] = str(compiled), names, fixed
        return self._compiled[connection.dialect.name]
