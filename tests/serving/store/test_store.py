"""The store: what it acknowledges is durable, what fails takes nothing with it."""

import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import wait

import pytest
from sqlalchemy import func, insert, select

from data.errors import ContractError
from data.store.address import store_url as url_of
from serving.store.failures import StoreDown, StoreFull
from serving.store.store import Store
from serving.store.tables import audit, keys, looks, meta
from serving.store.upsert import insert_new, upsert


def _look(lead_id, since=1):
    return lambda connection: insert_new(connection, looks, [{"lead_id": lead_id, "since": since}])


def _looks(store):
    return set(store.read(lambda connection: connection.execute(select(looks.c.lead_id)).scalars().all()))


def test_what_was_written_is_read(store):
    """A write that has returned is there, and the same again is nothing new."""
    assert store.write(_look("a")) == [("a",)]
    assert store.write(_look("a")) == []
    assert _looks(store) == {"a"}


def test_a_change_that_fails_takes_nothing_with_it(store):
    """Many changes share a commit; the one that raises is undone alone, and only its caller hears of it."""
    gate = threading.Event()
    held = store._writer.submit(lambda _: gate.wait(10))

    def fails(connection):
        _look("lost")(connection)
        raise ValueError("a reason of its own")

    together = [store._writer.submit(change) for change in (_look("a"), fails, _look("b"))]
    gate.set()
    wait([held, *together], timeout=10)
    assert [together[k].result() for k in (0, 2)] == [[("a",)], [("b",)]]
    with pytest.raises(ValueError, match="a reason of its own"):
        together[1].result()
    assert _looks(store) == {"a", "b"}


def test_a_broken_statement_is_undone_alone(store):
    """What the database itself refuses is undone like any other failure."""

    def twice(connection):
        row = {"name": "k", "begins": "b", "sha256": "h", "scopes": "", "created_at": 1}
        connection.execute(keys.insert(), [row])
        connection.execute(keys.insert(), [row])

    gate = threading.Event()
    held = store._writer.submit(lambda _: gate.wait(10))
    broken, good = store._writer.submit(twice), store._writer.submit(_look("a"))
    gate.set()
    wait([held, broken, good], timeout=10)
    assert type(broken.exception()).__name__ == "IntegrityError"
    assert _looks(store) == {"a"}
    assert store.read(lambda connection: connection.execute(select(func.count()).select_from(keys)).scalar()) == 0


def test_a_reader_sees_one_moment(store):
    """What is committed between two statements of a read is not seen by the second."""
    seen = []

    def question(connection):
        count = select(func.count()).select_from(looks)
        seen.append(connection.execute(count).scalar())
        store.write(_look("in between"))
        seen.append(connection.execute(count).scalar())

    store.read(question)
    assert seen == [0, 0]
    assert _looks(store) == {"in between"}


def test_two_services_that_lock_in_opposite_order_both_succeed(store, store_url):
    """A deadlock is the database's to find and the writer's to answer: each change is tried again."""
    other = Store.open(store_url)
    names = ["a", "b"]
    store.write(lambda c: upsert(c, looks, [{"lead_id": name, "since": 0} for name in names]))
    meet = threading.Barrier(2)

    def in_order(order):
        met = []

        def change(connection):
            for name in order:
                connection.execute(looks.update().where(looks.c.lead_id == name).values(since=looks.c.since + 1))
                if not met and not store.embedded:  # SQLite has one writer at a time: there is nobody to meet
                    met.append(name)
                    meet.wait(10)

        return change

    first, second = store._writer.submit(in_order(names)), other._writer.submit(in_order(names[::-1]))
    first.result(30)
    second.result(30)
    other.close()
    found = store.read(lambda c: c.execute(select(looks.c.since)).scalars().all())
    assert list(found) == [2, 2]


def test_nothing_is_taken_after_the_end(store):
    """A closed store refuses instead of forgetting."""
    store.close()
    with pytest.raises(StoreDown, match="stopping"):
        store.write(_look("late"))


def test_what_waits_is_written_before_the_end(store, store_url):
    """Closing waits for every change that was handed in."""
    gate = threading.Event()
    store._writer.submit(lambda _: gate.wait(10))
    waiting = [store._writer.submit(_look(f"lead {k}")) for k in range(50)]
    threading.Timer(0.05, gate.set).start()
    store.close()
    assert all(len(future.result()) == 1 for future in waiting)
    again = Store.open(store_url)
    assert len(_looks(again)) == 50
    again.close()


