"""A deadline only for what really waits: to set one and to take it back costs more than to take what is there."""

import asyncio
from collections.abc import Awaitable, Generator
from typing import Any, Generic, TypeVar

T = TypeVar("T")


async def at_once_or(asked: Awaitable[T], seconds: float) -> T:
    """What ``asked`` comes to, at once or within ``seconds``. Raises TimeoutError."""
    steps = asked.__await__()
    try:
        waits_for = next(steps)
    except StopIteration as done:
        found: T = done.value
        return found
    async with asyncio.timeout(seconds):
        return await _Begun(steps, waits_for)


class _Begun(Generic[T]):
    """What was begun already and waits for something; awaited, it goes on."""

    def __init__(self, steps: Generator[Any, Any, T], waits_for: Any) -> None:
        self._steps, self._waits_for = steps, waits_for

    def __await__(self) -> Generator[Any, Any, T]:
        waits_for = self._waits_for
        while True:
            try:
                try:
                    found = yield waits_for
                except BaseException as error:  # noqa: BLE001 - whatever is thrown in, a cancellation too, is thrown on
                    waits_for = self._steps.throw(error)
                else:
                    waits_for = self._steps.send(found)
            except StopIteration as done:
                answer: T = done.value
                return answer
