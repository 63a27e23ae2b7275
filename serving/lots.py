"""Counting in lots: many in a row take a third of what each takes between two answers."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from threading import Lock
from typing import Generic, TypeVar

T = TypeVar("T")

AT_ONCE = 256
"""So many wait to be counted at the most; who asks sees them all."""


class Lots(Generic[T]):
    """What waits to be counted, in order, by ``count``, under a lock. Threads may share it."""

    def __init__(self, count: Callable[[Iterable[T]], None]) -> None:
        self._count = count
        self._waiting: deque[T] = deque()
        self._lock = Lock()

    def add(self, one: T) -> None:
        """One more to be counted."""
        self._waiting.append(one)
        if len(self._waiting) >= AT_ONCE:
            self.count_all()

    def count_all(self) -> None:
        """Count all that waits."""
        with self.counted():
            pass

    @contextmanager
    def counted(self) -> Iterator[None]:
        """All that waited is counted, and nothing more until this is left."""
        with self._lock:
            self._count(self._taken())
            yield

    def _taken(self) -> Iterator[T]:
        with suppress(IndexError):  # until none is left
            while True:
                yield self._waiting.popleft()
