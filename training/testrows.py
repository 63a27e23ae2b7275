"""What was only judged on, as a value."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from models.numerics import Floats


@dataclass(frozen=True, eq=False)
class TestRows:
    """Rows that no model learned from: n leads and cutoffs, what came (n, H), and what each model said (n, H)."""

    __test__ = False  # pytest would take the name for a test class

    lead_id: pa.Array
    cutoff: pa.Array
    outcome: npt.NDArray[np.bool_]
    matured: npt.NDArray[np.bool_]
    predictions: dict[str, Floats]
