"""The hidden states of a lead.

A lead walks along unaware - interested - evaluating - ready and may fall back or die. ``dead`` will be recorded as
lost some day, ``silent`` is dead and never recorded: both stay open in the company's books. ``bought`` is recorded as
won at the moment of entry. The first ``OPEN`` states are those of an open lead; the others close it.
"""

import numpy as np
import numpy.typing as npt

UNAWARE, INTERESTED, EVALUATING, READY, DEAD, SILENT, BOUGHT, LOST = range(8)

STATES = ("unaware", "interested", "evaluating", "ready", "dead", "silent", "bought", "lost")

ALIVE = 4
"""Unaware to ready: the first four."""
OPEN = 6
"""Unaware to silent: the first six."""

Floats = npt.NDArray[np.float64]
Micros = npt.NDArray[np.int64]
Codes = npt.NDArray[np.int16]
Bools = npt.NDArray[np.bool_]


def code(state: str) -> int:
    """The place of a state among ``STATES``. Raises ValueError for a state that is not there."""
    return STATES.index(state)
