"""API keys in a file, for a service without a store: readable by its owner alone, replaced as a whole."""

import json
import os
import tempfile
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

from data.clock import iso, to_micros, wall_clock
from data.errors import ContractError
from serving.keys import USUAL, KeyRecord, checked_scopes, must_be_known, must_be_new, new_key, record_of


def create_key(file: Path, name: str, scopes: Iterable[str] = USUAL) -> str:
    """Make a key, keep its hash in ``file``, and return the key: it cannot be shown again. Raises ContractError."""
    key = new_key()
    record = record_of(key, name, scopes, wall_clock())
    records = read_keys(file)
    must_be_new(name, (known.name for known in records))
    _write(file, [*records, record])
    return key


def revoke_key(file: Path, name: str) -> None:
    """Forget the key of that name. Raises ContractError when there is none."""
    records = read_keys(file)
    must_be_known(name, (record.name for record in records))
    _write(file, [record for record in records if record.name != name])


def read_keys(file: Path) -> list[KeyRecord]:
    """The keys in ``file``; none when it is absent. Raises ContractError when it is damaged."""
    try:
        text = file.read_text(encoding="utf-8")
    except FileNotFoundError:
        return []
    try:
        return [_record(entry) for entry in json.loads(text)["keys"]]
    except (ValueError, KeyError, TypeError, AttributeError, ContractError):
        raise ContractError(
            f"{file} is not a key file. Expected the JSON that `readiness keys create` writes: "
            "restore it, or remove it and create new keys."
        ) from None


def _record(entry: dict[str, str]) -> KeyRecord:
    """A key as it was written; one from before there were scopes has the usual ones."""
    scopes = checked_scopes(entry["scopes"].split()) if "scopes" in entry else USUAL
    name, begins, sha256 = (entry[part] for part in ("name", "begins", "sha256"))
    if not all(isinstance(text, str) for text in (name, begins, sha256)):
        raise TypeError("a text was expected")
    return KeyRecord(name, begins, sha256, to_micros(datetime.fromisoformat(entry["created_at"])), scopes)


def _write(file: Path, records: list[KeyRecord]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    entries = [
        {
            "name": record.name,
            "begins": record.begins,
            "sha256": record.sha256,
            "created_at": iso(record.created_at),
            "scopes": " ".join(record.scopes),
        }
        for record in records
    ]
    handle, temporary = tempfile.mkstemp(dir=file.parent, prefix=".keys-")  # mkstemp: readable by the owner alone
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            stream.write(json.dumps({"keys": entries}, indent=2) + "\n")
            stream.flush()
            os.fsync(stream.fileno())
        Path(temporary).replace(file)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
