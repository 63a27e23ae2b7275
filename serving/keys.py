"""API keys: shown once, kept as SHA-256 hashes, compared in constant time.

A key is 256 random bits, so a plain hash is enough: there is nothing to guess that a slow hash would protect. The file
is readable by its owner alone and is replaced as a whole, never written in place.
"""

import hashlib
import hmac
import json
import os
import re
import secrets
import tempfile
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from data.errors import ContractError

PREFIX = "rdy_"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")


@dataclass(frozen=True)
class KeyRecord:
    """What is kept of a key: its name, how it begins (to tell it by), its hash, when it was made (ISO, UTC)."""

    name: str
    begins: str
    sha256: str
    created_at: str


def fingerprint(key: str) -> str:
    """The SHA-256 of a key, as 64 hexadecimal digits."""
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()


def create_key(file: Path, name: str) -> str:
    """Make a key, keep its hash in ``file``, and return the key: it cannot be shown again."""
    if _NAME.fullmatch(name) is None:
        raise ContractError(f"{name!r} is not a key name. Expected 1 to 63 letters, digits, dots, dashes, underscores.")
    records = read_keys(file)
    if any(record.name == name for record in records):
        raise ContractError(f"There is a key named {name!r} already. Choose another name, or revoke that one first.")
    key = PREFIX + secrets.token_urlsafe(32)
    made = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    _write(file, [*records, KeyRecord(name, key[: len(PREFIX) + 4], fingerprint(key), made)])
    return key


def revoke_key(file: Path, name: str) -> None:
    """Forget the key of that name. Raises ContractError when there is none."""
    records = read_keys(file)
    left = [record for record in records if record.name != name]
    if len(left) == len(records):
        known = ", ".join(repr(record.name) for record in records) or "none"
        raise ContractError(f"There is no key named {name!r}. Known keys: {known}.")
    _write(file, left)


def read_keys(file: Path) -> list[KeyRecord]:
    """The keys in ``file``; none when it is absent. Raises ContractError when it is damaged."""
    try:
        text = file.read_text(encoding="utf-8")
    except FileNotFoundError:
        return []
    try:
        return [KeyRecord(**entry) for entry in json.loads(text)["keys"]]
    except (ValueError, KeyError, TypeError):
        raise ContractError(
            f"{file} is not a key file. Expected the JSON that `readiness keys create` writes: "
            "restore it, or remove it and create new keys."
        ) from None


def _write(file: Path, records: list[KeyRecord]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps({"keys": [asdict(record) for record in records]}, indent=2)
    handle, temporary = tempfile.mkstemp(dir=file.parent, prefix=".keys-")  # mkstemp: readable by the owner alone
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            stream.write(text + "\n")
            stream.flush()
            os.fsync(stream.fileno())
        Path(temporary).replace(file)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


class KeyRing:
    """The keys that open the service. A change of the file is noticed at the next request."""

    def __init__(self, file: Path | None, keys: tuple[str, ...] = ()) -> None:
        self._file = file
        self._fixed = tuple(fingerprint(key) for key in keys)
        self._stamp: tuple[int, int, int] | None = None
        self._hashes: tuple[str, ...] = ()

    def hashes(self) -> tuple[str, ...]:
        """The hashes of all keys that are valid now. A damaged file opens nothing."""
        stamp = self._stat()
        if stamp != self._stamp:
            self._hashes = self._read() if stamp else ()
            self._stamp = stamp
        return self._fixed + self._hashes

    def allows(self, key: str) -> bool:
        """Whether ``key`` is one of them, in a time that does not depend on how much of it is right."""
        presented = fingerprint(key)
        allowed = False
        for known in self.hashes():
            allowed |= hmac.compare_digest(presented, known)
        return allowed

    def _stat(self) -> tuple[int, int, int] | None:
        try:
            found = self._file.stat() if self._file else None
        except OSError:
            return None
        return (found.st_mtime_ns, found.st_size, found.st_ino) if found else None

    def _read(self) -> tuple[str, ...]:
        try:
            return tuple(record.sha256 for record in read_keys(self._file)) if self._file else ()
        except (ContractError, OSError):
            return ()
