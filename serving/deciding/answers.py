"""What is answered about a stored lead: flat, without unions and nulls."""

from typing import Any

from pydantic import Field

from data.clock import DAY, iso
from serving.deciding.score_rows import Made
from serving.schemas import ScoreOut
from serving.service import Loaded

REASONS = 3


class StoredScoreOut(ScoreOut):
    """How ready a stored lead is, flat."""

    state_since: str = Field(description="Since when it stands there, UTC.", examples=["2026-01-20T02:00:00Z"])
    score_id: str = Field(description="The id of this score: GET /v1/scores/{score_id} explains it later.")


def flat(made: Made, loaded: Loaded, since: int) -> dict[str, Any]:
    """The answer of a score; ``since`` when its lead came into its state (microseconds)."""
    score = made.score
    told = [reason.text for reason in score.reasons[:REASONS]]
    told += [""] * (REASONS - len(told))
    return {
        "lead_id": score.lead_id,
        "as_of": iso(score.as_of),
        "readiness": score.readiness,
        "horizon_days": loaded.bundle.model.primary / DAY,
        "base_rate": loaded.base_rate,
        "index": score.index,
        "decision": score.decision,
        "decision_reason": score.decision_reason,
        "state": score.state,
        "next_date": moment(score.next_at),
        "reason_1": told[0],
        "reason_2": told[1],
        "reason_3": told[2],
        "events_used": made.used,
        "events_ignored": made.ignored,
        "product": score.product,
        "model_version": loaded.version,
        "bundle_id": score.bundle_id,
        "state_since": iso(since),
        "score_id": made.score_id,
    }


def moment(microseconds: int | None) -> str:
    """A moment as ISO 8601, UTC; empty when there is none."""
    return "" if microseconds is None else iso(microseconds)
