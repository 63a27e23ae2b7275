"""Bringing a database to this version's tables, with Alembic."""

import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, Engine, inspect, select, text

from data.store.address import WRITING
from serving.store.failures import StoreError
from serving.store.tables import meta
from serving.store.upsert import insert_new

if TYPE_CHECKING:
    from alembic.config import Config

HEAD = "0004"
"""The revision of this version's tables: that of the last step. A service that finds it need not import Alembic."""
_ONE_AT_A_TIME = 7_231_004_512  # the advisory lock under which PostgreSQL is migrated


@dataclass(frozen=True)
class Revision:
    """Where a database is, and where this version wants it; None: it has no tables yet."""

    found: str | None
    expected: str


def revision(engine: Engine) -> Revision:
    """The revision of a database."""
    with engine.connect() as connection:
        return _revision(connection)


def migrate(engine: Engine) -> Revision:
    """Bring a database to this version's tables; returns what was found before. Safe when many do it at once.

    Raises StoreError when the database is newer than this version, or holds tables that are not a store's.
    """
    with engine.connect().execution_options(**WRITING) as connection, connection.begin():
        if connection.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _ONE_AT_A_TIME})
        from alembic import command  # noqa: PLC0415 - a tenth of a second, only where there are steps to take

        found = _revision(connection)
        _must_be_known(connection, found)
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        insert_new(connection, meta, [{"name": "store_id", "value": str(uuid.uuid4())}])
    return found


def prepare(engine: Engine, product: str | None = None) -> None:
    """Give an empty database its tables; leave one of this version as it is. Raises StoreError for any other."""
    found = revision(engine)
    if found.found is None:
        migrate(engine)
    elif found.found != found.expected:
        with engine.connect() as connection:
            _must_be_known(connection, found)
        raise StoreError(
            f"The store is at revision {found.found}, this version of Readiness expects {found.expected}. "
            "Run `readiness store migrate`; nothing is lost by it."
        )
    if product is not None:
        _must_be_of(engine, product)


def _must_be_of(engine: Engine, product: str) -> None:
    with engine.connect().execution_options(**WRITING) as connection, connection.begin():
        insert_new(connection, meta, [{"name": "product", "value": product}])
        owner = connection.execute(select(meta.c.value).where(meta.c.name == "product")).scalar_one()
    if owner != product:
        raise StoreError(
            f"The store belongs to the product {owner!r}, the contract is of {product!r}. Expected one store for each "
            "product: give this one a store of its own."
        )


def _revision(connection: Connection) -> Revision:
    there = inspect(connection).has_table("alembic_version")
    found = connection.execute(text("SELECT version_num FROM alembic_version")).scalar() if there else None
    return Revision(found, HEAD)


def _must_be_known(connection: Connection, found: Revision) -> None:
    from alembic.script import ScriptDirectory  # noqa: PLC0415 - likewise

    known = {script.revision for script in ScriptDirectory.from_config(_config()).walk_revisions()}
    if found.found is not None and found.found not in known:
        raise StoreError(
            f"The store is at revision {found.found}, which this version of Readiness does not know; it expects "
            f"{found.expected}. Use the version that made the store, or a newer one."
        )
    if found.found is None and (tables := inspect(connection).get_table_names()):
        raise StoreError(
            f"The database holds {len(tables)} tables that are not of a store, such as {min(tables)!r}. Expected an "
            "empty database or a store: give the store a database or schema of its own."
        )


def _config() -> "Config":
    from alembic.config import Config  # noqa: PLC0415 - likewise

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    return config
