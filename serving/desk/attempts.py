"""How often an address may fail to sign in: enough for people, too little for guessing."""

import time
from collections import OrderedDict
from collections.abc import Callable

from serving.problems import Refusal

MOST = 10
WITHIN_S = 60.0
_ADDRESSES = 10_000


class Attempts:
    """Failures of each address within a minute. Belongs to one event loop."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._failed: OrderedDict[str, list[float]] = OrderedDict()

    def must_be_few(self, address: str) -> None:
        """Raises Refusal (429) when the address failed too often lately."""
        since = self._clock() - WITHIN_S
        recent = [moment for moment in self._failed.get(address, ()) if moment > since]
        if len(recent) >= MOST:
            detail = f"{MOST} keys from your address were not valid within a minute. Wait a minute, then try again."
            raise Refusal(429, "too-many-attempts", detail, {"retry-after": f"{WITHIN_S:.0f}"})

    def failed(self, address: str) -> None:
        """Count a failure; of the addresses that failed longest ago some are forgotten."""
        moments = self._failed.pop(address, [])
        self._failed[address] = [*moments[-MOST:], self._clock()]
        while len(self._failed) > _ADDRESSES:
            self._failed.popitem(last=False)
