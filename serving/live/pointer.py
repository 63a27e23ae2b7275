"""The files that say which bundle is live and which is in its shadow, in the live folder, replaced as a whole.

Bundles lie beside it in folders named by their ids. Whoever reads sees the old pointer or the new one, never a part.
"""

import json
import os
import re
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeVar

from data.errors import BundleError

NAME = "current.json"
SHADOW = "shadow.json"
_ID = re.compile(r"[0-9a-f]{64}")
T = TypeVar("T")


@dataclass(frozen=True)
class Live:
    """A deployed bundle: its id, the registry's number for it ("" when it has none), when it was deployed (ISO, UTC).

    ``deciles``: nine numbers between which a tenth of the reference rows' readiness lies each; empty when unknown.
    """

    bundle_id: str
    version: str
    deployed_at: str
    deciles: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        if _ID.fullmatch(self.bundle_id) is None:
            raise ValueError(f"bundle id {self.bundle_id[:70]!r}")


@dataclass(frozen=True)
class Pointer:
    """What is live, and what was before it."""

    current: Live
    previous: Live | None = None


def bundle_folder(live_folder: Path, bundle_id: str) -> Path:
    """Where the files of a bundle lie, or would lie, once it is deployed."""
    return live_folder / bundle_id


def read_pointer(live_folder: Path) -> Pointer | None:
    """What is live; None when nothing was deployed yet. Raises BundleError for a damaged pointer."""
    return _read(live_folder / NAME, _pointer, "live", "`readiness deploy` writes: deploy again")


def write_pointer(live_folder: Path, pointer: Pointer) -> None:
    """Point at another bundle, durably."""
    _replace(live_folder, NAME, asdict(pointer))


def read_shadow(live_folder: Path) -> Live | None:
    """What is in the shadow; None when nothing is. Raises BundleError for a damaged pointer."""
    remedy = "`readiness deploy --shadow` writes: do so again, or end the shadow with --end-shadow"
    return _read(live_folder / SHADOW, _live, "in the shadow", remedy)


def write_shadow(live_folder: Path, live: Live | None) -> None:
    """Put another bundle in the shadow, durably; None: no more."""
    if live is not None:
        _replace(live_folder, SHADOW, asdict(live))
    else:
        (live_folder / SHADOW).unlink(missing_ok=True)
        _flush_folder(live_folder)


def _read(file: Path, made: Callable[[dict[str, Any]], T], where: str, remedy: str) -> T | None:
    """What a file says; None when there is none. Raises BundleError for a damaged one."""
    try:
        return made(json.loads(file.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BundleError(
            f"{file} does not say which bundle is {where} ({type(error).__name__}). Expected what {remedy}."
        ) from None


def _replace(live_folder: Path, name: str, content: dict[str, Any]) -> None:
    live_folder.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=live_folder, prefix=".pointer-")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            json.dump(content, stream, indent=2)
            stream.write("\n")
            stream.flush()
            os.fsync(stream.fileno())
        Path(temporary).chmod(0o644)  # the service may run as another user than whoever deploys
        Path(temporary).replace(live_folder / name)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    _flush_folder(live_folder)


def stamp_of(live_folder: Path, name: str = NAME) -> tuple[int, int, int] | None:
    """What changes when a pointer is replaced; None when there is none."""
    try:
        found = (live_folder / name).stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


def _flush_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _pointer(raw: dict[str, Any]) -> Pointer:
    return Pointer(_live(raw["current"]), None if raw["previous"] is None else _live(raw["previous"]))


def _live(raw: dict[str, Any]) -> Live:
    texts = [raw[name] for name in ("bundle_id", "version", "deployed_at")]
    if not all(isinstance(text, str) for text in texts):
        raise TypeError("texts were expected")
    bundle_id, version, deployed_at = texts
    return Live(bundle_id, version, deployed_at, tuple(float(edge) for edge in raw["deciles"]))
