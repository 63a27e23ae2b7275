"""Groups of judged rows: by an attribute with few levels, by the age of the lead, by whether it was met before."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from data.clock import DAY
from data.contract import Contract
from data.errors import ContractError
from data.history import History
from data.spine import Micros, micros, positions

Mask = npt.NDArray[np.bool_]

MOST_LEVELS = 12
"""An attribute with more levels than this is no segment unless the contract asks for it."""
SHOWN_LEVELS = 8
"""The most frequent levels; what is left is shown together."""
MOST_SEGMENTS = 3
LEAST_FILLED = 0.5
AGE_BINS = 5
REST = "all others"
UNKNOWN = "not filled in"


@dataclass(frozen=True, eq=False)
class Segment:
    """Rows in groups: ``masks`` (n,) by the name of the group, in the order in which they are shown."""

    name: str
    masks: Mapping[str, Mask]


def by_attributes(
    contract: Contract, history: History, lead_id: pa.Array, avoid: Collection[str] = ()
) -> list[Segment]:
    """The n rows of ``lead_id`` by attributes of leads: the contract's, or the best filled ones with few levels.

    Attributes are those of the leads table, as they stand there. ``avoid``: fields that know too much; they are no
    segments unless the contract asks for them. Raises ContractError for an attribute that is not there.
    """
    leads = history.leads
    known = [name for name in leads.column_names if name not in {"lead_id", "created_at", "account_id"}]
    asked = contract.backtest.segments
    missing = [name for name in asked if name not in known]
    if missing:
        raise ContractError(
            f"[backtest] segments names {len(missing)} attributes that leads do not have (first: {missing[0]!r}). "
            f"Expected some of: {', '.join(sorted(known)) or 'none are there'}."
        )
    rows = pa.array(positions(pa.chunked_array([lead_id]), leads["lead_id"]))
    names = asked or _few_levels(leads, [name for name in known if name not in avoid])
    return [Segment(name, _masks(pc.cast(leads[name], pa.string()).take(rows))) for name in names]


def _few_levels(leads: pa.Table, names: Collection[str]) -> list[str]:
    """Up to MOST_SEGMENTS texts or flags, best filled first, and of those the ones with fewer levels."""
    found = []
    for name in names:
        kind = leads.schema.field(name).type
        if not (pa.types.is_string(kind) or pa.types.is_boolean(kind) or pa.types.is_dictionary(kind)):
            continue
        column = pc.cast(leads[name], pa.string())
        levels = pc.count_distinct(column, mode="only_valid").as_py()
        filled = 1.0 - column.null_count / max(len(column), 1)
        if 2 <= levels <= MOST_LEVELS and filled >= LEAST_FILLED:
            found.append((-round(filled, 2), levels, name))
    return [name for _, _, name in sorted(found)[:MOST_SEGMENTS]]


def _masks(levels: pa.ChunkedArray) -> dict[str, Mask]:
    counted = sorted(
        ((item["counts"], item["values"]) for item in pc.value_counts(levels).to_pylist()),
        key=lambda pair: (-pair[0], str(pair[1])),
    )
    shown = [level for _, level in counted if level is not None][:SHOWN_LEVELS]
    told = np.array(levels.to_pylist(), object)
    empty = np.asarray(pc.is_null(levels).to_numpy())
    masks = {str(level): np.asarray(told == level, bool) for level in shown}
    rest = ~empty & ~np.logical_or.reduce([*masks.values(), np.zeros(len(told), bool)])
    return masks | {name: mask for name, mask in ((REST, rest), (UNKNOWN, empty)) if mask.any()}


def by_age(history: History, lead_id: pa.Array, cutoffs: Micros) -> Segment:
    """The n rows by how many days the lead had been there at the cutoff: bins of about equal size."""
    created = micros(history.leads["created_at"])[positions(pa.chunked_array([lead_id]), history.leads["lead_id"])]
    days = (cutoffs - created) // DAY
    edges: Micros = (
        np.unique(np.quantile(days, np.linspace(0, 1, AGE_BINS + 1)[1:-1], method="higher")) if len(days) else days
    )
    group = np.searchsorted(edges, days, side="right")
    bounds = [0, *(int(edge) for edge in edges)]
    masks = {}
    for number, low in enumerate(bounds):
        high = bounds[number + 1] - 1 if number + 1 < len(bounds) else None
        name = f"{low} days and older" if high is None else f"{low} to {high} days" if high > low else f"{low} days"
        if (group == number).any():
            masks[name] = group == number
    return Segment("days since the lead was created", masks)


def by_meeting(met: Mask) -> Segment:
    """The n rows by whether earlier rows of the same lead were learned from."""
    return Segment("leads met before", {"met before": met, "new to the model": ~met})
