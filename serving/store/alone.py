"""Whether anybody else has a store open: before its tables change."""

from sqlalchemy import Engine, text
from sqlalchemy.exc import OperationalError

from serving.store.failures import StoreError

_OTHERS = text(
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() "
    "AND application_name = 'readiness'"
)


def must_be_alone(engine: Engine) -> None:
    """Raises StoreError when a service, a worker or another command has the store open."""
    if engine.dialect.name == "sqlite":
        found = "Somebody else has" if _is_shared(engine) else ""
    else:
        with engine.connect() as connection:
            others = connection.execute(_OTHERS).scalar_one()
        found = f"{others} connections of services or workers have" if others else ""
    if found:
        raise StoreError(
            f"{found} the store open. Expected nobody while its tables change: stop the services and workers that use "
            "it, then run `readiness store migrate` again."
        )


def _is_shared(engine: Engine) -> bool:
    """SQLite leaves its log only for somebody who is alone; the next connection takes it up again."""
    raw = engine.raw_connection()
    try:
        raw.cursor().execute("PRAGMA busy_timeout = 1000")
        mode = raw.cursor().execute("PRAGMA journal_mode = DELETE").fetchone()
    except OperationalError:
        return True
    except Exception as error:
        if "locked" in str(error):
            return True
        raise
    finally:
        raw.invalidate()
    return bool(mode != ("delete",))
