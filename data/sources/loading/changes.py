"""Histories of fields: who knew which value when."""

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches

import polars as pl

from data.errors import SchemaError
from data.naming import personal_reason, plain
from data.sources.loading.people import OF_DELETED, People
from data.sources.loading.work import PLACE, Work, no_rows, truth
from data.sources.raw import SOURCE_ROW, SOURCE_TABLE

CHANGE = ["lead_id", "field", "value", "known_at", SOURCE_TABLE, SOURCE_ROW]
ACCOUNT_CHANGE = ["account_id", *CHANGE[1:]]
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
    old: str | None = None
    """The value before; where the platform tells it, and fields are logged only from some day on."""
    spelled: bool = False
    """Whether fields are spelled as in the platform (``LeadSource``), not as the loader spells columns."""


def read_logs(work: Work, logs: Sequence[Log], people: People) -> pl.DataFrame | None:
    """The changes that the logs tell; None where there are none of these tables.

    Fields that say who somebody is are not read, nor those that are not asked for. Where a platform tells old values,
    what an attribute was before its first change counts as a change too.
    """
    there = [log for log in logs if work.has(log.table)]
    if not there:
        return None
    told = [_read(work, log, people) for log in there]
    before = [rows for log, rows in zip(there, told, strict=True) if log.old is not None]
    first = [_before(work, pl.concat(before), people)] if before else []
    return pl.concat([rows.select(CHANGE) for rows in (*told, *first)])


def _read(work: Work, log: Log, people: People) -> pl.DataFrame:
    needs = (log.lead, log.field, log.value, log.at)
    columns = [log.lead, log.field, log.value, *([log.old] if log.old else []), *_FLAGS]
    frame = work.read(log.table, columns, times=[log.at], fact="changes", needs=needs)
    if frame is None:
        return no_rows([*CHANGE, "old"])
    frame = work.books.leave("changes", frame, truth(*_FLAGS), "deleted")
    fields = {name: plain(name) for name in frame[log.field].drop_nulls().unique()} if log.spelled else {}
    frame = _asked(work, frame.with_columns(pl.col(log.field).replace(fields).alias("field")))
    frame = frame.with_columns(
        people.whose(pl.col(log.lead)).alias("lead_id"),
        pl.col(log.value).alias("value"),
        pl.col(log.at).alias("known_at"),
        (pl.col(log.old) if log.old else pl.lit(None, pl.String)).alias("old"),
    )
    frame = work.books.leave("changes", frame, pl.col("lead_id").is_in(list(people.deleted)), OF_DELETED)
    return frame.select(*CHANGE, "old")


def _before(work: Work, told: pl.DataFrame, people: People) -> pl.DataFrame:
    """What the logged attributes of each lead were before their first change; of most leads nothing ever changes.

    That is the old value of the first change, and where there is none the lead's present value: known since its
    creation, or since all logs have begun where that is later.
    """
    told = told.with_columns(work.at(told["known_at"]).alias("_at")).sort("_at", nulls_last=True, maintain_order=True)
    begun = told.drop_nulls("_at").unique(SOURCE_TABLE, keep="first", maintain_order=True)["known_at"]
    fields = [name for name in people.leads.columns if name in set(told["field"]) and name not in PLACE]
    if begun.is_empty() or not fields:
        return no_rows(CHANGE)
    rows = people.leads.select("lead_id", "created_at", *fields, *PLACE).drop_nulls("lead_id")
    since = work.later(rows["created_at"], pl.Series([begun[-1]]).new_from_index(0, len(rows))).alias("known_at")
    rows = rows.with_columns(since).unpivot(fields, index=["lead_id", "known_at", *PLACE], variable_name="field")
    first = told.unique(["lead_id", "field"], keep="first", maintain_order=True)
    first = first.select("lead_id", "field", "old", pl.lit(value=True).alias("changed"))
    rows = rows.join(first, on=["lead_id", "field"], how="left", maintain_order="left")
    rows = rows.with_columns(pl.when("changed").then("old").otherwise("value").alias("value"))
    rows = rows.drop_nulls("value").select(CHANGE)
    for table, count in rows.unique(PLACE)[SOURCE_TABLE].value_counts().iter_rows():
        work.books.opened("changes", str(table), count)
    return rows


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
    made = _versions(work, "changes", table, fields)
    made = made.with_columns(people.whose(pl.col("id")).alias("lead_id"))
    return work.books.leave("changes", made, pl.col("lead_id").is_in(list(people.deleted)), OF_DELETED).select(CHANGE)


