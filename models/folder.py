"""A bundle folder as bytes: written whole or not at all, read once and hashed.

``manifest.json`` names each file with its sha256 and size, and the bundle id is the sha256 of the manifest. That stops
corruption and mixed-up files. It does not stop an attacker, who can write a manifest of their own: for that, keep the
id elsewhere (the registry does) and pass it as ``expect_id``.
"""

import hashlib
import json
import os
import secrets
import shutil
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from data.errors import BundleError

MANIFEST = "manifest.json"
FILES = (
    "model.txt",
    "linear.json",
    "calibration.json",
    "judged_model.txt",
    "judged_linear.json",
    "judged_calibration.json",
    "features.json",
    "policy.json",
    "contract.toml",
    "report.json",
    "reference.parquet",
    "card.json",
    "golden.json",
)
VERSION = 2
MAX_FILE = 256 * 2**20
_ADVICE = "Take the bundle from its registry again, or train again."


def manifest_of(files: Mapping[str, bytes]) -> bytes:
    """The manifest of a bundle's files."""
    entries = {name: {"sha256": _sha256(files[name]), "size": len(files[name])} for name in FILES}
    return json.dumps({"version": VERSION, "files": entries}, indent=1, sort_keys=True).encode()


def _sha256(text: bytes) -> str:
    return hashlib.sha256(text).hexdigest()


def write_folder(folder: Path, files: Mapping[str, bytes]) -> str:
    """Write ``files`` as a bundle, replacing the bundle at ``folder``; returns the bundle id.

    The files are written and flushed beside ``folder`` and renamed there, so that it never holds half a bundle. Raises
    BundleError when ``folder`` holds something else than a bundle, or cannot be written.
    """
    folder = folder.absolute()
    _must_be_replaceable(folder)
    manifest = manifest_of(files)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with _scratch(folder) as fresh:
            for name, text in {**{name: files[name] for name in FILES}, MANIFEST: manifest}.items():
                _write_file(fresh / name, text)
            _flush_folder(fresh)
            _swap_in(fresh, folder)
    except OSError as error:
        raise BundleError(f"The bundle cannot be written to {folder}: {error}. Choose a folder that can be.") from None
    return _sha256(manifest)


def _must_be_replaceable(folder: Path) -> None:
    if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
        raise BundleError(f"{folder} is a link or a file. Expected a folder for the bundle. Choose another one.")
    if folder.is_dir() and not (folder / MANIFEST).is_file() and any(folder.iterdir()):
        raise BundleError(f"{folder} holds something that is no bundle. Choose another folder, or empty it yourself.")


@contextmanager
def _scratch(folder: Path) -> Iterator[Path]:
    """A fresh folder beside ``folder``, removed in the end unless it was renamed."""
    fresh = folder.with_name(f".{folder.name}.{secrets.token_hex(6)}")
    fresh.mkdir(mode=0o755)
    try:
        yield fresh
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def _write_file(path: Path, text: bytes) -> None:
    with path.open("xb") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def _flush_folder(folder: Path) -> None:
    # Windows cannot open folders; there the rename alone must do.
    with suppress(PermissionError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _swap_in(fresh: Path, folder: Path) -> None:
    """Rename ``fresh`` to ``folder``. A bundle that was there steps aside first and comes back when that fails."""
    old = folder.with_name(f".{folder.name}.{secrets.token_hex(6)}.old")
    if folder.exists():
        folder.rename(old)
    try:
        fresh.rename(folder)
    except OSError:
        if old.exists():
            old.rename(folder)
        raise
    _flush_folder(folder.parent)
    shutil.rmtree(old, ignore_errors=True)


def read_folder(folder: Path, expect_id: str | None = None) -> tuple[dict[str, bytes], str]:
    """The files of the bundle at ``folder`` and its id.

    Every file is read once; what is hashed is what is returned. Raises BundleError when a file is missing, foreign, a
    link, too large or changed, or when the id is not ``expect_id``.
    """
    _check_names(folder)
    manifest = _read_file(folder / MANIFEST, 2**20)
    bundle_id = _sha256(manifest)
    if expect_id is not None and bundle_id != expect_id:
        raise BundleError(f"The bundle at {folder} has the id {bundle_id}. Expected {expect_id}. {_ADVICE}")
    entries = _entries(manifest)
    files = {}
    for name in FILES:
        text = _read_file(folder / name, MAX_FILE)
        if entries[name] != {"sha256": _sha256(text), "size": len(text)}:
            raise BundleError(f"{name} of the bundle at {folder} is not what the manifest says: it changed. {_ADVICE}")
        files[name] = text
    return files, bundle_id


def _check_names(folder: Path) -> None:
    try:
        found = {entry.name for entry in os.scandir(folder)}
    except OSError as error:
        raise BundleError(f"There is no bundle at {folder} ({error.strerror}). Fetch one, or train.") from None
    expected = {*FILES, MANIFEST}
    if missing := sorted(expected - found):
        raise BundleError(
            f"The bundle at {folder} lacks {len(missing)} of {len(expected)} files (first: {missing[0]}). {_ADVICE}"
        )
    if foreign := sorted(found - expected):
        raise BundleError(
            f"The bundle at {folder} has {len(foreign)} files that do not belong to it (first: {foreign[0]!r}). "
            "Expected a folder for the bundle alone. Remove them."
        )


def _entries(manifest: bytes) -> dict[str, Any]:
    try:
        content = json.loads(manifest)
        if content.keys() != {"version", "files"} or content["version"] != VERSION:
            raise ValueError(f"expected version {VERSION}")
        if content["files"].keys() != set(FILES):
            raise ValueError("it names other files than a bundle has")
    except (ValueError, AttributeError, RecursionError) as error:
        raise BundleError(f"{MANIFEST} is no manifest: {error}. {_ADVICE}") from None
    return dict(content["files"])


def _read_file(path: Path, limit: int) -> bytes:
    """The bytes of a regular file of at most ``limit`` bytes; links are not followed."""
    try:
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
        with os.fdopen(descriptor, "rb") as file:
            if path.is_symlink() or not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise OSError("it is a link or no regular file")
            text = file.read(limit + 1)
    except OSError as error:
        raise BundleError(f"{path.name} of the bundle cannot be read: {error.strerror or error}. {_ADVICE}") from None
    if len(text) > limit:
        raise BundleError(f"{path.name} of the bundle has more than {limit} bytes. Expected at most that. {_ADVICE}")
    return text
