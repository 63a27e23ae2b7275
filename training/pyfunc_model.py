"""What MLflow runs when its own tools load a version: the bundle's model over a table of features.

MLflow copies this file beside the bundle and the rooms it imports, and executes it: it is for analysts and for MLflow's
own tools. The scoring service never loads through MLflow; it takes the bundle's files alone.
"""

from pathlib import Path
from typing import Any

import mlflow.models
import numpy as np
import numpy.typing as npt
import pandas as pd
from mlflow.pyfunc.model import PythonModel, PythonModelContext

from data.clock import format_duration
from features.vocabulary import levels_key
from models.bundle import Bundle, read_bundle
from models.index import index_of


class BundleModel(PythonModel):
    """The model of one bundle as MLflow's pyfunc."""

    bundle: Bundle

    def load_context(self, context: PythonModelContext) -> None:
        """Read and verify the bundle that was logged with this file. Raises BundleError when it is damaged."""
        self.bundle = read_bundle(Path(context.artifacts["bundle"]))

    def predict(
        self,
        context: PythonModelContext,  # noqa: ARG002  MLflow passes it by this name
        model_input: pd.DataFrame,
        params: dict[str, Any] | None = None,  # noqa: ARG002  likewise
    ) -> pd.DataFrame:
        """Readiness for each horizon, such as ``readiness_90d``, and the ``index``, for each row of features.

        Columns are taken by name, in any order; a category as its text or its code, a null as None or NaN.
        """
        model, scale = self.bundle.model, self.bundle.contract.index
        chances = model.predict(self._matrix(model_input))
        columns = {f"readiness_{format_duration(h)}": chances[:, at] for at, h in enumerate(model.horizons)}
        primary = chances[:, model.horizons.index(model.primary)]
        columns["index"] = np.array([index_of(float(chance), scale) for chance in primary])
        return pd.DataFrame(columns, index=model_input.index)

    def _matrix(self, table: pd.DataFrame) -> npt.NDArray[np.float32]:
        """(rows, features) as the model takes them: float32, C order, categories as their codes."""
        features = self.bundle.feature_set
        matrix = np.empty((len(table), len(features)), np.float32)
        for at, feature in enumerate(features):
            column, key = table[feature.name], levels_key(feature)
            coded = key is None or pd.api.types.is_numeric_dtype(column)
            values = column.to_numpy(np.float32, na_value=np.nan) if coded else self._codes(str(key), column)
            matrix[:, at] = values
        return matrix

    def _codes(self, key: str, column: pd.Series) -> list[float]:
        return [self.bundle.vocabulary.code(key, None if pd.isna(value) else value) for value in column]


mlflow.models.set_model(BundleModel())
