"""HubSpot's deals as outcomes: when they were made, won and lost, and whose they are."""

from collections.abc import Iterable

import polars as pl

from data.sources.loading import deals
from data.sources.loading.people import People, surviving
from data.sources.loading.touches import read_links
from data.sources.loading.work import PLACE, Work, no_rows, truth

FLAGS = ("is_deleted", "_fivetran_deleted")


def import_outcomes(work: Work, people: People) -> pl.DataFrame:
    """A deal is an opportunity when it is made, and won or lost when it enters such a stage."""
    own = ["deal_id", "deal_pipeline_stage_id", "property_dealstage", "property_amount", *FLAGS]
    rows = work.read(
        "deal", own, times=["property_createdate", "property_closedate"], fact="outcomes", needs=("deal_id",)
    )
    if rows is None:
        work.notes.append("there is no table deal: no outcomes")
        return no_rows(deals.OUTCOME)
    merged = _merged_deals(work)
    rows = rows.with_columns(pl.col("deal_id").replace(merged).alias("deal"), pl.col("property_amount").alias("value"))
    gone = rows.filter(truth(*FLAGS) & (pl.col("deal") == pl.col("deal_id")))["deal"].drop_nulls().to_list()
    rows = work.books.leave("outcomes", rows, pl.col("deal") != pl.col("deal_id"), "a deal merged into another")
    rows = work.books.leave("outcomes", rows, truth(*FLAGS), "deleted")
    history = _stage_history(work, merged).join(
        rows.select("deal", "value"), on="deal", how="left", maintain_order="left"
    )
    history = work.books.leave("outcomes", history, pl.col("deal").is_in(gone), deals.OF_DELETED_DEAL)
    stage = pl.coalesce("deal_pipeline_stage_id", "property_dealstage")
    means = _stages(work, [*history["stage"].unique(), *rows.select(stage).to_series().unique()])
    told = deals.entered(work, history.with_columns(_meaning(means, pl.col("stage")).alias("kind")).select(deals.MOVES))
    without = rows.filter(~pl.col("deal").is_in(told["deal"].implode()))
    closed = without.with_columns(_meaning(means, stage).alias("kind"), pl.col("property_closedate").alias("at"))
    opened = rows.with_columns(pl.lit("opportunity").alias("kind"), pl.col("property_createdate").alias("at"))
    moves = [part.select(deals.MOVES) for part in (opened, told, closed.filter(pl.col("kind").is_not_null()))]
    links = read_links(work, "deal_contact", "deal_id", "contact_id", people, merged)
    return deals.credited(work, pl.concat(moves), links, people)


def _meaning(means: dict[str, str], stage: pl.Expr) -> pl.Expr:
    return stage.replace_strict(means, default=None, return_dtype=pl.String)


def _merged_deals(work: Work) -> dict[str, str]:
    pairs = work.read("merged_deal", ["merged_deal_id", "deal_id"], needs=("merged_deal_id", "deal_id"))
    return {} if pairs is None else surviving(pairs.select("merged_deal_id", "deal_id").iter_rows())


def _stage_history(work: Work, merged: dict[str, str]) -> pl.DataFrame:
    """``deal``, ``stage``, ``at`` and the place: from deal_stage, else from the history of the property dealstage."""
    rows = work.read(
        "deal_stage",
        ["deal_id", "value"],
        times=["date_entered", "_fivetran_start"],
        fact="outcomes",
        needs=("deal_id",),
    )
    at = pl.coalesce("date_entered", "_fivetran_start") if rows is not None else pl.col("timestamp")
    if rows is None:
        needs = ("deal_id", "name", "value", "timestamp")
        rows = work.read(
            "deal_property_history", ["deal_id", "name", "value"], times=["timestamp"], fact="outcomes", needs=needs
        )
        if rows is None:
            return no_rows(["deal", "stage", "at"])
        other = pl.col("name").ne_missing("dealstage")
        rows = work.books.leave("outcomes", rows, other, "the history of another field than the stage")
    deal = pl.col("deal_id").replace(merged).alias("deal")
    return rows.select(deal, pl.col("value").alias("stage"), at.alias("at"), *PLACE)


def _stages(work: Work, seen: Iterable[str | None]) -> dict[str, str]:
    """What each stage means: by its flags in deal_pipeline_stage, the contract's word before all."""
    rows = work.read("deal_pipeline_stage", ["stage_id", "label", "closed_won", "is_closed"], needs=("stage_id",))
    if rows is None:
        return deals.agreed(work, seen, {}, {})
    kind = pl.when(truth("closed_won")).then(pl.lit("won")).when(truth("is_closed")).then(pl.lit("lost"))
    told = rows.with_columns(kind.alias("kind")).drop_nulls("stage_id")
    says = {stage: kind for stage, kind in told.select("stage_id", "kind").iter_rows() if kind}
    labels = {stage: label for stage, label in told.select("stage_id", "label").iter_rows() if label}
    return deals.agreed(work, seen, says, labels)
