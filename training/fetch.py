"""A version's bundle, fetched from the registry and verified.

``python -m training.fetch CONTRACT REFERENCE INTO`` prints the folder and the version's number as JSON:
the service's launcher calls it in a process of its own, so that the service itself never imports MLflow.
"""

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from data.contract import Contract, load_contract
from data.errors import BundleError, ReadinessError
from models.bundle import read_bundle
from training.address import SQLITE, registry_uri, without_password
from training.logged_model import BUNDLE
from training.tracking import MlflowException, ModelVersion, Registry, mlflow, open_registry, told


@dataclass(frozen=True)
class Fetched:
    """The bundle folder of a version, its number in the registry, and the run that made it."""

    folder: Path
    number: str
    run_id: str = ""


def fetch(contract: Contract, reference: str = "champion", into: Path = Path()) -> Path:
    """The folder of ``fetch_version``."""
    return fetch_version(contract, reference, into).folder


def fetch_version(contract: Contract, reference: str = "champion", into: Path = Path()) -> Fetched:
    """The folder ``into/<bundle id>`` with the bundle of the version that ``reference`` (an alias or a number) names.

    The files are checked against the manifest and the manifest against the bundle id that was registered. A folder
    that is already there and whole is not fetched again; a damaged one is replaced. Raises ReadinessError when there
    is no such version or the registry does not answer, BundleError when what it holds is damaged.
    """
    uri = registry_uri(contract)
    if uri.startswith(SQLITE) and not Path(uri.removeprefix(SQLITE)).exists():
        raise ReadinessError(f"There is no registry at {uri} yet. Expected one with a version. Run `readiness train`.")
    registry = open_registry(contract)
    with told(uri):
        found = _version(registry, reference)
        bundle_id = found.tags.get("bundle_id")
        if not bundle_id or bundle_id in {".", ".."} or "/" in bundle_id:
            raise BundleError(
                f"Version {found.version} of {registry.model} has the bundle_id tag {bundle_id!r}. Expected one made "
                "by `readiness train`. Train again, or name another version."
            )
        folder = into / bundle_id
        if not _whole(folder, bundle_id):
            into.mkdir(parents=True, exist_ok=True)
            with TemporaryDirectory(dir=into, prefix=".fetching-") as scratch:
                _swap_in(_download(registry, found, scratch), folder, bundle_id)
    return Fetched(folder, str(found.version), str(found.run_id or ""))


def is_there(contract: Contract, reference: str = "champion") -> bool:
    """Whether the registry has a version that ``reference`` (an alias or a number) names; no registry has none.

    Raises ReadinessError when the registry does not answer.
    """
    uri = registry_uri(contract)
    if uri.startswith(SQLITE) and not Path(uri.removeprefix(SQLITE)).exists():
        return False
    registry = open_registry(contract)
    with told(uri):
        return _found(registry, reference) is not None


def main(arguments: list[str]) -> int:
    """``CONTRACT REFERENCE INTO``: print the folder; exit 1 with a sentence on stderr for an error, 2 for usage."""
    if len(arguments) != 3:
        sys.stderr.write("usage: python -m training.fetch CONTRACT REFERENCE INTO\n")
        return 2
    contract, reference, into = arguments
    try:
        fetched = fetch_version(load_contract(Path(contract)), reference, Path(into))
    except ReadinessError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(json.dumps({"folder": str(fetched.folder.resolve()), "number": fetched.number}) + "\n")
    return 0


def _version(registry: Registry, reference: str) -> ModelVersion:
    """The version that an alias or a number names. Raises ReadinessError when there is none."""
    found = _found(registry, reference)
    if found is not None:
        return found
    raise ReadinessError(
        f"{registry.model} has no version {reference!r} in the registry at {without_password(registry.uri)}. "
        f"Expected {_known(registry)}. Run `readiness train` to make a new version."
    )


def _found(registry: Registry, reference: str) -> ModelVersion | None:
    try:
        if reference.isdecimal():
            return registry.client.get_model_version(registry.model, reference)
        return registry.client.get_model_version_by_alias(registry.model, reference)
    except MlflowException as error:
        if error.error_code not in {"RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"}:
            raise
    return None


def _known(registry: Registry) -> str:
    """The aliases and the latest number that are there, in words."""
    try:
        aliases = registry.client.get_registered_model(registry.model).aliases
        latest = max(int(found.version) for found in registry.client.search_model_versions(f"name='{registry.model}'"))
    except (MlflowException, ValueError):
        return "an alias or a number, but there is no version at all"
    return f"an alias ({', '.join(sorted(aliases)) or 'none is set'}) or a number up to {latest}"


def _download(registry: Registry, found: ModelVersion, scratch: str) -> Path:
    """The bundle's files of a version, taken from the logged model: they live as long as the version does."""
    kept = registry.client.get_model_version_download_uri(found.name, found.version)
    address = f"{kept.rstrip('/')}/artifacts/{BUNDLE}"
    return Path(mlflow.artifacts.download_artifacts(address, dst_path=scratch, tracking_uri=registry.uri))


def _whole(folder: Path, bundle_id: str) -> bool:
    try:
        return folder.exists() and read_bundle(folder, expect_id=bundle_id).bundle_id == bundle_id
    except BundleError:
        return False


def _swap_in(fetched: Path, folder: Path, bundle_id: str) -> None:
    """Verify what was fetched, then move it to its place; two fetches at once leave one whole folder."""
    read_bundle(fetched, expect_id=bundle_id)
    if folder.exists() and not _whole(folder, bundle_id):
        folder.rename(fetched.parent / "damaged")
    try:
        fetched.rename(folder)
    except OSError:
        if not _whole(folder, bundle_id):
            raise


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
