"""What the service is told when it starts."""

import ipaddress
import re
from dataclasses import dataclass
from pathlib import Path

from data.errors import ContractError
from data.source_section import Source

_PREFIX = re.compile(r"(/[A-Za-z0-9._~-]+)*")


@dataclass(frozen=True)
class WorkerSettings:
    """When and how a worker works.

    The nightly pass is at ``nightly`` (UTC, such as 02:00; "" for never). Messages that were delivered are kept for
    ``keep_days``. ``stop_s``: so long what has begun may take when the worker is told to stop.
    """

    nightly: str = "02:00"
    keep_days: int = 30
    stop_s: float = 10.0


@dataclass(frozen=True)
class Settings:
    """What is served, who may ask, and how much.

    ``bundle`` is the bundle folder; ``version`` the registry's number for it, "" when it came from elsewhere.
    ``store`` is the URL of the store, None for a service that keeps nothing; a relative SQLite file lies in
    ``store_folder``, and ``product`` is whose store it must be. ``keys_file`` holds API keys where there is no store,
    ``keys`` further keys in clear, from the environment (see ``keys_from_environment``): they and the store's URL are
    kept out of every printed form. Raises ContractError when keys are not required on a host that other machines reach.
    """

    bundle: Path = Path()
    keys_file: Path | None = None
    keys: tuple[str, ...] = ()
    require_key: bool = True
    host: str = "127.0.0.1"
    version: str = ""
    max_body_bytes: int = 8 * 1024 * 1024
    canary_timeout_s: float = 120.0
    store: str | None = None
    store_folder: Path = Path()
    product: str | None = None
    live: Path | None = None
    """The live folder whose pointer is followed (``serving.live``); ``bundle`` and ``version`` do not count then."""
    source: Source | None = None
    """The contract's ``[source]``: what it says of messages counts until a model with its own contract is live."""
    root_path: str = ""
    """The path at which a proxy shows the service and which it takes away, such as /scores; "" at the root."""
    shadow_share: float = 0.1
    """Of the leads, so large a share is scored by the bundle in the shadow too, where there is one and a store."""
    request_s: float = 60.0
    """So long an answer may take."""
    stop_s: float = 15.0
    """So long open requests have when the service is told to stop."""
    worker: WorkerSettings | None = None
    """The worker within the service; None: there is none, another process works."""

    def __post_init__(self) -> None:
        if not _PREFIX.fullmatch(self.root_path):
            raise ContractError(
                f"--root-path is {self.root_path[:80]!r}. Expected the path at which a proxy shows the service, such "
                "as /scores, without a slash at the end."
            )
        if not self.require_key and not is_loopback(self.host):
            raise ContractError(
                f"--no-auth was given with the host {self.host}, which other machines can reach. "
                "Expected a loopback host such as 127.0.0.1: drop --no-auth, or serve there."
            )

    def __repr__(self) -> str:
        return f"Settings(bundle={self.bundle}, host={self.host}, require_key={self.require_key})"


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach ``host``."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def keys_from_environment(text: str | None) -> tuple[str, ...]:
    """The keys of ``READINESS_API_KEYS``, separated by commas or white space.

    ``KEY`` may do everything; ``NAME:score+ingest=KEY`` has a name and scopes.
    """
    return tuple((text or "").replace(",", " ").split())
