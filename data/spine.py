"""Which lead is asked about at which moment.

A lead is *open* at cutoff *c* when ``created_at <= c`` and no terminal outcome has ``occurred_at < c``. A spine is a
table of lead_id and cutoff, sorted by cutoff and lead_id, without repeats, of open leads only. Cutoffs whose horizon
has not matured stay in: labels say how long each row could be watched.
"""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from data.clock import DAY, iso
from data.errors import ContractError, SchemaError
from data.history import History
from data.sections import Ready, Spine
from data.tables import TIME

Micros = npt.NDArray[np.int64]

NEVER = np.iinfo(np.int64).max
"""A moment that does not come."""

SPINE = pa.schema([pa.field("lead_id", pa.string(), nullable=False), pa.field("cutoff", TIME, nullable=False)])


def micros(column: pa.ChunkedArray | pa.Array, null: int = NEVER) -> Micros:
    """A time column as int64 microseconds since 1970, nulls as ``null``."""
    filled = pc.fill_null(pc.cast(column, pa.int64()), null)
    return np.asarray(filled.to_numpy() if isinstance(filled, pa.Array) else filled.combine_chunks().to_numpy())


def build_spine(spine: Spine, ready: Ready, history: History, folder: Path, listed: pa.Table | None = None) -> pa.Table:
    """The spine that the contract asks for, over ``history``.

    ``folder`` is where a relative spine file starts; ``listed`` are its rows where they were read already. Returns a
    table of schema ``SPINE``. Raises ContractError when the contract asks for cutoffs beyond the end of the history, or
    for leads or columns that are not there.
    """
    leads = history.leads.sort_by("lead_id")
    ids = leads["lead_id"]
    created = micros(leads["created_at"])
    closed = closed_at(ids, ready, history)
    if spine.file is not None:
        listed = read_listed((folder / spine.file).resolve()) if listed is None else listed
        rows, cutoffs = positions(listed["lead_id"], ids), micros(listed["cutoff"])
    elif spine.at:
        rows, cutoffs = _snapshots(np.array(spine.at, np.int64), len(ids), history.ends_at)
    elif spine.after:
        rows, cutoffs = _after(micros(_after_column(spine, leads)), spine.after)
    else:
        rows, cutoffs = _periodic(spine, created, closed, history.ends_at)
    keep = (created[rows] <= cutoffs) & (closed[rows] >= cutoffs) & (cutoffs <= history.ends_at)
    if spine.seen:
        keep &= _first_seen(ids, spine.seen, history)[rows] < cutoffs
    if spine.start is not None:
        keep &= cutoffs >= spine.start
    if spine.until is not None:
        keep &= cutoffs < spine.until
    return _table(ids, rows[keep], cutoffs[keep])


def _table(ids: pa.ChunkedArray, rows: Micros, cutoffs: Micros) -> pa.Table:
    order = np.lexsort((rows, cutoffs))
    rows, cutoffs = rows[order], cutoffs[order]
    fresh = np.ones(len(rows), bool)
    fresh[1:] = (np.diff(rows) != 0) | (np.diff(cutoffs) != 0)
    return pa.table([ids.take(pa.array(rows[fresh])), pa.array(cutoffs[fresh], TIME)], schema=SPINE)


def closed_at(ids: pa.ChunkedArray, ready: Ready, history: History) -> Micros:
    """When each lead of ``ids`` met its first terminal outcome; NEVER when it did not."""
    closed = np.full(len(ids), NEVER, np.int64)
    terminal = history.outcomes.filter(pc.is_in(history.outcomes["kind"], pa.array(ready.terminal, pa.string())))
    np.minimum.at(closed, positions(terminal["lead_id"], ids), micros(terminal["occurred_at"]))
    return closed


def _first_seen(ids: pa.ChunkedArray, kinds: tuple[str, ...], history: History) -> Micros:
    """When each lead of ``ids`` was first known to have done one of ``kinds``; NEVER when it was not."""
    first = np.full(len(ids), NEVER, np.int64)
    events = history.events.filter(pc.is_in(history.events["kind"], pa.array(kinds, pa.string())))
    known = np.maximum(micros(events["occurred_at"]), micros(events["known_at"]))
    np.minimum.at(first, positions(events["lead_id"], ids), known)
    return first


