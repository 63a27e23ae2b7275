"""Salesforce's opportunities as outcomes: when they were made, won and lost, and whose they are."""

import polars as pl

from data.sources.loading import deals
from data.sources.loading.people import People
from data.sources.loading.touches import read_links
from data.sources.loading.work import PLACE, Work, no_rows, truth, untruth
from data.sources.raw import SOURCE_ROW

_START = "_fivetran_start"
_FLAGS = ("is_deleted", "_fivetran_deleted")


def import_outcomes(work: Work, people: People, contacts: pl.DataFrame, leads: pl.DataFrame) -> pl.DataFrame:
    """An opportunity when it is made; won or lost when it enters such a stage, as its history tells.

    Where the history begins with a closed opportunity, or there is none, the close date says when; where that is still
    to come, the last change of the opportunity.
    """
    own = ["id", "account_id", "stage_name", "is_won", "is_closed", "amount", "_fivetran_active", *_FLAGS]
    times = ["created_date", "close_date", "last_modified_date"]
    rows = work.read("opportunity", own, times=times, fact="outcomes", needs=("id",))
    if rows is None:
        work.notes.append("there is no table opportunity: no outcomes")
        return no_rows(deals.OUTCOME)
    rows = work.books.leave("outcomes", rows, untruth("_fivetran_active"), "an earlier version of a record")
    gone = rows.filter(truth(*_FLAGS))["id"].drop_nulls().to_list()
    rows = work.books.leave("outcomes", rows, truth(*_FLAGS), "deleted")
    means = _stages(work, rows)
    rows = rows.with_columns(pl.col("id").alias("deal"), pl.col("amount").alias("value"), _came_to(means).alias("kind"))
    history = _history(work, means, rows.select("deal", "value"))
    history = work.books.leave("outcomes", history, pl.col("deal").is_in(gone), deals.OF_DELETED_DEAL)
    told = deals.entered(work, history)
    closed = rows.filter(pl.col("kind").is_not_null() & ~pl.col("deal").is_in(told["deal"].implode()))
    opened = rows.with_columns(pl.lit("opportunity").alias("kind"), pl.col("created_date").alias("at"))
    moves = [opened, told, closed.with_columns(_closing(work, closed).alias("at"))]
    return deals.credited(
        work,
        pl.concat([part.select(deals.MOVES) for part in moves]),
        _links(work, people, rows, contacts, leads),
        people,
    )


def _came_to(means: dict[str, str]) -> pl.Expr:
    """What the stage means, and failing that the flags of the opportunity itself."""
    stage = pl.col("stage_name").replace_strict(means, default=None, return_dtype=pl.String)
    named = pl.lit(bool(means)) & pl.col("stage_name").is_not_null()
    return pl.when(named).then(stage).otherwise(_flagged())


def _flagged() -> pl.Expr:
    return pl.when(truth("is_won")).then(pl.lit("won")).when(truth("is_closed")).then(pl.lit("lost"))


def _stages(work: Work, opportunities: pl.DataFrame) -> dict[str, str]:
    """Which stages mean won and lost: by the table of stages, else by the opportunities that are in them."""
    said = opportunities.select(pl.col("stage_name").alias("stage"), _flagged().alias("kind")).drop_nulls()
    says = dict(said.iter_rows())
    stages = work.read("opportunity_stage", ["master_label", "api_name", "is_won", "is_closed"])
    if stages is not None:
        told = stages.select(pl.coalesce("api_name", "master_label").alias("stage"), _flagged().alias("kind"))
        says |= dict(told.drop_nulls().iter_rows())
    return deals.agreed(work, opportunities["stage_name"].unique(), says, {})


def _closing(work: Work, closed: pl.DataFrame) -> pl.Series:
    """The close date, never before the opportunity was made; where it is still to come, the last change."""
    at = work.later(closed["close_date"], closed["created_date"])
    if work.synced is None:
        return at
    ahead = (work.at(at) > work.synced).fill_null(value=False) & closed["last_modified_date"].is_not_null()
    return at.zip_with(~ahead, closed["last_modified_date"])


