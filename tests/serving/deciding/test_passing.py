"""The pass over every open lead: each once, going on after a kill, beside other workers and ingest."""

import json
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from sqlalchemy import func, select
from typer.testing import CliRunner

from data.clock import DAY
from models.policy import Policy
from models.scorer import Scorer
from serving.cli import app
from serving.deciding import passing
from serving.deciding.marks import mark
from serving.deciding.passing import begin_pass, latest, renew, run_pass
from serving.deciding.rules import remembered, rules_of
from serving.deciding.waiting import look_at_marked
from serving.deciding.words import Said, tell
from serving.ingest.erasing import erase
from serving.store.store import Store
from serving.store.tables import looks, scores, standings, transitions


def now():
    """The wall clock in microseconds."""
    return time.time_ns() // 1_000


def begin(store, loaded, cause="night"):
    """Begin a pass."""
    return store.write(lambda connection: begin_pass(connection, loaded, cause, now()))


def per_lead(store):
    """How many scores each lead has."""
    statement = select(scores.c.lead_id, func.count()).group_by(scores.c.lead_id)
    return dict(tuple(row) for row in store.read(lambda connection: connection.execute(statement).all()))


def states(store):
    """The leads by state."""
    statement = select(standings.c.lead_id, standings.c.state)
    return dict(tuple(row) for row in store.read(lambda connection: connection.execute(statement).all()))


def lease(store, until):
    """As if a worker had been killed with its lease, or as if the minute since then were over."""

    def change(connection):
        passing._keep(connection, replace(latest(connection, locked=True), leased_until=until))

    store.write(change)


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch):
    """Many chunks from few leads."""
    monkeypatch.setattr(passing, "CHUNK", 40)


def test_a_pass_looks_at_every_open_lead_once(filled, loaded, trained):
    """Open leads get a score and a standing, closed ones a standing alone; the account says what came of it."""
    begin(filled, loaded)
    told = []
    done = run_pass(filled, loaded, lambda at, total: told.append((at, total)))
    ready = loaded.bundle.contract.ready
    outcomes = trained.history.outcomes
    closed = {
        lead
        for lead, kind in zip(outcomes["lead_id"].to_pylist(), outcomes["kind"].to_pylist(), strict=True)
        if kind in ready.terminal
    }
    every = set(trained.history.leads["lead_id"].to_pylist())
    assert set(states(filled)) == every
    assert {one for one, state in states(filled).items() if state in ("won", "lost")} == closed
    assert per_lead(filled) == dict.fromkeys(every - closed, 1)
    assert done.counts["looked"] == done.total == len(every)
    assert told[0] == (0, len(every))
    assert told[-1] == (len(every), len(every))
    assert done.finished_at is not None


def test_the_next_pass_looks_at_open_leads_alone(filled, loaded):
    """What is closed stays closed and costs nothing."""
    begin(filled, loaded)
    run_pass(filled, loaded)
    still = sum(state not in ("won", "lost") for state in states(filled).values())
    begin(filled, loaded)
    done = run_pass(filled, loaded)
    assert (done.total, done.counts["looked"]) == (still, still)
    assert set(per_lead(filled).values()) == {2}


def test_a_pass_that_was_interrupted_goes_on_where_it_was(filled, loaded):
    """After some chunks another worker finishes it, once the first one's lease is over: nobody is looked at twice."""
    begun = begin(filled, loaded)
    half = run_pass(filled, loaded, chunks=3)
    lease(filled, now() + DAY)
    assert run_pass(filled, loaded) is None
    lease(filled, now() - 1)
    assert begin(filled, loaded).pass_id == begun.pass_id
    done = run_pass(filled, loaded)
    assert half.counts["looked"] == 120
    assert done.counts["looked"] == done.total
    assert set(per_lead(filled).values()) == {1}


def test_a_pass_may_be_done_a_little_at_a_time(filled, loaded):
    """A worker that does other things in between is not kept waiting by itself."""
    begin(filled, loaded)
    turns = 0
    while not filled.read(latest).finished_at:
        assert run_pass(filled, loaded, chunks=2) is not None
        turns += 1
    assert turns > 3
    assert set(per_lead(filled).values()) == {1}


def test_a_pass_does_not_remember_an_erased_lead(filled, loaded):
    """The lead that the pass has just reached is forgotten: its id is nowhere, and the pass goes on beside it."""
    begin(filled, loaded)
    reached = run_pass(filled, loaded, chunks=2).reached
    filled.write(lambda connection: erase(connection, reached, "tests", now()))
    assert reached not in str(filled.read(latest))
    done = run_pass(filled, loaded)
    assert (done.reached, set(per_lead(filled).values())) == ("", {1})


def test_two_workers_share_a_pass_without_doing_anything_twice(store_url, filling, loaded):
    """Even when both believe that it is theirs: a chunk that was written meanwhile is thrown away."""
    both = [Store.open(store_url) for _ in range(2)]
    both[0].write(filling())
    begin(both[0], loaded)
    with ThreadPoolExecutor(2) as pool:

        def work(store):
            while not store.read(latest).finished_at:
                lease(store, 0)
                run_pass(store, loaded, chunks=2)

        list(pool.map(work, both))
    assert set(per_lead(both[0]).values()) == {1}
    done = both[0].read(latest)
    assert done.counts["looked"] == done.total
    for store in both:
        store.close()