def positions(wanted: pa.ChunkedArray, ids: pa.ChunkedArray) -> npt.NDArray[np.int64]:
    """Where each wanted lead_id stands among ``ids``. Raises SchemaError for ids that are not there."""
    found = pc.index_in(wanted, value_set=ids)
    if found.null_count:
        first = wanted.filter(pc.is_null(found))[0].as_py()
        raise SchemaError(
            f"{found.null_count} rows name leads that are not in the leads table (first: {first!r}). Check the ids."
        )
    return np.asarray(found.to_numpy()).astype(np.int64)


def _snapshots(at: Micros, leads: int, ends_at: int) -> tuple[Micros, Micros]:
    late = at[at > ends_at]
    if len(late):
        raise ContractError(
            f"[spine] at asks for {len(late)} moments beyond the end of the history, {iso(ends_at)} "
            f"(first: {iso(int(late[0]))}). Take them out or bring newer facts."
        )
    return np.tile(np.arange(leads), len(at)), np.repeat(at, leads)


def _after_column(spine: Spine, leads: pa.Table) -> pa.ChunkedArray:
    name = spine.after_column
    if name not in leads.column_names or leads.schema.field(name).type != TIME:
        times = [field.name for field in leads.schema if field.type == TIME]
        raise ContractError(f"[spine] after_column is {name!r}. Expected a time among the columns of leads: {times}.")
    return leads[name]


def _after(starts: Micros, offsets: tuple[int, ...]) -> tuple[Micros, Micros]:
    known = np.flatnonzero(starts != NEVER)
    rows = np.tile(known, len(offsets))
    return rows, starts[rows] + np.repeat(np.array(offsets, np.int64), len(known))


def _periodic(spine: Spine, created: Micros, closed: Micros, ends_at: int) -> tuple[Micros, Micros]:
    """Every lead at each step of the grid while it is open."""
    if not len(created):
        return np.empty(0, np.int64), np.empty(0, np.int64)
    start = spine.start if spine.start is not None else grid_start(int(created.min()))
    step = spine.period
    first = np.maximum(-((start - created) // step), 0)
    last = (np.minimum(closed, ends_at) - start) // step
    count = np.maximum(last - first + 1, 0)
    rows = np.repeat(np.arange(len(created)), count)
    within = np.arange(len(rows)) - np.repeat(np.cumsum(count) - count, count)
    return rows, start + (first[rows] + within) * step


def grid_start(first: int) -> int:
    """Where the grid of a periodic spine begins when the first lead was created at ``first``: the next midnight."""
    return -(-first // DAY) * DAY


def read_listed(path: Path) -> pa.Table:
    """The rows of a spine file, in the schema ``SPINE``. Raises ContractError or SchemaError when it is not one."""
    if not path.is_file():
        raise ContractError(
            f"[spine] file {path.name} is not there. Expected a Parquet or CSV file of lead_id, cutoff."
        )
    table = pq.read_table(path) if path.suffix == ".parquet" else pa_csv.read_csv(path)
    if not {"lead_id", "cutoff"} <= set(table.column_names):
        raise SchemaError(f"{path.name} has the columns {table.column_names}. Expected lead_id and cutoff.")
    kind = table.schema.field("cutoff").type
    if not pa.types.is_timestamp(kind) or kind.tz is None:
        raise SchemaError(f"{path.name}: cutoff is {kind}. Expected times with a zone, such as 2026-01-31T00:00:00Z.")
    if table["cutoff"].null_count or table["lead_id"].null_count:
        raise SchemaError(f"{path.name} has rows without lead_id or cutoff. Take them out.")
    ids, cutoffs = pc.cast(table["lead_id"], pa.string()), pc.cast(table["cutoff"], TIME, safe=False)
    return pa.table([ids, cutoffs], schema=SPINE)
