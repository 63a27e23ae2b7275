"""``readiness check``: what the contract finds, with a reason for every row that it leaves out."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from serving.commands import options

if TYPE_CHECKING:
    from data.report import Report


def check(
    contract: options.Contract = options.CONTRACT,
    source: options.Source = None,
    rejected: Annotated[
        Path | None, typer.Option("--rejected", help="Write the bad rows and their reasons to this folder, as CSV.")
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", help="Write the good rows to this folder, for a cluster to read.")
    ] = None,
    as_json: options.Json = False,
) -> None:
    """Read your facts as the contract maps them: good rows, bad rows and why."""
    from data.check import check as check_facts
    from data.check import write_rejected
    from data.contract import load_contract
    from data.facts import write_facts
    from serving.commands import terminal

    checked = check_facts(load_contract(contract, source))
    if rejected is not None:
        write_rejected(checked, rejected)
    if output is not None:
        write_facts(checked.history, output)
    if as_json:
        typer.echo(checked.report.to_json())
    else:
        _show(checked.report)
    if checked.report.rejected and rejected is None:
        terminal.say(f"--rejected DIR writes the {checked.report.rejected:,} bad rows with their reasons.")
    terminal.next_step(f"readiness train --contract {contract}")


def _show(report: "Report") -> None:
    from data.clock import iso
    from serving.commands import terminal

    rows = [
        (table.table, f"{table.read:,}", f"{table.accepted:,}", f"{table.rejected:,}", f"{table.not_selected:,}")
        for table in report.tables
    ]
    title = f"The facts until {iso(report.ends_at)}"
    terminal.print_table(title, ("table", "read", "good", "bad", "not selected"), rows, numeric=range(1, 5))
    _show_parts(report)
    bad = [
        (table.table, found.reason, f"{found.count:,}", _short(found.example))
        for table in report.tables
        for found in table.rejections
    ]
    if bad:
        columns = ("table", "reason", "rows", "first example")
        terminal.print_table(f"{report.rejected:,} bad rows", columns, bad, numeric=(2,))
    for note in report.notes:
        terminal.say(f"note: {note}")


def _show_parts(report: "Report") -> None:
    """Of an export of many tables: what became of the rows of each. Rows = used + left out; facts = good + bad."""
    from serving.commands import terminal

    parts = [(table.table, part) for table in report.tables for part in table.parts]
    if not parts:
        return
    rows = [
        (part.origin, name, *(f"{n:,}" for n in (part.read, part.used, part.read - part.used, part.good, part.bad)))
        for name, part in parts
    ]
    columns = ("table of the export", "becomes", "rows", "used", "left out", "good", "bad")
    terminal.print_table("What became of each table", columns, rows, numeric=range(2, 7))
    left = [
        (part.origin, name, reason, f"{count:,}") for name, part in parts for reason, count in part.left_out.items()
    ]
    if left:
        terminal.print_table("Left out", ("table of the export", "of", "reason", "rows"), left, numeric=(3,))


def _short(example: str, most: int = 60) -> str:
    """An example that leaves room for its reason; the whole row is among the rejected rows."""
    return example if len(example) <= most else f"{example[: most - 1]}…"
