"""What is answered about a stored lead: flat, without unions and nulls."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from msgspec.json import Encoder
from pydantic import Field

from data.clock import iso
from data.errors import ReadinessError
from serving.deciding.asking import Answer, ClosedLead, Question, score_stored
from serving.deciding.histories import UnknownLead
from serving.deciding.recorder import Recorder
from serving.deciding.score_rows import Made
from serving.live.loading import Loaded
from serving.problems import Refusal
from serving.schemas import ScoreOut
from serving.scoring import flat_answer
from serving.service import Service
from serving.store.failures import StoreDown

NOT_KEPT = {"cache-control": "no-store"}
"""A score is of its moment."""
_ENCODE = Encoder().encode


class StoredScoreOut(ScoreOut):
    """How ready a stored lead is, flat."""

    state_since: str = Field(description="Since when it stands there, UTC.", examples=["2026-01-20T02:00:00Z"])
    score_id: str = Field(description="The id of this score: GET /v1/scores/{score_id} explains it later.")


def flat(made: Made, loaded: Loaded, since: int) -> dict[str, Any]:
    """The answer of a score; ``since`` when its lead came into its state (microseconds)."""
    answer = flat_answer(loaded, made.score, made.used, made.ignored)
    return {**answer, "state_since": iso(since), "score_id": made.score_id}


async def told_score(service: Service, recorder: Recorder, question: Question) -> bytes:
    """The answer (of ``StoredScoreOut``) about a stored lead, as JSON.

    Raises Refusal: 404 for a lead that is not there, 422 when the question does not apply to it; StoreDown.
    """
    loaded = service.loaded
    with _refusing():
        answer = await score_stored(service.store, recorder, loaded, question)
    return _ENCODE(flat(answer.made, loaded, answer.since))


async def answer_of_open(service: Service, recorder: Recorder, lead_id: str) -> Answer | None:
    """The score of a stored lead as of now; None for a closed one. Raises what ``told_score`` raises."""
    with _refusing():
        try:
            return await score_stored(service.store, recorder, service.loaded, Question(lead_id))
        except ClosedLead:
            return None


@contextmanager
def _refusing() -> Iterator[None]:
    """What is wrong with a question, as an answer."""
    try:
        yield
    except UnknownLead as error:
        raise Refusal(404, "unknown-lead", str(error)) from None
    except StoreDown:
        raise
    except ReadinessError as error:
        raise Refusal(422, "does-not-apply", str(error)) from None


def moment(microseconds: int | None) -> str:
    """A moment as ISO 8601, UTC; empty when there is none."""
    return "" if microseconds is None else iso(microseconds)
