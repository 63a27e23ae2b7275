"""The open store: consistent reads in the calling thread, writes through the one writer."""

import asyncio
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Self, TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

from data.store.address import open_engine, store_url
from serving.beside import beside
from serving.store.failures import told
from serving.store.schema import prepare
from serving.store.writer import Change, Writer

T = TypeVar("T")


class Store:
    """A database at this version's schema. Threads may share it.

    ``read`` and ``write`` raise StoreDown (StoreFull) when the database does not answer; what else ``change`` or
    ``question`` raises comes through.
    """

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.embedded = engine.dialect.name == "sqlite"
        # One snapshot for the whole read: SQLite's transactions are that already.
        self._reading = engine if self.embedded else engine.execution_options(isolation_level="REPEATABLE READ")
        self._local = threading.local()
        self._kept: list[Connection] = []
        self._writer = Writer(engine)
        self._writer.start()

    @classmethod
    def open(cls, url: str, folder: Path = Path(), product: str | None = None) -> Self:
        """The store at ``url``; a new database gets its tables. ``product`` is whose it must be (None: anyone's).

        Raises ContractError for a URL that is none, StoreError when the schema is of another version or the store
        belongs to another product, StoreDown when the database does not answer.
        """
        engine = open_engine(store_url(url, folder))
        try:
            prepare(engine, product)
        except DBAPIError as error:
            engine.dispose()
            raise told(error) from None
        except BaseException:
            engine.dispose()
            raise
        return cls(engine)

    def close(self) -> None:
        """Write what waits, then let go of the database."""
        self._writer.close()
        for connection in self._kept:
            connection.close()
        self.engine.dispose()

    def read(self, question: Callable[[Connection], T]) -> T:
        """What ``question`` finds in one consistent snapshot."""
        try:
            with self._reading.connect() as connection:
                return question(connection)
        except DBAPIError as error:
            raise told(error) from None

    async def aread(self, question: Callable[[Connection], T], *, long: bool = False) -> T:
        """``read`` from the event loop: in place where the file is at hand and the answer short, else in a thread."""
        if self.embedded and not long:
            return self._read_here(question)
        return await beside(self.read, question)

    def _read_here(self, question: Callable[[Connection], T]) -> T:
        """``read`` by a connection that this thread keeps: to take one and to give it back costs as much as a read."""
        kept: Connection | None = getattr(self._local, "connection", None)
        try:
            if kept is None or kept.closed:
                kept = self._local.connection = self._reading.connect()
                self._kept = [*(one for one in self._kept if not one.closed), kept]
            try:
                return question(kept)
            finally:
                kept.rollback()
                kept.connection.rollback()  # what was begun at the driver
        except DBAPIError as error:
            if kept is not None:
                kept.close()
            raise told(error) from None

    def write(self, change: Change[T]) -> T:
        """Do ``change`` and return what it returned, when that is durable. It may be run more than once."""
        return self._writer.submit(change).result()

    async def awrite(self, change: Change[T]) -> T:
        """``write`` from the event loop."""
        return await asyncio.wrap_future(self._writer.submit(change))

    def waiting(self) -> int:
        """How many changes wait for the writer."""
        return self._writer.waiting()
