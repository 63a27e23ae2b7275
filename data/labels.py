"""What came next: the answer to every horizon of a spine, from one pass, and how long we could watch.

An outcome answers the question asked at *c* for horizon *h* when ``c <= occurred_at < c + h``. A row is *matured* for
*h* when ``c + h + reporting lag <= end of the history``; otherwise it is *censored*, and never a silent 0.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from data.clock import format_duration, iso
from data.errors import NotMaturedError
from data.history import History
from data.sections import Ready
from data.spine import NEVER, Micros, micros, positions


@dataclass(frozen=True)
class Labels:
    """For each of n spine rows: microseconds to the next outcome (NEVER: none seen) and microseconds watched."""

    time_to_outcome: Micros
    watched: Micros

    def outcome(self, horizon: int) -> npt.NDArray[np.bool_]:
        """Whether an outcome was seen within ``horizon``; to be believed only where ``matured``."""
        return self.time_to_outcome < horizon

    def matured(self, horizon: int) -> npt.NDArray[np.bool_]:
        """Whether the horizon and the reporting lag have passed."""
        return self.watched >= horizon

    def take(self, rows: npt.NDArray[np.int64] | npt.NDArray[np.bool_]) -> "Labels":
        """The labels of some of the rows."""
        return Labels(self.time_to_outcome[rows], self.watched[rows])

    def require_matured(self, horizon: int, ends_at: int) -> None:
        """Raises NotMaturedError unless every row has matured for ``horizon``."""
        missing = int((~self.matured(horizon)).sum())
        if missing:
            raise NotMaturedError(
                f"{missing} of {len(self.watched)} rows cannot be answered yet: {format_duration(horizon)} and the "
                f"reporting lag reach beyond the end of the history, {iso(ends_at)}. Ask about earlier cutoffs."
            )


def label(history: History, spine: pa.Table, ready: Ready) -> Labels:
    """The labels of ``spine`` (columns lead_id, cutoff; n rows) under the contract's definition of ready."""
    ids = history.leads["lead_id"]
    wanted = history.outcomes.filter(pc.is_in(history.outcomes["kind"], pa.array(ready.outcome, pa.string())))
    cutoffs = micros(spine["cutoff"])
    following = next_after(
        positions(spine["lead_id"], ids), cutoffs, positions(wanted["lead_id"], ids), micros(wanted["occurred_at"])
    )
    time_to = np.where(following == NEVER, NEVER, following - cutoffs)
    return Labels(time_to, history.ends_at - ready.reporting_lag - cutoffs)


def next_after(leads: Micros, cutoffs: Micros, outcome_leads: Micros, outcome_times: Micros) -> Micros:
    """The first outcome of the same lead at or after each cutoff; NEVER where there is none.

    Lead and time are folded into one sortable number: times are replaced by their rank, so that it fits 64 bits.
    """
    times = np.unique(np.concatenate([cutoffs, outcome_times]))
    width = len(times) + 1
    keys = outcome_leads * width + np.searchsorted(times, outcome_times)
    order = np.argsort(keys)
    found = np.searchsorted(keys[order], leads * width + np.searchsorted(times, cutoffs))
    inside = np.minimum(found, max(len(keys) - 1, 0))
    if not len(keys):
        return np.full(len(leads), NEVER, np.int64)
    same = (found < len(keys)) & (outcome_leads[order][inside] == leads)
    return np.where(same, outcome_times[order][inside], NEVER)
