"""Served scores as a table: lead_id, as_of, ``readiness_<horizon>``, decision and its chance, whoever kept them.

The columns are those of ``readiness score``, so that its files are such tables; the service's store and scores that a
version told nobody (a shadow) are brought to the same columns and judged alike. A null is what was not told.
"""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from data.clock import WEEK, format_duration
from data.errors import SchemaError
from data.spine import micros
from data.tables import TIME

Rows = npt.NDArray[np.int64]

NEEDED = ("lead_id", "as_of", "model_version", "bundle_id")
HANDED_OFF = "hand off"
FILE_ID = 8
"""So many letters of its bundle id name a version that no registry knows."""


def column(horizon: int) -> str:
    """The column of readiness within ``horizon`` (microseconds)."""
    return f"readiness_{format_duration(horizon)}"


def as_told(scores: pa.Table) -> pa.Table:
    """The columns that are looked at, of a table as `readiness score` writes it. Raises SchemaError where one lacks."""
    missing = [name for name in NEEDED if name not in scores.column_names]
    horizons = [name for name in scores.column_names if name.startswith("readiness_")]
    if missing or not horizons:
        raise SchemaError(
            f"The scores have the columns {scores.column_names[:12]}. Expected {', '.join(NEEDED)} and readiness_90d "
            "or the like, as `readiness score` writes them."
        )
    moment = scores["as_of"].type
    if not pa.types.is_timestamp(moment) or moment.tz is None:
        raise SchemaError(f"as_of of the scores is {moment}. Expected times with a zone, such as 2026-01-31T00:00:00Z.")
    decision = scores["decision"] if "decision" in scores.column_names else pa.nulls(len(scores), pa.string())
    chance = scores["propensity"] if "propensity" in scores.column_names else pa.nulls(len(scores), pa.float64())
    found = {
        "lead_id": pc.cast(scores["lead_id"], pa.string()),
        "as_of": pc.cast(scores["as_of"], TIME, safe=False),
        "version": _versions(scores),
        "decision": pc.cast(decision, pa.string()),
        "propensity": pc.cast(chance, pa.float64()),
        **{name: pc.cast(scores[name], pa.float64()) for name in horizons},
    }
    return pa.table(found)


def _versions(scores: pa.Table) -> pa.ChunkedArray:
    """The number of a version; of one without the beginning of its bundle's id."""
    number = pc.cast(scores["model_version"], pa.string())
    known = pc.fill_null(pc.not_equal(number, ""), fill_value=False)
    begins = pc.utf8_slice_codeunits(pc.cast(scores["bundle_id"], pa.string()), 0, FILE_ID)
    return pc.if_else(known, number, begins)


def weekly(told: pa.Table) -> pa.Table:
    """The first score of each lead in each week of seven days, for each version: asking again does not count again."""
    if not len(told):
        return told
    at = micros(told["as_of"])
    codes = [_codes(told[name]) for name in ("version", "lead_id")]
    order = np.lexsort((at, at // WEEK, codes[1], codes[0]))
    keys = np.column_stack([*codes, at // WEEK])[order]
    first = np.ones(len(order), bool)
    first[1:] = (np.diff(keys, axis=0) != 0).any(axis=1)
    return told.take(pa.array(np.sort(order[first])))


def versions(told: pa.Table) -> Iterator[tuple[str, pa.Table]]:
    """Each version with its rows, the one that told last first."""
    last = told.group_by("version").aggregate([("as_of", "max")]).sort_by([("as_of_max", "descending")])
    for version in last["version"].to_pylist():
        yield version, told.filter(pc.equal(told["version"], version))


def _codes(column: pa.ChunkedArray) -> Rows:
    codes = column.combine_chunks().dictionary_encode().indices
    return np.asarray(codes.to_numpy(zero_copy_only=False)).astype(np.int64)
