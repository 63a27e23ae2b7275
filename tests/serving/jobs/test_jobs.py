"""Score jobs: every lead once, as `readiness score` says, whatever happens to the worker."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import func, select, update

from data.clock import DAY, to_micros
from models.snapshot import score_history
from serving.ingest.erasing import erase
from serving.jobs import running
from serving.jobs.board import ask_for, cancel, job_of, scored
from serving.jobs.results import page
from serving.jobs.running import run_jobs_once
from serving.problems import Refusal
from serving.store.store import Store
from serving.store.tables import score_jobs, scores
from serving.worker.looking import Looking


def now():
    """The wall clock in microseconds."""
    return time.time_ns() // 1_000


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch):
    """Many chunks from few leads."""
    monkeypatch.setattr(running, "CHUNK", 20)


def ask(store, lead_ids, as_of):
    """Ask for a job."""
    return store.write(lambda connection: ask_for(connection, lead_ids, as_of, "tests", now()))


def status(store, job):
    """The job as it is now."""
    return store.read(lambda connection: job_of(connection, job.job_id))


def result(store, job, limit=1_000):
    """All lines, page by page."""
    lines, cursor = [], ""
    while True:
        more, cursor = store.read(lambda connection, at=cursor: page(connection, job.job_id, limit, at))
        lines += more
        if not cursor:
            return lines


def claim(store, job, until=0):
    """As if a worker had been killed with its claim, or as if the minute since then were over."""
    statement = update(score_jobs).where(score_jobs.c.job_id == job.job_id).values(claimed_until=until)
    store.write(lambda connection: connection.execute(statement))


def test_a_job_over_all_open_leads_says_what_readiness_score_says(filled, loaded, trained):
    """Each open lead at the moment asked: the same bits, the same decision, the same reasons."""
    at = trained.history.ends_at
    job = ask(filled, None, at)
    assert job.total == len(trained.history.leads)
    assert run_jobs_once(filled, loaded) == len(trained.history.leads)
    done = status(filled, job)
    table = score_history(loaded.bundle, trained.history, at).to_pylist()
    lines = {line["lead_id"]: line for line in result(filled, job, limit=7)}
    assert (done.status, done.done, len(lines)) == ("done", job.total, len(table))
    assert done.finished_at >= done.asked_at
    for row in table:
        line = lines[row["lead_id"]]
        assert (line["readiness"], line["index"]) == (row["readiness"], row["index"])
        reasons = [line[f"reason_{k}"] for k in (1, 2, 3)]
        assert reasons == [row[f"reason_{k}"] or "" for k in (1, 2, 3)]
    assert {one["reason"].split(" since")[0] for one in done.refused} == {"It is won", "It is lost"}


def test_a_list_is_scored_once_each_and_what_cannot_be_is_named(filled, loaded, trained):
    """Unknown and unborn leads are refused with a reason, a lead named twice is one."""
    ids = trained.history.leads["lead_id"].to_pylist()
    created = trained.history.leads["created_at"].to_pylist()
    early = min(zip(created, ids, strict=True))
    late = max(zip(created, ids, strict=True))
    job = ask(filled, [early[1], "nobody", late[1], early[1]], to_micros(early[0]) + DAY)
    assert (job.total, job.leads) == (3, sorted({early[1], "nobody", late[1]}))
    run_jobs_once(filled, loaded)
    done = status(filled, job)
    assert [line["lead_id"] for line in result(filled, job)] == [early[1]]
    assert {one["lead_id"] for one in done.refused} == {"nobody", late[1]}
    assert filled.read(lambda connection: scored(connection, job.job_id)) == 1


def test_a_killed_worker_leaves_its_job_to_the_next(filled, loaded, trained):
    """Until its minute is over nobody takes it; then it goes on after the last piece that was written."""
    job = ask(filled, None, trained.history.ends_at)
    assert run_jobs_once(filled, loaded, chunks=2) == 40
    claim(filled, job, now() + DAY)
    assert run_jobs_once(filled, loaded) == 0
    claim(filled, job, now() - 1)
    assert run_jobs_once(filled, loaded, chunks=1) == 20
    assert run_jobs_once(filled, loaded) == job.total - 60
    assert status(filled, job).done == job.total


def test_two_workers_never_write_the_same_piece(store_url, filling, loaded, trained):
    """Both believe that the job is theirs, all the time: every lead has one score."""
    both = [Store.open(store_url) for _ in range(2)]
    both[0].write(filling())
    job = ask(both[0], None, trained.history.ends_at)

    def work(store):
        while status(store, job).status != "done":
            claim(store, job)
            run_jobs_once(store, loaded, chunks=3)

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(work, both))
    done = status(both[0], job)
    count = select(func.count()).select_from(scores)
    assert done.done == job.total
    assert both[0].read(lambda connection: connection.execute(count).scalar()) == done.total - len(done.refused)
    for store in both:
        store.close()


def test_a_cancelled_job_stops_and_keeps_what_it_has(filled, loaded, trained):
    """Also in the middle of a piece: what the worker then brings is thrown away."""
    job = ask(filled, None, trained.history.ends_at)
    run_jobs_once(filled, loaded, chunks=2)
    had = len(result(filled, job))
    assert filled.write(lambda connection: cancel(connection, job.job_id, now())).status == "cancelled"
    claim(filled, job)
    assert run_jobs_once(filled, loaded) == 0
    assert (status(filled, job).status, len(result(filled, job))) == ("cancelled", had)
    assert filled.write(lambda connection: cancel(connection, "no such job", now())) is None


def test_a_lead_that_is_erased_while_a_job_runs_is_not_scored_from_memory(filled, loaded, trained, monkeypatch):
    """The list of the job changed under its worker: the piece is made anew from the list as it then is."""
    ids = sorted(trained.history.leads["lead_id"].to_pylist())[:30]
    job, every = ask(filled, ids, trained.history.ends_at), ask(filled, None, trained.history.ends_at)
    real = running._scored
    erased = []

    def scored_then_erased(connection, loaded, job):
        found = real(connection, loaded, job)
        if not erased:
            erased.append(ids[0])
            filled.write(lambda c: erase(c, ids[0], "tests", now()))
        return found

    monkeypatch.setattr(running, "_scored", scored_then_erased)
    run_jobs_once(filled, loaded)
    assert {status(filled, one).status for one in (job, every)} == {"done"}
    kept = filled.read(lambda connection: connection.execute(select(scores.c.lead_id)).scalars().all())
    assert ids[0] not in kept
    assert ids[0] not in str(status(filled, job)) + str(status(filled, every))


def test_a_job_that_cannot_be_done_says_so_and_the_next_one_is(filled, loaded, trained, monkeypatch):
    """An error is the end of its job, with a sentence, not of the worker."""
    broken, whole = (ask(filled, None, trained.history.ends_at - k) for k in (0, 1))
    real = running._scored

    def fails(connection, loaded, job):
        if job.job_id == broken.job_id:
            raise ZeroDivisionError
        return real(connection, loaded, job)

    monkeypatch.setattr(running, "_scored", fails)
    run_jobs_once(filled, loaded)
    assert (status(filled, broken).status, status(filled, whole).status) == ("failed", "done")
    assert "ZeroDivisionError" in status(filled, broken).error


def test_the_worker_does_jobs_a_little_at_a_time(filled, loaded, trained):
    """Between two pieces it can do what else there is to do; nothing keeps it waiting for itself."""
    job = ask(filled, None, trained.history.ends_at)
    looking, turns = Looking(filled, lambda: loaded), 0
    while looking.jobs():
        turns += 1
    assert (status(filled, job).status, turns >= job.total / 40) == ("done", True)


def test_a_cursor_of_another_job_is_refused(filled, loaded, trained):
    """A page belongs to its job."""
    first, second = (ask(filled, None, trained.history.ends_at - k) for k in (0, 1))
    run_jobs_once(filled, loaded)
    _, cursor = filled.read(lambda connection: page(connection, first.job_id, 3))
    with pytest.raises(Refusal, match="none of this list"):
        filled.read(lambda connection: page(connection, second.job_id, 3, cursor))
