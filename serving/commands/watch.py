"""``readiness watch``: what became of what was served, and whether the world is still that of the model."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from serving.commands import options, stores

if TYPE_CHECKING:
    from serving.commands.terminal import Report
    from serving.commands.watching import Look

ALARMED = 3
"""The exit code when alarms stand: 1 is an error, 2 a wrong command."""

Version = Annotated[
    str | None,
    typer.Option("--version", help="The version to compare with: an alias or a number. Default: what is live."),
]
Bundle = Annotated[Path | None, typer.Option("--bundle", help="Compare with this bundle folder.")]
Scores = Annotated[
    list[Path] | None,
    typer.Option("--scores", help="Without a store: scores as `readiness score` wrote them, a file or a folder each."),
]
AsOf = Annotated[
    str | None, typer.Option("--as-of", help="Look as of this moment, such as 2026-01-31T00:00:00Z. Default: now.")
]
Replay = Annotated[int, typer.Option("--replay", min=0, max=100_000, help="So many served scores are computed again.")]
Html = Annotated[Path | None, typer.Option("--html", help="Write what was found as one HTML page here.")]
Mlflow = Annotated[bool, typer.Option("--mlflow/--no-mlflow", help="Log the look as a run in MLflow.")]
Keep = Annotated[
    bool, typer.Option("--keep/--no-keep", help="Keep the look and tell subscribers of new alarms; or only show it.")
]
Nightly = Annotated[
    str | None, typer.Option("--nightly", help="Stay, and look every night at this time, UTC, such as 03:00.")
]


def watch(
    contract: options.Contract = options.CONTRACT,
    source: options.Source = None,
    store: stores.Url = None,
    scores: Scores = None,
    version: Version = None,
    bundle: Bundle = None,
    as_of: AsOf = None,
    replay: Replay = 200,
    html: Html = None,
    log_run: Mlflow = True,
    keep: Keep = True,
    nightly: Nightly = None,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Look at what became of served scores, and at drift, sources and contacts. Exit 3 when alarms stand.

    Served scores and facts come from the service's store; with --scores from files and the contract's source. For cron,
    beside a running service; with --nightly it stays.
    """
    from data.errors import ContractError, ReadinessError
    from serving.commands import terminal
    from serving.commands.watching import Look, nights
    from serving.staying import until_stopped

    if nightly is not None and (as_of is not None or as_json):
        raise ContractError("--nightly looks at now, night after night. Leave out --as-of and --json.")
    look = Look.of(contract, source, store, scores, version, bundle, as_of, replay)
    if nightly is not None:
        due = nights(nightly)
        with until_stopped():
            terminal.say(f"Looking every night at {nightly}, UTC; Ctrl-C stops it.")
            for _ in due:
                try:
                    _once(look, contract, html, log_run=log_run, keep=keep, as_json=False, quiet=quiet)
                except ReadinessError as error:
                    terminal.say(f"error: {error} The next look is the next night.")
    elif _once(look, contract, html, log_run=log_run, keep=keep, as_json=as_json, quiet=quiet):
        raise typer.Exit(ALARMED)


def _once(
    look: "Look", contract: Path, html: Path | None, *, log_run: bool, keep: bool, as_json: bool, quiet: bool
) -> bool:
    """One look, shown; whether alarms stand."""
    from serving.commands import terminal

    with terminal.progress(quiet=quiet) as progress:
        found = look.look(progress, keep=keep)
        url = _logged(look, found.body, progress) if log_run else None
    if html is not None:
        from training.watching.page import render_watch

        html.parent.mkdir(parents=True, exist_ok=True)
        html.write_text(render_watch(found.body), encoding="utf-8")
    if as_json:
        terminal.print_json({**found.body, "new": [alarm.to_dict() for alarm in found.new], "run_url": url})
    else:
        _show(found.body, url)
    if html is not None:
        terminal.say(f"The page: {html}")
    terminal.next_step(
        f"What each alarm means and what to do: docs/watch.md; a new model: readiness retrain --contract {contract}"
        if found.alarms
        else f"readiness watch --nightly 03:00 --contract {contract} stays and looks every night."
    )
    return bool(found.alarms)


def _logged(look: "Look", body: dict[str, Any], progress: "Report") -> str:
    from training.watching.runs import log_watch

    progress("logging to MLflow", 0.0)
    return log_watch(look.contract, body)


def _show(body: dict[str, Any], url: str | None) -> None:
    from serving.commands import terminal
    from training.watching import words

    if body["alarms"]:
        terminal.print_table("Alarms", words.ALARM_COLUMNS, words.alarm_rows(body))
    if body["ledger"]:
        rows = words.ledger_rows(body, segments=False)
        terminal.print_table("As lived", words.LEDGER_COLUMNS, rows, numeric=range(3, 10))
    if body["drift"]:
        rows = words.drift_rows(body, words.MOST_DRIFT)
        terminal.print_table("Drift, the surest first", words.DRIFT_COLUMNS, rows, numeric=range(1, 4))
    if body["contact"]["bins"]:
        title = "Whom sales spoke to, by readiness"
        terminal.print_table(title, words.CONTACT_COLUMNS, words.contact_rows(body), numeric=range(4))
    for sentence in words.sentences(body):
        terminal.stdout().print(sentence, soft_wrap=True)
    for note in body["notes"]:
        terminal.say(f"note: {note}")
    if url is not None:
        terminal.say(f"In MLflow: {url}")
