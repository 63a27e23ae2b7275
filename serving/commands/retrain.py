"""``readiness retrain``: the loop, for a scheduler."""

from typing import TYPE_CHECKING, Annotated

import typer

from serving.commands import options

if TYPE_CHECKING:
    from pathlib import Path

    from training.retraining import Retrained

Promote = Annotated[bool, typer.Option("--promote/--no-promote", help="Let a version that passes the gate take over.")]
Backtest = Annotated[bool, typer.Option("--backtest/--no-backtest", help="Repeat the training as of the past as well.")]
Fresh = Annotated[bool, typer.Option("--fresh", help="Train although neither facts nor contract are new.")]
Strict = Annotated[bool, typer.Option("--strict", help="Exit 1 when the gate was not passed.")]


def retrain(
    contract: options.Contract = options.CONTRACT,
    source: options.Source = None,
    promote: Promote = True,
    backtest: Backtest = True,
    fresh: Fresh = False,
    strict: Strict = False,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Check, train, backtest, compare, ask the gate; promote what passes, else leave it as the challenger.

    Fit for a scheduler: nothing new means nothing done, two at once are refused, and it may be killed at any point.
    """
    from data.check import check
    from data.contract import load_contract
    from serving.commands import terminal
    from training.promotion.lock import alone
    from training.retraining import Plan
    from training.retraining import retrain as turn

    agreed = load_contract(contract, source)
    with alone(agreed, "readiness retrain"), terminal.progress(quiet=quiet) as progress:
        progress("checking the facts", 0.0)
        done = turn(agreed, check(agreed), Plan(promote, backtest, fresh), progress)
    if as_json:
        terminal.print_json(done.to_dict())
    else:
        _show(done)
    _tell(done, contract)
    if strict and done.verdict is not None and not (done.verdict.passed or done.verdict.already):
        raise typer.Exit(1)


def _show(done: "Retrained") -> None:
    from serving.commands import terminal
    from serving.commands.promote import show
    from training.comparing import words

    for note in done.notes:
        terminal.say(f"note: {note}")
    if done.verdict is None or done.verdict.already:
        return
    show(done.verdict)
    if done.verdict.judged.comparison is not None:
        for sentence in words.sentences(done.verdict.judged.comparison):
            terminal.stdout().print(sentence, soft_wrap=True)
    if done.verdict.mlflow_url:
        terminal.say(f"In MLflow: {done.verdict.mlflow_url}")


def _tell(done: "Retrained", contract: "Path") -> None:
    from serving.commands.terminal import next_step

    if done.champion:
        back = f" Back: readiness promote --rollback --contract {contract}" if done.verdict else ""
        next_step(f"Version {done.number} is the champion.{back}")
    elif done.verdict is None:
        next_step(f"Version {done.number} was judged before. Train all the same: --fresh")
    else:
        next_step(
            f"Version {done.number} stays the challenger. Line by line: readiness promote {done.number} "
            f"--contract {contract}"
        )
