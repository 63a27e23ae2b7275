"""The bundle as MLflow's logged model: code and text, never a pickle, so that MLflow's own tools can load and serve it.

The folder holds the bundle, ``training/pyfunc_model.py`` and the sources of the rooms it imports (``data``,
``features``, ``models``), so it needs this project's dependencies but not the project itself. In a process that has
already imported those rooms, the imported ones are used.
"""

import shutil
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pandas as pd
import pyarrow as pa

from data.clock import format_duration
from features.feature_set import FeatureSet
from models.bundle import Bundle
from training.tracking import (
    AnyType,
    ColSpec,
    DataType,
    LoggedModel,
    LoggedModelOutput,
    Run,
    Schema,
    TensorSpec,
    mlflow,
)

ROOMS = ("data", "features", "models")
REQUIREMENTS = ("mlflow", "numpy", "numba", "lightgbm", "pandas", "pyarrow", "pydantic")
EXAMPLE_ROWS = 3
BUNDLE = "bundle"
"""The folder of the bundle among the artifacts, whatever it is called where it lies."""


def log_bundle_model(run: Run, folder: Path, bundle: Bundle, reference: pa.Table) -> LoggedModel:
    """Log the bundle in ``folder`` as the run's model, by the run's name.

    ``reference`` has rows of features, a column for each by its name; the first few become the input example.
    """
    logged = run.client.create_logged_model(
        run.experiment_id, run.name, source_run_id=run.run_id, tags=dict(run.tags), model_type="readiness"
    )
    try:
        with TemporaryDirectory() as scratch:
            local, known_as = Path(scratch) / "model", logged.model_id
            card = mlflow.models.Model(logged.artifact_location, run.run_id, model_uuid=known_as, model_id=known_as)
            _save(local, card, shutil.copytree(folder, Path(scratch) / BUNDLE), bundle, reference)
            run.client.log_model_artifacts(known_as, str(local))
    except BaseException:
        run.client.finalize_logged_model(logged.model_id, "FAILED")
        raise
    run.client.log_outputs(run.run_id, [LoggedModelOutput(logged.model_id, 0)])
    return run.client.finalize_logged_model(logged.model_id, "READY")


def signature(features: FeatureSet, horizons: tuple[int, ...]) -> mlflow.models.ModelSignature:
    """Columns in by name, numbers and texts that may be null; a column out for each horizon, and the index.

    A category is of any type: MLflow 3.17 refuses pandas' own categoricals for ``string``.
    """
    types: dict[str, Any] = {"number": DataType.double, "category": AnyType()}  # type: ignore[no-untyped-call]
    asked: list[ColSpec | TensorSpec] = [ColSpec(types[feature.dtype], feature.name) for feature in features]
    answers = [*(f"readiness_{format_duration(h)}" for h in horizons), "index"]
    told: list[ColSpec | TensorSpec] = [ColSpec(DataType.double, name) for name in answers]
    return mlflow.models.ModelSignature(Schema(asked), Schema(told))


def _save(local: Path, card: mlflow.models.Model, folder: Path, bundle: Bundle, reference: pa.Table) -> None:
    mlflow.pyfunc.save_model(
        local,
        mlflow_model=card,
        python_model=str(Path(__file__).with_name("pyfunc_model.py")),
        artifacts={BUNDLE: str(folder)},
        code_paths=[_sources(room) for room in ROOMS],
        signature=signature(bundle.feature_set, bundle.model.horizons),
        input_example=_example(reference, bundle.feature_set),
        pip_requirements=[f"{name}=={version(name)}" for name in REQUIREMENTS],
    )


def _example(reference: pa.Table, features: FeatureSet) -> pd.DataFrame:
    """The first rows of ``reference`` in the types of the signature."""
    rows = reference.slice(0, EXAMPLE_ROWS)
    types = {"number": "float64", "category": "object"}
    example = pd.DataFrame({f.name: pd.Series(rows[f.name].to_pylist(), dtype=types[f.dtype]) for f in features})
    # MLflow 3.17 compares column names with a range, of which pandas 3 warns unless they are plain objects.
    return example.set_axis(pd.Index(features.names, dtype="object"), axis="columns")


def _sources(room: str) -> str:
    spec = find_spec(room)
    if spec is None or not spec.submodule_search_locations:
        raise ModuleNotFoundError(room)
    return spec.submodule_search_locations[0]
