"""The evidence of many leads at many moments: the counts of ``Evidence.seen``, by a compiled walk over the events."""

import numba
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from data.clock import DAY
from data.history import History
from data.spine import micros, positions

Ints = npt.NDArray[np.int64]


def evidence_rows(history: History, spine: pa.Table, window: int) -> Ints:
    """(n, 3) kinds, days and quiet_since of ``Evidence`` for the n rows of ``spine`` (lead_id, cutoff).

    ``window`` in microseconds. Raises SchemaError when the spine names an unknown lead.
    """
    ids = history.leads["lead_id"]
    row_lead, cutoff = positions(spine["lead_id"], ids), micros(spine["cutoff"])
    own = history.events.filter(pc.equal(history.events["actor"], "lead"))
    lead, occurred = positions(own["lead_id"], ids), micros(own["occurred_at"])
    order = np.lexsort((occurred, lead))
    kinds = pc.unique(own["kind"])
    kind = np.asarray(pc.index_in(own["kind"], value_set=kinds).to_numpy(), np.int64)[order]
    out = np.empty((len(row_lead), 3), np.int64)
    out[:, 2] = micros(history.leads["created_at"])[row_lead]
    first = np.searchsorted(lead[order], np.arange(len(ids) + 1))
    _count(row_lead, cutoff, window, first, occurred[order], micros(own["known_at"])[order], kind, len(kinds), out)
    return out


@numba.njit(cache=True, nogil=True)
def _count(
    row_lead: Ints,
    cutoff: Ints,
    window: int,
    first: Ints,
    occurred: Ints,
    known: Ints,
    kind: Ints,
    kinds: int,
    out: Ints,
) -> None:
    """Fill ``out`` (n, 3); the events of lead i are ``first[i]`` to ``first[i + 1]``, in order of occurred_at."""
    met = np.full(kinds, -1, np.int64)  # the last row that met each kind
    for row in range(len(row_lead)):
        lead, now = row_lead[row], cutoff[row]
        found = days = 0
        last_day = np.int64(-1) << 60
        for event in range(first[lead], first[lead + 1]):
            if occurred[event] >= now:
                break
            if known[event] >= now:
                continue
            out[row, 2] = occurred[event]
            if occurred[event] < now - window:
                continue
            if met[kind[event]] != row:
                met[kind[event]] = row
                found += 1
            if occurred[event] // DAY != last_day:
                last_day = occurred[event] // DAY
                days += 1
        out[row, 0], out[row, 1] = found, days
