"""A bundle goes live: checked in a canary, laid beside the others, then pointed at. And the way back.

Services that watch the live folder exchange their bundle by themselves; each checks it once more before it does.
"""

import shutil
import tempfile
import time
from pathlib import Path

from data.clock import iso
from data.errors import BundleError
from models.bundle import read_bundle
from models.canary import check_in_canary
from models.tenths import tenths_of
from serving.live.pointer import Live, Pointer, bundle_folder, read_pointer, read_shadow, write_pointer, write_shadow

KEPT = 3
"""So many bundles stay in the live folder: what is live, what was before, and one more; and what is in the shadow."""


def deploy(live_folder: Path, bundle: Path, version: str, expect_id: str | None = None) -> Pointer:
    """Make ``bundle`` live and return what is live now; one that is live already stays as it is.

    Raises BundleError when the bundle fails its checks: then nothing has changed.
    """
    checked = _checked(bundle, expect_id)
    before = read_pointer(live_folder)
    if before is not None and (before.current.bundle_id, before.current.version) == (checked, version):
        return before
    current = _laid(live_folder, bundle, checked, version)
    pointer = Pointer(current, None if before is None else before.current)
    write_pointer(live_folder, pointer)
    _tidy(live_folder)
    return pointer


def deploy_shadow(live_folder: Path, bundle: Path, version: str, expect_id: str | None = None) -> Live:
    """Put ``bundle`` in the shadow of what is live and return it; one that is there already stays as it is.

    Raises BundleError when the bundle fails its checks, or nothing is live: then nothing has changed.
    """
    if read_pointer(live_folder) is None:
        raise BundleError(f"Nothing is live in {live_folder}. Expected a champion to score beside: deploy one first.")
    checked = _checked(bundle, expect_id)
    before = read_shadow(live_folder)
    if before is not None and (before.bundle_id, before.version) == (checked, version):
        return before
    shadow = _laid(live_folder, bundle, checked, version)
    write_shadow(live_folder, shadow)
    _tidy(live_folder)
    return shadow


def end_shadow(live_folder: Path) -> Live | None:
    """Take the bundle out of the shadow and return it; None when there was none."""
    before = read_shadow(live_folder)
    if before is not None:
        write_shadow(live_folder, None)
    return before


def roll_back(live_folder: Path) -> Pointer:
    """Make live again what was live before; once more goes forward again.

    Raises BundleError when there is no bundle before, or it fails its checks: then nothing has changed.
    """
    found = read_pointer(live_folder)
    if found is None or found.previous is None:
        raise BundleError(
            f"There is nothing to go back to in {live_folder}. Expected a bundle that was live before: "
            "`readiness deploy VERSION` deploys an older version."
        )
    folder = bundle_folder(live_folder, found.previous.bundle_id)
    if check_in_canary(folder) != found.previous.bundle_id:
        raise BundleError(f"{folder} holds another bundle than its name says. Deploy its version again.")
    pointer = Pointer(found.previous, found.current)
    write_pointer(live_folder, pointer)
    return pointer


def _checked(bundle: Path, expect_id: str | None) -> str:
    """The id of a bundle that passed its checks."""
    checked = check_in_canary(bundle)
    if expect_id is not None and checked != expect_id:
        raise BundleError(f"The bundle at {bundle} is {checked[:12]}. Expected {expect_id[:12]}. Take it again.")
    return checked


def _laid(live_folder: Path, bundle: Path, bundle_id: str, version: str) -> Live:
    """A bundle in its place, and since now."""
    _lay(live_folder, bundle, bundle_id)
    moment = iso(time.time_ns() // 1_000_000_000 * 1_000_000)
    return Live(bundle_id, version, moment, _deciles(bundle_folder(live_folder, bundle_id)))


def _lay(live_folder: Path, bundle: Path, bundle_id: str) -> None:
    """Copy a bundle to its place, whole or not at all; what is there and whole stays."""
    folder = bundle_folder(live_folder, bundle_id)
    if folder.exists():
        try:
            read_bundle(folder, expect_id=bundle_id)
        except BundleError:
            shutil.rmtree(folder)
        else:
            return
    live_folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=live_folder, prefix=".laying-") as scratch:
        fresh = Path(scratch) / "bundle"
        shutil.copytree(bundle, fresh, symlinks=True)
        read_bundle(fresh, expect_id=bundle_id)  # what was copied is what was checked
        fresh.chmod(0o755)
        fresh.rename(folder)


def _deciles(folder: Path) -> tuple[float, ...]:
    """Nine numbers that part the reference rows' readiness in tenths, also of a bundle whose card has none."""
    rows = read_bundle(folder).reference_rows()
    return tenths_of(rows["readiness"].to_pylist()) if "readiness" in rows.column_names else ()


def _tidy(live_folder: Path) -> None:
    """Leave the latest bundles, and in any case those that are pointed at."""
    pointer = read_pointer(live_folder) or Pointer(Live("0" * 64, "", ""))
    lives = (pointer.current, pointer.previous, read_shadow(live_folder))
    pointed = {live.bundle_id for live in lives if live is not None}
    laid = [path for path in live_folder.iterdir() if path.is_dir() and not path.name.startswith(".")]
    laid.sort(key=lambda path: (path.name in pointed, path.stat().st_mtime_ns), reverse=True)
    for path in laid[KEPT:]:
        if path.name not in pointed:
            shutil.rmtree(path, ignore_errors=True)
