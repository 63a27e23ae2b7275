"""A score explained as it was, from what was kept; and computed anew from the store, where that can be done."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, bindparam, select

from data.errors import ReadinessError
from models.reasons import REASONS
from models.scorer import Score
from serving.deciding.histories import UnknownLead, read_history
from serving.deciding.needs import needs_of
from serving.live.loading import Loaded
from serving.store.tables import scores

_ONE = select(scores).where(scores.c.score_id == bindparam("score_id"))
_LAST = (
    select(scores)
    .where(scores.c.lead_id == bindparam("lead_id"))
    .order_by(scores.c.as_of.desc(), scores.c.score_id.desc())
    .limit(bindparam("at_most"))
)
Row = Mapping[str, Any]


@dataclass(frozen=True)
class Replay:
    """A score computed again: ``equal``, ``different``, or ``not possible``, and why.

    ``score`` is what came out; None when it was not possible.
    """

    verdict: str
    why: str
    score: Score | None = None


def kept_score(connection: Connection, score_id: str) -> Row | None:
    """The row of a score; None when there is none."""
    found = connection.execute(_ONE, {"score_id": score_id}).mappings().first()
    return None if found is None else dict(found)


def last_scores(connection: Connection, lead_id: str, at_most: int) -> list[Row]:
    """The latest scores of a lead."""
    return [dict(row) for row in connection.execute(_LAST, {"lead_id": lead_id, "at_most": at_most}).mappings()]


def replay(connection: Connection, loaded: Loaded | None, row: Row) -> Replay:
    """The same question asked again: the same lead at the same moment, by the same bundle if that is in use."""
    if row["cause"] == "payload":
        return Replay("not possible", "It was made from a request that brought its own facts, which were not kept.")
    if loaded is None or loaded.bundle.bundle_id != row["bundle_id"]:
        return Replay("not possible", "Another bundle is in use. Serve the bundle of this score to compute it again.")
    try:
        read = read_history(connection, row["lead_id"], row["as_of"], needs_of(loaded.bundle))
        score = loaded.scorer.score(read.lead, row["as_of"], REASONS)
    except UnknownLead:
        return Replay("not possible", "The lead is no longer in the store.")
    except ReadinessError as error:
        return Replay("not possible", str(error))
    same = (score.readiness, score.horizons) == (row["readiness"], json.loads(row["horizons"]))
    if read.inputs != row["inputs"]:
        why = "Facts arrived or went since then that count at its moment: the fingerprint of what was scored differs."
        return Replay("equal" if same else "different", why, score)
    why = "The same facts, the same bundle, the same readiness to the last bit."
    return (
        Replay("equal", why, score) if same else Replay("different", "The same facts, and yet another number.", score)
    )
