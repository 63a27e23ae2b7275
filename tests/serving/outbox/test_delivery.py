"""Delivery: at least once, signed, one id at every try, and nobody delayed by anybody else."""

import asyncio
import json
import threading
import time

import pytest
from sqlalchemy import select
from standardwebhooks import Webhook, WebhookVerificationError

from data.clock import SECOND, wall_clock
from serving.egress import Egress, EgressSettings
from serving.outbox.delivery import Delivery, Pace
from serving.outbox.schedule import Answer, Schedule
from serving.outbox.signing import rotate, secrets_of
from serving.outbox.subscribers import find
from serving.outbox.webhooks import post_webhook
from serving.store.store import Store
from serving.store.tables import deliveries, messages

HERE = EgressSettings(private=("127.0.0.0/8",), plain_http=True, timeout_s=1.5)
QUICK = Pace(Schedule(waits=(30_000,) * 9), poll_s=0.02, rest=10_000, lease=2 * SECOND)


class Running:
    """A delivery loop in a thread of its own, over real sockets."""

    def __init__(self, store, pace=QUICK, settings=HERE, tell=None):
        self._store, self._pace, self._settings, self._tell = store, pace, settings, tell
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()))

    async def _run(self):
        self._stop, self._loop = asyncio.Event(), asyncio.get_running_loop()
        egress = Egress(self._settings)

        async def tell(subscriber, claim, now):
            return await post_webhook(
                egress, subscriber.url, secrets_of(subscriber, {}, now), claim.message_id, claim.body, now
            )

        self.delivery = Delivery(self._store, self._tell or tell, self._pace)
        self._ready.set()
        try:
            await self.delivery.run(self._stop, deadline_s=3)
        finally:
            await egress.aclose()

    def __enter__(self):
        self._thread.start()
        assert self._ready.wait(10)
        return self

    def __exit__(self, *_):
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(20)
        assert not self._thread.is_alive()


@pytest.fixture
def eventually():
    """A way to wait until something holds."""

    def wait(holds, seconds=20.0):
        end = time.monotonic() + seconds
        while not holds():
            assert time.monotonic() < end, "it did not happen in time"
            time.sleep(0.01)

    return wait


def _states(store, name="crm"):
    statement = select(deliveries.c.message_id, deliveries.c.state).where(deliveries.c.subscriber == name)
    return dict(map(tuple, store.read(lambda c: c.execute(statement).all())))


def _row(store, message_id):
    statement = select(deliveries).where(deliveries.c.message_id == message_id)
    return store.read(lambda c: c.execute(statement).mappings().one())


def test_what_arrives_is_the_message_signed(store, subscribe, tell, receiver, eventually):
    """The body is the stored one, byte for byte; the library that receivers use verifies it."""
    secret = subscribe("crm", receiver.url).secret
    (message,) = tell("a")
    with Running(store):
        eventually(lambda: _states(store) == {message: "delivered"})
    (got,) = receiver.got
    assert got.body.decode() == store.read(lambda c: c.execute(select(messages.c.body)).scalar_one())
    assert got.headers["content-type"].startswith("application/cloudevents+json")
    told = Webhook(secret).verify(got.body, got.headers)
    assert (told["id"], told["subject"]) == (message, "a")
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(got.body.replace(b'"a"', b'"b"'), got.headers)


def _signed_by(secret, got):
    try:
        return bool(Webhook(secret).verify(got.body, got.headers))
    except WebhookVerificationError:
        return False


def test_an_exchanged_secret_signs_what_is_still_in_the_queue(store, subscribe, tell, receiver, eventually):
    """In the middle of a long queue, with no time for both: what was on its way has the old one, the rest the new."""
    old, made, one_at_a_time = subscribe("crm", receiver.url).secret, [], threading.Lock()

    def says(_):
        with one_at_a_time:
            if not made:
                made.append(store.write(lambda c: rotate(c, "crm", 1, 0, "a test")).secret)
        return 204, {}, b""

    receiver.says = says
    tell(*(f"lead-{k}" for k in range(60)))
    with Running(store):
        eventually(lambda: set(_states(store).values()) == {"delivered"})
    by = [(_signed_by(old, got), _signed_by(made[0], got)) for got in receiver.got]
    assert by[0] == (True, False)
    assert by[-40:] == [(False, True)] * 40


def test_every_try_has_the_same_id_and_a_signature_of_its_own(store, subscribe, tell, receiver, eventually):
    """A receiver that fails is told again, and can tell that it is the same message."""
    secret = subscribe("crm", receiver.url).secret
    answers = iter([500, 429, 503, 408, 200])
    receiver.says = lambda _: (next(answers), {}, b"busy")
    (message,) = tell("a")
    with Running(store):
        eventually(lambda: _states(store) == {message: "delivered"})
    assert receiver.ids == [message] * 5
    for got in receiver.got:
        Webhook(secret).verify(got.body, got.headers)
    row = _row(store, message)
    assert (row["attempts"], row["last_status"]) == (5, 200)


