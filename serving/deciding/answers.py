"""What is answered about a stored lead: flat, without unions and nulls."""

from typing import Any

from pydantic import Field

from data.clock import iso
from serving.deciding.score_rows import Made
from serving.live.loading import Loaded
from serving.schemas import ScoreOut
from serving.scoring import flat_answer


class StoredScoreOut(ScoreOut):
    """How ready a stored lead is, flat."""

    state_since: str = Field(description="Since when it stands there, UTC.", examples=["2026-01-20T02:00:00Z"])
    score_id: str = Field(description="The id of this score: GET /v1/scores/{score_id} explains it later.")


def flat(made: Made, loaded: Loaded, since: int) -> dict[str, Any]:
    """The answer of a score; ``since`` when its lead came into its state (microseconds)."""
    answer = flat_answer(loaded, made.score, made.used, made.ignored)
    return {**answer, "state_since": iso(since), "score_id": made.score_id}


def moment(microseconds: int | None) -> str:
    """A moment as ISO 8601, UTC; empty when there is none."""
    return "" if microseconds is None else iso(microseconds)
