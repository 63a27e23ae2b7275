"""A worker: what it does without being asked for, alone or beside others, until it is told to stop."""

import asyncio
import json
import threading
import time
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from data.clock import DAY, HOUR, MINUTE, SECOND, from_micros, to_micros, wall_clock
from data.errors import ContractError
from serving.gauges import _of_store
from serving.outbox.delivery import Pace
from serving.outbox.schedule import Schedule
from serving.problems import Refusal
from serving.settings import WorkerSettings
from serving.store.failures import StoreDown
from serving.store.store import Store
from serving.store.tables import callbacks, deliveries, duties, looks, messages, workers
from serving.store.upsert import insert_new
from serving.worker.chores import Chore
from serving.worker.duties import at_work, beat, take
from serving.worker.nightly import last_due, time_of_day
from serving.worker.worker import Work, Worker

HERE = {"READINESS_OUTGOING_PRIVATE": "127.0.0.0/8", "READINESS_OUTGOING_HTTP": "1"}
QUICK = Pace(Schedule(waits=(30_000,) * 9), poll_s=0.02, rest=10_000)


class AtWork:
    """A worker in a thread of its own."""

    def __init__(self, store, work=None, clock=wall_clock, **settings):
        work = work or Work(scores=_closed)
        self.worker = Worker(store, work, WorkerSettings(stop_s=3, **settings), HERE, clock, QUICK)
        self._thread = threading.Thread(target=lambda: asyncio.run(self.worker.run()))

    def __enter__(self):
        self._thread.start()
        return self.worker

    def __exit__(self, *_):
        self.worker.stop()
        self._thread.join(20)
        assert not self._thread.is_alive()


@pytest.fixture
def until(until):
    """Everything here happens within seconds, or not at all."""
    return lambda holds: until(holds, 20.0)


def _count(store, statement):
    return len(store.read(lambda c: c.execute(statement).all()))


def test_it_delivers_and_says_that_it_is_there(store, subscribe, tell, receiver, until):
    """While it works it is seen in the store, and afterwards no more."""
    subscribe("crm", receiver.url)
    ids = tell("a", "b")
    with AtWork(store) as worker:
        until(lambda: sorted(receiver.ids) == sorted(ids))
        until(
            lambda: store.read(lambda c: list(c.execute(select(workers.c.worker_id)).scalars())) == [worker.worker_id]
        )
        assert store.read(lambda c: at_work(c, wall_clock() - MINUTE)) == 1
    assert _count(store, select(workers)) == 0


def test_a_platform_gets_the_request_of_its_own_shape(store, subscribe, receiver, until, tell, monkeypatch):
    """A write-back subscriber: with its token from the environment, and no signature."""
    monkeypatch.setitem(HERE, "CRM_TOKEN", "a-token")
    subscribe("crm", receiver.url.removesuffix("/hook"), platform="hubspot", settings={"token_env": "CRM_TOKEN"})
    tell("512")
    with AtWork(store):
        until(lambda: len(receiver.got) == 1)
    (got,) = receiver.got
    assert (got.method, got.path) == ("PATCH", "/crm/v3/objects/contacts/512")
    assert got.headers["authorization"] == "Bearer a-token"
    assert "webhook-signature" not in got.headers
    assert json.loads(got.body)["properties"]["readiness_state"] == "ready"


def test_what_a_platform_has_no_use_for_is_done(store, subscribe, receiver, until, tell):
    """Mautic has no field for a crossing without a score: nothing is sent, and nothing stays pending."""
    subscribe("mautic", receiver.url, platform="mautic", settings={"group": 3})
    tell("512")
    with AtWork(store):
        until(lambda: _count(store, select(deliveries).where(deliveries.c.state == "delivered")) == 1)
    assert receiver.got == []


def _waits(store, receiver, callback_id="hubspot:c-1", platform="hubspot"):
    row = {
        "callback_id": callback_id,
        "platform": platform,
        "url": receiver.url,
        "headers": json.dumps({"x-api-key": "one-time"}),
        "asked": json.dumps({"token_env": "CRM_TOKEN"}),
        "lead_ids": json.dumps(["512"]),
        "state": "pending",
        "attempts": 0,
        "made_at": wall_clock(),  # what was made long ago is cleared away as soon as it is answered
        "due_at": 1,
        "claimed_until": None,
        "last_status": None,
        "last_error": None,
    }
    store.write(lambda c: insert_new(c, callbacks, [row]))


