"""How a platform that waits for an answer gets it: its leads are scored, its request is made and sent."""

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from serving.outbox.callbacks import Row
from serving.outbox.schedule import Answer
from serving.platforms.callbacks import callback_request
from serving.worker.telling import Telling

Scores = Callable[[Sequence[str]], Awaitable[Mapping[str, Mapping[str, Any] | str]]]
"""Scores leads by id: the flat score of each, or the sentence that says why it has none. Raises Refusal, StoreDown."""


class Answering:
    """Answers rows of ``callbacks`` with the ``scores`` of their leads."""

    def __init__(self, telling: Telling, scores: Scores) -> None:
        self._telling, self._scores = telling, scores

    async def __call__(self, row: Row, now: int) -> Answer:
        """Answer one row, once. Raises ReadinessError where that cannot be."""
        scores = await self._scores(json.loads(row["lead_ids"]))
        outgoing, settings = callback_request(row, scores)
        return await self._telling.platform(row["platform"], outgoing, settings, now)
