"""One thread that writes: the changes that wait together share one transaction, and one flush to disk.

A change gets a savepoint of its own, so that one that fails takes nothing with it; nobody hears of success before the
commit. After a deadlock or a lost connection each change of the group is tried alone, a few times.
"""

import logging
import queue
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from threading import Thread
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

from data.store.address import WRITING
from serving.store.failures import StoreDown, told, worth_another_try

T = TypeVar("T")
Change = Callable[[Connection], T]

TOGETHER = 256
"""So many changes share a transaction at the most."""
TRIES = 5
_LOG = logging.getLogger("readiness.store")


@dataclass
class _Job:
    change: Change[Any]
    done: "Future[Any]" = field(default_factory=Future)
    value: Any = None
    error: BaseException | None = None

    def run(self, connection: Connection) -> None:
        self.value, self.error = None, None
        try:
            self.value = self.change(connection)
        except DBAPIError as error:
            if worth_another_try(error) or told(error) is not error:
                raise  # the whole transaction is lost
            self.error = error
        except BaseException as error:  # noqa: BLE001 - it is the caller's, who gets it
            self.error = error

    def tell(self) -> None:
        if self.error is not None:
            self.done.set_exception(self.error)
        else:
            self.done.set_result(self.value)


class Writer:
    """Writes to ``engine`` in a thread of its own, from ``start`` to ``close``."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._thread = Thread(target=self._run, name="store-writer", daemon=True)
        self._closed = False

    def start(self) -> None:
        """Begin to write."""
        self._thread.start()

    def close(self) -> None:
        """Write what waits, then end. Later changes are refused (StoreDown)."""
        if not self._closed:
            self._closed = True
            self._jobs.put(None)
            self._thread.join()

    def submit(self, change: Change[T]) -> "Future[T]":
        """Hand in a change; the future is done when it is durable, or has failed."""
        job = _Job(change)
        job.done.set_running_or_notify_cancel()  # whoever stops waiting for it must not undo the others of its group
        if self._closed:
            job.done.set_exception(StoreDown("The service is stopping. Send it again in a few seconds."))
        else:
            self._jobs.put(job)
        return job.done

    def waiting(self) -> int:
        """How many changes wait to be taken up."""
        return self._jobs.qsize()

    def _run(self) -> None:
        while (first := self._jobs.get()) is not None:
            group, last = [first], False
            while len(group) < TOGETHER and not self._jobs.empty():
                job = self._jobs.get()
                if job is None:
                    last = True
                    break
                group.append(job)
            self._write(group)
            if last:
                break
        self._refuse_the_rest()

    def _write(self, group: list[_Job]) -> None:
        """Commit the group, or failing that each of its changes alone."""
        try:
            self._commit(group)
        except DBAPIError as error:
            if len(group) == 1 or not worth_another_try(error):
                _fail(group, error) if not worth_another_try(error) else self._again(group[0], error)
                return
            for job in group:
                self._again(job, error)
        except BaseException as error:  # noqa: BLE001 - the thread lives on, the callers hear of it
            _fail(group, error)

    def _again(self, job: _Job, error: DBAPIError) -> None:
        """One change alone, a few times."""
        for attempt in range(TRIES):
            try:
                self._commit([job])
            except DBAPIError as found:
                error = found
                if not worth_another_try(found):
                    break
                time.sleep(0.02 * 2**attempt)
            else:
                return
        _fail([job], error)

    def _commit(self, group: list[_Job]) -> None:
        with self._engine.connect().execution_options(**WRITING) as connection, connection.begin():
            for job in group:
                savepoint = connection.begin_nested()
                job.run(connection)
                if savepoint.is_active:
                    savepoint.rollback() if job.error is not None else savepoint.commit()
        for job in group:
            job.tell()

    def _refuse_the_rest(self) -> None:
        while not self._jobs.empty():
            job = self._jobs.get()
            if job is not None:
                _fail([job], StoreDown("The service is stopping. Send it again in a few seconds."))


def _fail(group: list[_Job], error: BaseException) -> None:
    found = told(error) if isinstance(error, DBAPIError) else error
    _LOG.error("%d changes were not written: %s", len(group), type(found).__name__)
    for job in group:
        if not job.done.done():
            job.done.set_exception(found)
