"""The loaded bundle and its state: built in the lifespan, reached through ``ServiceDep``."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from threading import Thread
from typing import Annotated, Any

from fastapi import Depends, Request

from models.bundle import Bundle, read_bundle
from models.canary import check_in_canary
from models.scorer import Scorer
from serving.keys import KeyRing
from serving.problems import Refusal
from serving.settings import Settings

_LOG = logging.getLogger("readiness.service")


@dataclass(frozen=True)
class Loaded:
    """A bundle that passed its canary, and its warm scorer."""

    bundle: Bundle
    scorer: Scorer

    @property
    def base_rate(self) -> float:
        """The share of test rows with the outcome within the primary horizon."""
        return float(self.bundle.card["base_rate"] or 0.0)


def load(settings: Settings) -> Loaded:
    """Check the bundle in a canary process, read it, warm it up. Raises BundleError."""
    checked = check_in_canary(settings.bundle, settings.canary_timeout_s)
    bundle = read_bundle(settings.bundle, expect_id=checked)
    scorer = Scorer(bundle)
    scorer.warm()
    return Loaded(bundle, scorer)


class Service:
    """What the endpoints share: the settings, the keys, and, once it is loaded, the bundle."""

    def __init__(self, settings: Settings, on_failure: Callable[[Exception], None] | None = None) -> None:
        self.settings = settings
        self.keys = KeyRing(settings.keys_file, settings.keys)
        self._on_failure = on_failure
        self._loaded: Loaded | None = None
        self._failed = False

    def start(self) -> None:
        """Load in a thread of its own, which does not outlive the process."""
        Thread(target=self._load, name="load-bundle", daemon=True).start()

    @property
    def loaded(self) -> Loaded:
        """The bundle in use. Raises Refusal (503) until it is loaded and warm."""
        loaded = self._loaded
        if loaded is None:
            detail = (
                "The bundle was refused; the log of the service says why. Restore it and start the service again."
                if self._failed
                else "The bundle is being loaded. Try again in a few seconds."
            )
            raise Refusal(503, "not-ready", detail, {} if self._failed else {"retry-after": "2"})
        return loaded

    def _load(self) -> None:
        try:
            self._loaded = load(self.settings)
        except Exception as error:  # noqa: BLE001 - whatever it was, the service is not ready and must say so
            self._failed = True
            _LOG.error("the bundle was refused: %s", error)
            if self._on_failure:
                self._on_failure(error)
        else:
            _LOG.info("bundle %s is loaded", self._loaded.bundle.bundle_id[:12])


def _service(request: Request) -> Any:
    return request.state.service


ServiceDep = Annotated[Service, Depends(_service)]
