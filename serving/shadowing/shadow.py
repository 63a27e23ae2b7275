"""The thread that lets the challenger score beside the champion, after the answer has gone.

Told scores are offered and taken up without waiting; those that find no room are counted, not waited for. A challenger
that is slow, fails or hangs costs its own scores and nothing else.
"""

import logging
import os
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from threading import Event, Thread, get_native_id
from typing import Any, Self

from sqlalchemy import Connection

from data.clock import SECOND, wall_clock
from data.errors import ReadinessError
from features.lead import LeadHistory
from models.lots import lot
from serving.deciding.explaining import kept_score
from serving.deciding.histories import UnknownLead, read_history
from serving.deciding.needs import Needs, needs_of
from serving.live.loading import Loaded
from serving.live.told import Told
from serving.problems import Refusal
from serving.service import Service
from serving.shadowing.following import Challenger
from serving.shadowing.rows import shadow_row, write_shadow
from serving.shadowing.waiting import MOST_EVENTS, Waiting
from serving.store.failures import StoreDown
from serving.store.store import Store

AT_ONCE = 32
POLL_S = 0.25
PATIENCE = 10 * SECOND
"""So long the champion's score may take to be written; later its shadow is let go of."""
MOST_UNWRITTEN = 2_000
_NICENESS = 10
_LOG = logging.getLogger("readiness.shadow")


class Shadow:
    """The challenger beside a service or a worker, on ``share`` of the leads. ``store`` gives the store, once open.

    A lead is always in the share or never: its id decides, in every process alike.
    """

    def __init__(
        self,
        live_folder: Path,
        store: Callable[[], Store],
        share: float,
        timeout_s: float = 120.0,
        most_events: int = MOST_EVENTS,
    ) -> None:
        self.challenger = Challenger(live_folder, timeout_s)
        self.waiting = Waiting(most_events)
        self.scored = 0
        self.failed = 0
        self._store, self._share = store, share
        self._unwritten: list[dict[str, Any]] = []
        self._later: list[tuple[Told, int]] = []
        self._stopping = Event()
        self._thread = Thread(target=self._run, name="shadow", daemon=True)

    @classmethod
    def of(cls, service: Service) -> Self | None:
        """What scores beside a service that exchanges bundles and keeps scores; made before that starts."""
        settings = service.settings
        if settings.live is None or settings.store is None or settings.shadow_share <= 0.0:
            return None
        shadow = cls(settings.live, lambda: service.store, settings.shadow_share, settings.canary_timeout_s)
        service.model.tell(shadow.offer)
        return shadow

    def start(self) -> None:
        """Begin, in threads that do not outlive the process."""
        self.challenger.start()
        self._thread.start()

    def stop(self) -> None:
        """End; what waits is let go of. A thread that hangs is left behind."""
        self._stopping.set()
        self.challenger.stop()
        self._thread.join(2.0 * POLL_S)

    def offer(self, told: Told) -> None:
        """Take up a told score, if its lead is in the share and somebody is in the shadow."""
        challenger = self.challenger.loaded
        if challenger is None or challenger.bundle.bundle_id == told.bundle.bundle_id:
            return
        if lot("shadow", told.lead.lead_id) < self._share:
            self.waiting.put(told)

    def _run(self) -> None:
        with suppress(OSError, AttributeError):  # on Linux a thread has a niceness of its own: answers come first
            os.setpriority(os.PRIO_PROCESS, get_native_id(), _NICENESS)
        while not self._stopping.is_set():
            try:
                self._turn()
            except Exception:  # noqa: BLE001 - the thread lives on
                self.failed += 1
                _LOG.exception("the shadow failed")
                self._stopping.wait(POLL_S)

    def _turn(self) -> None:
        now = wall_clock()
        batch = [*self._later, *((told, now) for told in self.waiting.take(AT_ONCE, POLL_S))]
        self._later = []
        challenger = self.challenger.loaded
        for told, since in batch:
            row = None if challenger is None else self._scored(challenger, told, since)
            if row is not None:
                self._unwritten.append(row)
        self._write()

    def _scored(self, challenger: Loaded, told: Told, since: int) -> dict[str, Any] | None:
        """The row of the challenger's score; None when it has none, which is counted, or none yet."""
        try:
            lead = self._lead(challenger, told)
            if lead is None:
                if since > wall_clock() - PATIENCE and len(self._later) < MOST_UNWRITTEN:
                    self._later.append((told, since))
                else:
                    self.waiting.drop(1)
                return None
            score = challenger.scorer.score(lead, told.as_of, 0, told.standing)
        except UnknownLead:  # erased since then
            return None
        except (StoreDown, Refusal):
            self.waiting.drop(1)
        except Exception as error:  # noqa: BLE001 - a challenger that fails is what the shadow is there to find out
            self.failed += 1
            reason = error if isinstance(error, ReadinessError) else type(error).__name__
            _LOG.warning("the challenger failed on a score: %s", reason)
        else:
            return shadow_row(told.score_id, score, challenger.version, wall_clock())
        return None

    def _lead(self, challenger: Loaded, told: Told) -> LeadHistory | None:
        """What the challenger's features read of the lead; None: that is stored with a score that is not there yet."""
        needs = needs_of(challenger.bundle)
        if not told.stored or _covers(needs_of(told.bundle), needs):
            return told.lead

        def question(connection: Connection) -> LeadHistory | None:
            if kept_score(connection, told.score_id) is None:
                return None
            return read_history(connection, told.lead.lead_id, told.as_of, needs).lead

        return self._store().read(question)

    def _write(self) -> None:
        """Write what can be written; keep the rest for the next turn, within bounds."""
        if not self._unwritten:
            return
        try:
            there = self._store().write(partial(write_shadow, rows=self._unwritten))
        except (StoreDown, Refusal):
            there = set()
        self.scored += sum(row["score_id"] in there for row in self._unwritten)
        left = [row for row in self._unwritten if row["score_id"] not in there]
        since = wall_clock() - PATIENCE
        self._unwritten = [row for row in left if row["scored_at"] > since][-MOST_UNWRITTEN:]
        self.waiting.drop(len(left) - len(self._unwritten))


def _covers(read: Needs, needed: Needs) -> bool:
    """Whether what was read holds all that is needed."""
    pairs = zip(vars(read).values(), vars(needed).values(), strict=True)
    return all(there or not asked for there, asked in pairs)
