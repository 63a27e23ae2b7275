"""Who is who: merged, converted and deleted records, and the leads that remain.

Two records of one person are one lead: under the id that survived, created when the first of them was, with the
surviving record's attributes, and the others' where it has none. Where the record that survived is deleted, so are all.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import polars as pl

from data.sources.loading.work import Work
from data.sources.raw import SOURCE_ROW, SOURCE_TABLE

MERGED = "merged into another lead"
DELETED = "deleted"
INTO_DELETED = "merged into a deleted lead"
OF_DELETED = "of a deleted lead"
KEYS = ["id", "created", "account_id", "deleted", SOURCE_TABLE, SOURCE_ROW]
"""The columns of records beside their attributes: all text but ``deleted`` and the number of the row."""


@dataclass(frozen=True)
class People:
    """The leads of an import."""

    leads: pl.DataFrame
    """``lead_id``, ``created_at``, ``account_id``, attributes, and where each row comes from."""
    aliases: dict[str, str] = field(default_factory=dict)
    """Every id that was merged or converted = the id that remains."""
    deleted: tuple[str, ...] = ()
    """Leads that are deleted at the source."""

    def whose(self, ids: pl.Expr) -> pl.Expr:
        """The lead that a record's id stands for today."""
        return ids.replace(self.aliases) if self.aliases else ids


def surviving(pairs: Iterable[tuple[str | None, str | None]]) -> dict[str, str]:
    """From pairs of an id and the one that took its place: every such id = the last one, whatever the detours.

    Where ids take each other's place in a circle, the smallest of them remains.
    """
    step = {str(old): str(new) for old, new in pairs if old is not None and new is not None and old != new}
    found: dict[str, str] = {}
    for old in step:
        path = [old]
        while path[-1] in step and path[-1] not in path[:-1]:
            path.append(step[path[-1]])
        circle = path[path.index(path[-1]) : -1]
        last = min(circle) if circle else path[-1]
        found.update({passed: last for passed in path if passed != last})
    return found


def gather(work: Work, records: Sequence[pl.DataFrame], aliases: dict[str, str]) -> People:
    """The leads of ``records`` (columns ``KEYS`` and attributes, one row a record); what is not a lead is in the books.

    Records without an id stay, for ``check`` to refuse.
    """
    rows = pl.concat(records, how="diagonal")
    rows = rows.with_columns(pl.col("id").replace(aliases).alias("lead_id"), work.at(rows["created"]).alias("_at"))
    was_merged = pl.col("id").is_in(list(aliases)).fill_null(value=False)
    own = rows.filter(~was_merged & pl.col("lead_id").is_not_null())
    living = own.filter(~pl.col("deleted"))["lead_id"]
    gone = own.filter(pl.col("deleted") & ~pl.col("lead_id").is_in(living.implode()))["lead_id"].unique()
    rows = work.books.leave("leads", rows, pl.col("deleted") & ~was_merged, DELETED)
    rows = work.books.leave("leads", rows, pl.col("lead_id").is_in(gone.implode()), INTO_DELETED)
    order = ["lead_id", pl.col("id") != pl.col("lead_id"), "_at", "id"]
    rows = rows.sort(order, nulls_last=True, maintain_order=True)
    first = pl.col("lead_id").is_null() | pl.col("lead_id").is_first_distinct()
    same = pl.col("id") == pl.col("id").first().over("lead_id")
    whole = _folded(rows)
    rows = work.books.leave("leads", rows, ~first & ~same, MERGED)
    leads = _with_folded(rows, whole).drop("id", "created", "deleted", "_at")
    return People(leads, aliases, tuple(gone.sort().to_list()))


def _folded(rows: pl.DataFrame) -> pl.DataFrame:
    """For each lead the creation of its first record, and of every attribute the first value in the order of rows."""
    known = rows.filter(pl.col("lead_id").is_not_null())
    attributes = [name for name in rows.columns if name not in {*KEYS, "lead_id", "_at"}]
    return known.group_by("lead_id", maintain_order=True).agg(
        pl.col("created").sort_by("_at", nulls_last=True).first().alias("created_at"),
        *(pl.col(name).drop_nulls().first() for name in ["account_id", *attributes]),
        pl.len().alias("_records"),
    )


def _with_folded(rows: pl.DataFrame, whole: pl.DataFrame) -> pl.DataFrame:
    """The remaining record of each lead with what all of its records say; a lead told twice stays as it was told."""
    folded = [name for name in whole.columns if name not in {"lead_id", "created_at", "_records"}]
    joined = rows.join(whole, on="lead_id", how="left", suffix="_all", maintain_order="left")
    return joined.with_columns(
        pl.coalesce("created_at", "created").alias("created_at"),
        *(pl.coalesce(name, f"{name}_all").alias(name) for name in folded),
    ).drop("_records", *(f"{name}_all" for name in folded))
