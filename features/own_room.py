"""Memory for one lead's own facts and its one row, as compiled code reads and writes it.

What comes with each lead is written to Python's arrays and read as NumPy's: for a few numbers NumPy's way to write
takes long, and takes the caches from all the rest.
"""

from array import array
from collections.abc import Sequence

import numpy as np

from features.block import scratch
from features.kernel import CHANGE_STOP, EVENT_STOP, Arrays
from features.plan import Plan
from features.reading import NAN

Changed = tuple[int, str, int, float]
"""A change: when it became known, the text by which those known at once stand, which attribute it is of, the value."""
_ONE_ROW = (0, 0, 0, 0, 0, 0, 1)
"""The group of one entity's one row, without events and changes: see ``kernel.ENTITY``."""
_CUTOFF, _CREATED = len(_ONE_ROW), len(_ONE_ROW) + 2
"""Where the cutoff stands behind it, and when the lead was created; between them where the row goes: the first."""


class Room:
    """Memory for so many ``events``, and changes; texts of a column have at most ``known`` codes of their own.

    ``work`` is for ``own_kernel.encode_own``, ``read`` and ``scratch`` for ``kernel.compute_rows``; ``fixed``: the
    attributes known from the start, NaN until they are told.
    """

    def __init__(self, plan: Plan, known: int, events: int) -> None:
        self.events, width = events, len(plan.attributes)
        record = np.empty((events, plan.width), np.int64)
        reals = record.view(np.float64)
        self.work: Arrays = record, reals, np.empty(known + events, np.int64), np.empty(events, np.int64)
        self.fixed = array("d", [NAN] * width)
        self._told = array("q", [*_ONE_ROW, 0, 0, 0])
        self._changes = array("q", [0] * events), array("i", [0] * events), array("d", [0.0] * events)
        told = _seen(self._told)
        moments, fields, values = [_seen(memory) for memory in self._changes]
        group, (cutoff, row_out, created) = told[:_CUTOFF].reshape(1, -1), told[_CUTOFF:].reshape(3, 1)
        row = cutoff, row_out, created, _seen(self.fixed).reshape(1, width)
        self.read: Arrays = (group, record, reals, *row, moments, fields, values)
        self.scratch = scratch(plan, events, 1)

    def tell(self, events: int, created: int, cutoff: int, changes: Sequence[Changed]) -> None:
        """What ``compute_rows`` reads besides the records and what is fixed."""
        told = self._told
        told[EVENT_STOP], told[CHANGE_STOP], told[_CUTOFF], told[_CREATED] = events, len(changes), cutoff, created
        moments, fields, values = self._changes
        for k, (known_at, _, field, value) in enumerate(changes):
            moments[k], fields[k], values[k] = known_at, field, value


def _seen(memory: "array[int] | array[float]") -> np.ndarray[tuple[int], np.dtype[np.generic]]:
    """The memory of an array as NumPy sees it; it does so of none where there is nothing."""
    return np.frombuffer(memory, memory.typecode) if memory else np.empty(0, memory.typecode)
