"""Scores that were told and moved nothing, written soon after: many of them in one statement and one commit.

What a kill can take is the record of the scores of the last moments, never a fact, a standing or a message.
"""

import asyncio
import logging
from collections.abc import Callable
from functools import partial

from sqlalchemy import Connection

from serving.deciding.score_rows import Made, score_row, write_scores, write_scores_of_leads
from serving.live.loading import Loaded
from serving.store.failures import StoreDown
from serving.store.store import Store

SOON_S = 0.1
AGAIN_S = 1.0
AT_ONCE = 1_000
_LOG = logging.getLogger("readiness.scores")


class Recorder:
    """Keeps scores until they are written. Belongs to one event loop.

    ``store`` gives the store, once it is open. ``at_most`` scores wait; who brings one more waits for room.
    """

    def __init__(self, store: Callable[[], Store], at_most: int = 10_000) -> None:
        self._store = store
        self._at_most = at_most
        self._scores: list[tuple[Made, Loaded]] = []
        self._writing: asyncio.Task[None] | None = None
        self._one_at_a_time = asyncio.Lock()

    async def add(self, made: Made, loaded: Loaded) -> None:
        """Keep a score by a bundle. Raises StoreDown when too many wait and the database does not take them."""
        await self.make_room()
        self.keep(made, loaded)

    @property
    def full(self) -> bool:
        """Whether there is no room for one more."""
        return len(self._scores) >= self._at_most

    async def make_room(self) -> None:
        """Wait for room where there is none. Raises StoreDown like ``add``."""
        if self.full:
            await self.flush()

    def keep(self, made: Made, loaded: Loaded) -> None:
        """Keep a score where there is room."""
        self._scores.append((made, loaded))
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._soon())

    def waiting(self) -> int:
        """How many scores are not written yet."""
        return len(self._scores)

    async def flush(self) -> None:
        """Write all that waits now. Raises StoreDown; the scores are kept then."""
        async with self._one_at_a_time:
            left = len(self._scores)  # those that come meanwhile make the next lot: a small one costs as much
            while left > 0:
                batch = self._scores[: min(left, AT_ONCE)]
                await self._store().awrite(partial(_write, batch))
                del self._scores[: len(batch)]
                left -= len(batch)

    async def close(self) -> None:
        """Write what waits; what the database does not take is lost, and the log says how much."""
        if self._writing is not None:
            self._writing.cancel()
            await asyncio.gather(self._writing, return_exceptions=True)
        try:
            await self.flush()
        except StoreDown:
            _LOG.error("%d scores were told and not kept: the store is away", len(self._scores))

    async def _soon(self) -> None:
        pause = SOON_S
        while self._scores:
            await asyncio.sleep(pause)
            try:
                await self.flush()
                pause = SOON_S
            except StoreDown as error:
                _LOG.warning("%d scores wait: %s", len(self._scores), error)
                pause = AGAIN_S


def _write(scores: list[tuple[Made, Loaded]], connection: Connection) -> None:
    sent = [score_row(made, loaded) for made, loaded in scores if made.cause == "payload"]
    stored = [score_row(made, loaded) for made, loaded in scores if made.cause != "payload"]
    write_scores(connection, sent)
    write_scores_of_leads(connection, stored)
