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

import pandas as pd
import pyarrow as pa
from models.bundle import Bundle

from data.clock import format_duration
from training.tracking import LoggedModel, Run, mlflow

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
    return run.client.finalize_logged_model(logged.model_id, "READY")


def signature(names: tuple[str, ...], horizons: tuple[int, ...]) -> mlflow.models.ModelSignature:
    """Columns in by name, each a number that may be null; a column out for each horizon, and the index."""
    Schema, ColSpec = mlflow.types.Schema, mlflow.types.ColSpec
    answers = [*(f"readiness_{format_duration(h)}" for h in horizons), "index"]
    return mlflow.models.ModelSignature(
        inputs=Schema([ColSpec("double", name) for name in names]),
        outputs=Schema([ColSpec("double", name) for name in answers]),
    )


def _save(local: Path, card: mlflow.models.Model, folder: Path, bundle: Bundle, reference: pa.Table) -> None:
    names = tuple(bundle.feature_set.names)
    mlflow.pyfunc.save_model(
        local,
        mlflow_model=card,
        python_model=str(Path(__file__).with_name("pyfunc_model.py")),
        artifacts={BUNDLE: str(folder)},
        code_paths=[_sources(room) for room in ROOMS],
        signature=signature(names, bundle.model.horizons),
        input_example=_example(reference, names),
        pip_requirements=[f"{name}=={version(name)}" for name in REQUIREMENTS],
    )


def _example(reference: pa.Table, names: tuple[str, ...]) -> pd.DataFrame:
    rows = reference.slice(0, EXAMPLE_ROWS)
    return pd.DataFrame({name: rows[name].to_numpy().astype("float64") for name in names})


def _sources(room: str) -> str:
    spec = find_spec(room)
    if spec is None or not spec.submodule_search_locations:
        raise ModuleNotFoundError(room)
    return spec.submodule_search_locations[0]
