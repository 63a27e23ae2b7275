"""A worker: everything that is done without being asked for, until it is told to stop.

It delivers the outbox and answers callbacks, looks at leads that are marked, runs score jobs and the nightly pass, and
clears away what was delivered long ago. Several workers may share a store: each thing is done by one of them.
"""

import asyncio
import logging
import os
import socket
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from uuid import uuid4

from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.base import BaseTrigger
from apscheduler.triggers.combining import OrTrigger
from apscheduler.triggers.cron import CronTrigger
from apscheduler.triggers.interval import IntervalTrigger
from sqlalchemy import Connection

from data.clock import DAY, wall_clock
from serving.egress import Egress, from_environment
from serving.outbox import backlog, callbacks, signing
from serving.outbox.callbacks import Callbacks
from serving.outbox.delivery import Delivery, Pace
from serving.settings import WorkerSettings
from serving.store.store import Store
from serving.store.writer import Change
from serving.worker.answering import Answering, Scores
from serving.worker.chores import Chore, do, keep_doing
from serving.worker.duties import beat, leave, take
from serving.worker.nightly import DUTY, last_due, time_of_day
from serving.worker.telling import Telling

_LOG = logging.getLogger("readiness.worker")
_BEAT_S = 5.0
_PURGE_S = 3_600.0
_NIGHT_S = 300.0
Night = Callable[[], Change[object]]
"""The change that begins the nightly pass. Raises Refusal while there is no model."""


@dataclass(frozen=True)
class Work:
    """What a worker does beside delivering: ``scores`` for callbacks, ``chores``, and what begins the ``night``."""

    scores: Scores
    chores: Sequence[Chore] = ()
    night: Night | None = None


class Worker:
    """A worker on an open store. ``run`` in an event loop of its own; ``stop`` from anywhere."""

    def __init__(
        self,
        store: Store,
        work: Work,
        settings: WorkerSettings,
        environment: Mapping[str, str],
        clock: Callable[[], int] = wall_clock,
        pace: Pace | None = None,
    ) -> None:
        self.worker_id = f"{socket.gethostname()}:{os.getpid()}:{uuid4().hex[:8]}"
        self._store, self._work, self._settings, self._environment = store, work, settings, environment
        self._clock, self._pace, self._started = clock, pace, clock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop = asyncio.Event()
        self._told = threading.Event()
        self._busy: set[asyncio.Future[bool | None]] = set()

    def stop(self) -> None:
        """Begin nothing more, and end; from any thread."""
        self._told.set()
        if self._loop is not None:
            with suppress(RuntimeError):  # it has ended by itself
                self._loop.call_soon_threadsafe(self._stop.set)

    async def run(self) -> None:
        """Work until ``stop``; what has begun may end within ``stop_s`` seconds."""
        self._loop = asyncio.get_running_loop()
        if self._told.is_set():
            return
        _LOG.info("worker %s begins", self.worker_id)
        egress = Egress(from_environment(self._environment))
        telling = Telling(egress, self._environment)
        delivery = Delivery(self._store, telling.subscriber, self._pace, self._clock)
        answers = Callbacks(self._store, Answering(telling, self._work.scores), self._clock)
        scheduler = self._scheduled()
        loops = [keep_doing(chore, self._stop) for chore in self._work.chores]
        loops += [loop.run(self._stop, self._settings.stop_s) for loop in (delivery, answers)]
        try:
            await asyncio.gather(*loops)
            await asyncio.gather(*self._busy)
        finally:
            self._told.set()
            scheduler.shutdown(wait=False)
            await egress.aclose()
            await do(Chore("the end", 0, self._leave))
            _LOG.info("worker %s has ended", self.worker_id)

    def _scheduled(self) -> AsyncIOScheduler:
        """What is done by the clock: the heartbeat, clearing away, and the nightly pass, which is also made up for."""
        scheduler = AsyncIOScheduler(timezone=UTC)
        duties: list[tuple[Chore, BaseTrigger]] = [
            (Chore("heartbeat", _BEAT_S, self._beat), IntervalTrigger(seconds=_BEAT_S)),
            (Chore("clearing away", _PURGE_S, self._purge), IntervalTrigger(seconds=_PURGE_S)),
        ]
        if self._work.night is not None and self._settings.nightly:
            hour, minute = at = time_of_day(self._settings.nightly)
            trigger = OrTrigger(
                [CronTrigger(hour=hour, minute=minute, timezone=UTC), IntervalTrigger(seconds=_NIGHT_S)]
            )
            duties.append((Chore("the night", _NIGHT_S, partial(self._night, at)), trigger))
        for chore, trigger in duties:
            once = {"max_instances": 1, "coalesce": True, "misfire_grace_time": None}
            scheduler.add_job(self._do, trigger, (chore,), next_run_time=datetime.now(UTC), name=chore.name, **once)
        scheduler.start()
        return scheduler

    async def _do(self, chore: Chore) -> None:
        """Do something that is due by the clock; the end waits for it."""
        if not self._told.is_set():
            task = asyncio.ensure_future(do(chore))
            self._busy.add(task)
            task.add_done_callback(self._busy.discard)
            await asyncio.shield(task)

    def _beat(self) -> bool:
        now = self._clock()
        self._store.write(lambda connection: beat(connection, self.worker_id, self._started, now))
        return False

    def _night(self, at: tuple[int, int]) -> bool:
        """Begin the night's pass, unless some worker has."""
        assert self._work.night is not None  # noqa: S101 - it is scheduled only then
        begin, now = self._work.night(), self._clock()

        def change(connection: Connection) -> None:
            if take(connection, DUTY, self.worker_id, now, last_due(at, now)):
                begin(connection)

        self._store.write(change)
        return False

    def _leave(self) -> bool:
        self._store.write(lambda connection: leave(connection, self.worker_id))
        return False

    def _purge(self) -> bool:
        now = self._clock()
        self._store.write(partial(signing.forget_former, now=now))
        before = now - self._settings.keep_days * DAY
        for clear in (backlog.purge, callbacks.purge):
            while not self._told.is_set() and self._store.write(partial(clear, before=before)):
                continue
        return False
