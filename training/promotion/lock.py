"""One training or promotion of a contract at a time, on one machine.

The lock is the operating system's own (flock) on a file in the state folder. It goes with the process that holds it,
however that ends, so that there is never an old lock to remove by hand.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager

from data.contract import Contract
from data.errors import ReadinessError


@contextmanager
def alone(contract: Contract, what: str) -> Iterator[None]:
    """Hold the lock of ``contract`` while the body runs. Raises ReadinessError at once when somebody else holds it."""
    contract.state_folder.mkdir(parents=True, exist_ok=True)
    path = contract.state_folder / "lock"
    with path.open("a+", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            holder = file.read().strip() or "another process"
            raise ReadinessError(
                f"{holder} is at work on this contract. Expected to be alone. Wait until it is done; a process that "
                "ended, however it did, no longer holds it."
            ) from None
        file.truncate(0)
        file.write(f"{what} (process {os.getpid()})")
        file.flush()
        yield
