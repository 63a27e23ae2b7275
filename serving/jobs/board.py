"""Jobs as rows: asked for, looked up, cancelled."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, bindparam, func, insert, or_, select, update

from data.store.tables import leads
from models.states import OPEN_STATES
from serving.deciding.owners import those_that_count
from serving.deciding.score_rows import new_id
from serving.store.tables import score_jobs, scores, standings

MOST_LEADS = 100_000
MOST_REFUSED = 1_000
"""So many leads that could not be scored are named, with why."""
DONE = ("done", "failed", "cancelled")
_ONE = select(score_jobs).where(score_jobs.c.job_id == bindparam("job_id"))
_PROGRESS = (
    select(score_jobs.c.status, score_jobs.c.reached, score_jobs.c.done, func.length(score_jobs.c.leads))
    .where(score_jobs.c.job_id == bindparam("job_id"))
    .with_for_update()
)
_SCORED = select(func.count()).select_from(scores).where(scores.c.job_id == bindparam("job_id"))
_IS_OPEN = or_(standings.c.state.is_(None), standings.c.state.in_(OPEN_STATES))
_OPEN = (
    select(func.count()).select_from(leads).outerjoin(standings, standings.c.lead_id == leads.c.lead_id).where(_IS_OPEN)
)


@dataclass(frozen=True)
class Job:
    """A job: the leads asked about (None: all open ones) at a moment, how far it is, and what could not be scored.

    ``reached`` is the last lead that is done; ``refused`` holds {lead_id, reason}. Moments in microseconds. ``width``
    is the length of the list as it is kept, by which an erasure is noticed.
    """

    job_id: str
    asked_at: int
    asked_by: str
    as_of: int
    leads: list[str] | None
    status: str
    total: int | None
    done: int
    refused: list[dict[str, str]]
    reached: str | None
    claimed_until: int | None
    finished_at: int | None
    error: str | None
    width: int | None = None


def ask_for(connection: Connection, lead_ids: Sequence[str] | None, as_of: int, by: str, now: int) -> Job:
    """A new job for these leads, each once under the id that counts; None: for all that are open."""
    wanted = None if lead_ids is None else sorted(those_that_count(connection, lead_ids))
    total = connection.execute(_OPEN).scalar_one() if wanted is None else len(wanted)
    job = Job(new_id(now), now, by, as_of, wanted, "queued", total, 0, [], None, None, None, None)
    held = {name: value for name, value in job.__dict__.items() if name != "width"}
    held |= {"leads": None if wanted is None else json.dumps(wanted), "refused": "[]"}
    connection.execute(insert(score_jobs), [held])
    return job


def job_of(connection: Connection, job_id: str, *, locked: bool = False) -> Job | None:
    """A job; None when there is none. ``locked``: nobody else changes it before this transaction ends."""
    statement = _ONE.with_for_update() if locked else _ONE
    row = connection.execute(statement, {"job_id": job_id}).mappings().first()
    return None if row is None else _job(row)


def cancel(connection: Connection, job_id: str, now: int) -> Job | None:
    """Stop a job that is not done; what it has scored stays. Returns it as it then is."""
    statement = (
        update(score_jobs)
        .where(score_jobs.c.job_id == job_id, score_jobs.c.status.not_in(DONE))
        .values(status="cancelled", finished_at=now, claimed_until=None)
    )
    connection.execute(statement)
    return job_of(connection, job_id)


def keep(connection: Connection, job: Job) -> None:
    """Write how far a job is."""
    changed = {
        "status": job.status,
        "done": job.done,
        "refused": json.dumps(job.refused),
        "reached": job.reached,
        "claimed_until": job.claimed_until,
        "finished_at": job.finished_at,
        "error": job.error,
    }
    connection.execute(update(score_jobs).where(score_jobs.c.job_id == job.job_id).values(**changed))


def is_still(connection: Connection, job: Job) -> bool:
    """Whether a job is as far as its worker left it, with the same leads; it is locked until the transaction ends.

    A job from whose list a lead was erased is given back at once: whoever takes it on reads the list anew.
    """
    row = connection.execute(_PROGRESS, {"job_id": job.job_id}).first()
    if row is None or row[0] != "running" or row[2] != job.done:
        return False
    same = (row[1], row[3]) == (job.reached, job.width)
    if not same:
        connection.execute(update(score_jobs).where(score_jobs.c.job_id == job.job_id).values(claimed_until=None))
    return same


def scored(connection: Connection, job_id: str) -> int:
    """How many scores a job has made so far."""
    return int(connection.execute(_SCORED, {"job_id": job_id}).scalar_one())


def latest_jobs(connection: Connection, at_most: int) -> list[Job]:
    """The jobs that were asked for last, the latest first."""
    statement = select(score_jobs).order_by(score_jobs.c.asked_at.desc(), score_jobs.c.job_id.desc()).limit(at_most)
    return [_job(row) for row in connection.execute(statement).mappings()]


def next_job(connection: Connection, now: int) -> Job | None:
    """The oldest job that waits, or whose worker has gone."""
    statement = (
        select(score_jobs)
        .where(score_jobs.c.status.not_in(DONE))
        .where(or_(score_jobs.c.claimed_until.is_(None), score_jobs.c.claimed_until < now))
        .order_by(score_jobs.c.asked_at, score_jobs.c.job_id)
        .limit(1)
    )
    row = connection.execute(statement).mappings().first()
    return None if row is None else _job(row)


def _job(row: Any) -> Job:
    held = dict(row)
    held["width"] = None if held["leads"] is None else len(held["leads"])
    held["leads"] = None if held["leads"] is None else json.loads(held["leads"])
    held["refused"] = json.loads(held["refused"])
    return Job(**held)
