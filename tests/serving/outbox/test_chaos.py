"""What survives: the short version of benchmarks/chaos.py, and the judge that it relies on."""

import json
import sys
from collections import Counter
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT))

from benchmarks import chaos_scenes as scenes  # noqa: E402
from benchmarks.chaos_clients import Call, Ledger  # noqa: E402
from benchmarks.chaos_judge import Stored, judge  # noqa: E402
from benchmarks.chaos_postgres import postgres, programs  # noqa: E402
from benchmarks.chaos_programs import Ground  # noqa: E402
from benchmarks.chaos_receiver import Receiver  # noqa: E402
from data.clock import iso  # noqa: E402

SHORT = scenes.Told(kills=1, every_s=1.5, clients=2)


@pytest.fixture
def ground(trained, tmp_path):
    """A contract, a bundle and an SQLite store."""
    return Ground(trained.contract, trained.bundle, f"sqlite:///{tmp_path / 'store.db'}", tmp_path)


@pytest.fixture(scope="module")
def server():
    """A PostgreSQL server that these tests may crash."""
    if programs() is None:
        pytest.skip("no PostgreSQL: initdb and pg_ctl are not on the PATH")
    with postgres() as running:
        yield running


@pytest.fixture
def disk():
    """A file system that can be filled; skips where none may be mounted."""
    with ExitStack() as stack:
        try:
            small = stack.enter_context(scenes.small_disk())
        except RuntimeError as reason:
            pytest.skip(str(reason))
        yield small


def _fine(result):
    assert {name: count for name, count in result.verdict.wrong.items() if count} == {}
    assert result.note == ""
    assert result.verdict.seen["delivered"] > 0
    assert result.verdict.seen["acknowledged"] > 10


def test_a_service_that_is_killed_loses_nothing(ground):
    """Kill -9 in the middle of ingest and delivery: all that was acknowledged is there once, every crossing arrives."""
    result = scenes.kill_service(ground, SHORT)
    _fine(result)
    assert result.kills == 1


def test_two_services_and_two_workers_do_nothing_twice(ground, server):
    """On one PostgreSQL; one of each is killed on the way."""
    result = scenes.two_of_each(replace(ground, url=server.database()), SHORT)
    _fine(result)


def test_a_database_that_crashes_is_waited_for(ground, server):
    """The service answers 503 meanwhile, goes on by itself, and has lost nothing."""
    result = scenes.crash_postgres(replace(ground, url=server.database()), SHORT, server)
    _fine(result)
    assert result.verdict.seen["answered 503"] > 0


def test_a_full_disk_is_said_and_nothing_is_half_written(ground, disk):
    """507 while there is no room; with room again the service goes on."""
    result = scenes.disk_full(replace(ground, url=f"sqlite:///{disk.folder / 'store' / 'store.db'}"), SHORT, disk)
    _fine(result)
    assert result.verdict.seen["answered 507"] > 0


MOVED = [("a", 1, "nurture", "working"), ("a", 2, "working", "won")]


def _body(lead, at, before, after):
    return json.dumps({"data": {"lead_id": lead, "at": iso(at), "previous_state": before, "state": after}})


BODIES = {f"m{k}": _body(*crossing) for k, crossing in enumerate(MOVED)}
FINE = Stored(["e1", "e2", "t"], ["o"], MOVED, BODIES, 0)
LEDGER = Ledger([Call("events", ("e1", "e2"), True), Call("touches", ("t",), True), Call("outcomes", ("o",), True)])


def _receiver(**change):
    taken = Counter({"m0": 2, "m1": 1})
    bodies = {"m0": {b"0"}, "m1": {b"1"}}
    return Receiver(**{"taken": taken, "bodies": bodies, **change})


def test_the_judge_finds_nothing_wrong_where_nothing_is():
    """A message that was delivered twice is counted, and is no fault."""
    verdict = judge(FINE, LEDGER, _receiver())
    assert verdict.well
    assert verdict.seen["delivered again"] == 1


@pytest.mark.parametrize(
    ("stored", "receiver", "fault"),
    [
        (replace(FINE, event_ids=["e1", "e2"]), {}, "acknowledged and lost"),
        (replace(FINE, event_ids=["e1", "t"]), {}, "half written"),
        (replace(FINE, event_ids=["e1", "e2", "t", "t"]), {}, "stored twice"),
        (replace(FINE, event_ids=["e1", "e2", "t", "x"]), {}, "stored and never sent"),
        (replace(FINE, crossings=[*MOVED, MOVED[0]]), {}, "crossed twice"),
        (replace(FINE, crossings=[*MOVED, ("a", 3, "nurture", "ready")]), {}, "crossed twice"),
        (replace(FINE, messages={"m0": BODIES["m0"]}), {}, "crossed and not told"),
        (replace(FINE, crossings=MOVED[:1]), {}, "told and not crossed"),
        (FINE, {"taken": Counter({"m0": 1})}, "not delivered"),
        (replace(FINE, pending=1), {}, "not delivered"),
        (FINE, {"taken": Counter({"m0": 1, "m1": 1, "m2": 1})}, "delivered and not in the store"),
        (FINE, {"bodies": {"m0": {b"0", b"1"}}}, "one id, two bodies"),
        (FINE, {"forged": 1}, "not verified"),
    ],
)
def test_the_judge_finds_each_fault(stored, receiver, fault):
    """Each promise has a count, and its breach is seen in it."""
    assert judge(stored, LEDGER, _receiver(**receiver)).wrong[fault] > 0