def test_upsert_replaces_what_is_given_and_keeps_the_rest(store):
    """A row that is there gets the new values, one that is not is inserted."""
    store.write(_look("a", since=5))
    store.write(lambda c: upsert(c, looks, [{"lead_id": "a", "since": 9}, {"lead_id": "b", "since": 1}]))
    assert store.read(lambda c: dict(map(tuple, c.execute(select(looks.c.lead_id, looks.c.since))))) == {
        "a": 9,
        "b": 1,
    }


def test_rows_of_the_audit_trail_number_themselves(store):
    """Audit rows need no number from outside."""
    row = {"at": 1, "action": "erase", "subject": "s", "by": "k", "detail": "{}"}
    store.write(lambda c: c.execute(audit.insert(), [row]))
    store.write(lambda c: c.execute(audit.insert(), [row]))
    assert len(set(store.read(lambda c: c.execute(select(audit.c.audit_id)).scalars().all()))) == 2


def test_a_full_disk_is_one_clear_sentence(tmp_path):
    """SQLite says that the disk is full; nothing of the change is there, and the next small one goes on."""
    store = Store.open(f"sqlite:///{tmp_path / 'store.db'}")

    def too_much(connection):
        connection.exec_driver_sql("PRAGMA max_page_count = 1")  # clamps to the present size: no page can be added
        upsert(connection, looks, [{"lead_id": f"{k:0500d}", "since": k} for k in range(2_000)])

    with pytest.raises(StoreFull, match="no room left"):
        store.write(too_much)
    assert _looks(store) == set()
    store.close()


def test_a_server_that_is_away_is_said_to_be(postgres_url):
    """No server at the address: one sentence, not a driver's trace."""
    del postgres_url  # the driver is installed where there is a server
    with pytest.raises(StoreDown, match="does not answer"):
        Store.open("postgresql://readiness:x@127.0.0.1:1/nothing")


@pytest.mark.parametrize("text", ["mysql://x/y", "store.db", "sqlite://", "sqlite:///:memory:", "://"])
def test_a_url_that_is_no_store_is_refused(text, tmp_path):
    """What is neither SQLite with a file nor PostgreSQL is refused."""
    with pytest.raises(ContractError, match="URL"):
        url_of(text, tmp_path)


def test_a_password_is_in_no_sentence(tmp_path):
    """The URL holds a password, so it is never repeated."""
    with pytest.raises(ContractError) as found:
        url_of("mysql://me:hidden-word@host/x", tmp_path)
    assert "hidden-word" not in str(found.value)


_KILLED = """
import sys
from serving.store.store import Store
from serving.store.tables import looks
from serving.store.upsert import insert_new
store = Store.open(sys.argv[1])
for k in range(100_000):
    store.write(lambda c, k=k: insert_new(c, looks, [{"lead_id": str(k), "since": k}]))
    print(k, flush=True)
"""


def test_what_was_acknowledged_outlives_the_process(store_url):
    """The process is killed while it writes; everything that it had said is there."""
    child = subprocess.Popen([sys.executable, "-P", "-c", _KILLED, store_url], stdout=subprocess.PIPE, text=True)
    acknowledged = [int(child.stdout.readline()) for _ in range(60)]
    os.kill(child.pid, signal.SIGKILL)
    acknowledged += [int(line) for line in child.stdout.read().splitlines() if line]
    child.wait()
    child.stdout.close()
    store = Store.open(store_url)
    assert {str(k) for k in acknowledged} <= _looks(store)
    store.close()


def test_whoever_stops_waiting_harms_nobody(store):
    """A request that is given up while its change waits: the change is made, and so are those of its group."""
    import asyncio

    def slow(connection):
        time.sleep(0.2)
        connection.execute(insert(meta), [{"name": "first", "value": "1"}])

    def second(connection):
        connection.execute(insert(meta), [{"name": "second", "value": "2"}])

    async def give_up():
        blocking = asyncio.create_task(store.awrite(slow))
        given_up = asyncio.create_task(store.awrite(second))
        patient = asyncio.create_task(store.awrite(lambda _: "done"))
        await asyncio.sleep(0.05)
        given_up.cancel()
        await blocking
        return await patient

    assert asyncio.run(give_up()) == "done"
    names = store.read(lambda c: {row.name for row in c.execute(select(meta.c.name))})
    assert {"first", "second"} <= names
