"""What MLflow runs when its own tools load a version: the bundle's model over a table of features.

MLflow copies this file beside the bundle and the rooms it imports, and executes it: it is for analysts and for MLflow's
own tools. The scoring service never loads through MLflow; it takes the bundle's files alone.
"""

from pathlib import Path
from typing import Any

import mlflow.models
import numpy as np
import pandas as pd
from mlflow.pyfunc.model import PythonModel, PythonModelContext
from models.bundle import Bundle, read_bundle
from models.index import index_of

from data.clock import format_duration


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

        Columns are taken by name, in any order; categories as the codes of the bundle's vocabulary, nulls as NaN.
        """
        matrix = np.ascontiguousarray(
            model_input[list(self.bundle.feature_set.names)].to_numpy(np.float32, na_value=np.nan)
        )
        model = self.bundle.model
        chances = model.predict(matrix)
        columns = {f"readiness_{format_duration(h)}": chances[:, at] for at, h in enumerate(model.horizons)}
        columns["index"] = index_of(chances[:, model.horizons.index(model.primary)], self.bundle.contract.index)
        return pd.DataFrame(columns, index=model_input.index)


mlflow.models.set_model(BundleModel())
