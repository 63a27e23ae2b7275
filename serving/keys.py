"""API keys: 256 random bits, shown once, kept as SHA-256 hashes, opening what their scopes say.

There is nothing to guess in so many random bits, so a plain hash is enough; a slow one would protect nothing.
"""

import hashlib
import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass

from data.errors import ContractError

PREFIX = "rdy_"
SCOPES = ("score", "ingest", "read", "admin")
"""score: ask with a payload; ingest: store facts; read: see what is stored; admin: everything."""
USUAL = ("score", "ingest", "read")
"""What a key may do unless it is said."""
_SHA256 = hashlib.sha256()
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")


@dataclass(frozen=True)
class KeyRecord:
    """What is kept of a key: its name, how it begins (to tell it by), its hash, its scopes.

    ``created_at`` and ``last_used_at`` are microseconds since 1970; the latter is None until the key was used.
    """

    name: str
    begins: str
    sha256: str
    created_at: int
    scopes: tuple[str, ...] = USUAL
    last_used_at: int | None = None


@dataclass(frozen=True)
class Caller:
    """Who asks: the name of the key, and what it may do."""

    name: str
    scopes: frozenset[str]

    def may(self, scope: str) -> bool:
        """Whether this caller may do what needs ``scope``."""
        return scope in self.scopes or "admin" in self.scopes


def fingerprint(key: str) -> str:
    """The SHA-256 of a key, as 64 hexadecimal digits."""
    begun = _SHA256.copy()  # OpenSSL looks up for each new one what SHA-256 is, which takes longer than to compute it
    begun.update(key.encode("utf-8", "surrogatepass"))
    return begun.hexdigest()


def new_key() -> str:
    """A fresh key."""
    return PREFIX + secrets.token_urlsafe(32)


def record_of(key: str, name: str, scopes: Iterable[str], moment: int) -> KeyRecord:
    """What to keep of ``key``. Raises ContractError for a name or a scope that is none."""
    return KeyRecord(checked_name(name), key[: len(PREFIX) + 4], fingerprint(key), moment, checked_scopes(scopes))


def checked_name(name: str) -> str:
    """``name``. Raises ContractError when it is not a plain word."""
    if _NAME.fullmatch(name) is None:
        raise ContractError(f"{name!r} is not a key name. Expected 1 to 63 letters, digits, dots, dashes, underscores.")
    return name


def checked_scopes(scopes: Iterable[str]) -> tuple[str, ...]:
    """``scopes`` in their usual order, each once. Raises ContractError for one that is none, and for no scope."""
    asked = set(scopes)
    unknown = sorted(asked - set(SCOPES))
    if unknown or not asked:
        found = f"{unknown[0]!r} is not a scope" if unknown else "There is no scope"
        raise ContractError(f"{found}. Expected one or more of {', '.join(SCOPES)}.")
    return tuple(scope for scope in SCOPES if scope in asked)


def must_be_new(name: str, known: Iterable[str]) -> None:
    """Raises ContractError when there is a key of that name."""
    if name in known:
        raise ContractError(f"There is a key named {name!r} already. Choose another name, or revoke that one first.")


def must_be_known(name: str, known: Iterable[str]) -> None:
    """Raises ContractError when there is no key of that name."""
    names = list(known)
    if name not in names:
        raise ContractError(f"There is no key named {name!r}. Known keys: {', '.join(map(repr, names)) or 'none'}.")