async def _closed(lead_ids):
    return dict.fromkeys(lead_ids, "The lead is closed.")


def _callback(store):
    return store.read(lambda c: c.execute(select(callbacks)).mappings().one())


def test_a_platform_that_waits_is_answered(store, receiver, until, monkeypatch):
    """Its leads are scored, it is answered at its address, and what it gave to be let in with is forgotten."""
    monkeypatch.setitem(HERE, "CRM_TOKEN", "a-token")
    _waits(store, receiver)
    with AtWork(store, Work(scores=_closed)):
        until(lambda: _callback(store)["state"] == "delivered")
    (got,) = receiver.got
    assert json.loads(got.body)["outputFields"]["hs_execution_state"] == "FAIL_CONTINUE"
    assert got.headers["authorization"] == "Bearer a-token"
    assert _callback(store)["headers"] == "{}"


def test_an_answer_that_is_refused_is_tried_again(store, receiver, until, monkeypatch):
    """With the reason kept; the next try is a few seconds away."""
    monkeypatch.setitem(HERE, "CRM_TOKEN", "a-token")
    receiver.says = lambda _: (503, {}, b"busy")
    _waits(store, receiver)
    began = wall_clock()
    with AtWork(store, Work(scores=_closed)):
        until(lambda: _callback(store)["attempts"] == 1)
    row = _callback(store)
    assert (row["state"], row["last_status"], row["last_error"]) == ("pending", 503, "503: busy")
    assert row["due_at"] - began >= 5 * SECOND
    assert "one-time" in row["headers"]


def test_a_chore_is_done_again_and_again(store, until):
    """At once while there is more, then at its pace."""
    left = [True] * 5
    calls = []

    def run():
        calls.append(1)
        return bool(left and left.pop())

    with AtWork(store, Work(_closed, [Chore("count", 3_600, run)])):
        until(lambda: len(calls) == 6)
        time.sleep(0.1)
    assert len(calls) == 6


def test_a_chore_that_fails_keeps_no_other_from_being_done(store, until, caplog):
    """A defect, a store that is away, a model that is not there yet: it is tried again, the others go on."""
    calls = {"defect": 0, "down": 0, "model": 0, "fine": 0}

    def failing(name, error):
        def run():
            calls[name] += 1
            raise error

        return Chore(name, 0.02, run)

    def fine():
        calls["fine"] += 1
        return False

    chores = [
        failing("defect", ZeroDivisionError("a defect")),
        failing("down", StoreDown("The store is away.")),
        failing("model", Refusal(503, "not-ready", "The bundle is being loaded.")),
        Chore("fine", 0.02, fine),
    ]
    with AtWork(store, Work(_closed, chores)):
        until(lambda: calls["fine"] > 20 and calls["defect"] >= 2 and calls["down"] >= 2 and calls["model"] >= 2)
    assert "defect failed" in caplog.text
    assert "down waits: The store is away." in caplog.text


def test_the_end_waits_for_what_has_begun(store):
    """A chore that is under way comes to its end before the worker does."""
    begun, ended = threading.Event(), threading.Event()

    def run():
        begun.set()
        time.sleep(0.3)
        ended.set()
        return True

    with AtWork(store, Work(_closed, [Chore("slow", 1, run)])):
        assert begun.wait(10)
    assert ended.is_set()


def test_a_worker_may_be_stopped_before_it_begins(store):
    """It ends at once, and leaves nothing behind."""
    worker = Worker(store, Work(lambda _: {}), WorkerSettings(), HERE)
    worker.stop()
    asyncio.run(worker.run())
    worker.stop()
    assert _count(store, select(workers)) == 0


def _night(name):
    """The change that begins a night: a mark that the test can count."""
    return lambda: lambda connection: insert_new(connection, looks, [{"lead_id": f"{name} {wall_clock()}", "since": 1}])


