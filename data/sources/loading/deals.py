"""Outcomes from the stages that deals went through.

A deal is an ``opportunity`` when it is made, and ``won`` or ``lost`` at the moment it enters such a stage; leaving
and entering again counts again. Without a history of stages the deal's own close date says when.
"""

from collections.abc import Iterable, Mapping

import polars as pl

from data.naming import plain
from data.sources.loading.people import People
from data.sources.loading.touches import fan_out
from data.sources.loading.work import Work
from data.sources.raw import SOURCE_ROW, SOURCE_TABLE

OUTCOME = ["lead_id", "kind", "occurred_at", "known_at", "value", SOURCE_TABLE, SOURCE_ROW]
MOVES = ["deal", "at", "kind", "value", SOURCE_TABLE, SOURCE_ROW]
"""What a deal came to (``kind``: won, lost, opportunity, or null for any other stage) and when: all text."""
OF_DELETED_DEAL = "of a deleted deal"
_NAMES = {"closedwon": "won", "closed_won": "won", "closedlost": "lost", "closed_lost": "lost"}


def by_name(stage: str | None) -> str | None:
    """What a stage means by its usual names alone: ``closedwon``, ``Closed Lost``."""
    return _NAMES.get(plain(stage or ""))


def agreed(
    work: Work, stages: Iterable[str | None], says: Mapping[str, str], labels: Mapping[str, str]
) -> dict[str, str]:
    """Stage = won or lost.

    The contract decides, by id or label; where it names no stages for one of the two, what the source ``says`` of
    them does, and failing that their usual names.
    """
    found: dict[str, str] = {}
    for stage in sorted({stage for stage in (*stages, *says, *labels) if stage}):
        label = labels.get(stage, "")
        usual = says.get(stage) or by_name(stage) or by_name(label)
        for kind in ("won", "lost"):
            given = {name.lower() for name in getattr(work.source, kind)}
            if {stage.lower(), label.lower()} & given or (not given and usual == kind):
                found[stage] = kind
    return found


def entered(work: Work, moves: pl.DataFrame) -> pl.DataFrame:
    """Of the stages of each deal in the order of time those that changed what it came to."""
    rows = moves.with_columns(work.at(moves["at"]).alias("_at")).sort("deal", "_at", SOURCE_ROW, maintain_order=True)
    rows = rows.with_columns(pl.col("kind").fill_null("").alias("_now"))
    before = pl.col("_now").shift(1).over("deal").fill_null("")
    rows = rows.with_columns((pl.col("_now") == before).alias("_same"))
    rows = work.books.leave("outcomes", rows, pl.col("kind").is_null(), "a stage that is neither won nor lost")
    return work.books.leave("outcomes", rows, pl.col("_same"), "a stage that changes nothing").select(MOVES)


def credited(work: Work, moves: pl.DataFrame, links: pl.DataFrame, people: People) -> pl.DataFrame:
    """The outcomes of every lead that ``links`` (key, lead_id) names for a deal."""
    rows = fan_out(work, "outcomes", moves, "deal", links, "a deal of no lead")
    rows = work.books.leave("outcomes", rows, pl.col("lead_id").is_in(list(people.deleted)), "of a deleted lead")
    return rows.with_columns(pl.col("at").alias("occurred_at"), pl.col("at").alias("known_at")).select(OUTCOME)