def test_a_lead_that_moves_during_the_pass_is_left_as_it_moved(filled, loaded, monkeypatch):
    """Between what the pass saw and what it writes sales took a lead: the word stands, the look is dropped."""
    lead_id = _an_open_lead(filled, loaded)
    before = per_lead(filled)[lead_id]
    rules, real = rules_of(loaded.bundle), passing.see

    def see(connection, *rest):
        seen = real(connection, *rest)
        if any(one.row.lead_id == lead_id for one in seen):
            filled.write(lambda c: tell(c, rules, [Said(lead_id, "taken", now(), "touch")]))
        return seen

    monkeypatch.setattr(passing, "see", see)
    begin(filled, loaded)
    run_pass(filled, loaded)
    assert (states(filled)[lead_id], per_lead(filled)[lead_id]) == ("working", before)


def _an_open_lead(store, loaded):
    begin(store, loaded)
    run_pass(store, loaded)
    return next(one for one, state in sorted(states(store).items()) if state == "nurture")


def test_marked_leads_are_looked_at_first(filled, loaded, trained):
    """What ingest left to the worker is decided about, the longest waiting first, and the marks are gone."""
    ids = trained.history.leads["lead_id"].to_pylist()[:50]
    filled.write(lambda connection: mark(connection, ids, now()))
    assert look_at_marked(filled, loaded) == 50
    assert filled.read(lambda connection: connection.execute(select(func.count()).select_from(looks)).scalar()) == 0
    assert set(states(filled)) == set(ids)
    filled.write(lambda connection: mark(connection, ids[:1], now() + DAY))
    assert look_at_marked(filled, loaded) == 0


def test_a_new_model_looks_at_everybody_again(filled, loaded):
    """Once for a bundle; the store remembers its rules, and what then moves says that the model was the cause."""
    begin(filled, loaded)
    run_pass(filled, loaded)
    assert not renew(filled, loaded)
    assert filled.read(remembered).policy == loaded.bundle.policy
    eager = Policy(0.0, min_kinds=0, min_days=0)
    bundle = replace(loaded.bundle, bundle_id="f" * 64, policy=eager)
    other = replace(loaded, bundle=bundle, scorer=Scorer(bundle))
    assert renew(filled, other)
    assert run_pass(filled, loaded) is None
    done = run_pass(filled, other)
    assert filled.read(remembered).policy == eager
    since = select(transitions.c.cause, transitions.c.after).where(transitions.c.at > done.began_at).distinct()
    moved = {tuple(row) for row in filled.read(lambda connection: connection.execute(since).all())}
    assert ("model", "ready") in moved
    assert {cause for cause, _ in moved} == {"model"}


def test_killed_in_the_middle_nothing_is_half_done(tmp_path, trained, filling):
    """`kill -9` of the program during its pass: run again it finishes, every lead was looked at once."""
    url = f"sqlite:///{tmp_path / 'store.db'}"
    store = Store.open(url)
    store.write(filling())
    words = [
        "pass",
        "--contract",
        str(trained.contract),
        "--bundle",
        str(trained.bundle),
        "--store",
        url,
        "-q",
        "--json",
    ]
    command = [sys.executable, "-P", "-c", _SLOWLY, *words]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:
        _until_some(store, process)
        process.send_signal(signal.SIGKILL)
    looked = sum(per_lead(store).values())
    assert looked > 0
    lease(store, 0)
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
    said = json.loads(done.stdout)
    assert said["finished"]
    assert set(per_lead(store).values()) == {1}
    assert said["looked_at"] + looked == len(per_lead(store))
    store.close()


_SLOWLY = """
import sys, time
from serving.deciding import passing
from serving import cli
passing.CHUNK = 5
real = passing._chunk
passing._chunk = lambda *words: (time.sleep(0.05), real(*words))[1]
cli.app(sys.argv[1:])
"""


def _until_some(store, process):
    end = time.monotonic() + 120
    while not per_lead(store):
        assert process.poll() is None, process.stderr.read().decode()[-2_000:]
        assert time.monotonic() < end
        time.sleep(0.05)


def test_the_verb_says_what_came_of_it(tmp_path, trained, filling):
    """One line for people, one document for machines; a store without leads is fine."""
    url = f"sqlite:///{tmp_path / 'store.db'}"
    words = ["pass", "-c", str(trained.contract), "--bundle", str(trained.bundle), "--store", url]
    empty = CliRunner().invoke(app, [*words, "-q"])
    assert empty.exit_code == 0, empty.output
    assert "Looked at 0 leads" in empty.stderr
    store = Store.open(url)
    store.write(filling())
    done = CliRunner().invoke(app, [*words, "-q", "--json"])
    said = json.loads(done.stdout)
    assert said["looked_at"] == len(per_lead(store)) > 0
    moved = [row for row in states(store).values() if row in ("ready", "let go", "recycled")]
    assert said["ready"] + said["let_go"] + said["recycled"] >= len(moved)
    store.close()
    assert said["due_today"] >= 0
    refused = CliRunner().invoke(app, [*words[:-1], "mysql://x"])
    assert (refused.exit_code, "sqlite" in refused.stderr) == (1, True)
