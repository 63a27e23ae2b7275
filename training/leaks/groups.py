"""Leads by what had become of them when the export was made: won, lost, touched, or open and left alone."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from data.history import History
from data.sections import Ready
from data.spine import NEVER, Micros, micros, positions

Mask = npt.NDArray[np.bool_]

WORKED_AMONG_YOUNG = 0.25
"""The young are so young that, if there are any such, at most this share of them has been touched or closed."""
MOST_YOUNG = 0.25
"""No more than this share of the leads counts as young."""
COHORTS = 12
"""Leads of about the same age are compared: so many groups by creation, fewer where they would be small."""
COHORT = 100
"""So many leads make a cohort at the least."""
LEAST = 20
"""A share of fewer leads than this says nothing."""


@dataclass(frozen=True, eq=False)
class Groups:
    """For n leads, in the order of the leads table: when they came (microseconds), and what became of them by the end.

    ``outcome_at`` (won or lost) and ``touched_at`` are NEVER where there was none. ``young`` are the youngest, on whom
    hardly anybody had worked; none where there are too few leads to tell.
    """

    created: Micros
    outcome_at: Micros
    touched_at: Micros
    won: Mask
    lost: Mask
    young: Mask
    cohort: npt.NDArray[np.int64]
    ends_at: int

    @property
    def touched(self) -> Mask:
        """Open leads that sales has touched."""
        return np.asarray((self.touched_at != NEVER) & ~self.won & ~self.lost)

    @property
    def alone(self) -> Mask:
        """Open leads that nobody has touched."""
        return np.asarray((self.touched_at == NEVER) & ~self.won & ~self.lost)


def group_leads(history: History, ready: Ready) -> Groups:
    """The groups at the end of ``history``.

    Only what came after the creation of a lead counts: an outcome at that very moment is how some leads are made.
    """
    ids, created = history.leads["lead_id"], micros(history.leads["created_at"])
    kinds = history.outcomes["kind"]
    won_at = _first(ids, history.outcomes.filter(pc.is_in(kinds, pa.array(ready.outcome, pa.string()))), created)
    other = [kind for kind in ready.terminal if kind not in ready.outcome]
    lost_at = _first(ids, history.outcomes.filter(pc.is_in(kinds, pa.array(other, pa.string()))), created)
    touched_at = _first(ids, history.events.filter(pc.equal(history.events["actor"], "sales")), created)
    won, lost = won_at != NEVER, (lost_at != NEVER) & (won_at == NEVER)
    worked = won | lost | (touched_at != NEVER)
    return Groups(
        created,
        np.minimum(won_at, lost_at),
        touched_at,
        won,
        lost,
        _young(created, worked),
        _cohorts(created),
        history.ends_at,
    )


def _first(ids: pa.ChunkedArray, rows: pa.Table, created: Micros) -> Micros:
    """When each lead had the first of ``rows`` after its creation."""
    first = np.full(len(ids), NEVER, np.int64)
    lead, at = positions(rows["lead_id"], ids), micros(rows["occurred_at"])
    later = at > created[lead]
    np.minimum.at(first, lead[later], at[later])
    return first


def _young(created: Micros, worked: Mask) -> Mask:
    """The youngest leads: as many as there are while few have been worked on, or the time when the fewest had been."""
    young = np.zeros(len(created), bool)
    order = np.argsort(-created, kind="stable")
    share = (np.cumsum(worked[order]) / np.arange(1, len(order) + 1))[: int(MOST_YOUNG * len(order))]
    if len(share) < LEAST:
        return young
    few = np.flatnonzero(share[LEAST - 1 :] <= WORKED_AMONG_YOUNG)
    last = few[-1] if len(few) else int(np.argmin(share[LEAST - 1 :]))
    young[order[: last + LEAST]] = True
    return young


def _cohorts(created: Micros) -> npt.NDArray[np.int64]:
    """The number of each lead's cohort, cohorts of equal size by creation."""
    rank = np.empty(len(created), np.int64)
    rank[np.argsort(created, kind="stable")] = np.arange(len(created))
    count = int(np.clip(len(created) // COHORT, 1, COHORTS))
    return rank * count // max(len(created), 1)
