"""The bundle in use, deciding by what was agreed last, whichever process it was saved in.

The store is asked every half second, in a thread of its own; the process that saves a version goes by it at once. While
the store is away, what was read last goes on deciding.
"""

import logging
from threading import Event, Lock, Thread

from data.errors import ReadinessError
from serving.agreeing.versions import Agreement, apply, latest
from serving.live.loading import Loaded
from serving.store.store import Store

LOOK_EVERY_S = 0.5
_LOG = logging.getLogger("readiness.policy")


class Following:
    """What was agreed last in a store, and the bundle that decides by it. Threads may share it."""

    def __init__(self) -> None:
        self._agreed: Agreement | None = None
        self._made: tuple[Loaded, Agreement | None, Loaded] | None = None
        self._stopping = Event()
        self._lock = Lock()

    def begin(self, store: Store) -> None:
        """Read what is agreed, then look for what is agreed later. Raises StoreDown, StoreError."""
        self.take(store.read(latest))
        Thread(target=self._follow, args=(store,), name="agreed-policy", daemon=True).start()

    def stop(self) -> None:
        """Look no longer."""
        self._stopping.set()

    def take(self, agreed: Agreement | None) -> None:
        """Go by this version, unless a later one is known."""
        with self._lock:
            if agreed is not None and (self._agreed is None or agreed.version > self._agreed.version):
                self._agreed = agreed
                _LOG.info("policy version %d decides", agreed.version)

    def deciding(self, loaded: Loaded) -> Loaded:
        """``loaded``, deciding by what is agreed: the same value until either changes."""
        made, agreed = self._made, self._agreed
        if made is None or made[0] is not loaded or made[1] is not agreed:
            made = (loaded, agreed, apply(loaded, agreed))
            self._made = made
        return made[2]

    def _follow(self, store: Store) -> None:
        while not self._stopping.wait(LOOK_EVERY_S):
            try:
                self.take(store.read(latest))
            except ReadinessError as error:
                _LOG.warning("what is agreed could not be read: %s", error)