def test_the_night_begins_once_for_all_workers(store, store_url, until):
    """Four workers on two stores: one of them begins it; for the next night again one."""
    other = Store.open(store_url)
    late = [0]

    def clock():
        return wall_clock() + late[0]

    for nights in (1, 2):
        work = [Work(_closed, night=_night(k)) for k in range(4)]
        with (
            AtWork(store, work[0], clock),
            AtWork(other, work[1], clock),
            AtWork(store, work[2], clock),
            AtWork(other, work[3], clock),
        ):
            until(lambda: _count(store, select(workers)) == 4)
            until(lambda n=nights: _count(store, select(looks)) == n)
            time.sleep(0.2)
        assert _count(store, select(looks)) == nights
        late[0] += DAY
    other.close()


def test_a_night_that_could_not_begin_is_not_done(store, until):
    """Without a model nothing is begun, and the duty stays for later."""

    def no_model():
        raise Refusal(503, "not-ready", "The bundle is being loaded.")

    with AtWork(store, Work(_closed, night=no_model)):
        until(lambda: _count(store, select(workers)) == 1)
    assert _count(store, select(duties)) == 0
    with AtWork(store, Work(_closed, night=_night("b"))):
        until(lambda: _count(store, select(looks)) == 1)


def test_what_was_delivered_long_ago_is_cleared_away(store, subscribe, tell, receiver, until):
    """Old and delivered goes; what is still to be delivered, or young, stays."""
    subscribe("crm", receiver.url)
    now = wall_clock()
    old, young = tell("a", now=now - 40 * DAY) + tell("b", now=now - 20 * DAY)
    store.write(lambda c: c.execute(deliveries.update().values(state="delivered")))
    (waiting,) = tell("c", now=now - 40 * DAY)
    store.write(
        lambda c: c.execute(deliveries.update().where(deliveries.c.message_id == waiting).values(due_at=now + HOUR))
    )
    with AtWork(store, keep_days=30):
        until(lambda: _count(store, select(messages)) == 2)
    left = store.read(lambda c: set(c.execute(select(messages.c.message_id)).scalars()))
    assert left == {young, waiting}
    assert old not in left


@given(st.integers(0, 23), st.integers(0, 59), st.datetimes(datetime(1971, 1, 1), datetime(2200, 1, 1)))  # noqa: DTZ001
def test_the_last_night_is_the_last_one(hour, minute, moment):
    """At that time of day, not later than now, and less than a day ago."""
    now = to_micros(moment.replace(tzinfo=UTC))
    found = last_due((hour, minute), now)
    assert 0 <= now - found < DAY
    assert (from_micros(found).hour, from_micros(found).minute) == (hour, minute)
    assert from_micros(found) + timedelta(days=1) > from_micros(now)


@pytest.mark.parametrize("text", ["", "2", "24:00", "02:60", "2am", "02:00:00", "-1:00"])
def test_a_time_of_day_is_hour_and_minute(text):
    """Anything else is refused with an example."""
    with pytest.raises(ContractError, match="such as 02:00"):
        time_of_day(text)
    assert time_of_day("23:59") == (23, 59)


def test_a_duty_is_taken_once(store):
    """Whoever comes second finds it done; when it falls due again, the first to come has it."""
    assert store.write(lambda c: take(c, "nightly", "w1", 100, 50))
    assert not store.write(lambda c: take(c, "nightly", "w2", 101, 50))
    assert store.write(lambda c: take(c, "nightly", "w2", 200, 150))
    row = store.read(lambda c: c.execute(select(duties)).one())
    assert tuple(row) == ("nightly", "w2", 200)


def test_workers_that_died_are_forgotten(store):
    """After an hour without a sign."""
    store.write(lambda c: beat(c, "dead", 1, 1))
    store.write(lambda c: beat(c, "alive", 1, HOUR))
    assert store.read(lambda c: at_work(c, 0)) == 2
    store.write(lambda c: beat(c, "alive", 1, HOUR + 2))
    assert store.read(lambda c: at_work(c, 0)) == 1


def test_metrics_count_the_workers_of_the_last_half_minute(store):
    """One that was seen just now counts, one that was not seen for a minute does not."""
    now = wall_clock()
    store.write(lambda c: beat(c, "alive", 1, now))
    store.write(lambda c: beat(c, "gone", 1, now - MINUTE))
    told = {sample.name: sample.value for metric in _of_store(store) for sample in metric.samples}
    assert told["readiness_workers"] == 1