def read_account_versions(work: Work, table: str, fields: dict[str, str]) -> pl.DataFrame:
    """The like for accounts."""
    return _versions(work, "account_changes", table, fields).rename({"id": "account_id"}).select(ACCOUNT_CHANGE)


def read_account_log(work: Work, log: Log, fields: dict[str, str]) -> pl.DataFrame | None:
    """The changes of accounts that a log tells of ``fields``: theirs = ours; None where there is no such table."""
    needs = (log.lead, log.field, log.value, log.at)
    columns = [log.lead, log.field, log.value, *_FLAGS]
    frame = work.read(log.table, columns, times=[log.at], fact="account_changes", needs=needs)
    if frame is None:
        return None
    frame = work.books.leave("account_changes", frame, truth(*_FLAGS), "deleted")
    names = {name: fields.get(plain(name)) for name in frame[log.field].drop_nulls().unique()}
    taken = {name: ours for name, ours in names.items() if ours is not None}
    frame = frame.with_columns(
        pl.col(log.field).replace_strict(taken, default=None, return_dtype=pl.String).alias("field")
    )
    frame = work.books.leave(
        "account_changes", frame, pl.col("field").is_null(), "a field that is not taken of accounts"
    )
    named = {"account_id": log.lead, "value": log.value, "known_at": log.at}
    return frame.select("field", *(pl.col(theirs).alias(ours) for ours, theirs in named.items()), *PLACE)


def _versions(work: Work, fact: str, table: str, fields: dict[str, str]) -> pl.DataFrame:
    """``id``, ``field``, ``value``, ``known_at`` and the place of everything that differs from the version before."""
    frame = work.read(table, ["id", *fields, *_FLAGS], times=[START], fact=fact, needs=("id", START))
    if frame is None:
        return no_rows(["id", *CHANGE[1:]])
    frame = work.books.leave(fact, frame, truth(*_FLAGS), "deleted")
    frame = frame.with_columns(work.at(frame[START]).alias("_at")).sort("id", "_at", SOURCE_ROW, maintain_order=True)
    there = [theirs for theirs in fields if theirs in set(work.columns(table))]
    made = pl.concat([no_rows(["id", *CHANGE[1:]]), *(_differing(frame, theirs, fields[theirs]) for theirs in there)])
    same = frame.join(made.select(PLACE).unique(), on=PLACE, how="anti")
    work.books.leave(fact, same, pl.lit(value=True), "a version that differs in no attribute")
    return made


def _differing(frame: pl.DataFrame, theirs: str, ours: str) -> pl.DataFrame:
    value = pl.col(theirs)
    before = value.shift(1).over("id")
    first = pl.col("id").is_first_distinct()
    rows = frame.filter((first & value.is_not_null()) | (~first & value.ne_missing(before)))
    named = [pl.lit(ours).alias("field"), value.alias("value"), pl.col(START).alias("known_at")]
    return rows.select("id", *named, *PLACE)


def asked_fields(work: Work, tables: Sequence[str], usual: dict[str, str], logs: Sequence[str]) -> dict[str, str]:
    """Theirs = ours: the fields that the contract asks for, else the ``usual`` ones of the platform.

    A field may be named with or without the loader's ``property_``. Raises SchemaError for one that none of ``tables``
    has; where one of the ``logs`` is there, it may be in that alone, and a note says so.
    """
    if work.source.attributes is None:
        return usual
    there = {column for table in tables for column in work.columns(table)}
    found: dict[str, str] = {}
    for name in map(str.lower, work.source.attributes):
        theirs = name if name in there or f"property_{name}" not in there else f"property_{name}"
        if theirs not in there:
            _not_there(work, name, tables, there, logs)
        found[theirs] = usual.get(theirs, theirs.removeprefix("property_"))
    return found


def _not_there(work: Work, name: str, tables: Sequence[str], there: set[str], logs: Sequence[str]) -> None:
    bare = {column.removeprefix("property_"): column for column in there}
    near = [bare[close] for close in get_close_matches(name.removeprefix("property_"), bare, n=1)]
    sentence = f"There is no column {name!r} in {' or '.join(table for table in tables if work.has(table))}."
    if not any(work.has(log) for log in logs):
        hint = f" Did you mean {near[0]!r}?" if near else ""
        raise SchemaError(f"{sentence}{hint} Mend attributes in [source].")
    work.notes.append(f"{sentence[:1].lower()}{sentence[1:]} It is looked for in the history of fields alone")
