"""The loop that delivers: a lane for each subscriber, so that a slow or dead one delays nobody else.

A lane claims a few deliveries, sends them side by side and writes down what became of each. When all of them fail and
may pass later, the lane rests, longer each time, and then tries with one: a subscriber that is away for a day costs its
messages few of their tries. Several workers may run this loop on one store.
"""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from sqlalchemy import Connection

from data.clock import HOUR, MINUTE, SECOND, wall_clock
from data.errors import ReadinessError
from serving.outbox.queue import Claim, claim, due, release, settle
from serving.outbox.schedule import Answer, Schedule
from serving.outbox.subscribers import Subscriber, find
from serving.outbox.webhooks import failed
from serving.store.failures import StoreDown
from serving.store.store import Store

_LOG = logging.getLogger("readiness.outbox")
_DRAW = random.SystemRandom().random
_LONGEST_REST = 5 * MINUTE
Tell = Callable[[Subscriber, Claim, int], Awaitable[Answer]]
"""Tells a subscriber of a claim, at a moment (microseconds), once. Raises ReadinessError where it cannot."""


@dataclass(frozen=True)
class Pace:
    """How the loop goes: ``at_once`` requests to a subscriber, claims of ``lease``, a look every ``poll_s`` seconds."""

    schedule: Schedule = field(default_factory=Schedule)
    at_once: int = 8
    lease: int = 20 * SECOND
    poll_s: float = 0.5
    rest: int = SECOND


@dataclass
class _Lane:
    failures: int = 0
    rests_until: int = 0
    task: "asyncio.Task[None] | None" = None

    def busy(self, now: int) -> bool:
        return now < self.rests_until or (self.task is not None and not self.task.done())


class Delivery:
    """Delivers what is due, from ``run`` until it is told to stop. ``delivered`` and ``failed`` count requests."""

    def __init__(
        self,
        store: Store,
        tell: Tell,
        pace: Pace | None = None,
        clock: Callable[[], int] = wall_clock,
    ) -> None:
        self.delivered = self.failed = 0
        self._store, self._tell, self._clock = store, tell, clock
        self._pace = pace or Pace()
        self._lanes: dict[str, _Lane] = {}
        self._stopping = False

    async def run(self, stop: asyncio.Event, deadline_s: float = 20.0) -> None:
        """Deliver until ``stop``; then what is on its way may arrive, within ``deadline_s`` seconds."""
        while not stop.is_set():
            wait_s = self._pace.poll_s
            try:
                await self.look()
            except StoreDown as error:
                _LOG.warning("deliveries wait: %s", error)
                wait_s = max(wait_s, 1.0)
            except Exception:  # noqa: BLE001 - a defect must not be the end of all deliveries
                _LOG.exception("deliveries wait")
                wait_s = max(wait_s, 5.0)
            await pause(stop, wait_s)
        self._stopping = True
        tasks = self._tasks()
        if tasks:
            await asyncio.wait(tasks, timeout=deadline_s)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def look(self) -> None:
        """Start a lane for every subscriber for whom something is due."""
        now = self._clock()
        for subscriber in await self._store.aread(lambda connection: due(connection, now)):
            lane = self._lanes.setdefault(subscriber.name, _Lane())
            if not lane.busy(now):
                lane.task = asyncio.create_task(self._deliver(subscriber.name, lane))

    async def settled(self) -> None:
        """Until every lane has come to its end or its rest."""
        while tasks := self._tasks():
            await asyncio.gather(*tasks)

    def _tasks(self) -> "list[asyncio.Task[None]]":
        return [lane.task for lane in self._lanes.values() if lane.task is not None and not lane.task.done()]

    async def _deliver(self, name: str, lane: _Lane) -> None:
        """Deliver to one subscriber until nothing is due, or it needs a rest."""
        try:
            while not self._stopping and self._clock() >= lane.rests_until:
                claimed = await self._claim(name, 1 if lane.failures else self._pace.at_once)
                if claimed is None:
                    return
                self._judge(lane, await self._all(*claimed))
        except StoreDown as error:
            _LOG.warning("deliveries to %s wait: %s", name, error)
            lane.rests_until = self._clock() + SECOND
        except Exception:  # noqa: BLE001 - a defect with one subscriber is not the others'
            _LOG.exception("deliveries to %s wait", name)
            lane.rests_until = self._clock() + 5 * SECOND

    async def _claim(self, name: str, count: int) -> tuple[Subscriber, list[Claim]] | None:
        """The next claims, with their subscriber as it is now: its secret may have been exchanged meanwhile."""
        now = self._clock()

        def change(connection: Connection) -> tuple[Subscriber, list[Claim]] | None:
            claims = claim(connection, name, count, now, now + self._pace.lease)
            return (find(connection, name), claims) if claims else None

        return await self._store.awrite(change)

    async def _all(self, subscriber: Subscriber, claims: list[Claim]) -> list[Answer]:
        tasks = [asyncio.create_task(self._one(subscriber, claimed)) for claimed in claims]
        try:
            return await asyncio.gather(*tasks)
        except asyncio.CancelledError:
            left = [claimed for claimed, task in zip(claims, tasks, strict=True) if task.cancelled() or not task.done()]
            await asyncio.shield(self._store.awrite(lambda connection: release(connection, left)))
            raise

    async def _one(self, subscriber: Subscriber, claimed: Claim) -> Answer:
        try:
            answer = await self._tell(subscriber, claimed, self._clock())
        except ReadinessError as error:
            answer = failed(error)
        except Exception as error:  # noqa: BLE001 - whatever it was, the others' deliveries go on
            _LOG.error("a request to %s could not be made: %s", subscriber.name, type(error).__name__)
            answer = Answer(None, f"the request could not be made: {type(error).__name__}")
        await self._settle(claimed, answer)
        return answer

    async def _settle(self, claimed: Claim, answer: Answer) -> None:
        """Write down what became of a claim: while the store is away, again and again until the claim runs out."""
        now = self._clock()
        verdict = self._pace.schedule.verdict(claimed.tries + 1, answer, now, _DRAW())
        self.delivered += answer.delivered
        self.failed += not answer.delivered
        if verdict.state in {"dead", "stopped"}:
            _LOG.warning("message %s to %s: %s", claimed.message_id, claimed.subscriber, verdict.state)
        while True:
            try:
                return await self._store.awrite(lambda c: settle(c, claimed, answer, verdict, now))
            except StoreDown:
                if self._stopping or self._clock() >= claimed.until:
                    raise
                await asyncio.sleep(1.0)

    def _judge(self, lane: _Lane, answers: list[Answer]) -> None:
        """Let a lane rest that asks for it, or of which nothing was taken now that may be taken later."""
        now, asked = self._clock(), min(max(answer.retry_after or 0 for answer in answers), HOUR)
        lane.rests_until = now + asked
        if all(answer.passing for answer in answers):
            lane.failures += 1
            rest = min(self._pace.rest * 2 ** min(lane.failures - 1, 20), _LONGEST_REST)
            lane.rests_until = now + max(asked, round(rest * (0.5 + _DRAW())))
        else:
            lane.failures = 0


async def pause(stop: asyncio.Event, seconds: float) -> None:
    """Wait so long, or until ``stop``."""
    try:
        await asyncio.wait_for(stop.wait(), seconds)
    except TimeoutError:
        return
