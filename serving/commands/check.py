"""``readiness check``: what the contract finds, with a reason for every row that it leaves out."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from serving.commands import options

if TYPE_CHECKING:
    from data.contract import Contract
    from data.history import History
    from data.report import Report
    from serving.commands.terminal import Report as Progress
    from training.leaks.finding import Leaks


def check(
    contract: options.Contract = options.CONTRACT,
    source: options.Source = None,
    rejected: Annotated[
        Path | None, typer.Option("--rejected", help="Write the bad rows and their reasons to this folder, as CSV.")
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", help="Write the good rows to this folder, for a cluster to read.")
    ] = None,
    leaks: Annotated[bool, typer.Option("--leaks/--no-leaks", help="Look for fields that know too much.")] = True,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Read your facts as the contract maps them: good rows, bad rows and why, fields that know too much."""
    from data.check import check as check_facts
    from data.check import write_rejected
    from data.contract import load_contract
    from data.facts import write_facts
    from serving.commands import terminal

    agreed = load_contract(contract, source)
    with terminal.progress(quiet=quiet) as progress:
        progress("reading the facts", 0.0)
        checked = check_facts(agreed)
        found = _looked(agreed, checked.history, progress) if leaks else None
    if rejected is not None:
        write_rejected(checked, rejected)
    if output is not None:
        write_facts(checked.history, output)
    if as_json:
        terminal.print_json(summary(checked.report, found))
    else:
        _show(checked.report)
        if found is not None:
            _show_leaks(found)
    if checked.report.rejected and rejected is None:
        terminal.say(f"--rejected DIR writes the {checked.report.rejected:,} bad rows with their reasons.")
    terminal.next_step(f"readiness train --contract {contract}")


def summary(report: "Report", found: "Leaks | None") -> dict[str, Any]:
    """What ``--json`` prints: the account of the rows, and ``leaks`` unless they were not looked for."""
    import json

    from serving.commands.contest import without_nan

    whole: dict[str, Any] = json.loads(report.to_json())
    return whole if found is None else {**whole, "leaks": without_nan(found.to_dict())}


def _looked(agreed: "Contract", history: "History", progress: "Progress") -> "Leaks":
    from training.leaks.detect import find_leaks

    return find_leaks(agreed, history, progress)


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


def _show_leaks(found: "Leaks") -> None:
    """A line for each field, the suspects first, and under the table why."""
    from serving.commands import terminal
    from training.leaks import telling

    told = found.to_dict()
    rows = [
        (each["field"], telling.status(each), telling.auc(each["alone"]), telling.auc(each["missing"]))
        for each in told["findings"]
    ]
    if rows:
        columns = ("field", "decision", "AUC alone", "AUC of its missingness")
        terminal.print_table(telling.summary(told), columns, rows)
    why = [(each["field"], reason) for each in telling.worth_reading(told) for reason in each["reasons"]]
    if why:
        terminal.print_table("Why", ("field", "evidence"), _named_once(why))
    for note in told["notes"]:
        terminal.say(f"note: {note}")
    if found.left_out:
        terminal.say('To use one all the same: [leaks] trust = ["field"] in the contract.')


def _named_once(rows: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """The rows with the first column empty where it says what the row above says."""
    before = ["", *(name for name, _ in rows)]
    return [("" if name == last else name, text) for (name, text), last in zip(rows, before, strict=False)]
