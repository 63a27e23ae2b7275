"""Scores of the shadow as rows of the store."""

import json
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection, bindparam, select

from models.scorer import Score
from serving.store.tables import scores, shadow_scores
from serving.store.upsert import insert_into

_THERE = (
    select(scores.c.score_id)
    .where(scores.c.score_id.in_(bindparam("score_ids", expanding=True)))
    .order_by(scores.c.score_id)
    .with_for_update(read=True, key_share=True)
)
BATCH_ROWS = 10_000


class ShadowScore(NamedTuple):
    """What the shadow said of a lead as known at ``as_of`` (microseconds): ``horizons`` by name, such as ``90d``."""

    score_id: str
    lead_id: str
    as_of: int
    version: str
    bundle_id: str
    readiness: float
    horizons: dict[str, float]
    decision: str | None


def shadow_row(score_id: str, score: Score, version: str, scored_at: int) -> dict[str, Any]:
    """The row of a score beside the champion's ``score_id``; ``scored_at`` in microseconds."""
    return {
        "score_id": score_id,
        "bundle_id": score.bundle_id,
        "lead_id": score.lead_id,
        "as_of": score.as_of,
        "version": version,
        "readiness": score.readiness,
        "horizons": json.dumps(score.horizons),
        "index": score.index,
        "decision": score.decision,
        "scored_at": scored_at,
    }


def write_shadow(connection: Connection, rows: Sequence[dict[str, Any]]) -> set[str]:
    """Write rows whose champion's score is there, and return the ids of those scores.

    The others are not written: the champion's score is written a moment after it was told, and one whose lead was
    erased meanwhile never comes back.
    """
    there = set(connection.execute(_THERE, {"score_ids": sorted({row["score_id"] for row in rows})}).scalars())
    kept = [row for row in rows if row["score_id"] in there]
    if kept:
        connection.execute(insert_into(connection, shadow_scores).on_conflict_do_nothing(), kept)
    return there


def read_shadow_scores(connection: Connection, since: int, until: int) -> Iterator[ShadowScore]:
    """What the shadow said of scores made in [since, until) (microseconds), in the order of ``score_id``."""
    names = [name for name in ShadowScore._fields if name != "horizons"]
    wanted = select(*(shadow_scores.c[name] for name in names), shadow_scores.c.horizons)
    wanted = wanted.where(shadow_scores.c.scored_at >= since, shadow_scores.c.scored_at < until)
    streamed = connection.execution_options(stream_results=True, yield_per=BATCH_ROWS)
    for row in streamed.execute(wanted.order_by(shadow_scores.c.score_id, shadow_scores.c.bundle_id)).mappings():
        told = {**row, "horizons": json.loads(row["horizons"])}
        yield ShadowScore(**told)
