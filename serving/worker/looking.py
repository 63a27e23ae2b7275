"""Looking at leads without being asked: at the marked ones soon, at every open one after a night or a new model.

And when a platform waits for their scores.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from data.clock import wall_clock
from serving.deciding.passing import begin_pass, latest, renew, run_pass
from serving.deciding.recorder import Recorder
from serving.deciding.waiting import look_at_marked
from serving.jobs.running import run_jobs_once
from serving.live.loading import Loaded
from serving.platforms.asking import scores_of
from serving.store.store import Store
from serving.store.writer import Change

_AT_MOST = 256
_CHUNKS = 2


class Looking:
    """The looks of one worker, with the bundle that ``loaded`` gives (it raises Refusal while there is none)."""

    def __init__(self, store: Store, loaded: Callable[[], Loaded]) -> None:
        self._store, self._loaded = store, loaded
        self._by: tuple[str, int] | None = None

    def look(self) -> bool:
        """Look at leads that are marked and at some of the pass under way; whether there are more."""
        loaded = self._loaded()
        by = (loaded.bundle.bundle_id, loaded.policy_version)
        if self._by != by:
            renew(self._store, loaded)
            self._by = by
        marked = look_at_marked(self._store, loaded, _AT_MOST)
        passing = self._store.read(latest)
        if passing is None or passing.finished_at is not None:
            return marked >= _AT_MOST
        ours = run_pass(self._store, loaded, chunks=_CHUNKS)
        return marked >= _AT_MOST or (ours is not None and ours.finished_at is None)

    def jobs(self) -> bool:
        """Work on the score jobs that wait; whether there is more to do."""
        return run_jobs_once(self._store, self._loaded(), chunks=_CHUNKS) > 0

    def night(self) -> Change[object]:
        """The change that begins the nightly pass."""
        loaded = self._loaded()
        return lambda connection: begin_pass(connection, loaded, "night", wall_clock())

    async def scores(self, lead_ids: Sequence[str]) -> Mapping[str, Mapping[str, Any] | str]:
        """The scores of leads as of now, kept with their reasons like every score that is told."""
        recorder = Recorder(lambda: self._store)
        try:
            return await scores_of(self._store, recorder, self._loaded(), lead_ids)
        finally:
            await recorder.close()
