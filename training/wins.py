"""Outcomes counted once: a lead that is asked about every week has many rows that lead up to the same win."""

import numpy as np
import numpy.typing as npt

from data.spine import NEVER
from training.folds import Ground


def count_wins(
    leads: npt.NDArray[np.object_], cutoffs: npt.NDArray[np.int64], time_to_outcome: npt.NDArray[np.int64]
) -> int:
    """How many different outcomes (lead and moment) the n rows lead up to; a row of NEVER leads up to none."""
    came = time_to_outcome != NEVER
    moments = cutoffs[came] + time_to_outcome[came]
    return len(set(zip(leads[came].tolist(), moments.tolist(), strict=True)))


def wins_learned(ground: Ground) -> int:
    """How many different outcomes the hazard cells of ``ground`` hold."""
    cells = ground.cells(np.arange(len(ground.cutoffs)))
    rows = np.unique(cells.rows[cells.outcome == 1])
    return count_wins(ground.leads[rows], ground.cutoffs[rows], ground.labels.time_to_outcome[rows])
