"""The keys that open the service: from the environment, and from the store or, without one, from a file.

A change of the file is noticed at the next request; the store is asked once a second at the most, so that a key that
was revoked anywhere opens nothing a second later.
"""

import asyncio
import hmac
import logging
import os
import re
import time
from pathlib import Path

from data.clock import wall_clock
from data.errors import ContractError
from serving.key_file import read_keys
from serving.key_store import used, valid_keys
from serving.keys import SCOPES, Caller, KeyRecord, checked_scopes, fingerprint
from serving.store.failures import StoreDown
from serving.store.store import Store

FRESH_S = 1.0
"""So long the keys of the store are believed without asking."""
BELIEVED_S = 60.0
"""And so long while the store does not answer."""
PATIENCE_S = 2.0
NOTED_EVERY_US = 60_000_000
_SCOPED = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]{0,62}):([a-z+]+)=(.+)", re.DOTALL)
_LOG = logging.getLogger("readiness.keys")

_Known = tuple[tuple[str, Caller], ...]


class KeyRing:
    """Knows whose key a request presents. ``keys`` are in clear: ``KEY``, or ``NAME:score+ingest=KEY``."""

    def __init__(self, file: Path | None, keys: tuple[str, ...] = (), store: Store | None = None) -> None:
        self._file = None if file is None else str(file)  # of a path each look at it would be made anew
        self._store = store
        self._fixed = tuple(_fixed(entry) for entry in keys)
        self._known: _Known = self._fixed
        self._stamp: tuple[int, int, int] | None = None
        self._asked_at = self._read_at = float("-inf")
        self._reading: asyncio.Task[None] | None = None
        self._used: dict[str, int] = {}
        self._noted: dict[str, int] = {}
        self._notes: set[asyncio.Task[None]] = set()

    def attach(self, store: Store) -> None:
        """Look for keys in ``store`` from now on, no longer in the file."""
        self._store = store

    async def find(self, key: str) -> Caller | None:
        """Whose key it is, in a time that does not depend on how much of it is right; None when it is nobody's.

        Raises StoreDown when the store did not answer for a minute.
        """
        if self._store is not None and self._is_stale():
            await self._ask(self._store)
        return self._found(key)

    def find_now(self, key: str) -> Caller | None:
        """The same where the keys are known; None, too, where the store is to be asked for them."""
        return None if self._store is not None and self._is_stale() else self._found(key)

    def _found(self, key: str) -> Caller | None:
        presented = fingerprint(key)
        found = self._holder(presented)
        if found is not None and self._store is not None:
            self._note(presented, self._store)
        return found

    async def holder(self, presented: str) -> Caller | None:
        """Whose key has this SHA-256, as ``find`` finds it; that it was used is not noted."""
        if self._store is not None and self._is_stale():
            await self._ask(self._store)
        return self._holder(presented)

    def _is_stale(self) -> bool:
        """Whether the store is to be asked before a key is believed."""
        return time.monotonic() - self._read_at > FRESH_S

    def _holder(self, presented: str) -> Caller | None:
        if self._store is None:
            self._look_at_file()
        found = None
        for sha256, caller in self._known:
            if hmac.compare_digest(presented, sha256):
                found = caller
        return found

    async def flush(self) -> None:
        """Keep when keys were last used."""
        if self._store is not None and self._used:
            await _keep(self._store, dict(self._used))

    def _look_at_file(self) -> None:
        stamp = self._stat()
        if stamp != self._stamp:
            self._known = self._fixed + (_callers(self._read_file()) if stamp else ())
            self._stamp = stamp

    def _stat(self) -> tuple[int, int, int] | None:
        """On the way of every request, where a file that is not there must not cost an exception each time."""
        try:
            if self._file is None or (self._stamp is None and not os.access(self._file, os.F_OK)):
                return None
            found = os.stat(self._file)  # noqa: PTH116 - a path's own method takes longer
        except OSError:
            return None
        return found.st_mtime_ns, found.st_size, found.st_ino

    def _read_file(self) -> list[KeyRecord]:
        """A damaged file opens nothing."""
        try:
            return read_keys(Path(self._file)) if self._file else []
        except (ContractError, OSError):
            return []

    async def _ask(self, store: Store) -> None:
        """Read the keys anew, once for all who wait; what was read lately is good enough while the store is away."""
        if (self._reading is None or self._reading.done()) and time.monotonic() - self._asked_at > FRESH_S:
            self._asked_at = time.monotonic()
            self._reading = asyncio.create_task(self._read(store))
        if self._reading is not None:
            await asyncio.wait([self._reading], timeout=PATIENCE_S)
        if time.monotonic() - self._read_at > BELIEVED_S:
            raise StoreDown("The keys cannot be read: the store does not answer. Try again in a few seconds.")

    async def _read(self, store: Store) -> None:
        asked = time.monotonic()
        try:
            self._known = self._fixed + _callers(await store.aread(valid_keys))
            self._read_at = asked
        except StoreDown as error:
            _LOG.warning("the keys could not be read: %s", error)

    def _note(self, sha256: str, store: Store) -> None:
        """Remember the use; write it once a minute at the most."""
        moment = wall_clock()
        self._used[sha256] = moment
        if moment - self._noted.get(sha256, 0) >= NOTED_EVERY_US:
            self._noted[sha256] = moment
            task = asyncio.create_task(_keep(store, {sha256: moment}))
            self._notes.add(task)
            task.add_done_callback(self._notes.discard)


async def _keep(store: Store, moments: dict[str, int]) -> None:
    try:
        await store.awrite(lambda connection: used(connection, moments))
    except StoreDown as error:
        _LOG.warning("the last use of keys was not kept: %s", error)


def _callers(records: list[KeyRecord]) -> _Known:
    return tuple((record.sha256, Caller(record.name, frozenset(record.scopes))) for record in records)


def _fixed(entry: str) -> tuple[str, Caller]:
    """A key of the environment. Raises ContractError for scopes that are none."""
    scoped = _SCOPED.fullmatch(entry)
    if scoped is None:
        return fingerprint(entry), Caller("environment", frozenset(SCOPES))
    name, scopes, key = scoped.groups()
    return fingerprint(key), Caller(name, frozenset(checked_scopes(scopes.split("+"))))
