"""Histories of fields: who knew which value when."""

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from data.naming import personal_reason, plain
from data.sources.loading.people import OF_DELETED, People
from data.sources.loading.work import Work, no_rows, truth
from data.sources.raw import SOURCE_ROW, SOURCE_TABLE

CHANGE = ["lead_id", "field", "value", "known_at", SOURCE_TABLE, SOURCE_ROW]
_FLAGS = ("_fivetran_deleted", "is_deleted")
START = "_fivetran_start"
"""In a history that the loader keeps: from when on the source had this version of the row."""


@dataclass(frozen=True)
class Log:
    """A history with one row for each change of one field."""

    table: str
    lead: str
    field: str
    value: str
    at: str
    spelled: bool = False
    """Whether fields are spelled as in the platform (``LeadSource``), not as the loader spells columns."""


def read_log(work: Work, log: Log, people: People) -> pl.DataFrame:
    """The changes that a log tells. Fields that say who somebody is are not read, nor those that are not asked for."""
    needs = (log.lead, log.field, log.value, log.at)
    frame = work.read(log.table, [log.lead, log.field, log.value, *_FLAGS], times=[log.at], fact="changes", needs=needs)
    if frame is None:
        return no_rows(CHANGE)
    frame = work.books.leave("changes", frame, truth(*_FLAGS), "deleted")
    fields = {name: plain(name) for name in frame[log.field].drop_nulls().unique()} if log.spelled else {}
    frame = _asked(work, frame.with_columns(pl.col(log.field).replace(fields).alias("field")))
    frame = frame.with_columns(
        people.whose(pl.col(log.lead)).alias("lead_id"),
        pl.col(log.value).alias("value"),
        pl.col(log.at).alias("known_at"),
    )
    frame = work.books.leave("changes", frame, pl.col("lead_id").is_in(list(people.deleted)), OF_DELETED)
    return frame.select(CHANGE)


def _asked(work: Work, frame: pl.DataFrame) -> pl.DataFrame:
    """The rows of fields that the contract asks for; without a list, of all that do not say who somebody is."""
    asked = work.source.attributes
    if asked is not None:
        names = [name.lower().removeprefix("property_") for name in asked]
        wanted = pl.col("field").str.to_lowercase().is_in(names)
        return work.books.leave("changes", frame, ~wanted, "a field that [source] attributes does not name")
    personal = [name for name in frame["field"].drop_nulls().unique() if personal_reason(name)]
    return work.books.leave("changes", frame, pl.col("field").is_in(personal), "a field that says who somebody is")


def read_versions(work: Work, table: str, fields: dict[str, str], people: People) -> pl.DataFrame:
    """The changes between the versions that the loader keeps of each record; ``fields``: theirs = ours.

    The first version of a record tells all of its fields; a later one those that differ.
    """
    columns = ["id", *fields, *_FLAGS]
    frame = work.read(table, columns, times=[START], fact="changes", needs=("id", START))
    if frame is None:
        return no_rows(CHANGE)
    frame = work.books.leave("changes", frame, truth(*_FLAGS), "deleted")
    frame = frame.with_columns(people.whose(pl.col("id")).alias("lead_id"), work.at(frame[START]).alias("_at"))
    frame = work.books.leave("changes", frame, pl.col("lead_id").is_in(list(people.deleted)), OF_DELETED)
    frame = frame.sort("id", "_at", SOURCE_ROW, maintain_order=True)
    there = [theirs for theirs in fields if theirs in set(work.columns(table))]
    parts = [_differing(frame, theirs, fields[theirs]) for theirs in there]
    made = pl.concat([no_rows(CHANGE), *parts])
    work.books.leave("changes", frame, pl.lit(True), "a version that differs in no attribute")
    return made


def _differing(frame: pl.DataFrame, theirs: str, ours: str) -> pl.DataFrame:
    value = pl.col(theirs)
    before = value.shift(1).over("id")
    first = pl.col("id").is_first_distinct()
    changed = (first & value.is_not_null()) | (~first & value.ne_missing(before))
    rows = frame.filter(changed)
    return rows.select(
        "lead_id",
        pl.lit(ours).alias("field"),
        value.alias("value"),
        pl.col(START).alias("known_at"),
        SOURCE_TABLE,
        SOURCE_ROW,
    )


def names_of(fields: Sequence[str] | None, usual: dict[str, str]) -> dict[str, str]:
    """Theirs = ours: the fields that the contract asks for, else the ``usual`` ones of the platform."""
    if fields is None:
        return usual
    return {name.lower(): usual.get(name.lower(), name.lower().removeprefix("property_")) for name in fields}
