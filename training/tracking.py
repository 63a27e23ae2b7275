"""The one door to MLflow: an open registry, a run in it, and what every call shares.

The rest of the room takes MLflow from here and never imports it, because its telemetry must be off before its import.
MLflow's global address is never set, so that two registries can be open in one process.
"""

import logging
import os
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

from sqlalchemy.exc import SQLAlchemyError

from data.contract import Contract
from data.errors import ReadinessError
from training.address import EMBEDDED_PAGES, PAGE_MODE, SERVERS, SQLITE, registry_uri, without_password

os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")  # MLflow starts its telemetry while it is imported
os.environ.setdefault("MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", "true")  # stdout is for answers, which machines read
os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")  # the verbs tell of progress in their own way

with warnings.catch_warnings():  # in a notebook MLflow's progress bars ask for widgets, while it is imported
    warnings.filterwarnings("ignore", message="IProgress not found")
    import mlflow
from mlflow.entities import Dataset, DatasetInput, InputTag, LoggedModel, LoggedModelOutput, Metric, Param
from mlflow.entities.model_registry import ModelVersion
from mlflow.exceptions import MlflowException
from mlflow.types import ColSpec, DataType, Schema, TensorSpec
from mlflow.types.schema import AnyType

__all__ = [
    "AnyType",
    "ColSpec",
    "DataType",
    "Dataset",
    "DatasetInput",
    "InputTag",
    "LoggedModel",
    "LoggedModelOutput",
    "Metric",
    "MlflowException",
    "ModelVersion",
    "Registry",
    "Run",
    "Schema",
    "TensorSpec",
    "log",
    "mlflow",
    "open_experiment",
    "open_registry",
    "start_run",
    "told",
]

for _chatty in ("mlflow.store", "mlflow.pyfunc"):  # they tell of every table made and every example checked
    logging.getLogger(_chatty).setLevel(logging.WARNING)

PARAMS_AT_ONCE = 100
REACH_SECONDS = 5.0


@dataclass(frozen=True)
class Registry:
    """An open registry: its address, the registered model's name, the address of its pages, MLflow's client."""

    uri: str
    model: str
    pages: str
    client: mlflow.MlflowClient

    def model_url(self, number: str) -> str:
        """The page of a version of the registered model."""
        return f"{self.pages}/#/models/{self.model}/versions/{number}{PAGE_MODE}"


@dataclass(frozen=True)
class Run:
    """A run in a registry: where, its own name, and the tags it shares with its model and its version."""

    registry: Registry
    experiment_id: str
    run_id: str
    name: str
    tags: Mapping[str, str]

    @property
    def client(self) -> mlflow.MlflowClient:
        """MLflow's client of the run's registry."""
        return self.registry.client

    @property
    def url(self) -> str:
        """The page of the run; of an embedded registry it is there while ``readiness ui`` runs."""
        return f"{self.registry.pages}/#/experiments/{self.experiment_id}/runs/{self.run_id}{PAGE_MODE}"


def open_registry(contract: Contract) -> Registry:
    """The registry of ``contract``. Raises ContractError for an impossible address, ReadinessError for a silent one."""
    uri = registry_uri(contract)
    server = urlsplit(uri).scheme in {"http", "https"}
    if server:
        _reach(uri)
    with told(uri):
        if uri.startswith(SQLITE):
            _make_database(Path(uri.removeprefix(SQLITE)))
        client = mlflow.MlflowClient(tracking_uri=uri, registry_uri=uri)
    pages = uri.rstrip("/") if server else EMBEDDED_PAGES
    return Registry(uri, f"readiness-{contract.ready.product}", pages, client)


def open_experiment(registry: Registry, contract: Contract) -> str:
    """The id of the contract's experiment, created when it is new. Raises ReadinessError when it was deleted."""
    found = registry.client.get_experiment_by_name(contract.experiment)
    if found is None:
        # A server decides where its files go. A database alone would put them into the working directory.
        own = (contract.state_folder / "mlartifacts").resolve().as_uri()
        files = None if registry.uri.split(":")[0] in SERVERS else own
        try:
            return str(registry.client.create_experiment(contract.experiment, artifact_location=files))
        except MlflowException:  # someone else may have created it in between; if not, the error is for all to see
            found = registry.client.get_experiment_by_name(contract.experiment)
            if found is None:
                raise
    if found.lifecycle_stage != "active":
        raise ReadinessError(
            f"The MLflow experiment {contract.experiment!r} was deleted. Expected an active one. "
            "Restore it in MLflow, or name another as [mlflow] experiment."
        )
    return str(found.experiment_id)


@contextmanager
def told(uri: str) -> Iterator[None]:
    """Turn what MLflow raises into a ReadinessError that says where, what and what to do."""
    try:
        yield
    except (MlflowException, SQLAlchemyError) as error:
        first = str(error).strip().splitlines()[0][:300]
        raise ReadinessError(
            f"MLflow at {without_password(uri)} refused: {first} Expected a registry that this user may write to. "
            "Check [mlflow] uri, the server's log and MLFLOW_TRACKING_USERNAME / _PASSWORD or _TOKEN."
        ) from error


@contextmanager
def start_run(registry: Registry, experiment_id: str, name: str, tags: Mapping[str, str]) -> Iterator[Run]:
    """A new run that ends as finished, or as failed when the body raises."""
    run_id = registry.client.create_run(experiment_id, run_name=name, tags=dict(tags)).info.run_id
    try:
        yield Run(registry, experiment_id, run_id, name, tags)
    except BaseException:
        registry.client.set_terminated(run_id, "FAILED")
        raise
    registry.client.set_terminated(run_id, "FINISHED")


def log(run: Run, params: Mapping[str, str], metrics: Sequence[Metric], datasets: Sequence[DatasetInput]) -> None:
    """Write a run's parameters, metrics and data sets, in as few calls as MLflow allows."""
    waiting = [Param(key, value) for key, value in params.items()]
    run.client.log_batch(run.run_id, metrics, waiting[:PARAMS_AT_ONCE])
    for start in range(PARAMS_AT_ONCE, len(waiting), PARAMS_AT_ONCE):
        run.client.log_batch(run.run_id, params=waiting[start : start + PARAMS_AT_ONCE])
    run.client.log_inputs(run.run_id, datasets)


def _make_database(path: Path) -> None:
    """Make an SQLite database with MLflow's tables at ``path`` unless one is there.

    Two processes that let MLflow make the tables of one file at the same time break each other. So each makes a file
    of its own, and the first to link it to ``path`` wins.
    """
    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=path.parent, prefix=".making-") as scratch:
        own = Path(scratch) / path.name
        mlflow.MlflowClient(tracking_uri=f"{SQLITE}{own}", registry_uri=f"{SQLITE}{own}")
        with suppress(FileExistsError):
            path.hardlink_to(own)


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
