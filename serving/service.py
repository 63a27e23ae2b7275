"""What the endpoints share, built in the lifespan and reached through ``ServiceDep``."""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Event, Thread
from typing import Annotated, Any

from fastapi import Depends, Request

from data.errors import ReadinessError
from models.bundle import Bundle, read_bundle
from models.canary import check_in_canary
from models.scorer import Scorer
from serving.keyring import KeyRing
from serving.problems import Refusal
from serving.settings import Settings
from serving.store.failures import StoreDown
from serving.store.store import Store

_LOG = logging.getLogger("readiness.service")
_AGAIN_S = 2.0


@dataclass(frozen=True)
class Loaded:
    """A bundle that passed its canary, its warm scorer, and the registry's number for it ("" when it has none)."""

    bundle: Bundle
    scorer: Scorer
    version: str = ""
    at: float = field(default_factory=time.time)
    """When it was loaded, in seconds since 1970."""

    @property
    def base_rate(self) -> float:
        """The share of test rows with the outcome within the primary horizon."""
        return float(self.bundle.card["base_rate"] or 0.0)


class Service:
    """The settings, the keys and, as soon as each is there, the bundle and the store."""

    def __init__(self, settings: Settings, on_failure: Callable[[Exception], None] | None = None) -> None:
        self.settings = settings
        self.keys = KeyRing(None if settings.store else settings.keys_file, settings.keys)
        self._on_failure = on_failure
        self._loaded: Loaded | None = None
        self._store: Store | None = None
        self._refused = ""
        self._stopping = Event()

    def start(self) -> None:
        """Load the bundle and open the store, in threads of their own, which do not outlive the process."""
        Thread(target=self._load, name="load-bundle", daemon=True).start()
        if self.settings.store:
            Thread(target=self._open_store, name="open-store", daemon=True).start()

    async def stop(self) -> None:
        """Write what waits and let go of the store."""
        self._stopping.set()
        if self._store is not None:
            await self.keys.flush()
            self._store.close()

    @property
    def loaded(self) -> Loaded:
        """The bundle in use. Raises Refusal (503) until it is loaded and warm."""
        loaded = self._loaded
        if loaded is None:
            if self._refused:
                raise Refusal(503, "not-ready", self._refused)
            raise Refusal(
                503, "not-ready", "The bundle is being loaded. Try again in a few seconds.", {"retry-after": "2"}
            )
        return loaded

    @property
    def is_loaded(self) -> bool:
        """Whether there is a bundle in use."""
        return self._loaded is not None

    @property
    def store(self) -> Store:
        """The open store. Raises Refusal: 404 when the service has none, 503 until it is open."""
        if self._store is None:
            if self.settings.store is None:
                raise Refusal(
                    404,
                    "no-store",
                    "This service keeps nothing: it was started with --no-store. Ask one that has a store.",
                )
            raise Refusal(
                503, "store-down", "The store is being opened. Try again in a few seconds.", {"retry-after": "2"}
            )
        return self._store

    @property
    def opening(self) -> bool:
        """Whether there is a store that is not open yet."""
        return self.settings.store is not None and self._store is None

    def _load(self) -> None:
        try:
            self._loaded = load(self.settings)
        except Exception as error:  # noqa: BLE001 - whatever it was, the service is not ready and must say so
            self._refused = (
                "The bundle was refused; the log of the service says why. Restore it and start the service again."
            )
            _LOG.error("the bundle was refused: %s", error)
            self._fail(error)
        else:
            _LOG.info("bundle %s is loaded", self._loaded.bundle.bundle_id[:12])

    def _open_store(self) -> None:
        """Open the store, however long the database is away."""
        while not self._stopping.is_set():
            try:
                store = Store.open(self.settings.store or "", self.settings.store_folder, self.settings.product)
            except StoreDown as error:
                _LOG.warning("%s", error)
                self._stopping.wait(_AGAIN_S)
            except ReadinessError as error:
                _LOG.error("the store was refused: %s", error)
                self._fail(error)
                return
            else:
                self.keys.attach(store)
                self._store = store
                return

    def _fail(self, error: Exception) -> None:
        if self._on_failure:
            self._on_failure(error)


def load(settings: Settings) -> Loaded:
    """Check the bundle in a canary process, read it, warm it up. Raises BundleError."""
    checked = check_in_canary(settings.bundle, settings.canary_timeout_s)
    bundle = read_bundle(settings.bundle, expect_id=checked)
    scorer = Scorer(bundle)
    scorer.warm()
    return Loaded(bundle, scorer, settings.version)


def _service(request: Request) -> Any:
    return request.state.service


ServiceDep = Annotated[Service, Depends(_service)]
