"""``readiness define``: the definition workshop."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from serving.commands import engines, options

if TYPE_CHECKING:
    from training.defining.candidates import Choices

Outcomes = Annotated[list[str] | None, typer.Option("--outcome", help="An outcome to look at; may be repeated.")]
Horizons = Annotated[list[str] | None, typer.Option("--horizon", help="A horizon, such as 60d; may be repeated.")]
Thresholds = Annotated[
    list[float] | None,
    typer.Option("--threshold", min=0, max=1, help="A readiness, such as 0.2. Default: by what sales can work."),
]
LabelledFile = Annotated[
    Path | None, typer.Option("--labelled", help="Leads that sales called ready or not: lead_id, ready, maybe at.")
]
Write = Annotated[int | None, typer.Option("--write", metavar="NO", help="Write this candidate into the contract.")]


def define(
    contract: options.Contract = options.CONTRACT,
    source: options.Source = None,
    facts: engines.FactsAt = None,
    outcome: Outcomes = None,
    horizon: Horizons = None,
    threshold: Thresholds = None,
    labelled: LabelledFile = None,
    write: Write = None,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """See what each definition of ready would have meant: volume, precision, lead time, wins caught, agreement."""
    from data.contract import load_contract
    from serving.commands import terminal
    from training.defining.labelled import read_labelled
    from training.defining.workshop import chosen, hold_workshop
    from training.defining.writing import write_definition

    agreed = load_contract(contract, source)
    choices = _choices(outcome, horizon, threshold)
    with terminal.progress(quiet=quiet) as progress:
        progress("checking the facts", 0.0)
        history = engines.Place("local", None, None, agreed, facts).history()
        judgements = None if labelled is None else read_labelled(labelled, history.ends_at)
        found = hold_workshop(agreed, history, choices, judgements, progress)
    kept = None if write is None else write_definition(contract, load_contract(contract), chosen(found, write))
    if as_json:
        terminal.print_json({**found, "written": write})
    else:
        _show(found)
    if kept is not None:
        terminal.say(f"Candidate {write} stands in {contract} as version {agreed.ready.version + 1}; before: {kept}")
        terminal.next_step(f"readiness train --contract {contract}")
    else:
        terminal.next_step("Agree on one with sales and marketing, then write it: the same command with --write NO")


def _choices(outcome: list[str] | None, horizon: list[str] | None, threshold: list[float] | None) -> "Choices":
    from data.clock import parse_duration
    from training.defining.candidates import Choices

    return Choices(outcome or (), [parse_duration(one) for one in horizon or ()], threshold or ())


def _show(found: Mapping[str, Any]) -> None:
    from serving.commands import terminal
    from training.defining import words
    from training.wording import day

    first = found["candidates"][0]
    judged = f"{day(first['judged_from'])} to {day(first['judged_until'])}"
    title = f"{found['product']}: what each definition would have meant on later rows, {judged}"
    terminal.print_table(title, words.COLUMNS, words.rows(found), numeric=(0, 3, 4, 5, 6, 7, 8, 9))
    for note in found["notes"]:
        terminal.say(f"note: {note}")
