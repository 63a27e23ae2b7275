"""Insert unless it is there: the one statement that SQLite and PostgreSQL write alike and SQLAlchemy does not."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Table
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.dialects.sqlite.dml import Insert


def insert_into(connection: Connection, table: Table) -> Insert:
    """An INSERT that knows ``on_conflict_do_nothing`` and ``on_conflict_do_update``, in the connection's dialect."""
    chosen: Any = postgresql_insert if connection.dialect.name == "postgresql" else sqlite_insert
    return chosen(table)  # type: ignore[no-any-return]  # both have the same two methods


def insert_new(connection: Connection, table: Table, rows: Sequence[dict[str, Any]]) -> list[tuple[Any, ...]]:
    """Insert the rows whose primary or unique keys are not there yet; returns the primary keys of those."""
    if not rows:
        return []
    statement = insert_into(connection, table).on_conflict_do_nothing().returning(*table.primary_key.columns)
    return [tuple(row) for row in connection.execute(statement, rows)]


def upsert(connection: Connection, table: Table, rows: Sequence[dict[str, Any]]) -> None:
    """Insert the rows; of one whose primary key is there already, the columns given are replaced."""
    if not rows:
        return
    statement = insert_into(connection, table)
    keys = [column.name for column in table.primary_key]
    replaced = {name: statement.excluded[name] for name in rows[0] if name not in keys}
    connection.execute(statement.on_conflict_do_update(index_elements=keys, set_=replaced), rows)
