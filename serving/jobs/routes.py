"""Score jobs over HTTP."""

from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Depends, Query, Request, Response
from sqlalchemy import Connection

from data.clock import iso, wall_clock
from serving.access import require
from serving.body import parse, read_json
from serving.deciding.answers import moment
from serving.jobs.board import Job, ask_for, cancel, job_of, latest_jobs, scored
from serving.jobs.results import page
from serving.jobs.schemas import JobIn, JobOut, JobShortOut, JobsOut, NotScoredOut
from serving.keys import Caller
from serving.problems import Refusal, documented
from serving.service import ServiceDep

routes = APIRouter(prefix="/v1/score-jobs", tags=["score jobs"])
LINES = "application/x-ndjson"
_ERRORS = documented(401, 403, 404, 422, 500, 503)
_BODY = {
    "requestBody": {
        "required": False,
        "content": {
            "application/json": {
                "schema": {"$ref": "#/components/schemas/JobIn"},
                "examples": {"some": {"value": {"leads": ["L-1042", "L-1043"]}}, "all": {"value": {}}},
            }
        },
    }
}
_RESULT: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "A line for each lead.",
        "content": {LINES: {"schema": {"type": "string", "description": "One JSON object a line."}}},
        "headers": {"x-next-cursor": {"schema": {"type": "string"}, "description": "Absent on the last page."}},
    }
}


@routes.post(
    "",
    name="askForScores",
    summary="Score many stored leads in the background",
    description="Every open lead, or up to 100,000 by id. A worker does it in pieces; what it has done stays done "
    "whatever happens to it. The scores move nobody: that is what ingest and the nightly pass do.",
    responses={**documented(400, 401, 403, 404, 408, 413, 415, 422, 500, 503, 507)},
    openapi_extra=_BODY,
    status_code=202,
)
async def ask_for_scores(
    request: Request, service: ServiceDep, caller: Annotated[Caller, Depends(require("score"))]
) -> JobOut:
    """A new job."""
    store = service.store
    asked = parse(JobIn, await _body(request, service.settings.max_body_bytes))
    now = wall_clock()
    as_of = now if asked.as_of is None else asked.as_of
    if as_of > now:
        raise Refusal(
            422, "invalid-request", f"as_of is {iso(as_of)}, now is {iso(now)}. Expected a moment of the past."
        )
    job = await store.awrite(lambda connection: ask_for(connection, asked.leads or None, as_of, caller.name, now))
    return _out(job, 0)


async def _body(request: Request, limit: int) -> object:
    """The body; none is the same as an empty object."""
    if request.headers.get("content-length", "0") == "0" and "transfer-encoding" not in request.headers:
        return {}
    return await read_json(request, limit)


@routes.get(
    "",
    name="latestJobs",
    summary="The latest jobs",
    description="How far each is, the latest first.",
    responses=_ERRORS,
    dependencies=[Depends(require("score"))],
)
async def latest(
    service: ServiceDep, limit: Annotated[int, Query(ge=1, le=100, description="So many at the most.")] = 20
) -> JobsOut:
    """The latest jobs."""

    def question(connection: Connection) -> list[JobShortOut]:
        return [_short(job, scored(connection, job.job_id)) for job in latest_jobs(connection, limit)]

    return JobsOut(jobs=await service.store.aread(question, long=True))


@routes.get(
    "/{job_id}",
    name="jobStatus",
    summary="How far a job is",
    description="Its status, how many of its leads were looked at and scored so far, and which could not be.",
    responses=_ERRORS,
    dependencies=[Depends(require("score"))],
)
async def job_status(job_id: str, service: ServiceDep) -> JobOut:
    """How far a job is."""

    def question(connection: Connection) -> JobOut:
        return _out(_there(job_of(connection, job_id), job_id), scored(connection, job_id))

    return await service.store.aread(question, long=True)


@routes.get(
    "/{job_id}/result",
    name="jobResult",
    summary="The scores of a job",
    description="A JSON object for each lead and line, by lead id, page by page: send the header `x-next-cursor` of "
    "one page as `cursor` for the next. What is done can be read while the job runs.",
    responses={**_ERRORS, **_RESULT},
    response_class=Response,
    dependencies=[Depends(require("score"))],
)
async def job_result(
    job_id: str,
    service: ServiceDep,
    limit: Annotated[int, Query(ge=1, le=10_000, description="So many lines at the most.")] = 1_000,
    cursor: Annotated[str, Query(max_length=2_000, description="The `x-next-cursor` of the page before.")] = "",
) -> Response:
    """The scores of a job."""

    def question(connection: Connection) -> tuple[bytes, str]:
        _there(job_of(connection, job_id), job_id)
        lines, following = page(connection, job_id, limit, cursor)
        return b"".join(msgspec.json.encode(line) + b"\n" for line in lines), following

    body, following = await service.store.aread(question, long=True)
    return Response(body, media_type=LINES, headers={"x-next-cursor": following} if following else None)


@routes.delete(
    "/{job_id}",
    name="cancelJob",
    summary="Cancel a job",
    description="What it has scored stays. A job that is over stays as it is.",
    responses=_ERRORS,
    dependencies=[Depends(require("score"))],
)
async def cancel_job(job_id: str, service: ServiceDep) -> JobOut:
    """Cancel a job."""
    now = wall_clock()

    def change(connection: Connection) -> JobOut:
        return _out(_there(cancel(connection, job_id, now), job_id), scored(connection, job_id))

    return await service.store.awrite(change)


def _there(job: Job | None, job_id: str) -> Job:
    if job is None:
        raise Refusal(
            404, "unknown-job", f"There is no score job {job_id[:80]!r}. Send the job_id of POST /v1/score-jobs."
        )
    return job


def _short(job: Job, done: int) -> JobShortOut:
    return JobShortOut(
        job_id=job.job_id,
        status=job.status,
        asked_at=iso(job.asked_at),
        asked_by=job.asked_by,
        as_of=iso(job.as_of),
        total=job.total or 0,
        done=job.done,
        scored=done,
        finished_at=moment(job.finished_at),
        error=job.error or "",
    )


def _out(job: Job, done: int) -> JobOut:
    refused = [NotScoredOut(**one) for one in job.refused]
    return JobOut(**_short(job, done).model_dump(), refused=refused)
