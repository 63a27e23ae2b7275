"""The judged rows as sections of a report: the call list, segments, and the age of the leads."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from data.contract import Contract
from data.history import History
from data.spine import micros
from training.capacity import call_list
from training.duel import duel_rows
from training.group_calls import calls_by_group
from training.grouped import Ints, Judgement, Mask, segment_figures
from training.segments import Segment, by_age, by_attributes
from training.testrows import TestRows

SERVED = "blend"
IN_GROUPS = ("prior", "points", SERVED)
"""The models whose figures are shown for every group."""


@dataclass(frozen=True, eq=False)
class JudgedRows:
    """Test rows with their leads as codes from 0, seen at one horizon: the matured rows alone."""

    contract: Contract
    test: TestRows
    codes: Ints
    at: int

    @classmethod
    def of(cls, contract: Contract, test: TestRows, horizon: int | None = None) -> "JudgedRows":
        """The rows at ``horizon`` (microseconds), the primary one unless it is given."""
        asked = contract.ready.primary if horizon is None else horizon
        codes = test.lead_id.dictionary_encode().indices.to_numpy().astype(np.int64)
        return cls(contract, test, codes, contract.ready.horizons.index(asked))

    @property
    def matured(self) -> Mask:
        """Which of the test rows have matured."""
        return self.test.matured[:, self.at]

    @property
    def leads(self) -> pa.Array:
        """The leads of the matured rows."""
        return self.test.lead_id.take(pa.array(np.flatnonzero(self.matured)))

    @property
    def cutoffs(self) -> Ints:
        """The cutoffs of the matured rows."""
        return micros(self.test.cutoff)[self.matured]

    def judgement(self) -> Judgement:
        """What came of the matured rows, and what each model said."""
        rows = self.matured
        said = {name: chance[rows, self.at] for name, chance in self.test.predictions.items()}
        return Judgement(self.codes[rows], self.test.outcome[rows, self.at], said)

    def figures(self, segment: Segment) -> dict[str, Any]:
        """The figures of each group of ``segment``."""
        return segment_figures(segment, self.judgement(), IN_GROUPS, SERVED, self.contract.model.seed)


def sections(
    contract: Contract, history: History, test: TestRows, avoid: Collection[str], share: float
) -> dict[str, Any]:
    """``capacity``, ``segments`` and ``ages`` at the primary horizon; fields to ``avoid`` are no segments by default.

    ``share``: of all rows that the contract asks for, how many are used. Raises ContractError for a segment of the
    contract that leads do not have.
    """
    rows, capacity = JudgedRows.of(contract, test), call_list(contract, history, test, SERVED, share)
    groups = [*by_attributes(contract, history, rows.leads, avoid), by_age(history, rows.leads, rows.cutoffs)]
    *segments, ages = [rows.figures(segment) for segment in groups]
    if capacity is not None:
        _add_calls(rows, history, groups, [*segments, ages], capacity["per_week"])
    return {"capacity": capacity, "segments": segments, "ages": ages}


def _add_calls(
    rows: JudgedRows, history: History, groups: Sequence[Segment], told: Sequence[dict[str, Any]], per_week: float
) -> None:
    """To the figures of each group, as ``calls``: where the one call list of all leads goes."""
    test = rows.test
    asked, kept = duel_rows(test.lead_id, test.cutoff, rows.contract, history)
    place = np.searchsorted(np.flatnonzero(rows.matured), kept)
    masks = np.column_stack([mask[place] for segment in groups for mask in segment.masks.values()])
    said = {name: test.predictions[name][kept, rows.at] for name in (SERVED, "points") if name in test.predictions}
    found = iter(calls_by_group(asked, said, masks, per_week, rows.contract.model.seed))
    for part in told:
        for group in part["groups"]:
            group["calls"] = next(found)
