"""A trial and its bundle become a version: one MLflow run, one logged model, one numbered version, one alias.

The first version of a product becomes its ``champion``, which serves; each later one the ``challenger``, which wants
to. The alias is set last, so a version that could not be written whole is never served.
"""

import json
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Protocol

import pyarrow as pa
from sqlalchemy import make_url

from data.contract import Contract
from models.bundle import read_bundle
from training import figures
from training.experiment_page import arrange
from training.logged_model import BUNDLE, log_bundle_model
from training.plots import draw_plots
from training.report import render_report, report_json
from training.sample import Progress
from training.search_runs import log_search
from training.tracking import (
    Dataset,
    DatasetInput,
    InputTag,
    LoggedModel,
    Metric,
    MlflowException,
    Registry,
    Run,
    log,
    open_experiment,
    open_registry,
    start_run,
    told,
)
from training.version_card import version_card

LONGEST_TAG = 500
"""MLflow's databases keep longer ones; its pages do not show them."""


class Trained(Protocol):
    """What is registered of a trial."""

    @property
    def contract(self) -> Contract:
        """The contract it was made under."""

    @property
    def report(self) -> dict[str, Any]:
        """Its judgement."""

    @property
    def reference(self) -> pa.Table:
        """Rows of features, a column for each by its name."""


@dataclass(frozen=True)
class Version:
    """A registered version. The pages of an embedded registry answer while ``readiness ui`` runs."""

    name: str
    number: str
    alias: str
    run_id: str
    run_url: str
    model_url: str
    bundle_id: str


def register(trial: Trained, bundle_folder: Path, *, progress: Progress | None = None) -> Version:
    """Keep ``trial`` and its bundle as a new version in the contract's registry.

    Raises BundleError when the bundle is damaged, ContractError for an impossible registry, ReadinessError when the
    registry does not answer or refuses; a run that was begun is then marked as failed, and no alias moves.
    """
    tell = progress or (lambda _what, _share: None)
    tell("opening the registry", 0.0)
    bundle, registry = read_bundle(bundle_folder), open_registry(trial.contract)
    tags = _tags(trial, bundle.bundle_id)
    name = f"{trial.report['product']}-{trial.report['created_at'][:10]}-{bundle.bundle_id[:8]}"
    with told(registry.uri):
        experiment = open_experiment(registry, trial.contract)
        arrange(registry, experiment)
        with start_run(registry, experiment, name, tags) as run:
            tell("logging the model", 0.2)
            run.client.log_artifacts(run.run_id, str(bundle_folder), BUNDLE)
            model = log_bundle_model(run, bundle_folder, bundle, trial.reference)
            tell("logging the figures", 0.5)
            _log_figures(run, model.model_id, trial)
            card = version_card(trial.report, bundle.bundle_id, before=champion_report(registry))
            number = _number(run, model, card)
            run.client.update_run(run.run_id, name=f"version {number}, {trial.report['created_at'][:10]}")
            tell("drawing the report", 0.7)
            _log_report(run, {**trial.report, "version": number})
            log_search(run, trial.report.get("search", []))
        alias = _set_alias(registry, number)
    tell("registered", 1.0)
    return Version(registry.model, number, alias, run.run_id, run.url, registry.model_url(number), bundle.bundle_id)


def champion_report(registry: Registry) -> dict[str, Any] | None:
    """The report of the version that serves, as it was registered; None where there is none, or none any more."""
    try:
        serving = registry.client.get_model_version_by_alias(registry.model, "champion")
        with TemporaryDirectory() as scratch:
            path = registry.client.download_artifacts(str(serving.run_id), "report.json", scratch)
            found: dict[str, Any] = json.loads(Path(path).read_text(encoding="utf-8"))
            return {**found, "version": str(serving.version)}
    except (MlflowException, OSError, ValueError):
        return None


def _tags(trial: Trained, bundle_id: str) -> dict[str, str]:
    tags = {
        "kind": "version",
        "product": trial.report["product"],
        "bundle_id": bundle_id,
        "data_fingerprint": trial.report["history"]["fingerprint"],
        "feature_fingerprint": trial.report["features"]["fingerprint"],
        "gate": "none",
        "mlflow.source.name": "readiness train",
        "mlflow.source.type": "LOCAL",
    }
    leaks = trial.report.get("leaks") or {}
    for name in ("quarantined", "overruled"):
        tags |= {f"leaks_{name}": ", ".join(leaks[name])[:LONGEST_TAG]} if leaks.get(name) else {}
    sha = git_sha(trial.contract.folder)
    return {**tags, "git_sha": sha, "mlflow.source.git.commit": sha.removesuffix("-dirty")} if sha else tags


