"""A lead's change between two dates with a promotion in between: what the lead did, and what the model did.

Four answers are there: what the old model (a) and the new one (b) say of the lead at the earlier date (0) and at the
later one (1). What people see is ``b1 - a0``. Each part is the mean over the two orders in which both could have
changed (Shapley's value for two causes):

    the lead's part    ((a1 - a0) + (b1 - b0)) / 2
    the model's part   ((b0 - a0) + (b1 - a1)) / 2

Indexes are first rounded to GRID points, a power of two: then every sum above is exact in floating point, and the two
parts add up to the change to the last bit.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from data.clock import iso
from data.contract import Contract
from data.errors import ContractError
from data.history import History
from data.spine import SPINE
from data.tables import TIME
from features.partition import open_leads
from models.index import index_of
from models.numerics import Floats
from training.comparing.people import MOVERS
from training.comparing.question import Question
from training.comparing.rows import answers
from training.comparing.side import Side
from training.sample import Progress

GRID = 2.0**-20
"""About a millionth of an index point."""


@dataclass(frozen=True, eq=False)
class Moved:
    """Index points of n leads: before (a0) and after (b1), and what lead and model gave to the difference."""

    before: Floats
    after: Floats
    by_lead: Floats
    by_model: Floats


def split(a0: Floats, a1: Floats, b0: Floats, b1: Floats) -> Moved:
    """The parts of n changes of the index; ``by_lead + by_model == after - before`` to the last bit."""
    a0, a1, b0, b1 = (np.round(one / GRID) * GRID for one in (a0, a1, b0, b1))
    return Moved(a0, b1, ((a1 - a0) + (b1 - b0)) / 2, ((b0 - a0) + (b1 - a1)) / 2)


def told_apart(before: float, after: float, by_lead: float) -> tuple[float, float, float, float]:
    """(before, after, lead's part, model's part) with one decimal, such that what is printed adds up too."""
    tenths = [round(value * 10) for value in (before, after, by_lead)]
    first, last, lead = tenths
    return first / 10, last / 10, lead / 10, (last - first - lead) / 10


def look_at_moves(
    contract: Contract,
    history: History,
    question: Question,
    sides: tuple[Side, Side],
    dates: tuple[int, int],
    asked: Sequence[str],
    tell: Progress,
) -> dict[str, Any]:
    """The split of every lead that was open at both ``dates`` (microseconds), and of those ``asked`` for by id.

    Raises ContractError when a lead that is asked for was not open at both.
    """
    spines = [open_leads(history, question.ready, date) for date in dates]
    both = spines[0]["lead_id"].filter(pc.is_in(spines[0]["lead_id"], value_set=spines[1]["lead_id"])).combine_chunks()
    missing = [lead for lead in asked if lead not in set(both.to_pylist())]
    if missing:
        raise ContractError(
            f"{len(missing)} leads were not open at both {iso(dates[0])} and {iso(dates[1])} (first: {missing[0]!r}). "
            "Expected leads created before the first and not closed by the second. Name others, or other dates."
        )
    said = {
        (number, when): index_of(
            answers(side, side.bundle.model, question, history, _at(both, date), contract.model.threads, tell)[
                :, question.at
            ],
            contract.index,
        )
        for number, side in enumerate(sides)
        for when, date in enumerate(dates)
    }
    moved = split(said[0, 0], said[0, 1], said[1, 0], said[1, 1])
    return {
        "from": iso(dates[0]),
        "to": iso(dates[1]),
        "leads": len(both),
        **_summary(moved),
        "movers": _rows(moved, both, _largest(moved)),
        "asked": _rows(moved, both, [both.to_pylist().index(lead) for lead in asked]),
    }


def _at(leads: pa.Array, date: int) -> pa.Table:
    return pa.table([leads, pa.array(np.full(len(leads), date, np.int64), TIME)], schema=SPINE)


def _largest(moved: Moved) -> list[int]:
    far = np.abs(moved.after - moved.before)
    return [int(place) for place in np.argsort(-far, kind="stable")[:MOVERS]]


def _summary(moved: Moved) -> dict[str, float | None]:
    """Mean distances in index points, and the model's share of all movement."""
    if not len(moved.before):
        return {"mean_change": None, "mean_by_lead": None, "mean_by_model": None, "model_share": None}
    lead, model = np.abs(moved.by_lead).sum(), np.abs(moved.by_model).sum()
    return {
        "mean_change": float(np.abs(moved.after - moved.before).mean()),
        "mean_by_lead": float(lead / len(moved.before)),
        "mean_by_model": float(model / len(moved.before)),
        "model_share": float(model / (lead + model)) if lead + model > 0 else None,
    }


def _rows(moved: Moved, leads: pa.Array, places: Sequence[int]) -> list[dict[str, Any]]:
    return [
        {
            "lead_id": leads[place].as_py(),
            "before": float(moved.before[place]),
            "after": float(moved.after[place]),
            "by_lead": float(moved.by_lead[place]),
            "by_model": float(moved.by_model[place]),
        }
        for place in places
    ]
