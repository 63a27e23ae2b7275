"""The nightly pass: once a night for all workers, made up for when nobody was there."""

import re
from collections.abc import Callable
from datetime import UTC, timedelta

from data.clock import MINUTE, from_micros, to_micros
from data.errors import ContractError
from serving.store.store import Store
from serving.worker.duties import done, hold, let_go

NAME = "nightly"
_LEASE = 10 * MINUTE
_TIME = re.compile(r"([01]\d|2[0-3]):([0-5]\d)")
Pass = Callable[[Callable[[], bool]], bool]
"""Looks at every open lead; asks between its steps whether it may go on, and returns whether it came to its end."""


def time_of_day(text: str) -> tuple[int, int]:
    """Hour and minute of ``"02:00"``. Raises ContractError."""
    match = _TIME.fullmatch(text.strip())
    if match is None:
        raise ContractError(f"The nightly pass is at {text[:20]!r}. Expected a time of day (UTC) such as 02:00.")
    return int(match[1]), int(match[2])


def last_due(hour: int, minute: int, now: int) -> int:
    """The last moment at that time of day, at or before ``now`` (microseconds)."""
    today = from_micros(now).astimezone(UTC).replace(hour=hour, minute=minute, second=0, microsecond=0)
    found = to_micros(today)
    return found if found <= now else to_micros(today - timedelta(days=1))


class Nightly:
    """Runs ``full_pass`` once for each night, whichever worker comes first; an interrupted one is begun again."""

    def __init__(
        self,
        store: Store,
        worker_id: str,
        at: tuple[int, int],
        full_pass: Pass,
        clock: Callable[[], int],
        stopping: Callable[[], bool],
    ) -> None:
        self._store, self._id, self._at, self._pass = store, worker_id, at, full_pass
        self._clock, self._stopping = clock, stopping

    def run(self) -> bool:
        """Do this night's pass unless it was done or somebody is at it. Always False: there is nothing more."""
        since = last_due(*self._at, self._clock())
        if not self._hold(since):
            return False
        try:
            whole = self._pass(lambda: not self._stopping() and self._hold(since))
        except BaseException:
            self._store.write(lambda connection: let_go(connection, NAME, self._id))
            raise
        now, name = self._clock(), NAME
        self._store.write(lambda c: done(c, name, self._id, now) if whole else let_go(c, name, self._id))
        return False

    def _hold(self, since: int) -> bool:
        now = self._clock()
        return self._store.write(lambda connection: hold(connection, NAME, self._id, now, now + _LEASE, since))