def _history(work: Work, means: dict[str, str], values: pl.DataFrame) -> pl.DataFrame:
    """The stages of each opportunity: versions that the loader keeps, or one of Salesforce's own histories."""
    if _START in work.columns("opportunity_history"):
        return _versions(work, means)
    rows = _own_history(work)
    if rows is None:
        return no_rows(deals.MOVES)
    kind = pl.col("stage").replace_strict(means, default=None, return_dtype=pl.String)
    told = rows.with_columns(kind.alias("kind")).join(values, on="deal", how="left", maintain_order="left")
    return told.select(deals.MOVES)


def _own_history(work: Work) -> pl.DataFrame | None:
    """``deal``, ``stage``, ``at`` and the place, from OpportunityHistory or OpportunityFieldHistory."""
    table, stage = "opportunity_history", "stage_name"
    if not work.has(table):
        table, stage = "opportunity_field_history", "new_value"
    needs = ("opportunity_id", stage, "created_date")
    names = ["opportunity_id", "field", stage, *_FLAGS]
    rows = work.read(table, names, times=["created_date"], fact="outcomes", needs=needs)
    if rows is None:
        return None
    rows = work.books.leave("outcomes", rows, truth(*_FLAGS), "deleted")
    if stage == "new_value":
        other = ~pl.col("field").str.to_lowercase().is_in(["stagename", "stage_name"])
        rows = work.books.leave("outcomes", rows, other, "the history of another field than the stage")
    named = {"deal": "opportunity_id", "stage": stage, "at": "created_date"}
    return rows.select(*(pl.col(theirs).alias(ours) for ours, theirs in named.items()), *PLACE)


def _versions(work: Work, means: dict[str, str]) -> pl.DataFrame:
    columns = ["id", "stage_name", "is_won", "is_closed", "amount", *_FLAGS]
    rows = work.read("opportunity_history", columns, times=[_START], fact="outcomes", needs=("id", _START))
    if rows is None:
        return no_rows(deals.MOVES)
    rows = work.books.leave("outcomes", rows, truth(*_FLAGS), "deleted")
    rows = rows.with_columns(
        pl.col("id").alias("deal"), _came_to(means).alias("kind"), work.at(rows[_START]).alias("_at")
    )
    rows = rows.sort("deal", "_at", SOURCE_ROW, maintain_order=True)
    begun = pl.col("deal").is_first_distinct() & pl.col("kind").is_not_null()
    rows = work.books.leave("outcomes", rows, begun, "already closed when the history begins")
    return rows.with_columns(pl.col(_START).alias("at"), pl.col("amount").alias("value")).select(deals.MOVES)


def _links(
    work: Work, people: People, opportunities: pl.DataFrame, contacts: pl.DataFrame, leads: pl.DataFrame
) -> pl.DataFrame:
    """``key``, ``lead_id``: contact roles and converted leads; an opportunity with neither is its account's contacts'.

    Of an account only those contacts count that were there when the opportunity was made.
    """
    became = leads.select(pl.col("converted_opportunity_id").alias("key"), people.whose(pl.col("id")).alias("lead_id"))
    roles = read_links(work, "opportunity_contact_role", "opportunity_id", "contact_id", people)
    direct = pl.concat([became.drop_nulls(), roles])
    others = opportunities.filter(~pl.col("id").is_in(direct["key"].implode()) & pl.col("account_id").is_not_null())
    shared = _of_account(work, others, contacts)
    if shared.height:
        many = shared["key"].n_unique()
        work.notes.append(
            f"{many:,} opportunities have no contact role: they count for every contact that their account had by then"
        )
    every = pl.concat([direct, shared]).with_columns(people.whose(pl.col("lead_id")).alias("lead_id"))
    return every.unique(maintain_order=True)


def _of_account(work: Work, opportunities: pl.DataFrame, contacts: pl.DataFrame) -> pl.DataFrame:
    made = opportunities.select(pl.col("id").alias("key"), "account_id", "created_date")
    made = made.with_columns(work.at(made["created_date"]).alias("_made"))
    there = contacts.filter(~truth(*_FLAGS)).select("account_id", pl.col("id").alias("lead_id"), "created_date")
    there = there.with_columns(work.at(there["created_date"]).alias("_since")).drop("created_date")
    joined = made.join(there, on="account_id", how="inner")
    return joined.filter(pl.col("_since") <= pl.col("_made")).select("key", "lead_id").drop_nulls()
