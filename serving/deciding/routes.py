"""Stored leads over HTTP: scores, the work list, and why things are as they are."""

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query, Request, Response
from sqlalchemy import Connection

from data.clock import DAY, wall_clock
from serving.access import require
from serving.deciding.answers import NOT_KEPT, StoredScoreOut, answer_of_open, told_score
from serving.deciding.asking import Question
from serving.deciding.explaining import kept_score, replay
from serving.deciding.histories import UnknownLead
from serving.deciding.leads import lead_row, story
from serving.deciding.recorder import Recorder
from serving.deciding.schemas import EntryOut, KeptScoreOut, LeadOut, TimelineOut, WorkListOut
from serving.deciding.shown import kept_score_out, lead_out, standing_out
from serving.deciding.stories import Entry, timeline
from serving.deciding.work_list import Sort, Wanted, work_list
from serving.problems import Refusal, documented
from serving.schemas import MaybeMoment
from serving.service import ServiceDep

routes = APIRouter(prefix="/v1", tags=["leads"])

_ERRORS = documented(401, 403, 404, 422, 500, 503)
_READS = [Depends(require("read"))]
Cursor = Annotated[str, Query(max_length=2_000, description="The `next_cursor` of the page before.")]
Limit = Annotated[int, Query(ge=1, le=500, description="So many at the most.")]
AsOf = Annotated[MaybeMoment, Query(description="As known then, ISO 8601 with a zone; now, when absent.")]
OfState = Literal["nurture", "ready", "working", "recycled", "won", "lost", "let go"]


async def recorder_of(request: Request) -> Recorder:
    """The recorder of the service; asynchronous because FastAPI would hand a plain function to a thread."""
    found: Recorder = request.state.recorder
    return found


RecorderDep = Annotated[Recorder, Depends(recorder_of)]


@routes.get(
    "/leads/{lead_id:path}/score",
    name="scoreStoredLead",
    summary="Score a stored lead",
    description="As it is known now, or as it was known at `as_of`. The score is kept with its reasons and the "
    "fingerprint of what was scored. Asked about now, it also moves the lead where the policy says so.",
    responses=_ERRORS,
    dependencies=[Depends(require("score"))],
    response_model=StoredScoreOut,
)
async def score_lead(
    lead_id: str,
    service: ServiceDep,
    recorder: RecorderDep,
    as_of: AsOf = None,
    reasons: Annotated[int, Query(ge=0, le=3, description="So many reasons at the most; 0 is quicker.")] = 3,
) -> Response:
    """Score a stored lead."""
    told = await told_score(service, recorder, Question(lead_id, as_of, reasons))
    return Response(told, media_type="application/json", headers=NOT_KEPT)


@routes.get(
    "/leads/{lead_id:path}/timeline",
    name="leadTimeline",
    summary="What happened to a lead",
    description="Events, outcomes, attributes, scores and crossings, latest first, page by page.",
    responses=_ERRORS,
    dependencies=_READS,
)
async def lead_timeline(lead_id: str, service: ServiceDep, *, limit: Limit = 100, cursor: Cursor = "") -> TimelineOut:
    """What happened to a lead."""

    def question(connection: Connection) -> tuple[list[Entry], str]:
        return timeline(connection, lead_row(connection, lead_id)["lead_id"], limit, cursor)

    try:
        entries, following = await service.store.aread(question)
    except UnknownLead as error:
        raise Refusal(404, "unknown-lead", str(error)) from None
    return TimelineOut(entries=[EntryOut(**entry) for entry in entries], next_cursor=following)


@routes.get(
    "/leads/{lead_id:path}",
    name="getLead",
    summary="A lead: where it stands, and why",
    description="Its score as of now with its reasons, its state, and how it came there. A closed lead has no score "
    "as of now.",
    responses=_ERRORS,
    dependencies=_READS,
    response_model_exclude_none=True,
)
async def get_lead(lead_id: str, service: ServiceDep, recorder: RecorderDep) -> LeadOut:
    """A lead."""
    loaded, store = service.loaded, service.store
    answer = await answer_of_open(service, recorder, lead_id)
    return lead_out(loaded, await store.aread(lambda connection: story(connection, lead_id)), answer)


@routes.get(
    "/leads",
    name="listLeads",
    summary="The work list",
    description="Leads by where they stand: `state=ready` are sales' to call, the readiest first; "
    "`state=ready&contacted=never` those that nobody called yet; `due=today` nurtured leads whose touch falls on "
    "today (UTC) and was not made yet. Readiness is that of the last look: at every event, and every night.",
    responses=_ERRORS,
    dependencies=_READS,
    response_model_exclude_none=True,
)
async def list_leads(
    service: ServiceDep,
    state: Annotated[list[OfState] | None, Query(description="In one of these states; in any, when absent.")] = None,
    sort: Annotated[Sort, Query(description="readiness: highest first. next_date: soonest first.")] = "readiness",
    due: Annotated[Literal["today"] | None, Query(description="Due for a nurture touch today.")] = None,
    contacted: Annotated[Literal["never"] | None, Query(description="Never touched by sales.")] = None,
    limit: Limit = 100,
    cursor: Cursor = "",
) -> WorkListOut:
    """The work list."""
    now = wall_clock()
    wanted = Wanted(
        states=tuple(state or ()),
        sort=sort,
        never_contacted=contacted is not None,
        due=due is not None,
        day=now - now % DAY,
        cadence=service.loaded.bundle.policy.cadence if due else DAY,
    )
    rows, following = await service.store.aread(lambda connection: work_list(connection, wanted, limit, cursor))
    return WorkListOut(leads=[standing_out(row) for row in rows], next_cursor=following)


@routes.get(
    "/scores/{score_id}",
    name="explainScore",
    summary="A score, explained as it was",
    description="What was told, from what, by which version; and whether the same question gives the same answer "
    "today, computed again from the store where the same bundle is in use.",
    responses=_ERRORS,
    dependencies=_READS,
    response_model_exclude_none=True,
)
async def explain_score(score_id: str, service: ServiceDep, recorder: RecorderDep) -> KeptScoreOut:
    """A score."""
    loaded, store = service.loaded, service.store
    await recorder.flush()

    def question(connection: Connection) -> KeptScoreOut | None:
        row = kept_score(connection, score_id)
        return None if row is None else kept_score_out(row, replay(connection, loaded, row))

    found = await store.aread(question, long=True)
    if found is None:
        raise Refusal(404, "unknown-score", f"There is no score {score_id[:80]!r}. Send the score_id of an answer.")
    return found
