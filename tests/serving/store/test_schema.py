"""Bringing a database to this version's tables."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine, make_url, text

from data.store.address import WRITING, open_engine
from serving.store.failures import StoreError
from serving.store.migrations import versions
from serving.store.schema import HEAD, _config, migrate, revision
from serving.store.store import Store
from serving.store.tables import METADATA, transitions


@pytest.fixture
def engine(empty_store_url):
    """An engine on an empty database."""
    made = open_engine(make_url(empty_store_url))
    yield made
    made.dispose()


def test_the_steps_lead_to_the_tables_of_this_version(engine):
    """What the migrations make is what the code declares, on both kinds of database."""
    migrate(engine)
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), METADATA) == []


def test_what_a_service_expects_is_the_last_step():
    """The revision that spares a service Alembic is that of the newest module among the steps."""
    steps = Path(versions.__file__).parent.glob("v*.py")
    assert max(step.name for step in steps).startswith(f"v{HEAD}_")


def test_what_was_decided_before_chances_were_logged_stays(engine):
    """A store of the first version is brought to this one: its rows are there, without a chance."""
    with engine.connect().execution_options(**WRITING) as connection, connection.begin():
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        old = {"transition_id": "t-1", "lead_id": "a", "at": 1, "before": "nurture", "after": "ready", "reason": "r"}
        lead = "INSERT INTO leads (lead_id, created_at, implied, attributes, received_at, updated_at) VALUES"
        connection.execute(text(f"{lead} ('a', 0, false, '{{}}', 0, 0)"))
        names = ", ".join(f'"{name}"' for name in (*old, "cause"))
        values = ", ".join(f":{name}" for name in (*old, "cause"))
        connection.execute(text(f"INSERT INTO transitions ({names}) VALUES ({values})"), {**old, "cause": "event"})  # noqa: S608
    assert migrate(engine).found == "0001"
    with engine.connect() as connection:
        (row,) = connection.execute(transitions.select()).mappings()
        assert (row["transition_id"], row["after"], row["propensity"]) == ("t-1", "ready", None)
        assert compare_metadata(MigrationContext.configure(connection), METADATA) == []


def test_a_new_database_gets_its_tables_once(empty_store_url, engine):
    """Opening makes the tables; opening again finds them."""
    Store.open(empty_store_url).close()
    found = revision(engine)
    assert found.found == found.expected
    Store.open(empty_store_url).close()


def test_two_services_may_make_the_same_store_at_once(empty_store_url):
    """Processes that start together do not trip over each other."""
    with ThreadPoolExecutor(4) as pool:
        for store in pool.map(lambda _: Store.open(empty_store_url), range(4)):
            store.close()


def test_a_store_of_another_version_is_not_touched(empty_store_url, engine):
    """A newer store is refused, not guessed at."""
    migrate(engine)
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(StoreError, match="9999, which this version of Readiness does not know"):
        Store.open(empty_store_url)


def test_foreign_tables_are_left_alone(empty_store_url, engine):
    """A database that holds something else is no place for a store."""
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE invoices (number INTEGER)"))
    with pytest.raises(StoreError, match="'invoices'"):
        Store.open(empty_store_url)


def test_a_store_belongs_to_one_product(empty_store_url):
    """Two contracts never mix their leads."""
    Store.open(empty_store_url, product="crm").close()
    Store.open(empty_store_url, product="crm").close()
    with pytest.raises(StoreError, match="belongs to the product 'crm'"):
        Store.open(empty_store_url, product="shop")


def test_sqlite_keeps_what_it_acknowledges_through_a_power_cut(tmp_path):
    """Write-ahead log, full synchronisation: the settings on which durability rests."""
    store = Store.open(f"sqlite:///{tmp_path / 'store.db'}")
    pragmas = {
        name: store.read(lambda c, name=name: c.exec_driver_sql(f"PRAGMA {name}").scalar())
        for name in ("journal_mode", "synchronous", "foreign_keys")
    }
    store.close()
    assert pragmas == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}


def test_postgresql_keeps_time_as_whole_microseconds(postgres_url):
    """Moments beyond what a float holds come back whole."""
    engine = create_engine(postgres_url)
    with engine.connect() as connection:
        assert connection.execute(text("SELECT CAST(:k AS BIGINT)"), {"k": 2**53 + 1}).scalar() == 2**53 + 1
    engine.dispose()
