"""What can go wrong with a store.

ReadinessError
  StoreError     what a user can mend: another schema, another product
  StoreDown      the database is away or too busy; the same again later will do
    StoreFull    there is no room left
"""

from sqlalchemy.exc import DBAPIError

from data.errors import ReadinessError


class StoreError(ReadinessError):
    """The store cannot be used as it is."""


class StoreDown(ReadinessError):
    """The database does not answer now."""


class StoreFull(StoreDown):
    """The database has no room left: nothing was written."""


_AGAIN = {"40001", "40P01", "55P03", "23503"}
"""Serialization failure, deadlock, lock not available; and a row referred to that somebody else took away meanwhile."""
_GONE = ("57P", "08", "53")  # shut down or starting; connection; out of connections or memory
_FULL = "53100"


def worth_another_try(error: DBAPIError) -> bool:
    """Whether the same change could well succeed now: a deadlock, a lost connection, a lock that was held."""
    state = _sqlstate(error)
    return error.connection_invalidated or state in _AGAIN or "database is locked" in str(error.orig)


def told(error: DBAPIError) -> Exception:
    """``error`` as the caller should hear it: StoreDown or StoreFull where it is the database's, else itself."""
    state, words = _sqlstate(error), str(error.orig)
    if state == _FULL or "disk is full" in words:
        return StoreFull("The store has no room left; nothing was written. Expected free disk space: make some.")
    locked = "database is locked" in words
    away = error.connection_invalidated or state.startswith(_GONE) or state in _AGAIN
    if locked or away or "disk I/O error" in words or "unable to open" in words or _never_connected(error):
        found = type(error.orig).__name__ if error.orig else "no answer"
        return StoreDown(f"The store does not answer ({found}). Nothing was written. Try again in a few seconds.")
    return error


def _sqlstate(error: DBAPIError) -> str:
    return getattr(error.orig, "sqlstate", None) or ""


def _never_connected(error: DBAPIError) -> bool:
    return type(error.orig).__module__.startswith("psycopg") and not _sqlstate(error)
