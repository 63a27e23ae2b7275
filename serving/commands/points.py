"""``readiness points``: the hand-made points, imported, beaten in the open, and distilled back from the model."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from serving.commands import options
from serving.commands.points_distil import distil
from serving.commands.points_duel import duel

if TYPE_CHECKING:
    from data.contract import Contract
    from data.history import History
    from models.mautic import Imported
    from models.mautic_map import MauticMap
    from models.rules import PointsTable

app = typer.Typer(
    name="points", help="Your hand-made points: import them, duel, distil better ones.", no_args_is_help=True
)
app.command()(duel)
app.command()(distil)


@app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(help="Mautic's point actions as JSON, or a points table as TOML.")],
    contract: options.Contract = options.CONTRACT,
    source: options.Source = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="The table to write; default: points.toml beside the contract."),
    ] = None,
    known: Annotated[
        Path | None,
        typer.Option("--map", help="Mautic: which of our events its actions look at; drafted when missing."),
    ] = None,
    group: Annotated[
        str | None, typer.Option("--group", help="Mautic: the score of this group, not the contact's points.")
    ] = None,
    threshold: Annotated[
        float | None, typer.Option("--threshold", help="The points from which sales is asked to call.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace a table that is there already.")] = False,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Read Mautic's point actions or a points table, say what cannot be mapped, write the neutral table."""
    from data.check import check
    from data.contract import load_contract
    from serving.commands import terminal
    from serving.commands.points_shared import read_text

    agreed = load_contract(contract, source)
    out = output or agreed.folder / "points.toml"
    text = read_text(file)
    with terminal.progress(quiet=quiet) as progress:
        progress("reading the facts", 0.0)
        history = check(agreed).history
        imported = _read(text, file, _map(known, group, text, file, out, history), group)
        if imported.points is None:
            raise _nothing(imported, file)
        points = imported.points if threshold is None else imported.points.model_copy(update={"threshold": threshold})
        progress("replaying the rules", 0.5)
        reached = _reached(points, history)
    _write(points, file, out, force=force)
    if as_json:
        terminal.print_json(_summary(imported, points, reached, out))
    else:
        _show(imported, points, reached, out)
    terminal.next_step(_next(agreed, contract, out))


def _is_json(text: str) -> bool:
    return text.lstrip()[:1] == "{" or (text.lstrip()[:1] == "[" and not text.lstrip().startswith("[["))


def _map(
    known: Path | None, group: str | None, text: str, file: Path, out: Path, history: "History"
) -> "MauticMap | None":
    """The map of Mautic's events; None for a table in TOML. Raises ContractError, with a draft written, without one."""
    from data.errors import ContractError
    from models.mautic_map import draft_map, load_map
    from serving.commands.points_shared import read_text

    if not _is_json(text):
        if known is not None or group is not None:
            raise ContractError(f"--map and --group belong to Mautic's JSON, and {file.name} is none. Leave them out.")
        return None
    if known is not None:
        return load_map(read_text(known), known.name)
    from models.mautic import actions_of

    draft = out.parent / "mautic.toml"
    if not draft.exists():
        draft.parent.mkdir(parents=True, exist_ok=True)
        kinds = sorted(history.events["kind"].unique().to_pylist())
        draft.write_text(draft_map(actions_of(text, file.name), kinds), encoding="utf-8")
    raise ContractError(
        f"{file.name} is Mautic's, and which of your events its actions look at is not guessed. Fill in {draft}, then "
        f"run this again with --map {draft}"
    )


def _read(text: str, file: Path, known: "MauticMap | None", group: str | None) -> "Imported":
    from models.mautic import Imported, read_mautic
    from models.points import load_points

    if known is not None:
        return read_mautic(text, known, group=group, name=file.name)
    points = load_points(text, file.name)
    return Imported(points, (), (), len(points.rules) + len(points.inactivity))


def _nothing(imported: "Imported", file: Path) -> Exception:
    from data.errors import ContractError

    reasons = "".join(f"\n  {one.type} {one.name!r}: {one.reason}" for one in imported.left_out[:20])
    return ContractError(
        f"None of the {imported.actions} actions of {file.name} can be replayed. Expected one at least. Extend the "
        f"map, or choose another --group.{reasons}"
    )


def _reached(points: "PointsTable", history: "History") -> list[int]:
    """How many leads have points from each rule at the end of the history."""
    import pyarrow as pa

    from data.tables import TIME
    from models.points import replay_parts

    ends_at = pa.array([history.ends_at] * len(history.leads), TIME)
    parts = replay_parts(points, history, pa.table({"lead_id": history.leads["lead_id"], "cutoff": ends_at}))
    counts: list[int] = (parts != 0).sum(axis=0).tolist()
    return counts


def _write(points: "PointsTable", file: Path, out: Path, *, force: bool) -> None:
    from data.errors import ContractError
    from models.points_text import points_text

    if out.exists() and not force and not out.samefile(file):
        raise ContractError(f"{out} is there already. Choose another --output, or replace it with --force.")
    if out.exists() and out.samefile(file):
        return
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(points_text(points, f"Points imported from {file.name}."), encoding="utf-8")


def _summary(imported: "Imported", points: "PointsTable", reached: list[int], out: Path) -> dict[str, Any]:
    from dataclasses import asdict

    from models.points import part_names

    return {
        "output": str(out),
        "threshold": points.threshold,
        "rules": [{"id": name, "leads": leads} for name, leads in zip(part_names(points), reached, strict=True)],
        "left_out": [asdict(one) for one in imported.left_out],
        "notes": list(imported.notes),
    }


def _show(imported: "Imported", points: "PointsTable", reached: list[int], out: Path) -> None:
    from models.points import part_names
    from serving.commands import terminal
    from serving.commands.points_tables import looks_at

    names = part_names(points)
    rules = [
        (rule.name or rule.id, looks_at(rule), f"{rule.points:+g}", f"{leads:,}")
        for rule, leads in zip(points.rules, reached, strict=False)
    ]
    rules += [
        (name, "nothing done by the lead", f"{rule.points:+g}", f"{leads:,}")
        for name, rule, leads in zip(
            names[len(points.rules) :], points.inactivity, reached[len(points.rules) :], strict=True
        )
    ]
    at = "" if points.threshold is None else f"; sales is asked from {points.threshold:g} points on"
    terminal.print_table(
        f"{len(names)} rules in {out}{at}", ("rule", "counts", "points", "leads with points"), rules, numeric=(2, 3)
    )
    if imported.left_out:
        left = [(one.name or one.id, one.type, one.reason) for one in imported.left_out]
        terminal.print_table(
            f"{len(left)} of {imported.actions} actions are no rules here", ("action", "type", "why"), left
        )
    silent = [name for name, leads in zip(names, reached, strict=True) if not leads]
    if silent:
        terminal.say(
            f"note: {len(silent)} rules give nobody any points in these facts (first: {silent[0]}): see `counts`."
        )
    for note in imported.notes:
        terminal.say(f"note: {note}")


def _next(agreed: "Contract", contract: Path, out: Path) -> str:
    if agreed.points is not None and agreed.resolve(agreed.points.file) == out.resolve():
        return f"readiness points duel --contract {contract}"
    return f'Write `[points]` and `file = "{out}"` into {contract}, then: readiness points duel --contract {contract}'
