"""Work beside the event loop, in a thread, for a request that may give up waiting.

Whoever waits is let go at once when the request's deadline passes. The thread cannot be stopped: it comes to its end,
and what it found is dropped. So what runs here must read or compute, and bound itself; what changes anything goes
through the store's writer.
"""

from collections.abc import Callable
from typing import TypeVar

from anyio import to_thread

T = TypeVar("T")


async def beside(work: Callable[..., T], *arguments: object) -> T:
    """What ``work(*arguments)`` returns, computed in a thread."""
    return await to_thread.run_sync(work, *arguments, abandon_on_cancel=True)