def test_a_refusal_is_dead_after_three_tries(store, subscribe, tell, receiver, eventually):
    """What the receiver said is kept for whoever looks into it."""
    subscribe("crm", receiver.url)
    receiver.says = lambda _: (422, {}, b"no such\x1b field")
    (message,) = tell("a")
    with Running(store):
        eventually(lambda: _states(store) == {message: "dead"})
    assert receiver.ids == [message] * 3
    assert _row(store, message)["last_error"] == "422: no such  field"


def test_a_redirect_is_not_followed(store, subscribe, tell, receiver, other_receiver, eventually):
    """A message goes where the subscriber was registered, nowhere else."""
    subscribe("crm", receiver.url)
    receiver.says = lambda _: (307, {"location": other_receiver.url}, b"")
    (message,) = tell("a")
    with Running(store):
        eventually(lambda: _states(store) == {message: "dead"})
    assert other_receiver.got == []


def test_gone_is_the_end(store, subscribe, tell, receiver, eventually):
    """After 410 a subscriber hears nothing more."""
    subscribe("crm", receiver.url)
    receiver.says = lambda _: (410, {}, b"")
    tell("a")
    with Running(store):
        eventually(lambda: store.read(lambda c: find(c, "crm")).state == "stopped")
        tell("b")
        time.sleep(0.1)
    assert len(receiver.got) == 1


def test_retry_after_is_respected(store, subscribe, tell, receiver, eventually):
    """A receiver that asks for a second gets it, for all of its messages."""
    subscribe("crm", receiver.url)
    at = []

    def says(_):
        at.append(time.monotonic())
        return (429, {"retry-after": "1"}, b"") if len(at) == 1 else (204, {}, b"")

    receiver.says = says
    tell("a")
    with Running(store):
        eventually(lambda: len(at) == 1)
        tell("b")
        eventually(lambda: set(_states(store).values()) == {"delivered"})
    assert at[1] - at[0] >= 0.95


def test_a_slow_subscriber_delays_nobody(store, subscribe, tell, receiver, other_receiver, eventually):
    """While one keeps every request waiting, another gets all of its messages."""
    gate = threading.Event()
    receiver.says = lambda _: (gate.wait(20), (204, {}, b""))[1]
    subscribe("slow", receiver.url)
    subscribe("quick", other_receiver.url)
    ids = tell(*(f"lead {k}" for k in range(40)))
    with Running(
        store, Pace(QUICK.schedule, poll_s=0.02, lease=60 * SECOND), EgressSettings(**{**vars(HERE), "timeout_s": 15.0})
    ):
        eventually(lambda: sorted(other_receiver.ids) == sorted(ids))
        assert "delivered" not in _states(store, "slow").values()
        assert len(receiver.got) <= 8
        gate.set()
        eventually(lambda: set(_states(store, "slow").values()) == {"delivered"})


def test_a_dead_subscriber_costs_its_messages_few_tries(store, subscribe, tell, other_receiver, eventually):
    """While nobody answers, one message at a time is tried, and the others keep their tries."""
    subscribe("dead", "http://127.0.0.1:1/hook")
    subscribe("quick", other_receiver.url)
    ids = tell(*(f"lead {k}" for k in range(30)))
    with Running(store, Pace(QUICK.schedule, poll_s=0.02, rest=100_000)):
        eventually(lambda: sorted(other_receiver.ids) == sorted(ids))
        time.sleep(0.6)
    statement = select(deliveries.c.attempts).where(deliveries.c.subscriber == "dead")
    attempts = list(store.read(lambda c: c.execute(statement).scalars()))
    assert 8 <= sum(attempts) <= 14
    assert max(attempts) <= 3


def test_an_answer_without_end_is_cut_off(store, subscribe, tell, receiver, eventually):
    """Whatever a receiver sends back, it is read to a limit."""
    subscribe("crm", receiver.url)
    receiver.says = lambda _: (200, {}, b"x" * 10_000_000)
    (message,) = tell("a")
    with Running(store):
        eventually(lambda: _states(store) == {message: "delivered"})


