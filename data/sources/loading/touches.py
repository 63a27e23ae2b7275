"""Events, declared: which table, whose, when, and which kind and actor."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import polars as pl

from data.sources.loading.people import OF_DELETED, People
from data.sources.loading.work import Work, no_rows, truth, untruth
from data.sources.raw import SOURCE_ROW, SOURCE_TABLE

Kind = tuple[str, str]
"""The kind of an event, and its actor: lead, marketing or sales."""
Cases = tuple[tuple[str, Mapping[str, Kind]], ...]
"""Columns that tell the kind: value in lower case = kind. The first that knows its value decides."""
Rules = tuple[tuple[str, tuple[str, ...], str], ...]
"""A column, values in lower case, and the reason of what follows from them."""
EVENT = ["lead_id", "kind", "occurred_at", "known_at", "event_id", "actor", "value", "item", SOURCE_TABLE, SOURCE_ROW]
_FLAGS = ("_fivetran_deleted", "is_deleted")


@dataclass(frozen=True)
class Lookup:
    """Another table with one row for each of ours: its columns are read as ``<table>.<column>``."""

    table: str
    key: str
    columns: tuple[str, ...] = ()
    times: tuple[str, ...] = ()


@dataclass(frozen=True)
class Touch:
    """One table of events."""

    table: str
    kind: Kind | None
    """Of rows that no case names; None: such rows say nothing about the lead."""
    lead: tuple[str, ...]
    """The first of these columns that is filled says whose it is."""
    occurred: tuple[str, ...]
    """The first of these times that is filled."""
    known: tuple[str, ...] = ()
    """When it was recorded: known_at is the later of this and of occurred_at."""
    id: str = "id"
    item: tuple[str, ...] = ()
    value: str | None = None
    cases: Cases = ()
    never: Rules = ()
    """Rows with one of these values are no events."""
    only: Rules = ()
    """Rows with another value there, or none, are no events; where the table lacks the column, all rows are."""
    through: tuple[str, str, str] | None = None
    """The table that says whose it is: its name, its column with our id, its column with the lead's."""
    by_email: bool = False
    """Whether ``lead`` holds an e-mail address in place of an id."""
    lookups: tuple[Lookup, ...] = ()

    @property
    def tables(self) -> list[str]:
        """Every table that is read."""
        return [self.table, *(lookup.table for lookup in self.lookups), *(self.through[:1] if self.through else ())]

    @property
    def kinds(self) -> list[Kind]:
        """Every kind that can come of it."""
        found = [kind for _, values in self.cases for kind in values.values()]
        return list(dict.fromkeys([*([self.kind] if self.kind else []), *found]))


@dataclass(frozen=True)
class Addresses:
    """Whose e-mail address is whose: ``address`` in lower case, ``address_of``."""

    rows: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema={"address": pl.String, "owner": pl.String}))


def read_touches(
    work: Work, touches: Sequence[Touch], people: People, addresses: Addresses | None = None
) -> pl.DataFrame:
    """The events of every table that is there."""
    parts = (_read(work, touch, people, addresses or Addresses()) for touch in touches if work.has(touch.table))
    return pl.concat([no_rows(EVENT), *(part for part in parts if part is not None)])


def _read(work: Work, touch: Touch, people: People, addresses: Addresses) -> pl.DataFrame | None:
    frame = work.read(touch.table, _own_columns(touch), times=_own_times(touch), fact="events", needs=(touch.id,))
    if frame is None:
        return None
    for lookup in touch.lookups:
        frame = _looked_up(work, frame, lookup, touch.id)
    frame = _selected(work, frame, touch)
    frame = _of_leads(work, frame, touch, people, addresses)
    occurred = frame.select(pl.coalesce(touch.occurred)).to_series()
    known = work.later(occurred, frame.select(pl.coalesce(touch.known)).to_series()) if touch.known else occurred
    return frame.with_columns(
        occurred.alias("occurred_at"),
        known.alias("known_at"),
        pl.concat_str(pl.lit(f"{touch.table}:"), touch.id, *_suffix(touch)).alias("event_id"),
        (pl.col(touch.value) if touch.value else pl.lit(None, pl.String)).alias("value"),
        (pl.coalesce(touch.item) if touch.item else pl.lit(None, pl.String)).alias("item"),
    ).select(EVENT)


def _suffix(touch: Touch) -> list[pl.Expr]:
    """A meeting with two leads is two events."""
    return [pl.lit(":"), pl.col("lead_id")] if touch.through else []


def _own_columns(touch: Touch) -> list[str]:
    named = [touch.id, *touch.lead, *touch.item, *_FLAGS, "_fivetran_active", *([touch.value] if touch.value else [])]
    named += [column for column, _ in touch.cases] + [column for column, _, _ in (*touch.never, *touch.only)]
    return [column for column in dict.fromkeys(named) if "." not in column]


