"""The loaded bundle, exchanged when the pointer changes.

A new bundle is checked, read and warmed beside the one that answers, in a thread of its own; then one assignment puts
it in place. Requests that began with the old one end with it. One that fails its checks changes nothing but what the
log, ``/readyz`` and the metrics say. Where nothing was deployed yet the first bundle is waited for.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Event, Thread

from data.errors import BundleError, ReadinessError
from serving.live.loading import Loaded, load_folder, load_live
from serving.live.pointer import Pointer, read_pointer, stamp_of
from serving.live.told import Beside
from serving.problems import Refusal

LOOK_EVERY_S = 0.5
_LOG = logging.getLogger("readiness.model")
_AWAITED = (
    "No model is live yet: news is taken in, and nothing is scored. Expected one: `readiness train` makes it, "
    "`readiness deploy` lets it answer."
)


@dataclass(frozen=True)
class From:
    """Where the bundle comes from: a fixed folder with its version, or a live folder whose pointer is followed."""

    folder: Path
    version: str = ""
    live: bool = False
    timeout_s: float = 120.0


class Model:
    """The bundle that answers now.

    ``on_failure`` is told when there is none to begin with, ``on_first`` when the first one is loaded and warm.
    """

    def __init__(
        self,
        origin: From,
        on_failure: Callable[[Exception], None] | None = None,
        on_first: Callable[[], None] | None = None,
    ) -> None:
        self._origin = origin
        self._on_failure = on_failure
        self._on_first = on_first
        self._beside: Beside | None = None
        self._loaded: Loaded | None = None
        self._refused = self._awaited = False
        self._stamp: tuple[int, int, int] | None = None
        self._stopping = Event()
        self.exchanges = 0
        self.failures = 0
        self.trouble = ""
        """Why the bundle that is pointed at does not answer; empty when it does."""

    def tell(self, beside: Beside) -> None:
        """Let somebody hear of every score that is told by the bundles loaded from now on."""
        self._beside = beside

    def start(self) -> None:
        """Load, then follow the pointer, in a thread of its own that does not outlive the process."""
        Thread(target=self._run, name="live-model", daemon=True).start()

    def stop(self) -> None:
        """Follow the pointer no longer."""
        self._stopping.set()

    @property
    def now(self) -> Loaded:
        """The bundle in use. Raises Refusal (503) until it is loaded and warm."""
        loaded = self._loaded
        if loaded is not None:
            return loaded
        if self._refused:
            detail = "The bundle was refused; the log of the service says why. Restore it and start the service again."
            raise Refusal(503, "not-ready", detail)
        if self.awaited and (self.trouble or stamp_of(self._origin.folder) is None):
            raise Refusal(503, "not-ready", self.trouble or _AWAITED)
        raise Refusal(503, "not-ready", "The bundle is being loaded. Try again in a few seconds.", {"retry-after": "2"})

    @property
    def awaited(self) -> bool:
        """Whether nothing was deployed yet, so that there is nothing to load."""
        return self._awaited and self._loaded is None

    @property
    def loaded(self) -> Loaded | None:
        """The bundle in use, if there is one."""
        return self._loaded

    def _run(self) -> None:
        try:
            self._begin()
        except Exception as error:  # noqa: BLE001 - whatever it was, the service is not ready and must say so
            self._refused = True
            _LOG.error("the bundle was refused: %s", error)
            if self._on_failure:
                self._on_failure(error)
            return
        while self._origin.live and not self._stopping.wait(LOOK_EVERY_S):
            if stamp_of(self._origin.folder) != self._stamp:
                self._exchange()

    def _begin(self) -> None:
        """Take the bundle that is there; where nothing was deployed yet, the first that will be."""
        origin = self._origin
        if not origin.live:
            self._take(load_folder(origin.folder, origin.version, origin.timeout_s))
            return
        pointer = self._pointed()
        if pointer is None:
            self._awaited = True
            _LOG.warning("nothing is live in %s yet: the first bundle that is deployed will answer", origin.folder)
        else:
            self._take(load_live(origin.folder, pointer.current, origin.timeout_s, canary=False))

    def _pointed(self) -> Pointer | None:
        """What is live; its stamp is kept from before it was read, so that no change is missed."""
        self._stamp = stamp_of(self._origin.folder)
        return read_pointer(self._origin.folder)

    def _exchange(self) -> None:
        """Put the bundle that is pointed at in the place of the one that answers, if it is good."""
        try:
            pointer = self._pointed()
            before = self._loaded
            if pointer is None:
                raise BundleError(f"The pointer of {self._origin.folder} is gone. Deploy again.")
            same = before is not None and before.bundle.bundle_id == pointer.current.bundle_id
            if not same or (before is not None and before.version != pointer.current.version):
                self._take(load_live(self._origin.folder, pointer.current, self._origin.timeout_s, canary=True))
                self.exchanges += before is not None
            self.trouble = ""
        except Exception as error:  # noqa: BLE001 - the old bundle goes on answering, whatever happened
            self.failures += 1
            answers = "nothing answers" if self._loaded is None else "the one before it answers"
            self.trouble = f"The bundle that was deployed last was refused; {answers}. See the log."
            reason = error if isinstance(error, ReadinessError) else type(error).__name__
            _LOG.error("the deployed bundle was refused, %s: %s", answers, reason)

    def _take(self, loaded: Loaded) -> None:
        if self._loaded is None and self._on_first is not None:
            self._on_first()
        self._loaded = replace(loaded, beside=self._beside)
        _LOG.info("bundle %s (version %s) answers", loaded.bundle.bundle_id[:12], loaded.version or "none")
