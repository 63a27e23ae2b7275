"""``readiness backtest``: the training repeated as of several moments, judged on what came after each."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from serving.commands import options

if TYPE_CHECKING:
    from collections.abc import Mapping

Folds = Annotated[int | None, typer.Option("--folds", min=1, max=50, help="How many moments. Default: the contract's.")]
Span = Annotated[
    str | None, typer.Option("--span", help="How long each is judged, such as 8w. Default: equal parts of the time.")
]
Jobs = Annotated[
    int, typer.Option("--jobs", "-j", min=0, help="Trainings at a time, one core each; 0: as many as there are cores.")
]
Curve = Annotated[bool, typer.Option("--curve/--no-curve", help="Learn from portions too: what would more data give?")]
Fresh = Annotated[bool, typer.Option("--fresh", help="Do it all again, also what an earlier run has finished.")]
Html = Annotated[Path | None, typer.Option("--html", help="Write the report as one HTML file here.")]
Mlflow = Annotated[bool, typer.Option("--mlflow/--no-mlflow", help="Log it in MLflow, a run for each fold.")]


def backtest(
    contract: options.Contract = options.CONTRACT,
    source: options.Source = None,
    folds: Folds = None,
    span: Span = None,
    jobs: Jobs = 0,
    curve: Curve = True,
    fresh: Fresh = False,
    html: Html = None,
    log_runs: Mlflow = True,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Train as of several moments of the past, judge on what came after each.

    A run that was stopped goes on where it was: finished trainings are kept beside the contract.
    """
    from data.check import check
    from data.clock import parse_duration
    from data.contract import load_contract
    from serving.commands import terminal
    from training.backtesting.backtest import Settings, run_backtest

    agreed = load_contract(contract, source)
    settings = Settings(folds or agreed.backtest.folds, None if span is None else parse_duration(span), curve)
    with terminal.progress(quiet=quiet) as progress:
        progress("checking the facts", 0.0)
        done = run_backtest(agreed, check(agreed), settings, jobs=jobs, fresh=fresh, progress=progress)
        run_url, plots = None, {}
        if log_runs or html is not None:
            from training.plots import draw_plots

            progress("drawing the report", 0.0)
            plots = draw_plots(done.result)
        if log_runs:
            from training.backtesting.runs import log_backtest

            run_url = log_backtest(agreed, done.result, plots, progress=progress)
        if html is not None:
            _write_page(done.result, plots, html)
    if as_json:
        terminal.print_json({**done.result, "run_url": run_url})
    else:
        _show(done.result, run_url)
    if html is not None:
        terminal.say(f"The report: {html}")
    as_page = (
        f"readiness backtest --contract {contract} --html backtest.html: the same as a page, nothing trained again."
    )
    terminal.next_step(as_page if html is None else f"readiness train --contract {contract}")


def _write_page(result: "Mapping[str, Any]", plots: "Mapping[str, bytes]", path: Path) -> None:
    from training.report import render_backtest

    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(render_backtest(result, plots), encoding="utf-8")


def _show(result: "Mapping[str, Any]", run_url: str | None) -> None:
    from serving.commands import terminal
    from training import backtest_words as telling

    terminal.print_table("Fold by fold", telling.FOLD_COLUMNS, telling.fold_rows(result), numeric=range(1, 8))
    for part in telling.groups(result):
        terminal.print_table(
            part["name"], telling.GROUP_COLUMNS, telling.group_rows(part, result["served"]), numeric=range(1, 8)
        )
    for sentence in telling.sentences(result):
        terminal.stdout().print(sentence, soft_wrap=True)
    for note in result["notes"]:
        terminal.say(f"note: {note}")
    if run_url is not None:
        terminal.say(f"In MLflow: {run_url}")
