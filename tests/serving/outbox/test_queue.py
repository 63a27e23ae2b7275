"""The queue: leases, order, and what becomes of a delivery, on both kinds of database."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, select

from data.errors import ContractError
from serving.outbox.backlog import listed, purge, replay, requeue
from serving.outbox.queue import claim, due, release, settle
from serving.outbox.schedule import Answer, Verdict
from serving.outbox.subscribers import every, find, pause, remove, resume
from serving.store.store import Store
from serving.store.tables import deliveries, messages, subscribers

URL = "https://example.org/hook"
TAKEN, FAILED = Answer(204), Answer(503, "503: busy")
DONE, DEAD = Verdict("delivered"), Verdict("dead")


def _claim(store, name, count=100, now=1_000, until=2_000):
    return store.write(lambda c: claim(c, name, count, now, until))


def _settle(store, claimed, answer=TAKEN, verdict=DONE, now=1_500):
    store.write(lambda c: settle(c, claimed, answer, verdict, now))


def _row(store, message_id, name="crm"):
    statement = select(deliveries).where(deliveries.c.message_id == message_id, deliveries.c.subscriber == name)
    return dict(store.read(lambda c: c.execute(statement).mappings().one()))


def _states(store):
    statement = select(deliveries.c.message_id, deliveries.c.subscriber, deliveries.c.state)
    return {(m, s): state for m, s, state in store.read(lambda c: c.execute(statement).all())}


def test_a_claim_is_a_lease(store, subscribe, tell):
    """While it lasts nobody else gets the delivery; when it has run out, the next one does."""
    subscribe("crm", URL)
    ids = tell("a", "b", now=10)
    assert [one.message_id for one in _claim(store, "crm")] == ids
    assert _claim(store, "crm", now=1_999) == []
    assert [one.message_id for one in _claim(store, "crm", now=2_000, until=3_000)] == ids


def test_nothing_is_claimed_before_it_is_due(store, subscribe, tell):
    """Due means: at its moment, or later."""
    subscribe("crm", URL)
    tell("a", now=500)
    assert store.read(lambda c: due(c, 499)) == []
    assert _claim(store, "crm", now=499) == []
    assert [one.name for one in store.read(lambda c: due(c, 500))] == ["crm"]
    assert len(_claim(store, "crm", now=500)) == 1


def test_what_was_given_back_is_free_at_once(store, subscribe, tell):
    """A worker that stops in order leaves nothing to wait for."""
    subscribe("crm", URL)
    tell("a", now=10)
    claims = _claim(store, "crm")
    store.write(lambda c: release(c, claims))
    assert len(_claim(store, "crm", now=1_001)) == 1


def test_a_lead_is_told_in_order(store, subscribe, tell):
    """The second message about a lead waits for the first, even while that one waits for its next try."""
    subscribe("crm", URL)
    first, other, second = tell("a", "b", "a", now=10)
    one, two = _claim(store, "crm")
    assert [one.message_id, two.message_id] == [first, other]
    _settle(store, two)
    _settle(store, one, FAILED, Verdict("again", 5_000))
    assert _claim(store, "crm", now=4_999) == []
    assert [c.message_id for c in _claim(store, "crm", now=5_000, until=6_000)] == [first]
    _settle(store, _claim(store, "crm", now=6_000, until=7_000)[0], FAILED, DEAD)
    assert [c.message_id for c in _claim(store, "crm", now=7_000)] == [second]


def test_subscribers_do_not_wait_for_each_other(store, subscribe, tell):
    """The order of a lead is kept for each subscriber alone."""
    subscribe("slow", URL)
    subscribe("quick", URL)
    first, second = tell("a", "a", now=10)
    assert [c.message_id for c in _claim(store, "slow")] == [first]
    _settle(store, _claim(store, "quick")[0])
    assert [c.message_id for c in _claim(store, "quick")] == [second]


def test_what_was_delivered_is_delivered(store, subscribe, tell):
    """A success counts even when the lease has passed to somebody else; a late failure does not."""
    subscribe("crm", URL)
    (message,) = tell("a", now=10)
    (slow,) = _claim(store, "crm", until=2_000)
    (quick,) = _claim(store, "crm", now=2_000, until=3_000)
    _settle(store, slow, FAILED, DEAD)
    assert _row(store, message)["state"] == "pending"
    _settle(store, slow)
    _settle(store, quick, FAILED, Verdict("again", 9_000))
    row = _row(store, message)
    assert (row["state"], row["last_status"], row["delivered_at"]) == ("delivered", 204, 1_500)
    assert _claim(store, "crm", now=10**9) == []


def test_a_failure_says_what_was_answered(store, subscribe, tell):
    """Tries are counted, and the last answer is kept."""
    subscribe("crm", URL)
    (message,) = tell("a", now=10)
    for tries in (1, 2):
        now = 1_000 * tries
        (claimed,) = _claim(store, "crm", now=now, until=now + 1)
        _settle(store, claimed, FAILED, Verdict("again", now + 500))
        row = _row(store, message)
        assert (row["attempts"], row["last_status"], row["last_error"]) == (tries, 503, "503: busy")


def test_gone_stops_the_subscriber_and_loses_nothing(store, subscribe, tell):
    """After 410 nothing more is queued; what is there waits, and goes out when somebody resumes it."""
    subscribe("crm", URL)
    (message,) = tell("a", now=10)
    _settle(store, _claim(store, "crm")[0], Answer(410, "410: "), Verdict("stopped"))
    tell("b", now=20)
    stopped = store.read(lambda c: find(c, "crm"))
    assert stopped.state == "stopped"
    assert "410" in stopped.stopped_because
    assert _states(store) == {(message, "crm"): "pending"}
    assert store.read(lambda c: due(c, 10**9)) == []
    assert _claim(store, "crm", now=10**9) == []
    store.write(lambda c: resume(c, "crm"))
    assert [c.message_id for c in _claim(store, "crm", now=10**9)] == [message]


def test_a_pause_loses_nothing(store, subscribe, tell):
    """What comes while a subscriber is paused waits for it."""
    subscribe("crm", URL)
    ids = tell("a", now=10)
    store.write(lambda c: pause(c, "crm"))
    ids += tell("b", now=20)
    assert _claim(store, "crm") == []
    store.write(lambda c: resume(c, "crm"))
    assert [c.message_id for c in _claim(store, "crm")] == ids


def test_workers_share_the_queue(store, store_url, subscribe, tell):
    """Eight claimants on two stores at once: every delivery is claimed by exactly one."""
    subscribe("crm", URL)
    ids = tell(*(f"lead {k}" for k in range(60)), now=10)
    other = Store.open(store_url)
    meet = threading.Barrier(8)

    def work(k):
        meet.wait(10)
        mine = []
        while claims := _claim([store, other][k % 2], "crm", count=3):
            mine += [one.message_id for one in claims]
        return mine

    with ThreadPoolExecutor(8) as pool:
        found = [message for mine in pool.map(work, range(8)) for message in mine]
    # One that found the rest locked by others ends early: what nobody took is still there to take.
    found += [one.message_id for one in _claim(store, "crm")]
    assert sorted(found) == sorted(ids)
    other.close()


def test_dead_letters_are_seen_and_sent_again(store, subscribe, tell):
    """One or all of them; the tries begin anew."""
    subscribe("crm", URL)
    ids = tell("a", "b", "c", now=10)
    for claimed in _claim(store, "crm"):
        _settle(store, claimed, Answer(400, "400: no such field"), DEAD, now=1_000)
    page = store.read(lambda c: listed(c, "crm", "dead", 2))
    rest = store.read(lambda c: listed(c, "crm", "dead", 2, (page[-1]["due_at"], page[-1]["message_id"])))
    assert sorted(one["message_id"] for one in page + rest) == sorted(ids)
    assert {one["last_error"] for one in page} == {"400: no such field"}
    assert store.write(lambda c: requeue(c, "crm", 3_000, ids[1])) == 1
    assert (_row(store, ids[1])["state"], _row(store, ids[1])["attempts"]) == ("pending", 0)
    assert store.write(lambda c: requeue(c, "crm", 3_000)) == 2
    with pytest.raises(ContractError, match="no dead letter"):
        store.write(lambda c: requeue(c, "crm", 3_000, ids[1]))


def test_a_range_is_told_again_oldest_first(store, subscribe, tell):
    """Those of the range, with the ids they had, whether told before or not; the others stay as they are."""
    ids = [tell(f"lead {at}", now=at)[0] for at in (10, 20, 30, 40)]
    subscribe("crm", URL)  # it came after the first four
    ids += tell("late", now=50)
    _settle(store, _claim(store, "crm")[0])
    assert store.write(lambda c: replay(c, "crm", 20, 51)) == 4
    assert [one.message_id for one in _claim(store, "crm")] == ids[1:]
    assert store.write(lambda c: replay(c, "crm", 0, 100)) == 1  # the others are pending
    with pytest.raises(ContractError, match="is empty"):
        store.write(lambda c: replay(c, "crm", 20, 20))


def test_only_wanted_kinds_are_told_again(store, subscribe, tell):
    """A subscriber gets nothing by a replay that it would not have got at first."""
    (ready,) = tell("a", now=10)
    (won,) = tell("a", now=20, before="working", after="won")
    subscribe("wins", URL, kinds=["won"])
    subscribe("all", URL)
    assert store.write(lambda c: replay(c, "wins", 0, 100)) == 1
    assert store.write(lambda c: replay(c, "all", 0, 100, ["ready"])) == 1
    assert set(_states(store)) == {(won, "wins"), (ready, "all")}
    with pytest.raises(ContractError, match=r"not told of readiness\.lead\.ready"):
        store.write(lambda c: replay(c, "wins", 0, 100, ["ready"]))


def test_only_what_everybody_has_is_cleared_away(store, subscribe, tell):
    """Pending and dead deliveries keep their message, however old; so does the young one."""
    subscribe("crm", URL)
    subscribe("wins", URL, kinds=["won"])
    done, failed, waiting, young = (tell(f"lead {at}", now=at)[0] for at in (10, 20, 30, 400))
    claims = {one.message_id: one for one in _claim(store, "crm")}
    _settle(store, claims[done])
    _settle(store, claims[young])
    _settle(store, claims[failed], FAILED, DEAD)
    assert store.write(lambda c: purge(c, 400)) == 1
    left = store.read(lambda c: set(c.execute(select(messages.c.message_id)).scalars()))
    assert left == {failed, waiting, young}
    assert store.write(lambda c: purge(c, 400)) == 0


def test_a_subscriber_that_goes_takes_its_deliveries_along(store, subscribe, tell):
    """Its messages stay for the others."""
    subscribe("crm", URL)
    subscribe("all", URL)
    ids = tell("a", "b", now=10)
    assert store.write(lambda c: remove(c, "crm", 99, "a test")) == 2
    assert [(one.name, counts) for one, counts in store.read(every)] == [("all", {"pending": 2})]
    assert [c.message_id for c in _claim(store, "all")] == ids
    with pytest.raises(ContractError, match="Known subscribers: 'all'"):
        store.write(lambda c: remove(c, "crm", 99, "a test"))


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    leads=st.lists(st.sampled_from("abc"), min_size=1, max_size=12),
    answers=st.lists(st.sampled_from(["taken", "again", "dead", "lost"]), max_size=60),
    count=st.integers(1, 4),
)
def test_any_run_of_answers_keeps_the_order_of_each_lead(store, subscribe, tell, leads, answers, count):
    """Whatever is answered, or lost with a worker: attempts about a lead never go back, and all come to an end."""
    store.write(lambda c: [c.execute(delete(table)) for table in (deliveries, messages, subscribers)])
    subscribe("crm", URL)
    ids = tell(*leads, now=10)
    place = {message_id: k for k, message_id in enumerate(ids)}
    said, now, tried = iter(answers), 1_000, []
    while claims := _claim(store, "crm", count, now, now + 10):
        assert len({c.lead_id for c in claims}) == len(claims)
        for one in claims:
            tried.append(one)
            match next(said, "taken"):
                case "taken":
                    _settle(store, one)
                case "again":
                    _settle(store, one, FAILED, Verdict("again", now + 5))
                case "dead":
                    _settle(store, one, FAILED, DEAD)
        now += 100
    assert set(_states(store).values()) <= {"delivered", "dead"}
    assert {one.message_id for one in tried} == set(ids)
    for lead in "abc":
        order = [place[one.message_id] for one in tried if one.lead_id == lead]
        assert order == sorted(order)
