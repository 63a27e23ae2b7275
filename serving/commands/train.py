"""``readiness train``: a trial, a bundle, a registered version."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from serving.commands import options

if TYPE_CHECKING:
    from training.trial import Trial

    from data.check import Checked
    from data.contract import Contract
    from serving.commands.terminal import Report
    from training.registry import Version


@dataclass(frozen=True)
class Made:
    """What a training leaves: the trial, its bundle folder, its version in the registry."""

    trial: "Trial"
    bundle: Path
    version: "Version"


def train(
    contract: options.Contract = options.CONTRACT,
    source: options.Source = None,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Train a model, judge it against its rivals, register it."""
    from data.check import check
    from data.contract import load_contract
    from serving.commands import terminal

    agreed = load_contract(contract, source)
    with terminal.progress(quiet=quiet) as progress:
        made = make_version(agreed, check(agreed), progress)
    if as_json:
        terminal.print_json(summary(made))
    else:
        _show(made)
    terminal.next_step(f"readiness serve --contract {contract}, or readiness ui --contract {contract} to look closer.")


def make_version(contract: "Contract", checked: "Checked", progress: "Report") -> Made:
    """Run the trial of a contract, write its bundle under the state folder, register it."""
    from training.trial import run_trial

    from training.registry import register

    trial = run_trial(contract, checked, progress=progress)
    folder = contract.state_folder / "trained"
    progress("bundle", 0.0)
    return Made(trial, folder, register(trial, folder, progress=progress))


def _show(made: Made) -> None:
    from serving.commands import terminal
    from serving.commands.contest import print_contest

    report = made.trial.report
    primary = report["primary"]
    print_contest(report, primary, report["horizons"][primary]["models"])
    for note in report["notes"]:
        terminal.say(f"note: {note}")
    terminal.say(f"Registered {made.version.name} version {made.version.number} as {made.version.alias}.")


def summary(made: Made) -> dict[str, Any]:
    """What `--json` prints: the primary horizon's figures, all horizons beside them, where it is registered."""
    from serving.commands.contest import figures, without_nan

    report = made.trial.report
    horizons = {name: figures(report, name) for name in report["horizons"]}
    version = made.version
    found: dict[str, Any] = without_nan(
        {
            "version": version.number,
            "model": version.name,
            "alias": version.alias,
            "bundle_id": version.bundle_id,
            "run_url": version.run_url,
            "horizon": report["primary"],
            "served": report["served"],
            "test": horizons[report["primary"]],
            "horizons": horizons,
            "notes": report["notes"],
        }
    )
    return found
