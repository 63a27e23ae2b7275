"""The fact tables of an import, as ``check`` judges them, with the account of every table of the export."""

from dataclasses import dataclass

import polars as pl

from data.sources.loading.books import Books
from data.sources.loading.work import PLACE, Work
from data.sources.mapping import listed
from data.sources.raw import SOURCE_TABLE, RawTable, RawTables
from data.tables import SCHEMAS

LATER = "planned for after the last sync"
_CLOCK = {"events": "occurred_at", "outcomes": "occurred_at"}


@dataclass(frozen=True)
class Facts:
    """What an importer made: one frame for each fact table, with the fixed columns, attributes and the place."""

    leads: pl.DataFrame
    events: pl.DataFrame
    outcomes: pl.DataFrame
    changes: pl.DataFrame | None = None
    accounts: pl.DataFrame | None = None
    account_changes: pl.DataFrame | None = None


def raw_tables(work: Work, facts: Facts, platform: str) -> RawTables:
    """The facts as raw tables. What is dated after the loader's last visit was planned and has not happened."""
    found: dict[str, RawTable] = {}
    notes = tuple(work.notes) + _notes(work)
    for name in SCHEMAS:
        frame: pl.DataFrame | None = getattr(facts, name)
        if frame is not None:
            told = notes if name == "leads" else ()
            found[name] = as_raw(work.books, name, _happened(work, name, frame), platform, told)
    return found


def _happened(work: Work, name: str, frame: pl.DataFrame) -> pl.DataFrame:
    if work.synced is None or name not in _CLOCK:
        return frame
    later = work.at(frame[_CLOCK[name]]) > work.synced
    return work.books.leave(name, frame.with_columns(later.alias("_later")), pl.col("_later"), LATER).drop("_later")


def as_raw(books: Books, name: str, frame: pl.DataFrame, platform: str, notes: tuple[str, ...] = ()) -> RawTable:
    """One fact table with the account of every table of which it was made."""
    fixed = [column for column in SCHEMAS[name].names if column in frame.columns]
    attributes = tuple(c for c in frame.columns if c not in {*fixed, *PLACE})
    parts = books.parts(name, frame)
    rows = frame.with_columns(pl.col(SOURCE_TABLE).cast(pl.String))
    return RawTable(
        rows=rows.to_arrow(compat_level=pl.CompatLevel.oldest()),
        columns={column: column for column in fixed},
        attributes=attributes,
        origin=f"{platform}: {listed((part.origin for part in parts), 3)}",
        meanings={column: "any" for column in frame.columns if frame.schema[column] == pl.String},
        not_selected=sum(sum(part.left_out.values()) for part in parts),
        parts=parts,
        notes=notes,
    )


def _notes(work: Work) -> tuple[str, ...]:
    looked_up = [f"{table} ({rows:,} rows)" for table, rows in work.books.looked_up.items()]
    said = [f"only looked up in: {listed(looked_up, 100)}"] if looked_up else []
    passed = (theirs for theirs, _ in work.export.tables.values() if theirs not in work.books.tables)
    unused = [*passed, *work.export.unused]
    return (*said, *([f"not used, since no fact comes of them: {listed(unused, 60)}"] if unused else []))
