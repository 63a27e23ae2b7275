"""``readiness promote``: the gate, and the move of the champion's alias."""

from typing import TYPE_CHECKING, Annotated

import typer

from serving.commands import engines, options

if TYPE_CHECKING:
    from pathlib import Path

    from data.contract import Contract
    from training.promotion.promote import Verdict

Version = Annotated[str, typer.Argument(help="An alias or a version number: what should serve.")]
Yes = Annotated[
    bool, typer.Option("--yes", "-y", help="Promote it if every line passes. Without: only show the lines.")
]
Force = Annotated[
    str, typer.Option("--force", metavar="REASON", help="With --yes: promote it although lines failed; kept with it.")
]
Rollback = Annotated[bool, typer.Option("--rollback", help="Back to the version that served before, at once.")]
Reason = Annotated[str, typer.Option("--reason", help="Why it is rolled back; kept with it.")]


def promote(
    version: Version = "challenger",
    contract: options.Contract = options.CONTRACT,
    source: options.Source = None,
    facts: engines.FactsAt = None,
    yes: Yes = False,
    force: Force = "",
    rollback: Rollback = False,
    reason: Reason = "",
    as_json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Ask whether a version may take over, line by line; with --yes let it. Exit 1 when it may not.

    The gate is [gate] in the contract. What was moved, by whom and why is kept in the registry.
    """
    from data.contract import load_contract

    agreed = load_contract(contract, source)
    if rollback:
        _roll_back(agreed, contract, reason, as_json=as_json)
        return
    verdict = _verdict(agreed, version, facts, force, yes=yes, quiet=quiet)
    _tell(verdict, contract, version, force, as_json=as_json)
    if not (verdict.promoted or verdict.already or (verdict.passed and not yes)):
        raise typer.Exit(1)


def _verdict(agreed: "Contract", version: str, facts: str | None, force: str, *, yes: bool, quiet: bool) -> "Verdict":
    from serving.commands import terminal
    from training.promotion.lock import alone
    from training.promotion.promote import ask, take_over

    with alone(agreed, "readiness promote"), terminal.progress(quiet=quiet) as progress:
        progress("checking the facts", 0.0)
        history = engines.Place("local", None, None, agreed, facts).history()
        verdict = ask(agreed, history, version, progress)
        return take_over(agreed, verdict, force=force, progress=progress) if yes else verdict


def _roll_back(agreed: "Contract", contract: "Path", reason: str, *, as_json: bool) -> None:
    from dataclasses import asdict

    from serving.commands import terminal
    from training.promotion.lock import alone
    from training.promotion.rollback import roll_back

    with alone(agreed, "readiness promote --rollback"):
        step = roll_back(agreed, reason)
    if as_json:
        terminal.print_json(asdict(step))
    else:
        terminal.say(f"Version {step.went_to} is the champion again, in place of version {step.came_from}.")
    terminal.next_step(f"What differs: readiness compare {step.went_to} {step.came_from} --contract {contract}")


def show(verdict: "Verdict") -> None:
    """The lines of the gate as a table."""
    from serving.commands import terminal

    over = f" over {verdict.champion.name}" if verdict.champion else ": there is no champion yet"
    rows = [[line.name, line.status, line.found, line.expected] for line in verdict.judged.lines]
    terminal.print_table(f"{verdict.candidate.name}{over}", ("line", "verdict", "found", "expected"), rows)


def _tell(verdict: "Verdict", contract: "Path", version: str, force: str, *, as_json: bool) -> None:
    from serving.commands import terminal
    from training.promotion.lines import refused

    if as_json:
        terminal.print_json(verdict.to_dict())
    elif not verdict.already:
        show(verdict)
    if verdict.mlflow_url:
        terminal.say(f"In MLflow: {verdict.mlflow_url}")
    name = f"Version {verdict.candidate.number}"
    again = f"readiness promote {version} --contract {contract}"
    if verdict.already:
        terminal.next_step(f"{name} is the champion already.")
    elif verdict.promoted:
        terminal.next_step(f"{name} is the champion. Back: readiness promote --rollback --contract {contract}")
    elif refused(verdict.judged.lines):
        terminal.next_step(f"{name} cannot be promoted: a line that was refused cannot be forced.")
    elif verdict.passed:
        terminal.next_step(f"{name} may take over: {again} --yes")
    elif force:
        terminal.next_step(f'{name} would be forced: {again} --yes --force "{force}"')
    else:
        terminal.next_step(f'{name} stays what it is. All the same: {again} --yes --force "why"')
