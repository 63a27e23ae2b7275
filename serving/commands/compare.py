"""``readiness compare``: what one version would change against another."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from serving.commands import engines, options

if TYPE_CHECKING:
    from training.comparing.comparison import Asked

First = Annotated[str, typer.Argument(help="An alias, a version number or a bundle folder: what serves now.")]
Second = Annotated[str, typer.Argument(help="Likewise: what would take its place.")]
Start = Annotated[
    str | None, typer.Option("--from", help="The earlier date of a lead's change. Default: 4 weeks before.")
]
End = Annotated[str | None, typer.Option("--to", help="The later date, also of the decisions. Default: the end.")]
Leads = Annotated[list[str] | None, typer.Option("--lead", help="Split the change of this lead too; may be repeated.")]
Html = Annotated[Path | None, typer.Option("--html", help="Write the comparison as one HTML page here.")]


def compare(
    a: First = "champion",
    b: Second = "challenger",
    contract: options.Contract = options.CONTRACT,
    source: options.Source = None,
    facts: engines.FactsAt = None,
    start: Start = None,
    end: End = None,
    lead: Leads = None,
    html: Html = None,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Compare two versions on the same later rows, and in what a promotion would do to people."""
    from data.contract import load_contract
    from serving.commands import terminal
    from training.comparing.comparison import compare_versions
    from training.comparing.side import compare_runs_url, find_side

    agreed = load_contract(contract, source)
    asked = moments(start, end, lead or [])
    with terminal.progress(quiet=quiet) as progress:
        progress("fetching both versions", 0.0)
        sides = find_side(agreed, a), find_side(agreed, b)
        progress("checking the facts", 0.0)
        history = engines.Place("local", None, None, agreed, facts).history()
        result = compare_versions(agreed, history, *sides, asked=asked, progress=progress)
        result["mlflow_url"] = compare_runs_url(agreed, *sides)
        if html is not None:
            write_page(result, html)
    if as_json:
        terminal.print_json(result)
    else:
        show(result)
    if html is not None:
        terminal.say(f"The comparison: {html}")
    terminal.next_step(f"readiness promote {b} --contract {contract}: whether it may take over, line by line.")


def moments(start: str | None, end: str | None, leads: list[str]) -> "Asked":
    """The options as the comparison takes them. Raises ContractError for a date that is none."""
    from serving.commands.features import moment_of
    from training.comparing.comparison import Asked

    first, last = (None if one is None else moment_of(one) for one in (start, end))
    return Asked(first, last, leads)


def write_page(result: Mapping[str, Any], path: Path) -> None:
    """The comparison as one HTML page at ``path``."""
    from training.comparing.page import render_comparison

    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(render_comparison(result), encoding="utf-8")


def show(result: Mapping[str, Any]) -> None:
    """The comparison on a terminal: who is compared, the figures, calibration, segments, people, the findings."""
    from serving.commands import terminal
    from training.comparing import words

    for line in words.sides(result):
        terminal.stdout().print(line, soft_wrap=True)
    terminal.stdout().print()
    _show_judged(result)
    people, moved = result["people"], result["moved"]
    terminal.print_table("The largest movers", words.MOVER_COLUMNS, words.mover_rows(people), numeric=(1, 2))
    title = "The lead changed, or the model? Index points"
    rows = moved["asked"] or moved["movers"]
    terminal.print_table(title, words.MOVED_COLUMNS, words.moved_rows(rows), numeric=range(1, 5))
    for sentence in words.sentences(result):
        terminal.stdout().print(sentence, soft_wrap=True)
    for note in result["notes"]:
        terminal.say(f"note: {note}")
    if result["mlflow_url"]:
        terminal.say(f"In MLflow: {result['mlflow_url']}")


def _show_judged(result: Mapping[str, Any]) -> None:
    from serving.commands import terminal
    from training.comparing import words
    from training.wording import long_duration

    judged = result["judged"]
    if judged is None:
        return
    for name in sorted(judged["horizons"], key=lambda name: name != result["primary"]):
        title = words.judged_on(result) if name == result["primary"] else f"within {long_duration(name)}"
        rows = words.metric_rows(judged["horizons"][name])
        terminal.print_table(str(title), words.METRIC_COLUMNS, rows, numeric=range(1, 5))
    part = judged["horizons"][result["primary"]]
    title = "Calibration side by side"
    terminal.print_table(title, words.CURVE_COLUMNS, words.curve_rows(part), numeric=range(1, 5))
    for segment in judged["segments"]:
        terminal.print_table(segment["name"], words.GROUP_COLUMNS, words.group_rows(segment), numeric=range(1, 7))
