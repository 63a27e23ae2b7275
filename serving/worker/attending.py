"""A worker beside a service: in a thread with an event loop of its own, from when the store is open until the end."""

import asyncio
import logging
import threading
from collections.abc import Mapping

from serving.problems import Refusal
from serving.service import Service
from serving.settings import WorkerSettings
from serving.store.store import Store
from serving.worker.chores import Chore
from serving.worker.looking import Looking
from serving.worker.worker import Work, Worker

_LOG = logging.getLogger("readiness.worker")
_LOOK_S = 0.5
_OPEN_S = 0.2


def worker_of(service: Service, store: Store, settings: WorkerSettings, environment: Mapping[str, str]) -> Worker:
    """A worker for the store of a service, with the bundle that the service has in use."""
    looking = Looking(store, lambda: service.loaded)
    chores = [Chore("looking at leads", _LOOK_S, looking.look), Chore("score jobs", _LOOK_S, looking.jobs)]
    work = Work(looking.scores, chores, looking.night)
    return Worker(store, work, settings, environment)


class Attending:
    """A worker that attends a service, from ``start`` until ``stop``."""

    def __init__(self, service: Service, settings: WorkerSettings, environment: Mapping[str, str]) -> None:
        self._service, self._settings, self._environment = service, settings, environment
        self._thread = threading.Thread(target=self._run, name="worker", daemon=True)
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._worker: Worker | None = None

    def start(self) -> None:
        """Begin as soon as the store is open."""
        self._thread.start()

    def stop(self) -> None:
        """End the worker and wait for it."""
        with self._lock:
            self._stopping.set()
            if self._worker is not None:
                self._worker.stop()
        self._thread.join(self._settings.stop_s + 5.0)
        if self._thread.is_alive():
            _LOG.warning("the worker did not end in time; what it had claimed is free again when the claims run out")

    def _run(self) -> None:
        store = self._opened()
        if store is None:
            return
        with self._lock:
            if self._stopping.is_set():
                return
            self._worker = worker_of(self._service, store, self._settings, self._environment)
        asyncio.run(self._worker.run())

    def _opened(self) -> Store | None:
        while not self._stopping.wait(_OPEN_S):
            try:
                return self._service.store
            except Refusal:
                continue
        return None
