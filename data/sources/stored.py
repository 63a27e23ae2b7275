"""The service's own store as a source: what arrived over HTTP, read as it was known.

Attributes are read from the log of their changes; the columns of leads and accounts hold what is true now, which says
of what type each is. Everything is read in one snapshot, in batches.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import sqlalchemy as sa

from data.contract import Contract
from data.errors import SchemaError
from data.sources.raw import RawTable, RawTables, raw_table
from data.sources.stored_columns import Kind, arrow, kinds_of, schema_of, timed
from data.store.address import open_engine, store_url
from data.store.tables import account_changes, accounts, changes, events, leads, outcomes
from data.tables import SCHEMAS

BATCH_ROWS = 50_000
"""Rows that are held as Python values at a time."""
TABLES = {
    "leads": leads,
    "events": events,
    "outcomes": outcomes,
    "changes": changes,
    "accounts": accounts,
    "account_changes": account_changes,
}
_JSON = {"leads": "attributes", "accounts": "attributes", "events": "extra"}
_LOGS = {"leads": changes, "accounts": account_changes}


@dataclass(frozen=True)
class Stored:
    """A fact table of a store that is open: its name, its further columns, and where to read it."""

    name: str
    kinds: dict[str, Kind]
    connection: sa.Connection

    @property
    def schema(self) -> pa.Schema:
        """Its columns."""
        return schema_of(self.name, self.kinds)

    def batches(self, *conditions: sa.ColumnElement[bool]) -> Iterator[pa.Table]:
        """Its rows that meet the conditions, some at a time."""
        table, json_column = TABLES[self.name], _JSON.get(self.name)
        names = [name for name in SCHEMAS[self.name].names if name in table.c]
        wanted = [table.c[name] for name in names] + ([table.c[json_column]] if json_column else [])
        streamed = self.connection.execution_options(stream_results=True, yield_per=BATCH_ROWS)
        for batch in streamed.execute(sa.select(*wanted).where(*conditions)).partitions():
            values: list[Sequence[object]] = list(zip(*batch, strict=True))
            told = values.pop() if json_column else ()
            yield arrow(self.name, dict(zip(names, values, strict=True)), told, self.kinds)  # type: ignore[arg-type]

    def table(self) -> pa.Table:
        """All of its rows."""
        return pa.concat_tables([self.schema.empty_table(), *self.batches()])


@contextmanager
def opened(contract: Contract) -> Iterator[list[Stored]]:
    """The fact tables of the store of a contract, in one snapshot. Raises SchemaError when there is no store."""
    url = store_url(contract.source.resolved_url() or contract.store_url, contract.folder)
    if url.get_backend_name() == "sqlite" and not Path(str(url.database)).is_file():
        raise SchemaError(
            f"There is no store at {url.database}. Expected one: `readiness serve` makes it, `readiness store load` "
            "fills it from the files of a contract."
        )
    engine = open_engine(url)
    if url.get_backend_name() == "postgresql":
        engine = engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
    try:
        with engine.connect() as connection:
            if not sa.inspect(connection).has_table("leads"):
                raise SchemaError(
                    "The database holds no store. Expected the tables of one: run `readiness store migrate`."
                )
            yield [Stored(name, _kinds(connection, name), connection) for name in TABLES]
    except sa.exc.DBAPIError as error:
        raise SchemaError(
            f"The store cannot be read ({type(error.orig).__name__}). Expected a database that answers, and a store of "
            "this version: `readiness store status` says which it is."
        ) from None
    finally:
        engine.dispose()


def _kinds(connection: sa.Connection, name: str) -> dict[str, Kind]:
    if name not in _JSON:
        return {}
    kinds = kinds_of(connection, TABLES[name], _JSON[name], SCHEMAS[name].names)
    return timed(connection, _LOGS[name], kinds) if name in _LOGS else kinds


def read_stored(contract: Contract) -> RawTables:
    """Every fact table of the store. Raises SchemaError when there is none."""
    with opened(contract) as tables:
        return {one.name: _raw(one) for one in tables}


def _raw(one: Stored) -> RawTable:
    return raw_table(one.name, one.table(), f"{one.name} of the store")
