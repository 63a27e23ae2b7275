"""What the service is told when it starts."""

import ipaddress
from dataclasses import dataclass
from pathlib import Path

from data.errors import ContractError


@dataclass(frozen=True)
class Settings:
    """One bundle, who may ask, and how much.

    ``bundle`` is the bundle folder. ``keys_file`` holds the hashes of API keys (it may be absent), ``keys`` further
    keys in clear, from the environment; they are kept out of every printed form. ``version`` is the registry's number
    for the bundle, "" when it came from elsewhere. Raises ContractError when keys are not required on a host that other
    machines reach.
    """

    bundle: Path
    keys_file: Path | None = None
    keys: tuple[str, ...] = ()
    require_key: bool = True
    host: str = "127.0.0.1"
    version: str = ""
    max_body_bytes: int = 8 * 1024 * 1024
    canary_timeout_s: float = 120.0

    def __post_init__(self) -> None:
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
    """The keys of ``READINESS_API_KEYS``: separated by commas or white space."""
    return tuple((text or "").replace(",", " ").split())
