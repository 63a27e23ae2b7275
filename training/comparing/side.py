"""A version of the registry, or a bundle folder, as one side of a comparison."""

import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

from data.clock import to_micros
from data.contract import Contract
from data.errors import BundleError
from models.bundle import Bundle, read_bundle
from training.address import PAGE_MODE
from training.fetch import fetch_version
from training.tracking import open_registry, told


@dataclass(frozen=True, eq=False)
class Side:
    """A bundle, where it lies, and what it is called; ``number`` and ``run_id`` where it is a version of a registry.

    ``learned_until`` (microseconds): rows from there on were only judged on. ``facts_until``: the end of its facts.
    """

    name: str
    folder: Path
    bundle: Bundle
    learned_until: int
    facts_until: int
    number: str | None = None
    run_id: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """What is told of it."""
        report = self.bundle.report
        return {
            "name": self.name,
            "version": self.number,
            "run_id": self.run_id,
            "bundle_id": self.bundle.bundle_id,
            "created_at": report["created_at"],
            "history": report["history"],
            "rows": report["rows"],
            "refit": report["refit"],
            "features": report["features"],
            "threshold": self.bundle.policy.threshold,
        }


def find_side(contract: Contract, reference: str) -> Side:
    """The side that ``reference`` names: a bundle folder, else an alias or a number in the contract's registry.

    Raises ReadinessError when there is no such version, BundleError when what is there is damaged.
    """
    if Path(reference, "manifest.json").is_file():
        bundle = read_bundle(Path(reference))
        return make_side(f"bundle {bundle.bundle_id[:8]}", Path(reference), bundle)
    found = fetch_version(contract, reference, contract.state_folder / "bundles")
    name = f"version {found.number}" + ("" if reference.isdecimal() else f" ({reference})")
    return make_side(name, found.folder, read_bundle(found.folder), found.number, found.run_id)


def make_side(name: str, folder: Path, bundle: Bundle, number: str | None = None, run_id: str | None = None) -> Side:
    """A side from its bundle. Raises BundleError when its report does not say what it was learned from."""
    try:
        learned, facts = bundle.report["rows"]["test_from"], bundle.report["history"]["ends_at"]
        moments = [to_micros(datetime.fromisoformat(moment)) for moment in (learned, facts)]
    except (KeyError, TypeError, ValueError):
        raise BundleError(
            f"The report of {name} does not say what it was learned from. Expected rows.test_from and "
            "history.ends_at. Train it again with this version of Readiness."
        ) from None
    return Side(name, folder, bundle, moments[0], moments[1], number, run_id)


def compare_runs_url(contract: Contract, *sides: Side) -> str | None:
    """MLflow's page with the runs of ``sides`` side by side; None unless all are versions of the registry."""
    runs = [side.run_id for side in sides if side.run_id]
    if len(runs) < len(sides):
        return None
    registry = open_registry(contract)
    with told(registry.uri):
        experiments = {registry.client.get_run(run).info.experiment_id for run in runs}
    # MLflow's page reads the runs only where they come first
    first, second = (quote(json.dumps(ids, separators=(",", ":"))) for ids in (runs, sorted(experiments)))
    return f"{registry.pages}/#/compare-runs?runs={first}&experiments={second}&{PAGE_MODE.removeprefix('?')}"
