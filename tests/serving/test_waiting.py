"""A deadline is set only for what really waits, and means the same as one that is always set."""

import asyncio

import pytest

from serving.waiting import at_once_or


async def after(steps, answer):
    """An answer that comes after so many turns of the loop."""
    for _ in range(steps):
        await asyncio.sleep(0)
    if isinstance(answer, Exception):
        raise answer
    return answer


@pytest.mark.parametrize("steps", [0, 1, 3])
def test_what_comes_in_time_comes_through(steps):
    """An answer or an error, whether it was there at once or some turns later."""
    assert asyncio.run(at_once_or(after(steps, 7), 60.0)) == 7
    with pytest.raises(KeyError):
        asyncio.run(at_once_or(after(steps, KeyError("x")), 60.0))


def test_what_does_not_come_is_waited_for_no_longer():
    """The deadline ends the waiting, and what was waited for hears of it."""
    heard = []

    async def never():
        try:
            await asyncio.get_running_loop().create_future()
        except asyncio.CancelledError:
            heard.append("cancelled")
            raise

    with pytest.raises(TimeoutError):
        asyncio.run(at_once_or(never(), 0.01))
    assert heard == ["cancelled"]


def test_whoever_waits_can_be_cancelled():
    """A cancellation from outside reaches what is waited for, and is one still."""

    async def main():
        task = asyncio.create_task(at_once_or(after(1_000_000, 7), 60.0))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
