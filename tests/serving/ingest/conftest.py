"""What the specifications of ingest share: items in short, and the store as plain values."""

import json

import pytest
from sqlalchemy import delete, select

from data.store.tables import account_changes, accounts, changes, events, leads, links, outcomes, visits
from serving.ingest.items import Placed, Told
from serving.ingest.take import take
from serving.store.tables import audit, looks

NOW = 1_780_000_000_000_000
FACTS = (looks, events, outcomes, changes, leads, accounts, account_changes, links, visits, audit)


@pytest.fixture(scope="session")
def now():
    """The moment at which everything is received, unless a test says otherwise (microseconds)."""
    return NOW


@pytest.fixture(scope="session")
def tell():
    """A way to send items to a store in one call; returns what became of them."""

    def send(store, *items, at=NOW, **more):
        told = Told([Placed(index, item) for index, item in enumerate(items)])
        return store.write(lambda connection: take(connection, told, at, **more))

    return send


@pytest.fixture(scope="session")
def contents():
    """A way to read the facts of a store, without the moments of receipt, as plain values that compare."""

    def rows(connection, table):
        names = [column.name for column in table.columns if column.name not in {"received_at", "updated_at", "content"}]
        found = [dict(zip(names, row, strict=True)) for row in connection.execute(select(*(table.c[n] for n in names)))]
        for row in found:
            for name in {"attributes", "extra", "told"} & row.keys():
                row[name] = row[name] and json.dumps(json.loads(row[name]), sort_keys=True)
        return sorted((tuple(row.items()) for row in found), key=repr)

    def read(store):
        tables = [table for table in FACTS if table is not audit]
        return store.read(lambda connection: {table.name: rows(connection, table) for table in tables})

    return read


@pytest.fixture(scope="session")
def emptied():
    """A way to take everything out of a store again, so that many examples share one."""

    def empty(store):
        store.write(lambda connection: [connection.execute(delete(table)) for table in FACTS])

    return empty
