"""The one place that speaks to MLflow: where versions are kept, and the few calls we make.

The registry is the contract's ``[mlflow] uri``; without one MLflow's own ``MLFLOW_TRACKING_URI``; without either an
SQLite database in the state folder, ``.readiness/mlflow.db``, with its artifacts beside it. MLflow writes absolute
paths into that database, so a state folder that moves loses its artifacts: keep versions that must outlive a move on
a tracking server. Nothing here sets MLflow's global address, so two registries can be open in one process.
"""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit, urlunsplit
from urllib.request import Request, urlopen

from data.contract import Contract
from data.errors import ContractError, ReadinessError

os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")  # MLflow starts its telemetry while it is imported

import mlflow
from mlflow.entities import DatasetInput, Metric, Param, RunTag
from mlflow.exceptions import MlflowException

EMBEDDED_PAGES = "http://127.0.0.1:5000"
"""Where ``readiness ui`` shows the embedded registry."""
PAGE_MODE = "?workflowType=machine_learning"
"""Without it MLflow opens in its mode for language models, where runs and models have other names."""
SERVERS = ("http", "https", "databricks", "databricks-uc")
DATABASES = ("sqlite", "postgresql", "mysql", "mssql")
PARAMS_AT_ONCE = 100
REACH_SECONDS = 5.0


@dataclass(frozen=True)
class Registry:
    """An open registry: its address, the experiment's id, the registered model's name and the address of its pages."""

    uri: str
    experiment_id: str
    model: str
    pages: str
    client: mlflow.MlflowClient

    def run_url(self, run_id: str) -> str:
        """The page of a run; of an embedded registry it is there while ``readiness ui`` runs."""
        return f"{self.pages}/#/experiments/{self.experiment_id}/runs/{run_id}{PAGE_MODE}"

    def model_url(self, number: str) -> str:
        """The page of a version of the registered model."""
        return f"{self.pages}/#/models/{self.model}/versions/{number}{PAGE_MODE}"

    def compare_url(self, run_ids: tuple[str, ...]) -> str:
        """The page that shows runs side by side."""
        runs = ",".join(f"%22{run_id}%22" for run_id in run_ids)
        return f"{self.pages}/#/compare-runs?runs=[{runs}]&experiments=[%22{self.experiment_id}%22]&{PAGE_MODE[1:]}"


def registry_uri(contract: Contract) -> str:
    """The address of the contract's registry, by the rule at the top of this file.

    Raises ContractError for an address that MLflow cannot keep versions at.
    """
    uri = contract.mlflow.uri or os.environ.get("MLFLOW_TRACKING_URI")
    if not uri:
        return f"sqlite:///{(contract.state_folder / 'mlflow.db').resolve().as_posix()}"
    scheme = uri.split(":", 1)[0].split("+", 1)[0] if ":" in uri else uri
    if scheme not in (*SERVERS, *DATABASES):
        raise ContractError(
            f"The MLflow address is {without_password(uri)!r}, a {scheme!r} address. Expected a tracking server "
            "(http://...) or a database (sqlite:///..., postgresql://...). Mend [mlflow] uri, or leave it out."
        )
    return uri


def open_registry(contract: Contract) -> Registry:
    """The registry of ``contract``, its experiment created when it is new.

    Raises ContractError for an impossible address, ReadinessError when it does not answer.
    """
    uri = registry_uri(contract)
    server = urlsplit(uri).scheme in {"http", "https"}
    if server:
        _reach(uri)
    if uri.startswith("sqlite:///"):
        Path(uri.removeprefix("sqlite:///")).parent.mkdir(parents=True, exist_ok=True)
    with told(uri):
        client = mlflow.MlflowClient(tracking_uri=uri, registry_uri=uri)
        # A server decides where its files go. A database alone would put them into the working directory.
        files = None if uri.split(":")[0] in SERVERS else (contract.state_folder / "mlartifacts").resolve().as_uri()
        experiment = _experiment(client, contract.experiment, files)
    pages = uri.rstrip("/") if server else EMBEDDED_PAGES
    return Registry(uri, experiment, f"readiness-{contract.ready.product}", pages, client)


@contextmanager
def told(uri: str) -> Iterator[None]:
    """Turn what MLflow raises into a ReadinessError that says where, what and what to do."""
    try:
        yield
    except MlflowException as error:
        first = str(error).strip().splitlines()[0][:300]
        raise ReadinessError(
            f"MLflow at {without_password(uri)} refused: {first} Expected a registry that this user may write to. "
            "Check [mlflow] uri, the server's log and MLFLOW_TRACKING_USERNAME / _PASSWORD or _TOKEN."
        ) from error


def without_password(uri: str) -> str:
    """``uri`` as it may be shown: a password in it is replaced by stars."""
    parts = urlsplit(uri)
    if parts.password is None:
        return uri
    return urlunsplit(parts._replace(netloc=f"{parts.username}:***@{parts.netloc.rpartition('@')[2]}"))


def log(
    registry: Registry,
    run_id: str,
    *,
    params: Mapping[str, str],
    metrics: list[Metric],
    tags: Mapping[str, str],
    datasets: list[DatasetInput],
) -> None:
    """Write a run's parameters, figures, tags and data sets, in as few calls as MLflow allows."""
    waiting = [Param(key, value) for key, value in params.items()]
    registry.client.log_batch(run_id, metrics, waiting[:PARAMS_AT_ONCE], [RunTag(k, v) for k, v in tags.items()])
    for start in range(PARAMS_AT_ONCE, len(waiting), PARAMS_AT_ONCE):
        registry.client.log_batch(run_id, params=waiting[start : start + PARAMS_AT_ONCE])
    registry.client.log_inputs(run_id, datasets)


def _experiment(client: mlflow.MlflowClient, name: str, files: str | None) -> str:
    """The id of the experiment ``name``. Raises ReadinessError when it was deleted."""
    found = client.get_experiment_by_name(name)
    if found is None:
        try:
            return str(client.create_experiment(name, artifact_location=files))
        except MlflowException:  # someone else may have created it in between; if not, the error is theirs to see
            found = client.get_experiment_by_name(name)
            if found is None:
                raise
    if found.lifecycle_stage != "active":
        raise ReadinessError(
            f"The MLflow experiment {name!r} was deleted. Expected an active one. "
            "Restore it in MLflow, or name another as [mlflow] experiment."
        )
    return str(found.experiment_id)


def _reach(uri: str) -> None:
    """Raise ReadinessError unless something answers at ``uri``: MLflow itself would retry for minutes."""
    try:
        with urlopen(Request(uri, method="HEAD"), timeout=REACH_SECONDS):  # noqa: S310  http and https only
            pass
    except HTTPError as answer:
        answer.close()  # an answer all the same: it may ask for a log-in that MLflow sends
    except (URLError, OSError) as error:
        raise ReadinessError(
            f"No MLflow server answers at {without_password(uri)} ({getattr(error, 'reason', error)}). Expected a "
            "tracking server. Start it, mend [mlflow] uri, or leave uri out to keep versions beside the contract."
        ) from None
