"""Segment and RudderStack: identify, track, page, screen, group, alias and delete messages as facts.

``timestamp`` is occurred_at, ``receivedAt`` known_at. A lead is somebody who was identified, and exists from the first
message under its own id on. What a visitor did before saying who it is becomes the lead's, with the moment of that
message as known_at: until then nobody could have known. ``delete`` is erasure: nothing of that lead is kept.
"""

import os
from dataclasses import replace
from pathlib import Path

import polars as pl

from data.contract import Contract
from data.naming import personal_reason
from data.source_section import Source
from data.sources.jsonlines import message_files, read_file
from data.sources.loading.books import Books
from data.sources.loading.facts import as_raw
from data.sources.loading.work import PLACE, later, no_rows
from data.sources.raw import SOURCE_ROW, SOURCE_TABLE, RawTable, RawTables
from data.sources.spoken import Message
from data.sources.whose import Owners, find_owners
from data.times import read_times

EVENTS = ("track", "page", "screen")
TYPES = {
    "identify": ("leads", "changes"),
    "track": ("leads", "events", "outcomes"),
    "page": ("leads", "events"),
    "screen": ("leads", "events"),
    "group": ("leads", "accounts"),
    "alias": (),
    "delete": (),
}
"""Every type of message, by the facts that can come of it; alias and delete say whose messages are, and whose not."""
ERASED = "of an erased lead"
NOBODY = "of nobody identified"
_TRAITS = {SOURCE_ROW: pl.Int64, "field": pl.String, "said": pl.String}
_CELLS = {name: pl.Int64 if name == "number" else pl.String for name in Message._fields}


def read_messages(contract: Contract) -> RawTables:
    """The facts of all files. Raises SchemaError when there are none, or one is damaged."""
    source, books = contract.source, Books()
    rows, traits = _read(contract)
    sound = rows.filter(pl.col("broken").is_null())
    owners = find_owners(sound)
    _open(books, rows)
    rows = rows.join(owners.rows, on=PLACE, how="left", maintain_order="left")
    sound = rows.filter(pl.col("broken").is_null())
    notes = (_count(rows), *_missing(source))
    found = {
        "leads": as_raw(books, "leads", _leads(books, sound, owners), source.kind, notes),
        "events": _events(books, rows, owners, source),
        "outcomes": as_raw(books, "outcomes", _outcomes(books, sound, owners, source), source.kind),
        "changes": as_raw(books, "changes", _changes(books, sound, traits, owners, source), source.kind),
        "accounts": as_raw(books, "accounts", _accounts(books, sound, traits), source.kind),
    }
    return {name: table for name, table in found.items() if name in {"leads", "outcomes"} or table.parts}


