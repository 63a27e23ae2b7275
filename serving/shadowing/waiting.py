"""Told scores that wait for the challenger: bounded, and whoever brings one more never waits."""

from collections import deque
from threading import Condition

from serving.live.told import Told

MOST_EVENTS = 200_000
"""So many leads and events of theirs wait at the most: it bounds the memory, whatever was sent."""


class Waiting:
    """A bounded queue. Threads may share it."""

    def __init__(self, most_events: int = MOST_EVENTS) -> None:
        self._most = most_events
        self._held = 0
        self._scores: deque[Told] = deque()
        self._changed = Condition()
        self.dropped = 0
        """How many found no room, or were let go of."""

    def __len__(self) -> int:
        return len(self._scores)

    def put(self, told: Told) -> None:
        """Keep one, if there is room."""
        weight = _weight(told)
        with self._changed:
            if self._held + weight > self._most:
                self.dropped += 1
                return
            self._held += weight
            self._scores.append(told)
            self._changed.notify()

    def take(self, at_most: int, timeout_s: float) -> list[Told]:
        """The oldest, so many at the most; waits until there is one, or for so long."""
        with self._changed:
            self._changed.wait_for(lambda: self._scores, timeout_s)
            found = [self._scores.popleft() for _ in range(min(at_most, len(self._scores)))]
            self._held -= sum(map(_weight, found))
        return found

    def drop(self, count: int) -> None:
        """Count what was taken and could not be scored or kept."""
        with self._changed:
            self.dropped += count


def _weight(told: Told) -> int:
    return 1 + len(told.lead.events) + len(told.lead.account_events)
