"""The linear model as a value: what logistic regression learned, in a form that scores by itself.

Numbers enter on a signed log scale, standardised and kept within what training saw; a missing number stands at the
mean and has a term of its own; each category level has a term. ``coefficients`` has one column for each hazard bin.
"""

import json
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from data.errors import BundleError
from models import numerics
from models.numerics import Floats, Ints, Matrix, Terms

_FIELDS = ("features", "operations", "levels", "means", "scales", "lows", "highs", "coefficients", "intercepts")


@dataclass(frozen=True, eq=False)
class LinearModel:
    """Terms (T) over features, and (T, bins) coefficients with (bins,) intercepts, all in log-odds."""

    features: Ints
    operations: Ints
    levels: Floats
    means: Floats
    scales: Floats
    lows: Floats
    highs: Floats
    coefficients: Floats
    intercepts: Floats

    @cached_property
    def terms(self) -> Terms:
        """The terms alone, as the compiled code takes them."""
        return Terms(self.features, self.operations, self.levels, self.means, self.scales, self.lows, self.highs)

    def logits(self, matrix: Matrix) -> Floats:
        """(n, bins) hazard logits of the rows of ``matrix`` (n, features)."""
        return np.asarray(
            numerics.linear_logits(
                matrix,
                self.terms,
                self.coefficients,
                self.intercepts,
            )
        )

    def to_json(self) -> bytes:
        """The model as JSON; floats keep every bit."""
        return json.dumps({name: getattr(self, name).tolist() for name in _FIELDS}, allow_nan=False).encode()

    @classmethod
    def from_json(cls, text: bytes) -> "LinearModel":
        """The model that ``to_json`` wrote. Raises BundleError when it is not one."""
        try:
            raw = json.loads(text)
            arrays: dict[str, Any] = {name: _array(name, raw[name]) for name in _FIELDS}
        except (ValueError, KeyError, TypeError, OverflowError) as error:
            raise BundleError(
                f"linear.json is not a linear model ({error}). Take the bundle from its registry again."
            ) from None
        model = cls(**arrays)
        _require_consistent(model)
        return model


def _array(name: str, values: list[float]) -> npt.NDArray[Any]:
    kind = np.int64 if name in {"features", "operations"} else np.float64
    array: npt.NDArray[Any] = np.array(values, kind)
    if name == "coefficients" and array.size == 0:
        array = array.reshape(0, 0)
    if not np.isfinite(array).all():
        raise ValueError(f"{name} is not finite")
    return array


def _require_consistent(model: LinearModel) -> None:
    terms = len(model.features)
    columns = (model.operations, model.levels, model.means, model.scales, model.lows, model.highs)
    fits = (
        all(column.shape == (terms,) for column in columns)
        and model.intercepts.ndim == 1
        and (model.coefficients.shape == (terms, len(model.intercepts)) or terms == 0)
        and bool(np.isin(model.operations, (numerics.LOG, numerics.MISSING, numerics.LEVEL)).all())
        and bool((model.features >= 0).all())
        and bool((model.scales > 0).all())
        and bool((model.lows <= model.highs).all())
    )
    if not fits:
        raise BundleError(
            "linear.json contradicts itself (lengths, operations, scales or bounds). "
            "Take the bundle from its registry again."
        )
