"""``readiness points distil``: from the model back to a points table that people can read and Mautic can run."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from serving.commands import options
from serving.commands.points_shared import BundleAt, Capacity, Plot, Version

if TYPE_CHECKING:
    from data.contract import Contract
    from models.mautic_map import MauticMap
    from models.mautic_write import Inexpressible
    from models.rules import PointsTable
    from training.points_duel import PointsDuel

DISTILLED, FOR_MAUTIC = "distilled", "distilled_mautic"


def distil(
    contract: options.Contract = options.CONTRACT,
    source: options.Source = None,
    output: Annotated[Path, typer.Option("--output", "-o", help="The table to write.")] = Path("distilled.toml"),
    most: Annotated[int, typer.Option("--rules", min=1, max=20, help="At most so many rules.")] = 20,
    mautic: Annotated[
        Path | None, typer.Option("--mautic", help="Write a table that Mautic can have here, as JSON; needs --map.")
    ] = None,
    known: Annotated[
        Path | None, typer.Option("--map", help="Which of Mautic's events ours are, as for `points import`.")
    ] = None,
    version: Version = "champion",
    bundle: BundleAt = None,
    capacity: Capacity = None,
    plot: Plot = None,
    force: Annotated[bool, typer.Option("--force", help="Replace files that are there already.")] = False,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Fit a points table of a few whole-number rules to the model, and say what it loses against it."""
    from data.contract import load_contract
    from models.mautic_map import load_map
    from serving.commands import points_shared as shared
    from serving.commands import terminal

    agreed = load_contract(contract, source)
    shared.must_be_a_plot(plot)
    _must_be_new((output, mautic), known, force=force)
    their = None if known is None else load_map(shared.read_text(known), known.name)
    own = None if agreed.points is None else shared.own_points(agreed, None)
    with terminal.progress(quiet=quiet) as progress:
        from training.distil import distil as distil_table
        from training.points_duel import points_duel

        held = shared.held_out(agreed, contract, version, bundle, progress)
        tables = {DISTILLED: distil_table(held, progress, most=most)}
        if mautic is not None:
            tables[FOR_MAUTIC] = distil_table(held, progress, most=most, known=their)
        given = None if agreed.points is None else agreed.points.threshold
        found = points_duel(held, own, threshold=given, more=tables, capacity=capacity, tell=progress)
    _write(agreed, tables, output, mautic, their)
    lost = _lost(tables[DISTILLED], their)
    if as_json:
        more = {
            "output": str(output),
            "mautic": None if mautic is None else str(mautic),
            "mautic_cannot": [{"rule": one.id, "why": one.reason} for one in lost],
            "tables": {name: table.model_dump(by_alias=True, exclude_defaults=True) for name, table in tables.items()},
        }
        terminal.print_json({**shared.as_plain(found), **more})
    else:
        _show(found, tables, lost)
    shared.draw(found, plot)
    terminal.next_step(f'To use it: file = "{output}" under [points] in {contract}, or: readiness points duel')


def _must_be_new(files: tuple[Path | None, ...], known: Path | None, *, force: bool) -> None:
    from data.errors import ContractError

    for file in files:
        if file is not None and file.exists() and not force:
            raise ContractError(f"{file} is there already. Choose another name, or replace it with --force.")
    if files[1] is not None and known is None:
        raise ContractError(
            "--mautic needs --map: which of Mautic's events ours are is not guessed. `readiness points import` drafts "
            "one."
        )


def _write(
    agreed: "Contract", tables: "dict[str, PointsTable]", output: Path, mautic: Path | None, known: "MauticMap | None"
) -> None:
    from models.mautic_write import write_mautic
    from models.points_text import points_text

    doubling = agreed.index.points_to_double
    about = f"Points distilled from the model: {doubling:g} points double the odds of the outcome."
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(points_text(tables[DISTILLED], about), encoding="utf-8")
    if mautic is not None and known is not None:
        whole, _ = write_mautic(tables[FOR_MAUTIC], known)
        mautic.parent.mkdir(parents=True, exist_ok=True)
        mautic.write_text(json.dumps(whole, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def _lost(table: "PointsTable", known: "MauticMap | None") -> "tuple[Inexpressible, ...]":
    """What of the distilled table Mautic cannot have."""
    from models.mautic_write import write_mautic

    return () if known is None else write_mautic(table, known)[1]


def _show(found: "PointsDuel", tables: "dict[str, PointsTable]", lost: "tuple[Inexpressible, ...]") -> None:
    from serving.commands import points_tables as rows
    from serving.commands import terminal
    from serving.commands.points_shared import say_share
    from training.duel_words import NAMES, behind, verdict
    from training.wording import METRIC_NAMES

    for name, table in tables.items():
        terminal.print_table(_headline(NAMES[name], table), ("rule", "counts", "points"), _rules(table), numeric=(2,))
    terminal.print_table(
        rows.title(found.duel), rows.COLUMNS, rows.contestants(found.duel), numeric=range(1, len(rows.COLUMNS))
    )
    names = ("on the same rows", *(METRIC_NAMES[metric] for metric in rows.FIGURES))
    terminal.print_table(
        "How well each tells leads apart", names, rows.figure_rows(found, [*found.figures]), range(1, 5)
    )
    say_share(found)
    for difference in found.duel.differences:
        if difference.other in tables:
            terminal.say(verdict(difference))
            terminal.say(behind(difference.other, found.behind.get(difference.other, {})))
    if lost:
        terminal.print_table(
            f"{len(lost)} things of {NAMES[DISTILLED]} that Mautic cannot have",
            ("rule", "why"),
            [(one.id, one.reason) for one in lost],
        )


def _headline(name: str, table: "PointsTable") -> str:
    count = len(table.rules) + len(table.inactivity)
    at = "" if table.threshold is None else f", sales is asked from {table.threshold:g} points on"
    return f"{name[0].upper()}{name[1:]}: {count} rules{at}"


def _rules(table: "PointsTable") -> list[tuple[str, str, str]]:
    from data.clock import format_duration
    from serving.commands.points_tables import looks_at

    rules = [(rule.id, looks_at(rule), f"{rule.points:+g}") for rule in table.rules]
    silent = [
        ("inactivity", f"silent for {format_duration(rule.after)}", f"{rule.points:+g}") for rule in table.inactivity
    ]
    return rules + silent
