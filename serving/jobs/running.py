"""The work on score jobs: piece by piece, each written together with how far the job is.

A worker takes a job for a minute at a time. One that is killed leaves its job to the next, which goes on after the last
piece that was written; a piece that two have computed is written once.
"""

import logging
from bisect import bisect_right
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, bindparam, or_, select

from data.clock import MINUTE, iso, wall_clock
from data.errors import ReadinessError
from data.store.tables import leads
from models.reasons import REASONS
from models.states import DECISIONS, OPEN_STATES
from serving.deciding.asking import standing_then
from serving.deciding.histories import Read, read_histories
from serving.deciding.needs import needs_of
from serving.deciding.owners import that_counts
from serving.deciding.score_rows import Made, new_id, score_row, write_scores_of_leads
from serving.deciding.standings import Kept, kept_many
from serving.jobs.board import DONE, MOST_REFUSED, Job, is_still, job_of, keep, next_job
from serving.live.loading import Loaded
from serving.store.failures import StoreDown
from serving.store.store import Store
from serving.store.tables import standings

CHUNK = 64
LEASE = MINUTE
_LOG = logging.getLogger("readiness.jobs")
_NEXT = (
    select(leads.c.lead_id)
    .outerjoin(standings, standings.c.lead_id == leads.c.lead_id)
    .where(leads.c.lead_id > bindparam("reached"))
    .where(or_(standings.c.state.is_(None), standings.c.state.in_(OPEN_STATES)))
    .order_by(leads.c.lead_id)
    .limit(bindparam("at_most"))
)


def run_jobs_once(store: Store, loaded: Loaded, *, chunks: int | None = None) -> int:
    """Work on the jobs that wait, or for so many ``chunks``; returns how many leads were done. Raises StoreDown."""
    done = 0
    while chunks is None or chunks > 0:
        job = store.write(lambda connection: _take_on(connection, wall_clock()))
        if job is None:
            break
        while job is not None and job.status == "running" and (chunks is None or chunks > 0):
            before, job = job.done, _attempt(store, loaded, job)
            done += 0 if job is None else job.done - before
            chunks = None if chunks is None else chunks - 1
        if job is not None and job.status == "running":
            store.write(lambda connection, held=job: _release(connection, held))  # type: ignore[misc]
    return done


def _release(connection: Connection, job: Job) -> None:
    """Let others, or the same worker a little later, go on with the job."""
    if is_still(connection, job):
        keep(connection, replace(job, claimed_until=None))


def _take_on(connection: Connection, now: int) -> Job | None:
    """The next job, claimed for this worker."""
    found = next_job(connection, now)
    job = None if found is None else job_of(connection, found.job_id, locked=True)
    if job is None or job.status in DONE or (job.claimed_until is not None and job.claimed_until >= now):
        return None
    taken = replace(job, status="running", claimed_until=now + LEASE)
    keep(connection, taken)
    return taken


def _attempt(store: Store, loaded: Loaded, job: Job) -> Job | None:
    """The job after its next piece; None when somebody else has it. What fails is the job's end, not the worker's."""
    try:
        return _piece(store, loaded, job)
    except StoreDown:
        raise
    except Exception as error:  # noqa: BLE001 - whatever it was, the job says so and the next one goes on
        _LOG.error("the score job %s failed: %s", job.job_id, type(error).__name__)
        why = str(error) if isinstance(error, ReadinessError) else f"{type(error).__name__}: the log has the reason."
        now = wall_clock()
        failed = replace(job, status="failed", error=why, finished_at=now, claimed_until=None)
        return store.write(lambda connection: _went_on(connection, job, failed, []))


def _piece(store: Store, loaded: Loaded, job: Job) -> Job | None:
    ids, found = store.read(lambda connection: _scored(connection, loaded, job))
    now = wall_clock()
    if not ids:
        after = replace(job, status="done", finished_at=now, claimed_until=None)
        return store.write(lambda connection: _went_on(connection, job, after, []))
    made = [score_row(one, loaded) for one in found if isinstance(one, Made)]
    refused = [one for one in found if not isinstance(one, Made)]
    after = replace(
        job,
        done=job.done + len(ids),
        refused=[*job.refused, *refused][:MOST_REFUSED],
        reached=ids[-1],
        claimed_until=now + LEASE,
    )
    return store.write(lambda connection: _went_on(connection, job, after, made))


def _went_on(connection: Connection, before: Job, after: Job, made: list[dict[str, Any]]) -> Job | None:
    """Write a piece, unless the job is no longer as it was: cancelled, somebody else's, or a lead of it was erased."""
    if not is_still(connection, before):
        return None
    write_scores_of_leads(connection, made)
    keep(connection, after)
    return after


def _scored(connection: Connection, loaded: Loaded, job: Job) -> tuple[list[str], list[Made | dict[str, str]]]:
    """The next leads, and for each its score or why there is none."""
    ids = _next(connection, job)
    reads = read_histories(connection, dict.fromkeys(ids, job.as_of), needs_of(loaded.bundle)) if ids else {}
    rows = kept_many(connection, ids) if ids else {}
    return ids, [_one(connection, loaded, job, one, reads.get(one), rows.get(one)) for one in ids]


def _next(connection: Connection, job: Job) -> list[str]:
    if job.leads is None:
        return list(connection.execute(_NEXT, {"reached": job.reached or "", "at_most": CHUNK}).scalars())
    start = 0 if job.reached is None else bisect_right(job.leads, job.reached)
    return job.leads[start : start + CHUNK]


def _one(
    connection: Connection, loaded: Loaded, job: Job, lead_id: str, read: Read | None, row: Kept | None
) -> Made | dict[str, str]:
    if read is None:
        owner = that_counts(connection, lead_id)
        merged = f"It has become {owner!r} meanwhile: ask about that lead."
        return {"lead_id": lead_id, "reason": "There is no such lead in the store." if owner == lead_id else merged}
    if read.lead.created_at > job.as_of:
        return {"lead_id": lead_id, "reason": f"It was created at {iso(read.lead.created_at)}, after the moment asked."}
    standing = standing_then(connection, loaded, read, row, job.as_of)
    if standing.state not in DECISIONS:
        return {"lead_id": lead_id, "reason": f"It is {standing.state} since {iso(standing.since)}."}
    score = loaded.scorer.score(read.lead, job.as_of, REASONS, standing)
    now = wall_clock()
    made = Made(new_id(now), score, read.inputs, read.used, read.ignored, now, "job", job.job_id)
    loaded.told(made.score_id, read.lead, job.as_of, standing, stored=True)
    return made
