"""Scores of the shadow as rows of the store."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, bindparam, select

from models.scorer import Score
from serving.deciding.score_rows import json_text
from serving.store.tables import scores, shadow_scores
from serving.store.upsert import insert_into

_THERE = (
    select(scores.c.score_id)
    .where(scores.c.score_id.in_(bindparam("score_ids", expanding=True)))
    .order_by(scores.c.score_id)
    .with_for_update(read=True, key_share=True)
)


def shadow_row(score_id: str, score: Score, version: str, scored_at: int) -> dict[str, Any]:
    """The row of a score beside the champion's ``score_id``; ``scored_at`` in microseconds."""
    return {
        "score_id": score_id,
        "bundle_id": score.bundle_id,
        "lead_id": score.lead_id,
        "as_of": score.as_of,
        "version": version,
        "readiness": score.readiness,
        "horizons": json_text(score.horizons),
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