def _own_times(touch: Touch) -> list[str]:
    return [column for column in dict.fromkeys([*touch.occurred, *touch.known]) if "." not in column]


def _looked_up(work: Work, frame: pl.DataFrame, lookup: Lookup, key: str) -> pl.DataFrame:
    """``frame`` with the columns of another table; null where that is not there, or has no such row."""
    names = [*lookup.columns, *lookup.times]
    found = work.read(lookup.table, [lookup.key, *lookup.columns], times=lookup.times, needs=(lookup.key,))
    if found is None:
        return frame.with_columns(pl.lit(None, pl.String).alias(f"{lookup.table}.{name}") for name in names)
    found = found.filter(pl.col(lookup.key).is_not_null()).unique(lookup.key, keep="first", maintain_order=True)
    found = found.select(pl.col(lookup.key).alias("_key"), *(pl.col(n).alias(f"{lookup.table}.{n}") for n in names))
    return frame.join(found, left_on=key, right_on="_key", how="left", maintain_order="left")


def _selected(work: Work, frame: pl.DataFrame, touch: Touch) -> pl.DataFrame:
    """The rows that are events, with their kind and actor."""
    leave = work.books.leave
    frame = leave("events", frame, truth(*_FLAGS), "deleted")
    frame = leave("events", frame, untruth("_fivetran_active"), "an earlier version of a record")
    for column, values, reason in touch.never:
        frame = leave("events", frame, pl.col(column).str.to_lowercase().is_in(list(values)), reason)
    there = set(work.columns(touch.table))
    for column, values, reason in touch.only:
        if column in there:
            told = pl.col(column).str.to_lowercase().is_in(list(values)).fill_null(value=False)
            frame = leave("events", frame, ~told, reason)
    frame = frame.with_columns(_told(touch, 0).alias("kind"), _told(touch, 1).alias("actor"))
    if touch.kind is not None or not touch.cases:
        return frame
    said = pl.coalesce(*(column for column, _ in touch.cases), pl.lit("a row without a type"))
    return leave("events", frame, pl.col("kind").is_null(), pl.format("{} says nothing about the lead", said))


def _told(touch: Touch, part: int) -> pl.Expr:
    """The kind (part 0) or the actor (part 1) of each row."""
    said = [
        pl.col(column)
        .str.to_lowercase()
        .replace_strict({value: kind[part] for value, kind in values.items()}, default=None, return_dtype=pl.String)
        for column, values in touch.cases
    ]
    return pl.coalesce(*said, pl.lit(touch.kind[part] if touch.kind else None, pl.String))


def _of_leads(work: Work, frame: pl.DataFrame, touch: Touch, people: People, addresses: Addresses) -> pl.DataFrame:
    """Each row for every lead that it concerns. An address that nobody has stays, for ``check`` to refuse."""
    if touch.through is not None:
        table, ours, theirs = touch.through
        frame = fan_out(work, "events", frame, touch.id, read_links(work, table, ours, theirs, people), "of no lead")
    elif touch.by_email:
        address = pl.coalesce(touch.lead).str.strip_chars().str.to_lowercase().alias("address")
        frame = frame.with_columns(address).join(addresses.rows, on="address", how="left", maintain_order="left")
        frame = frame.with_columns(pl.coalesce("owner", *touch.lead).alias("lead_id"))
    else:
        frame = frame.with_columns(people.whose(pl.coalesce(touch.lead)).alias("lead_id"))
    return work.books.leave("events", frame, pl.col("lead_id").is_in(list(people.deleted)), OF_DELETED)


def read_links(
    work: Work, table: str, ours: str, theirs: str, people: People, renamed: Mapping[str, str] | None = None
) -> pl.DataFrame:
    """``key``, ``lead_id``: which leads a table connects with our ids, each pair once; ``renamed``: ids that moved."""
    links = work.read(table, [ours, theirs, *_FLAGS], needs=(ours, theirs))
    if links is None:
        return no_links()
    rows = links.filter(~truth(*_FLAGS))
    rows = rows.select(pl.col(ours).replace(renamed or {}).alias("key"), people.whose(pl.col(theirs)).alias("lead_id"))
    return rows.drop_nulls().unique(maintain_order=True)


def no_links() -> pl.DataFrame:
    """``key``, ``lead_id`` without a row."""
    return pl.DataFrame(schema={"key": pl.String, "lead_id": pl.String})


def fan_out(work: Work, fact: str, frame: pl.DataFrame, key: str, links: pl.DataFrame, reason: str) -> pl.DataFrame:
    """Each row once for every ``lead_id`` that ``links`` (key, lead_id) names for its ``key``; the others are left."""
    joined = frame.join(links, left_on=key, right_on="key", how="left", maintain_order="left_right")
    return work.books.leave(fact, joined, pl.col("lead_id").is_null(), reason)
