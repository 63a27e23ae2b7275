"""What the endpoints share, built in the lifespan and reached through ``ServiceDep``."""

import asyncio
import logging
from collections.abc import Callable
from threading import Event, Thread
from typing import Annotated, Any

from fastapi import Depends, Request

from data.errors import ReadinessError
from serving.agreeing.following import Following
from serving.keyring import KeyRing
from serving.live.loading import Loaded
from serving.live.model import From, Model
from serving.problems import Refusal
from serving.settings import Settings
from serving.store.failures import StoreDown
from serving.store.store import Store

_LOG = logging.getLogger("readiness.service")
_AGAIN_S = 2.0


class Service:
    """The settings, the keys and, as soon as each is there, the bundle and the store."""

    def __init__(
        self,
        settings: Settings,
        on_failure: Callable[[Exception], None] | None = None,
        on_first: Callable[[], None] | None = None,
    ) -> None:
        self.settings = settings
        self.keys = KeyRing(None if settings.store else settings.keys_file, settings.keys)
        live = settings.live is not None
        origin = From(settings.live or settings.bundle, settings.version, live, settings.canary_timeout_s)
        self.model = Model(origin, on_failure, on_first)
        self.agreed = Following()
        self._on_failure = on_failure
        self._store: Store | None = None
        self._stopping = Event()

    def start(self) -> None:
        """Load the bundle and open the store, in threads of their own, which do not outlive the process."""
        self.model.start()
        if self.settings.store:
            Thread(target=self._open_store, name="open-store", daemon=True).start()

    async def stop(self) -> None:
        """Write what waits and let go of the store."""
        self._stopping.set()
        self.model.stop()
        self.agreed.stop()
        if self._store is not None:
            await self.keys.flush()
            await asyncio.to_thread(self._store.close)

    @property
    def loaded(self) -> Loaded:
        """The bundle in use, deciding by what is agreed. Raises Refusal (503) until it is loaded and warm."""
        return self.agreed.deciding(self.model.now)

    @property
    def loaded_if_any(self) -> Loaded | None:
        """The same; None where there is no bundle."""
        found = self.model.loaded
        return None if found is None else self.agreed.deciding(found)

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

    def _open_store(self) -> None:
        """Open the store, however long the database is away."""
        while not self._stopping.is_set():
            try:
                store = Store.open(self.settings.store or "", self.settings.store_folder, self.settings.product)
                self.agreed.begin(store)
            except StoreDown as error:
                _LOG.warning("%s", error)
                self._stopping.wait(_AGAIN_S)
            except ReadinessError as error:
                _LOG.error("the store was refused: %s", error)
                if self._on_failure:
                    self._on_failure(error)
                return
            else:
                self.keys.attach(store)
                self._store = store
                return


async def _service(request: Request) -> Any:
    # Asynchronous for its price alone: FastAPI hands a plain function to a thread, which costs more than most answers.
    return request.state.service


ServiceDep = Annotated[Service, Depends(_service)]
