"""Answers that a platform waits for: claimed, sent, settled like deliveries, with tries within the hour that it waits.

Each platform has a lane of its own. What a row holds to be let in with is removed as soon as it is of no more use.
"""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any

from sqlalchemy import Connection, and_, bindparam, delete, or_, select, update

from data.clock import MINUTE, SECOND, wall_clock
from data.errors import ReadinessError
from serving.outbox.delivery import pause
from serving.outbox.schedule import Answer, Schedule, Verdict
from serving.outbox.webhooks import failed
from serving.store.failures import StoreDown
from serving.store.store import Store
from serving.store.tables import callbacks

_LOG = logging.getLogger("readiness.outbox")
_DRAW = random.SystemRandom().random
_C = callbacks.c
SCHEDULE = Schedule((5 * SECOND, 30 * SECOND, 2 * MINUTE, 10 * MINUTE, 30 * MINUTE))
"""Who waits for a callback has given up after an hour or so."""
_LEASE = 2 * MINUTE
_AT_ONCE = 4
_OLD_AT_ONCE = 1_000
_NOW: Any = bindparam("now")
_FREE = and_(_C.state == "pending", _C.due_at <= _NOW, or_(_C.claimed_until.is_(None), _C.claimed_until <= _NOW))
_PLATFORMS = select(_C.platform).where(_FREE).distinct()
_CLAIMABLE = (
    select(callbacks)
    .where(_FREE, _C.platform == bindparam("platform"))
    .order_by(_C.due_at, _C.callback_id)
    .limit(_AT_ONCE)
    .with_for_update(skip_locked=True)
)
Row = Mapping[str, Any]
Tell = Callable[[Row, int], Awaitable[Answer]]
"""Makes the answer of a row of ``callbacks`` and sends it once, at a moment (microseconds)."""


def due(connection: Connection, now: int) -> list[str]:
    """The platforms that wait for something at ``now``."""
    return sorted(connection.execute(_PLATFORMS, {"now": now}).scalars())


def claim(connection: Connection, platform: str, now: int) -> list[dict[str, Any]]:
    """Claim a few rows of a platform; each has the end of its lease as ``claimed_until``."""
    found = connection.execute(_CLAIMABLE, {"now": now, "platform": platform}).mappings()
    rows = [{**row, "claimed_until": now + _LEASE} for row in found]
    if rows:
        mine = _C.callback_id.in_([row["callback_id"] for row in rows])
        connection.execute(update(callbacks).where(mine).values(claimed_until=now + _LEASE))
    return rows


def settle(connection: Connection, row: Row, answer: Answer, verdict: Verdict) -> None:
    """Write down what became of a claimed row, while it is ours."""
    mine = and_(_C.callback_id == row["callback_id"], _C.state == "pending", _C.claimed_until == row["claimed_until"])
    values: dict[str, Any] = {
        "attempts": row["attempts"] + 1,
        "claimed_until": None,
        "last_status": answer.status,
        "last_error": answer.error,
    }
    if verdict.due_at is not None:
        values["due_at"] = verdict.due_at
    else:
        values |= {"state": "delivered" if verdict.state == "delivered" else "dead", "headers": "{}"}
    connection.execute(update(callbacks).where(mine).values(values))


def purge(connection: Connection, before: int) -> int:
    """Forget what came to an end and was made before a moment; returns how many, at most 1,000 a call."""
    old = select(_C.callback_id).where(_C.made_at < before, _C.state != "pending").limit(_OLD_AT_ONCE)
    ids = list(connection.execute(old).scalars())
    if ids:
        connection.execute(delete(callbacks).where(_C.callback_id.in_(ids)))
    return len(ids)


class Callbacks:
    """Answers what waits, from ``run`` until it is told to stop."""

    def __init__(self, store: Store, tell: Tell, clock: Callable[[], int] = wall_clock, poll_s: float = 0.5) -> None:
        self._store, self._tell, self._clock, self._poll_s = store, tell, clock, poll_s
        self._lanes: dict[str, asyncio.Task[None]] = {}
        self._stopping = False

    async def run(self, stop: asyncio.Event, deadline_s: float = 20.0) -> None:
        """Answer until ``stop``; what is on its way then may end within ``deadline_s`` seconds, or is claimed anew."""
        while not stop.is_set():
            try:
                for platform in await self._store.aread(partial(due, now=self._clock())):
                    lane = self._lanes.get(platform)
                    if lane is None or lane.done():
                        self._lanes[platform] = asyncio.create_task(self._answer(platform))
            except StoreDown as error:
                _LOG.warning("callbacks wait: %s", error)
            except Exception:  # noqa: BLE001 - a defect must not be the end of all callbacks
                _LOG.exception("callbacks wait")
            await pause(stop, self._poll_s)
        self._stopping = True
        if left := [lane for lane in self._lanes.values() if not lane.done()]:
            await asyncio.wait(left, timeout=deadline_s)
            for lane in left:
                lane.cancel()
            await asyncio.gather(*left, return_exceptions=True)

    async def _answer(self, platform: str) -> None:
        """Answer one platform until nothing is due."""
        try:
            while not self._stopping:
                rows = await self._store.awrite(partial(claim, platform=platform, now=self._clock()))
                if not rows:
                    return
                await asyncio.gather(*(self._one(row) for row in rows))
        except StoreDown as error:
            _LOG.warning("callbacks of %s wait: %s", platform, error)
        except Exception:  # noqa: BLE001 - likewise
            _LOG.exception("callbacks of %s wait", platform)

    async def _one(self, row: Row) -> None:
        try:
            answer = await self._tell(row, self._clock())
        except ReadinessError as error:
            answer = failed(error)
        except Exception as error:  # noqa: BLE001 - whatever it was, the others' answers go on
            _LOG.error("a callback of %s could not be made: %s", row["platform"], type(error).__name__)
            answer = Answer(None, f"the answer could not be made: {type(error).__name__}")
        verdict = SCHEDULE.verdict(row["attempts"] + 1, answer, self._clock(), _DRAW())
        if verdict.due_at is None and not answer.delivered:
            _LOG.warning("callback of %s is dead after %d tries", row["platform"], row["attempts"] + 1)
        await self._store.awrite(lambda connection: settle(connection, row, answer, verdict))
