"""From a URL to an engine that keeps what it acknowledges.

SQLite: write-ahead log and full durability, so that a commit survives a power cut; readers never wait for the writer;
what is deleted is overwritten, so that an erased lead is not in the file any more.
PostgreSQL: its own durability, connections tried before they are used.
"""

from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError

from data.errors import ContractError

WRITING = {"readiness_begin": "BEGIN IMMEDIATE"}
"""Execution options of a connection that will write: on SQLite the lock is taken at once, not in the middle."""
_WAIT_MS = 10_000
_KINDS = ("sqlite", "postgresql")


def store_url(text: str, folder: Path) -> URL:
    """The URL of a store; a relative SQLite file lies in ``folder``. Raises ContractError."""
    try:
        url = make_url(text)
    except ArgumentError:
        raise ContractError(
            "The store's URL cannot be read. Expected sqlite:///FILE or postgresql://USER:PASSWORD@HOST/DATABASE."
        ) from None
    kind = url.get_backend_name()
    if kind not in _KINDS:
        raise ContractError(f"The store's URL begins with {kind}. Expected sqlite:///FILE or postgresql://...")
    if kind == "postgresql":
        return url.set(drivername="postgresql+psycopg")
    if url.database in {None, "", ":memory:"}:
        raise ContractError("The store's URL names no file. Expected sqlite:///FILE, such as sqlite:///store.db.")
    return url.set(drivername="sqlite+pysqlite", database=str((folder / str(url.database)).resolve()))


def shown(url: URL) -> str:
    """The URL as people write it: without the driver's name, the password hidden."""
    return url.set(drivername=url.get_backend_name()).render_as_string(hide_password=True)


def open_engine(url: URL) -> Engine:
    """An engine for the store at ``url`` (of ``store_url``). Nothing is connected yet. Raises ContractError."""
    if url.get_backend_name() == "sqlite":
        engine = create_engine(url, connect_args={"timeout": _WAIT_MS / 1_000}, pool_size=8, max_overflow=32)
        event.listen(engine, "connect", _durable)
        event.listen(engine, "begin", _begin)
        return engine
    try:
        arguments = {"connect_timeout": 5, "application_name": "readiness"}
        return create_engine(url, connect_args=arguments, pool_pre_ping=True, pool_size=8, max_overflow=32)
    except (ModuleNotFoundError, NoSuchModuleError):
        raise ContractError(
            "The store is PostgreSQL, but psycopg is not installed. Expected it: pip install 'readiness[postgres]'."
        ) from None


def _durable(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # transactions begin where SQLAlchemy says, not where the driver guesses
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
        "secure_delete=ON",
        f"busy_timeout={_WAIT_MS}",
    ):
        connection.execute(f"PRAGMA {pragma}")


def _begin(connection: Connection) -> None:
    """Begin, unless the transaction was begun at the driver."""
    driver: Any = connection.connection.dbapi_connection
    if driver.in_transaction:
        return
    connection.exec_driver_sql(connection.get_execution_options().get("readiness_begin", "BEGIN"))
