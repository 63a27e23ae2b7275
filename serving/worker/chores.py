"""Work that is done again and again until it is told to stop, and what keeps one failure from being the end of it."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass

from serving.outbox.delivery import pause
from serving.problems import Refusal
from serving.store.failures import StoreDown

_LOG = logging.getLogger("readiness.worker")
_LONGEST_S = 60.0


@dataclass(frozen=True)
class Chore:
    """Something to do every so many seconds; ``run`` blocks, and returns whether there is more to do at once."""

    name: str
    every_s: float
    run: Callable[[], bool]


async def keep_doing(chore: Chore, stop: asyncio.Event) -> None:
    """Do a chore until ``stop``; after a failure again, a little later each time."""
    failures = 0
    while not stop.is_set():
        more = await do(chore)
        failures = failures + 1 if more is None else 0
        if not more:
            later = 0.5 * 2 ** min(failures, 10) if failures else 0.0
            await pause(stop, max(chore.every_s, min(later, _LONGEST_S)))


async def do(chore: Chore) -> bool | None:
    """Do a chore once, in a thread: whether there is more to do; None when it failed, which is said in the log."""
    try:
        return await asyncio.to_thread(chore.run)
    except Refusal as error:
        _LOG.debug("%s waits: %s", chore.name, error.detail)  # no model yet, or no store
        return False
    except StoreDown as error:
        _LOG.warning("%s waits: %s", chore.name, error)
    except Exception:  # noqa: BLE001 - a defect in one chore is not the end of the others
        _LOG.exception("%s failed", chore.name)
    return None
