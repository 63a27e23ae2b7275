"""Outcomes, horizons and thresholds that could be agreed on."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from data.clock import WEEK
from data.contract import Contract
from data.errors import ContractError
from data.history import History
from data.sections import Ready
from data.spine import Micros
from training.comparing.people import DEFAULT_SHARE

LEAST_OUTCOMES = 20
"""An outcome that fewer leads had is no candidate unless it is asked for."""
VOLUMES = (0.5, 1.0, 2.0)
"""Thresholds are set for these multiples of what sales can work."""


@dataclass(frozen=True)
class Choices:
    """What is asked about; empty: what the contract and the facts suggest. Horizons in microseconds."""

    outcomes: Sequence[str] = ()
    horizons: Sequence[int] = ()
    thresholds: Sequence[float] = ()


def candidate_outcomes(contract: Contract, history: History, asked: Sequence[str]) -> list[str]:
    """Those asked for, else those of the contract and every other kind that enough leads had and that closes none.

    Raises ContractError for a kind that no lead ever had.
    """
    leads = {
        row["kind"]: row["lead_id_count_distinct"]
        for row in history.outcomes.group_by("kind").aggregate([("lead_id", "count_distinct")]).to_pylist()
    }
    missing = [kind for kind in asked if kind not in leads]
    if missing:
        raise ContractError(
            f"{len(missing)} outcomes are in no row (first: {missing[0]!r}). "
            f"Expected some of: {', '.join(sorted(leads))}."
        )
    others = [
        kind
        for kind, count in sorted(leads.items())
        if kind not in {*contract.ready.outcome, *contract.ready.terminal} and count >= LEAST_OUTCOMES
    ]
    return list(dict.fromkeys(asked or [*contract.ready.outcome, *others]))


def ready_for(contract: Contract, outcome: str, horizons: Sequence[int]) -> Ready:
    """The definition of ready with another outcome and these horizons; an outcome that may not repeat closes a lead."""
    agreed = contract.ready
    terminal = agreed.terminal if agreed.repeatable else tuple(dict.fromkeys([*agreed.terminal, outcome]))
    found = sorted(set(horizons or agreed.horizons))
    primary = agreed.primary if agreed.primary in found else found[-1]
    new = {"outcome": (outcome,), "terminal": terminal, "horizons": tuple(found), "primary": primary}
    return Ready.model_validate({**agreed.model_dump(), **new})


def weekly_capacity(contract: Contract, leads: pa.ChunkedArray, weeks: float) -> float:
    """What sales can work in a week: the contract's capacity, else a tenth of the leads spread over the weeks."""
    agreed = contract.policy.capacity_per_week
    return agreed if agreed is not None else max(float(pc.count_distinct(leads).as_py()) * DEFAULT_SHARE / weeks, 1.0)


def weeks_of(cutoffs: Micros) -> float:
    """How many weeks the cutoffs span; at least one."""
    return max(float(np.ptp(cutoffs)) / WEEK, 1.0) if len(cutoffs) else 1.0