def git_sha(folder: Path) -> str | None:
    """The commit that the contract's folder stands at, ``-dirty`` behind it when files differ; None outside git."""
    command = ["git", "-C", str(folder), "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]
    try:
        found = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)  # noqa: S603  fixed words
    except (OSError, subprocess.TimeoutExpired):
        return None
    return found.stdout.strip() if found.returncode == 0 else None


def _log_figures(run: Run, model_id: str, trial: Trained) -> None:
    now = int(time.time() * 1000)
    learned, judged = (_dataset(trial, part) for part in ("train", "test"))
    metrics = [  # in this order: MLflow's page of a run lists them as they came
        Metric(name, value, now, 0, model_id, judged.name, judged.digest, run.run_id)
        for name, value in figures.headline(trial.report).items()
    ]
    metrics += [Metric(name, value, now, 0) for name, value in figures.metrics(trial.report).items()]
    metrics += [Metric(name, value, now, step) for name, value, step in figures.fold_metrics(trial.report)]
    inputs = [
        DatasetInput(dataset, [InputTag("mlflow.data.context", context)])
        for dataset, context in ((learned, "training"), (judged, "testing"))
    ]
    log(run, figures.params(trial.report, trial.contract.model.seed), metrics, inputs)


def _dataset(trial: Trained, part: str) -> Dataset:
    """The rows learned from or judged on, as MLflow's data set: where from, how many, and what exactly."""
    report, source = trial.report, trial.contract.source
    rows = {key: value for key, value in report["rows"].items() if key.split("_")[0] == part}
    exact = sha256(json.dumps([report["definition"], rows], sort_keys=True).encode()).hexdigest()
    digest = f"{report['history']['fingerprint'][:16]}-{exact[:16]}"
    where = {"url": _without_password(source.url)} if source.url else {"uri": trial.contract.source_folder.as_uri()}
    profile = {"num_rows": rows.pop(part), **rows}
    return Dataset(f"{report['product']} {part}", digest, source.kind, json.dumps(where), profile=json.dumps(profile))


def _without_password(url: str) -> str:
    """A database URL that may be shown; what is read from the environment, ``$NAME``, stays as it is."""
    return url if url.startswith("$") else make_url(url).set(query={}).render_as_string(hide_password=True)


def _number(run: Run, logged: LoggedModel, card: str) -> str:
    """Make the version, and the registered model when this is its first; the version's number."""
    model = run.registry.model
    try:
        run.client.create_registered_model(model, description=f"Sales readiness: {run.tags['product']}")
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise
    # The address models:/<id> would be looked up at MLflow's global address, which is not ours; the files' own is not.
    source, tags = logged.artifact_location, {**run.tags, "run_id": run.run_id, "model_id": logged.model_id}
    made = run.client.create_model_version(
        model, source, run.run_id, tags=tags, description=card, model_id=logged.model_id
    )
    mark = json.dumps([{"name": model, "version": made.version}])
    run.client.set_logged_model_tags(logged.model_id, {"mlflow.modelVersions": mark})
    return str(made.version)


def _log_report(run: Run, report: Mapping[str, Any]) -> None:
    """The report and its plots at the root of the run's artifacts: only there can MLflow lay runs side by side."""
    plots = draw_plots(report)
    with TemporaryDirectory() as scratch:
        for name, picture in plots.items():
            Path(scratch, name).write_bytes(picture)
        Path(scratch, "report.html").write_text(render_report(report, plots), encoding="utf-8")
        Path(scratch, "report.json").write_text(report_json(report), encoding="utf-8")
        run.client.log_artifacts(run.run_id, scratch)


def _set_alias(registry: Registry, number: str) -> str:
    aliases = registry.client.get_registered_model(registry.model).aliases
    alias = "challenger" if "champion" in aliases else "champion"
    registry.client.set_registered_model_alias(registry.model, alias, number)
    return alias
