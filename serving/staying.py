"""What stays until it is stopped ends in order when it is told to.

Without a handler SIGTERM cuts a process off wherever it is, and does nothing to the first process of a container.
"""

import signal
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def until_stopped() -> Iterator[None]:
    """Within it SIGTERM ends the process as any exception would, with exit code 0. For the main thread alone."""

    def told(*_: object) -> None:
        raise SystemExit(0)

    before = signal.signal(signal.SIGTERM, told)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
