"""``readiness train``: a trial, a bundle, a registered version."""

from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from serving.commands import engines, options

if TYPE_CHECKING:
    from data.check import Checked
    from data.contract import Contract
    from models.golden import Golden
    from serving.commands.terminal import Report
    from training.registry import Version
    from training.search import Budget
    from training.trial import Trial

GOLDEN_ROWS = 20

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


@dataclass(frozen=True)
class Made:
    """What a training leaves: the trial, its bundle folder, its version in the registry."""

    trial: "Trial"
    bundle: Path
    version: "Version"


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
    terminal.next_step(f"readiness serve --contract {contract}, or readiness ui --contract {contract} to look closer.")


def make_version(contract: "Contract", checked: "Checked", progress: "Report", budget: "Budget | None" = None) -> Made:
    """Run the trial of a contract, write its bundle under the state folder, register it."""
    from training.trial import run_trial

    return keep(run_trial(contract, checked, progress=progress, budget=budget), progress)


def keep(trial: "Trial", progress: "Report") -> Made:
    """Write the bundle of a trial under the state folder and register it.

    Its report also shows the last backtest of the same contract, facts and code, where there is one.
    """
    from training.backtesting.backtest import latest_result
    from training.registry import register

    trial.report["backtest"] = latest_result(trial.contract, trial.report["history"]["fingerprint"])
    progress("writing the bundle", 0.0)
    folder = keep_bundle(trial, trial.contract.state_folder / "bundles")
    return Made(trial, folder, register(trial, folder, progress=progress))


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


def keep_bundle(trial: "Trial", bundles: Path) -> Path:
    """Write the bundle of a trial to ``bundles/<bundle id>``; the same bundle is kept once."""
    from models.bundle import write_bundle

    bundles.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=bundles, prefix=".new-") as scratch:
        written = Path(scratch) / "bundle"
        bundle_id = write_bundle(
            written,
            model=trial.model,
            feature_set=trial.feature_set,
            vocabulary=trial.vocabulary,
            contract_text=trial.contract.text,
            policy=trial.policy,
            card=trial.card,
            report=trial.report,
            reference=trial.reference,
            golden=golden_of(trial),
        )
        kept = bundles / bundle_id
        if not kept.exists():
            written.rename(kept)
    return kept


def golden_of(trial: "Trial") -> "Golden":
    """Test rows from the least to the most ready, as the service would meet them, with their exact scores."""
    import numpy as np

    from data.spine import micros
    from models.golden import golden_rows
    from models.histories import lead_histories

    readiness = trial.test.predictions[trial.report["served"]][:, -1]
    spread = np.linspace(0, len(readiness) - 1, min(GOLDEN_ROWS, len(readiness))).astype(int)
    rows = np.argsort(readiness, kind="stable")[spread]
    leads = lead_histories(trial.history, trial.test.lead_id.take(rows).to_pylist())
    cutoffs = micros(trial.test.cutoff)[rows].tolist()
    return golden_rows(trial.model, trial.feature_set, trial.vocabulary, leads, cutoffs)


def _show(made: Made) -> None:
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


def summary(made: Made) -> dict[str, Any]:
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