def _read(contract: Contract) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Every line of every file, and every trait, each with its place."""
    rows, traits = [], []
    files = message_files(contract)
    folder = Path(os.path.commonpath([path.parent for path in files]))
    for path in files:
        told = read_file(path)
        table = pl.lit(path.relative_to(folder).as_posix()).cast(pl.Categorical).alias(SOURCE_TABLE)
        lines = pl.DataFrame(told.rows, schema=_CELLS, orient="row")
        rows.append(lines.rename({"number": SOURCE_ROW}).with_columns(table))
        named = pl.DataFrame(told.traits, schema=_TRAITS, orient="row")
        traits.append(named.with_columns(table))
    whole = pl.concat(rows)
    zone = contract.source.timezone
    known = later(whole["at"], whole["received"], zone)
    at = [read_times(whole["at"], zone).at.alias("at_"), known.alias("received")]
    return whole.with_columns(at), pl.concat(traits)


def _open(books: Books, rows: pl.DataFrame) -> None:
    """Each fact is made of the lines of its types; events also of the lines that are no message at all."""
    for fact in ("leads", "events", "outcomes", "changes", "accounts"):
        types = [name for name, facts in TYPES.items() if fact in facts]
        wanted = pl.col("type").is_in(types) if fact != "events" else pl.lit(value=True)
        for table, count in rows.filter(wanted)[SOURCE_TABLE].value_counts(sort=True).iter_rows():
            books.opened(fact, str(table), count)


def _count(rows: pl.DataFrame) -> str:
    counts = rows["type"].drop_nulls().value_counts(sort=True).iter_rows()
    files = rows[SOURCE_TABLE].n_unique()
    told = ", ".join(f"{count:,} {name}" for name, count in counts)
    return f"{files:,} {'file' if files == 1 else 'files'} of messages: {told}"


def _missing(source: Source) -> list[str]:
    if source.won:
        return []
    return ["no outcomes: name the track events that mean won, such as won = ['Order Completed'] in [source]"]


def _owned(books: Books, fact: str, rows: pl.DataFrame, owners: Owners) -> pl.DataFrame:
    rows = books.leave(fact, rows, pl.col("lead_id").is_null(), NOBODY)
    return books.leave(fact, rows, pl.col("lead_id").is_in(list(owners.erased)), ERASED)


def _leads(books: Books, rows: pl.DataFrame, owners: Owners) -> pl.DataFrame:
    """The first message of each lead under its own id, and the first group that it belongs to."""
    rows = rows.filter(pl.col("type").is_in([name for name, facts in TYPES.items() if "leads" in facts]))
    rows = _owned(books, "leads", rows, owners)
    itself = ~pl.col("before") | ((pl.col("type") == "identify") & (pl.col("lead_id") == pl.col("anonymous")))
    rows = books.leave("leads", rows, ~itself, "of a visitor before it was identified")
    groups = rows.filter((pl.col("type") == "group") & pl.col("group").is_not_null()).sort("at_", *PLACE)
    groups = groups.unique("lead_id", keep="first", maintain_order=True)
    rows = rows.sort("at_", *PLACE, nulls_last=True, maintain_order=True)
    rows = books.leave("leads", rows, ~pl.col("lead_id").is_first_distinct(), "a later message of the same lead")
    named = rows.select("lead_id", pl.col("at").alias("created_at"), *PLACE)
    account = groups.select("lead_id", pl.col("group").alias("account_id"))
    return named.join(account, on="lead_id", how="left", maintain_order="left")


def _events(books: Books, rows: pl.DataFrame, owners: Owners, source: Source) -> RawTable:
    """Track, page and screen messages; lines that are no message stay, for their reason to be told."""
    broken = pl.col("broken").is_not_null()
    other = ~broken & ~pl.col("type").is_in(EVENTS)
    rows = books.leave("events", rows, other, pl.format("{} messages are no events", pl.col("type").fill_null("other")))
    rows = books.leave("events", rows, _meant(source).is_not_null(), "an outcome")
    rows = books.leave("events", rows, ~broken & pl.col("lead_id").is_null(), NOBODY)
    rows = books.leave("events", rows, pl.col("lead_id").is_in(list(owners.erased)), ERASED)
    known = later(rows["received"], rows["linked"], source.timezone)
    named = {"kind": "name", "occurred_at": "at", "event_id": "id"}
    frame = rows.select(
        *("lead_id", "value", "item", "line", *PLACE),
        *(pl.col(theirs).alias(ours) for ours, theirs in named.items()),
        known.alias("known_at"),
    )
    raw = as_raw(books, "events", frame, source.kind)
    return replace(raw, attributes=(), broken=rows["broken"].to_arrow(), shown=("line",))


def _meant(source: Source) -> pl.Expr:
    """Won or lost, where the contract says that of a track event."""
    means = {name: kind for kind in ("lost", "won") for name in getattr(source, kind)}
    told = pl.col("name").replace_strict(means, default=None, return_dtype=pl.String)
    return pl.when(pl.col("type") == "track").then(told)


def _outcomes(books: Books, rows: pl.DataFrame, owners: Owners, source: Source) -> pl.DataFrame:
    rows = rows.filter(pl.col("type") == "track")
    rows = books.leave("outcomes", rows, _meant(source).is_null(), "an event that is no outcome")
    again = pl.col("id").is_not_null() & ~pl.col("id").is_first_distinct()
    rows = books.leave("outcomes", rows, again, "told twice: its messageId was there before")
    rows = _owned(books, "outcomes", rows, owners).with_columns(_meant(source).alias("kind"))
    known = later(rows["received"], rows["linked"], source.timezone)
    return rows.select("lead_id", "kind", pl.col("at").alias("occurred_at"), known.alias("known_at"), "value", *PLACE)


def _changes(books: Books, rows: pl.DataFrame, traits: pl.DataFrame, owners: Owners, source: Source) -> pl.DataFrame:
    """What identify messages say that they, or the messages before them, had not said."""
    rows = _owned(books, "changes", rows.filter(pl.col("type") == "identify"), owners)
    columns = ["lead_id", "field", "value", "known_at", *PLACE]
    asked = source.attributes
    fields = traits["field"].unique().to_list()
    wanted = [name for name in fields if (name in asked if asked is not None else personal_reason(name) is None)]
    told = traits.filter(pl.col("field").is_in(wanted)).join(rows, on=PLACE, how="inner", maintain_order="left")
    told = told.with_columns(read_times(told["received"], source.timezone).at.alias("known_"))
    told = told.sort("lead_id", "field", "known_", *PLACE, maintain_order=True)
    before = pl.col("said").shift(1).over("lead_id", "field")
    new = pl.struct("lead_id", "field").is_first_distinct() | pl.col("said").ne_missing(before)
    made = told.filter(new).select(
        "lead_id", "field", pl.col("said").alias("value"), pl.col("received").alias("known_at"), *PLACE
    )
    books.leave("changes", rows, pl.lit(value=True), "no trait that is new")
    return made if made.height else no_rows(columns)


def _accounts(books: Books, rows: pl.DataFrame, traits: pl.DataFrame) -> pl.DataFrame:
    """Each group as its first message that says so describes it."""
    rows = rows.filter(pl.col("type") == "group").sort("at_", *PLACE, nulls_last=True, maintain_order=True)
    again = pl.col("group").is_not_null() & ~pl.col("group").is_first_distinct()
    first = books.leave("accounts", rows, again, "a later message of the same group")
    named = traits.filter(
        pl.col("field").map_elements(lambda name: personal_reason(name) is None, return_dtype=pl.Boolean)
    )
    told = named.join(first.select(*PLACE), on=PLACE, how="inner", maintain_order="left")
    frame = first.select(pl.col("group").alias("account_id"), *PLACE)
    if told.is_empty():
        return frame
    wide = told.with_columns(pl.format("account_{}", "field").alias("field")).pivot(
        "field", index=PLACE, values="said", aggregate_function="first"
    )
    return frame.join(wide, on=PLACE, how="left", maintain_order="left")
