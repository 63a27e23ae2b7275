"""Good rows, bad rows with one reason each, and counts that add up.

``check`` converts what a source gave, asks the declared rules (``data.rules``) of every row, and keeps the good ones
as a History. Nothing is repaired in silence and nothing disappears: good + bad = read, for every table.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.csv as pacsv

from data.clock import iso, to_micros
from data.contract import Contract
from data.history import History
from data.prepare import prepare
from data.rejects import part_reports, rejected_rows, rejections
from data.report import Report, TableReport
from data.rules import first_copies, judge
from data.sources.raw import RawTable, RawTables
from data.sources.read import read_source
from data.tables import SCHEMAS, empty
from data.times import UTC_MICROS

UNIQUE = {"leads": ("lead_id", "created_at"), "events": ("event_id", "known_at"), "accounts": ("account_id", None)}
"""The column that may not repeat, and the time that says which copy was there first."""
_CLOCKS = {
    **dict.fromkeys(("events", "outcomes", "changes", "account_changes"), "known_at"),
    "leads": "created_at",
}
_SLICE = 1 << 20


@dataclass(frozen=True)
class Checked:
    """The good rows, the bad rows, and the account of both."""

    history: History
    rejected: Mapping[str, pa.Table]
    """For each table that was read: the bad rows as text under their own names, with ``reason`` as the last column."""
    report: Report


@dataclass(frozen=True)
class _Judged:
    """One table after its rules."""

    good: pa.Table
    leads: pl.DataFrame
    """lead_id, created_at of the good rows; empty but for leads."""
    rejected: pa.Table
    report: TableReport
    notes: tuple[str, ...]


def check(contract: Contract, raw: RawTables | None = None) -> Checked:
    """Judge ``raw``, or the source of the contract. The same facts give the same History, whatever the order of rows.

    Raises SchemaError when a column is missing or of a type that cannot hold what it should.
    """
    tables = read_source(contract) if raw is None else raw
    judged = {"leads": _judge("leads", tables["leads"], contract, None)}
    for name in SCHEMAS:
        if name in tables and name != "leads":
            judged[name] = _judge(name, tables[name], contract, judged["leads"].leads)
    good = {name: judged[name].good if name in judged else empty(name) for name in SCHEMAS}
    ends_at = contract.source.history_end
    ends_at = _latest(good) if ends_at is None else ends_at
    notes = [note for table in judged.values() for note in table.notes] + _late(contract, ends_at)
    return Checked(
        history=History(**good, ends_at=ends_at),
        rejected={name: table.rejected for name, table in judged.items()},
        report=Report(tuple(table.report for table in judged.values()), ends_at, tuple(notes)),
    )


def write_rejected(checked: Checked, folder: Path) -> list[Path]:
    """One CSV for each table that was read, ``<table>.csv``: its bad rows and why; only a header where all are good."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, rows in checked.rejected.items():
        pacsv.write_csv(rows, folder / f"{name}.csv")
    return [folder / f"{name}.csv" for name in checked.rejected]


def _judge(name: str, raw: RawTable, contract: Contract, leads: pl.DataFrame | None) -> _Judged:
    prepared = prepare(name, raw, contract.source.timezone)
    rows = _with_answers(name, prepared.rows, contract.source.history_end, leads)
    good, bad = judge(name, rows) if raw.broken is None else _judge_whole(name, rows, raw.broken)
    if name in UNIQUE:
        key, clock = UNIQUE[name]
        first = first_copies(good, prepared.further, key, clock)
        copies = good.filter(~first).select("row", pl.lit(f"duplicated {key}").alias("reason"))
        good, bad = good.filter(first), pl.concat([bad, copies])
    return _Judged(
        good=_arrow(name, good, prepared.further),
        leads=good.select("lead_id", "created_at") if name == "leads" else pl.DataFrame(),
        rejected=rejected_rows(raw, bad),
        report=TableReport(
            table=name,
            origin=raw.origin,
            read=len(rows),
            not_selected=raw.not_selected,
            accepted=len(good),
            rejections=rejections(raw, bad),
            parts=part_reports(raw, bad),
        ),
        notes=(*raw.notes, *prepared.notes),
    )


def _judge_whole(name: str, rows: pl.DataFrame, broken: pa.Array) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Rows that their source could not take apart have its reason; the rules are asked of the others."""
    reason = pl.Series("reason", broken, pl.String)
    good, bad = judge(name, rows.filter(reason.is_null()))
    torn = rows.select("row").with_columns(reason).filter(reason.is_not_null())
    return good, pl.concat([torn, bad])


def _with_answers(name: str, rows: pl.DataFrame, end: int | None, leads: pl.DataFrame | None) -> pl.DataFrame:
    """``rows`` with the answers that need more than the row itself, as boolean columns for the rules."""
    clock = _CLOCKS.get(name)
    always = pl.lit(True)
    in_history = always if end is None or clock is None else pl.col(clock) < pl.lit(end).cast(UTC_MICROS)
    rows = rows.with_columns(in_history.fill_null(value=True).alias("in_history"))
    if leads is None or "lead_id" not in rows.columns:
        return rows
    if name != "outcomes":
        known = pl.col("lead_id").is_in(leads["lead_id"].implode())
        return rows.with_columns(known.fill_null(value=True).alias("lead_known"))
    since = leads.rename({"created_at": "_since"})
    there = pl.col("_since").is_null() | (pl.col("occurred_at") >= pl.col("_since"))
    known = pl.col("_since").is_not_null() | pl.col("lead_id").is_null()
    joined = rows.join(since, on="lead_id", how="left", maintain_order="left")
    return joined.with_columns(known.alias("lead_known"), there.fill_null(value=True).alias("lead_there"))


def _arrow(name: str, good: pl.DataFrame, further: dict[str, pl.Series]) -> pa.Table:
    """Good rows as the Arrow table of ``data.tables``, a slice at a time so that no text outgrows its offsets."""
    fixed = good.select(SCHEMAS[name].names)
    whole = fixed.with_columns(column.gather(good["row"]).alias(theirs) for theirs, column in further.items())
    parts = [_arrow_slice(name, part) for part in whole.iter_slices(_SLICE)]
    return pa.concat_tables(parts) if parts else _arrow_slice(name, whole)


def _arrow_slice(name: str, part: pl.DataFrame) -> pa.Table:
    table = part.to_arrow(compat_level=pl.CompatLevel.oldest())
    fields = [_field(name, column) for column in table.schema]
    return table.cast(pa.schema(fields))


def _field(name: str, column: pa.Field) -> pa.Field:
    fixed = SCHEMAS[name]
    if column.name in fixed.names:
        return fixed.field(column.name)
    return pa.field(column.name, pa.string() if pa.types.is_large_string(column.type) else column.type)


def _latest(good: dict[str, pa.Table]) -> int:
    """Just after the last thing that was known; without any event, outcome or change, just after the last lead."""
    known = [_last(good[name], clock) for name, clock in _CLOCKS.items() if name != "leads"]
    return max(known) or _last(good["leads"], "created_at")


def _last(table: pa.Table, clock: str) -> int:
    last = pl.Series(clock, table[clock]).to_physical().max()
    return last + 1 if isinstance(last, int) else 0


def _late(contract: Contract, ends_at: int) -> list[str]:
    if contract.source.history_end is not None or ends_at <= to_micros(datetime.now(UTC)):
        return []
    return [f"the history ends at {iso(ends_at)}, which is not yet: set history_end in [source] or mend that time"]
