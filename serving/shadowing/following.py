"""The bundle in the shadow: taken up, exchanged and let go of as the shadow's pointer says."""

import logging
from pathlib import Path
from threading import Event, Thread

from data.errors import ReadinessError
from serving.live.loading import Loaded, load_live
from serving.live.pointer import SHADOW, read_shadow, stamp_of

LOOK_EVERY_S = 0.5
_LOG = logging.getLogger("readiness.shadow")


class Challenger:
    """The bundle that scores in the shadow, if there is one. One that fails its checks never does."""

    def __init__(self, live_folder: Path, timeout_s: float) -> None:
        self._folder, self._timeout_s = live_folder, timeout_s
        self._stamp: tuple[int, int, int] | None = None
        self._stopping = Event()
        self.loaded: Loaded | None = None
        self.refusals = 0

    def start(self) -> None:
        """Follow the pointer, in a thread of its own that does not outlive the process."""
        Thread(target=self._run, name="shadow-model", daemon=True).start()

    def stop(self) -> None:
        """Follow it no longer."""
        self._stopping.set()

    def _run(self) -> None:
        while not self._stopping.is_set():
            stamp = stamp_of(self._folder, SHADOW)
            if stamp != self._stamp:
                self._stamp = stamp
                self._exchange()
            self._stopping.wait(LOOK_EVERY_S)

    def _exchange(self) -> None:
        """Take up what is pointed at; when that cannot be, nothing is in the shadow: an old challenger is none."""
        try:
            live = read_shadow(self._folder)
            before = self.loaded
            if live is None:
                self.loaded = None
            elif before is None or (before.bundle.bundle_id, before.version) != (live.bundle_id, live.version):
                self.loaded = load_live(self._folder, live, self._timeout_s, canary=True)
            now = self.loaded
            _LOG.info("in the shadow: %s", "none" if now is None else f"{now.bundle.bundle_id[:12]} ({now.version})")
        except Exception as error:  # noqa: BLE001 - whatever it was, the champion must not notice
            self.loaded = None
            self.refusals += 1
            reason = error if isinstance(error, ReadinessError) else type(error).__name__
            _LOG.error("the bundle of the shadow was refused: %s", reason)
