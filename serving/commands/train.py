"""``readiness train``: a trial, a bundle, a registered version."""

from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from serving.commands import engines, options

if TYPE_CHECKING:
    from pathlib import Path

    from serving.commands.terminal import Report
    from training.keeping import Made
    from training.search import Budget
    from training.trial import Trial

TrainEngine = Annotated[
    Literal["local", "dask"],
    typer.Option("--engine", help="Where the features and the last booster are made: here, or on a Dask cluster."),
]


Search = Annotated[
    str | None,
    typer.Option(
        help="Search for better settings: so many trials (40) or so long (30min). Needs Optuna (extra: search)."
    ),
]


def train(
    contract: options.Contract = options.CONTRACT,
    source: options.Source = None,
    facts: engines.FactsAt = None,
    engine: TrainEngine = "local",
    scheduler: engines.Scheduler = None,
    buckets: engines.Buckets = None,
    search: Search = None,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Train a model, judge it against its rivals, register it."""
    from data.check import check
    from data.contract import load_contract
    from serving.commands import terminal
    from training.keeping import keep, make_version
    from training.search import parse_budget

    agreed = load_contract(contract, source)
    budget = None if search is None else parse_budget(search)
    with terminal.progress(quiet=quiet) as progress:
        if engine == "dask" or facts is not None:
            made = keep(
                _train_elsewhere(engines.Place(engine, scheduler, buckets, agreed, facts), progress, budget), progress
            )
        else:
            made = make_version(agreed, check(agreed), progress, budget)
    if as_json:
        terminal.print_json(summary(made))
    else:
        _show(made)
    terminal.next_step(_next(made.version.alias, contract))


def _next(alias: str, contract: "Path") -> str:
    """What to do with a version: the first one is champion, later ones have to take over."""
    at = f"--contract {contract}"
    if alias == "champion":
        return f"readiness serve {at}; where a service runs: readiness deploy {at}. readiness ui {at} to look closer."
    return f"readiness promote {at} says whether it may take over; readiness ui {at} to look closer."


def _train_elsewhere(place: engines.Place, progress: "Report", budget: "Budget | None") -> "Trial":
    """The trial over a folder of checked facts: on this machine, or on a Dask cluster."""
    from data.check import Checked
    from data.report import Report as Account
    from data.spine import read_listed
    from features import dask_feed
    from serving.commands.feature_tables import settled
    from training.cluster import train_on_cluster
    from training.trial import run_trial

    with place.folder() as facts:
        contract = place.contract.model_copy(update={"spine": settled(place.contract.spine, facts)})
        if place.engine == "local":
            checked = Checked(facts.history(), {}, Account((), facts.ends_at))
            return run_trial(contract, checked, progress=progress, budget=budget)
        listed = None if contract.spine.file is None else read_listed(contract.resolve(contract.spine.file))
        with dask_feed.connect(place.scheduler) as client:
            return train_on_cluster(
                client,
                contract,
                facts,
                place.scratch,
                buckets=place.buckets,
                listed=listed,
                progress=progress,
                budget=budget,
            )


def _show(made: "Made") -> None:
    from serving.commands import terminal
    from serving.commands.contest import print_contest
    from training import summary
    from training.leaks import telling

    report = made.trial.report
    primary = report["primary"]
    print_contest(report, primary, report["horizons"][primary]["models"])
    for sentence in summary.of_version(report):
        terminal.stdout().print(sentence, soft_wrap=True)
    for note in [*report["notes"], *telling.notes(report)]:
        terminal.say(f"note: {note}")
    terminal.say(f"Registered {made.version.name} version {made.version.number} as {made.version.alias}.")


def summary(made: "Made") -> dict[str, Any]:
    """What `--json` prints: the primary horizon's figures, all horizons beside them, where it is registered."""
    from serving.commands.contest import figures, without_nan

    report = made.trial.report
    horizons = {name: figures(report, name) for name in report["horizons"]}
    version = made.version
    found: dict[str, Any] = without_nan(
        {
            "version": version.number,
            "model": version.name,
            "alias": version.alias,
            "bundle_id": version.bundle_id,
            "run_url": version.run_url,
            "horizon": report["primary"],
            "served": report["served"],
            "test": horizons[report["primary"]],
            "horizons": horizons,
            "expectation": report["expectation"],
            "capacity": report["capacity"],
            "notes": report["notes"],
            "leaks": report["leaks"],
        }
    )
    return found