def test_a_lead_is_told_in_order_though_tries_fail(store, subscribe, tell, receiver, eventually):
    """Every third request fails; each lead's messages still arrive in the order in which they were made."""
    subscribe("crm", receiver.url)
    count, taken, lock = iter(range(10**6)), [], threading.Lock()

    def says(got):
        with lock:
            if next(count) % 3 == 0:
                return (503, {}, b"")
            taken.append(got.id)
            return (204, {}, b"")

    receiver.says = says
    leads = ["a", "b", "a", "c", "a", "b"] * 4
    ids = tell(*leads)
    with Running(store):
        eventually(lambda: set(_states(store).values()) == {"delivered"})
    for lead in "abc":
        mine = [one for one, of in zip(ids, leads, strict=True) if of == lead]
        assert [one for one in taken if one in mine] == mine


def test_two_workers_deliver_each_message_once(store, store_url, subscribe, tell, receiver, eventually):
    """Nothing is delivered twice while nobody dies."""
    subscribe("crm", receiver.url)
    ids = tell(*(f"lead {k}" for k in range(100)))
    other = Store.open(store_url)
    pace = Pace(QUICK.schedule, poll_s=0.02, lease=60 * SECOND)
    with Running(store, pace), Running(other, pace):
        eventually(lambda: set(_states(store).values()) == {"delivered"})
    assert sorted(receiver.ids) == sorted(ids)
    other.close()


def test_what_is_on_its_way_at_the_end_arrives(store, subscribe, tell, receiver, eventually):
    """A worker that is told to stop begins nothing more, but finishes."""
    subscribe("crm", receiver.url)
    receiver.says = lambda _: (time.sleep(0.3), (204, {}, b""))[1]
    ids = tell(*(f"lead {k}" for k in range(20)))
    with Running(store, Pace(QUICK.schedule, at_once=2, poll_s=0.02)):
        eventually(lambda: len(receiver.got) >= 2)
    found = _states(store)
    assert sorted(receiver.ids) == sorted(one for one in ids if found[one] == "delivered")
    statement = select(deliveries.c.claimed_until).where(deliveries.c.state == "pending")
    assert set(store.read(lambda c: c.execute(statement).scalars())) == {None}


def test_what_does_not_end_in_time_is_given_back(store, subscribe, tell, eventually):
    """A request that outlasts the deadline is cut off, and its delivery is free for the next worker."""
    subscribe("crm", "http://127.0.0.1:1/")
    begun = threading.Event()

    async def never(*_):
        begun.set()
        await asyncio.sleep(3_600)
        return Answer(204)

    (message,) = tell("a")
    with Running(store, tell=never):
        eventually(begun.is_set)
    row = _row(store, message)
    assert (row["state"], row["attempts"], row["claimed_until"]) == ("pending", 0, None)


def test_a_forbidden_address_is_never_called(store, subscribe, tell, receiver, eventually):
    """Inside addresses stay uncalled unless the settings say otherwise; the dead letter says why."""
    subscribe("crm", receiver.url)
    (message,) = tell("a")
    with Running(store, settings=EgressSettings(plain_http=True)):
        eventually(lambda: _states(store) == {message: "dead"})
    assert receiver.got == []
    assert "not public" in _row(store, message)["last_error"]


def test_a_failure_of_our_own_is_one_subscribers_alone(store, subscribe, tell, receiver, eventually):
    """Settings that cannot be used, or a defect, keep nobody else from being told."""
    subscribe("broken", receiver.url, secret_env="NO_SUCH_VARIABLE")  # noqa: S106 - a name
    subscribe("crm", receiver.url)
    (message,) = tell("a")
    with Running(store):
        eventually(lambda: _states(store) == {message: "delivered"})
        statement = select(deliveries.c.last_error).where(deliveries.c.subscriber == "broken")
        eventually(lambda: store.read(lambda c: c.execute(statement).scalar_one()) is not None)
        assert "NO_SUCH_VARIABLE" in store.read(lambda c: c.execute(statement).scalar_one())


def test_a_message_told_again_is_the_same(store, subscribe, tell, receiver, eventually):
    """A replay sends the bytes that were sent before."""
    from serving.outbox.backlog import replay

    subscribe("crm", receiver.url)
    tell("a")
    with Running(store):
        eventually(lambda: len(receiver.got) == 1 and set(_states(store).values()) == {"delivered"})
        assert store.write(lambda c: replay(c, "crm", 0, wall_clock() + 1)) == 1
        eventually(lambda: len(receiver.got) == 2)
    assert receiver.got[0].body == receiver.got[1].body
    assert receiver.ids[0] == receiver.ids[1] == json.loads(receiver.got[0].body)["id"]


def test_a_secret_is_in_no_printed_form(subscribe):
    """It is made at random, and whoever prints the subscriber does not see it."""
    made = subscribe("crm", "https://example.org/")
    assert made.secret.startswith("whsec_")
    assert made.secret not in repr(made)
