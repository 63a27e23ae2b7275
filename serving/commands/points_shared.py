"""What the verbs of ``readiness points`` share: their options, the customer's points, the version, the plot."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from serving.commands import engines

if TYPE_CHECKING:
    from data.contract import Contract
    from models.rules import PointsTable
    from serving.commands.terminal import Report
    from training.heldout import HeldOut
    from training.points_duel import PointsDuel

Version = Annotated[
    str, typer.Option("--version", help="An alias or a version number; without any version one is trained.")
]
BundleAt = Annotated[
    Path | None, typer.Option("--bundle", help="The model of this bundle folder; no registry is asked.")
]
Capacity = Annotated[
    float | None, typer.Option("--capacity", min=0.1, help="Calls a week; default: the contract's capacity_per_week.")
]
Plot = Annotated[Path | None, typer.Option("--plot", help="Draw captured outcomes against capacity: a .png or .svg.")]


def read_text(file: Path) -> str:
    """The text of a file. Raises ContractError when it is none, or far too large."""
    from data.errors import ContractError
    from models.mautic import MOST_BYTES

    if file.is_file() and file.stat().st_size > MOST_BYTES:
        raise ContractError(
            f"{file} has {file.stat().st_size:,} bytes. Expected at most {MOST_BYTES:,}. Is it the right file?"
        )
    try:
        return file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise ContractError(f"{file} is not UTF-8 text. Expected JSON or TOML. Is it the right file?") from None


def own_points(agreed: "Contract", points: Path | None) -> "PointsTable":
    """The customer's points. Raises ContractError when there are none."""
    from data.errors import ContractError
    from models.points import load_points

    if points is not None:
        return load_points(read_text(points), points.name)
    if agreed.points is None:
        raise ContractError(
            "The contract has no [points], so there is nothing to duel with. Expected the file of your rules. "
            "`readiness points import FILE` makes one; --points FILE names one for now."
        )
    path = agreed.resolve(agreed.points.file)
    return load_points(read_text(path), path.name)


def held_out(agreed: "Contract", contract: Path, version: str, bundle: Path | None, progress: "Report") -> "HeldOut":
    """The rows that a version was not learned from, and its model; where there is no version at all, one is trained."""
    from data.check import check
    from models.bundle import read_bundle
    from training.address import SQLITE, registry_uri
    from training.heldout import hold_out
    from training.keeping import make_version

    progress("reading the facts", 0.0)
    checked = check(agreed)
    uri = registry_uri(agreed)
    if bundle is None and uri.startswith(SQLITE) and not Path(uri.removeprefix(SQLITE)).exists():
        return hold_out(agreed, checked.history, make_version(agreed, checked, progress).trial, progress)
    progress("fetching the version", 0.0)
    folder, _ = engines.bundle_files(contract, agreed.state_folder, version, bundle)
    return hold_out(agreed, checked.history, read_bundle(folder), progress)


def must_be_a_plot(plot: Path | None) -> None:
    """Raises ContractError when the name of a plot does not say what it is."""
    from data.errors import ContractError
    from training.duel_plot import FORMATS

    if plot is not None and plot.suffix not in FORMATS:
        raise ContractError(f"--plot {plot} is no picture. Expected a name that ends in {' or '.join(FORMATS)}.")


def say_share(found: "PointsDuel") -> None:
    """Say so where the duel was fought on a draw of the rows."""
    from serving.commands import terminal
    from training.wording import percent

    if found.share < 1.0:
        terminal.say(
            f"note: a seeded draw of {percent(found.share)} of the rows ([model] max_rows); so is the capacity."
        )


def draw(found: "PointsDuel", plot: Path | None) -> None:
    """Write the plot where one was asked for."""
    from serving.commands import terminal
    from training.duel_plot import write_plot

    if plot is not None:
        write_plot(found.duel, plot)
        terminal.say(f"The plot is in {plot}.")


def as_plain(found: "PointsDuel") -> dict[str, Any]:
    """What ``--json`` prints, with the sentences that people read."""
    from serving.commands.contest import without_nan
    from training.duel_words import rule_sentences, verdict

    sentences = [*map(verdict, found.duel.differences), *rule_sentences(found.rules)]
    plain: dict[str, Any] = without_nan({**found.to_dict(), "sentences": sentences})
    return plain
