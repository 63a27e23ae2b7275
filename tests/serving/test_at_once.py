"""A request that has come whole, and waits for nobody, is answered at once: like any other, and nothing is lost."""

import gzip
import json
import socket
import time

import httpx
import pytest
from sqlalchemy import select

from serving import key_store
from serving.app import create_app
from serving.deciding.recorder import Recorder
from serving.requests import MOST_HEADERS, Gate
from serving.settings import Settings
from serving.store.store import Store
from serving.store.tables import scores

LEAD = {"lead_id": "a", "created_at": "2026-01-05T08:00:00Z", "as_of": "2026-01-31T09:30:00Z"}


@pytest.fixture
def at_once(monkeypatch):
    """Of each request that came whole, whether it was answered at once."""
    found, real = [], Gate.at_once

    def seen(gate, *request):
        found.append(real(gate, *request))
        return found[-1]

    monkeypatch.setattr(Gate, "at_once", seen)
    return found


def test_what_has_come_whole_is_answered_alike(trained, put, until, at_once):
    """At once, without a task; and an answer or a refusal is the same as to what comes in parts."""
    url = put(create_app(Settings(trained.bundle, keys=("right", "reader:read=other"), max_body_bytes=500)))
    until(lambda: httpx.get(f"{url}/readyz").status_code == 200)
    plain = json.dumps(LEAD).encode()
    packed = gzip.compress(plain)
    key, media = b"x-api-key: right", b"content-type: application/json"
    asked = [  # heads, query, body, whether it is answered at once, status
        ((key, media), b"", plain, True, 200),
        ((b"authorization: Bearer right", media), b"?reasons=0", plain, True, 200),
        ((key, media), b"", b'{"lead_id": 1', True, 400),
        ((key, media), b"", b"{}", True, 422),
        ((key, media), b"", json.dumps({**LEAD, "created_at": "2026-03-01T00:00:00Z"}).encode(), True, 422),
        ((key, media, *[b"x-%d: 1" % k for k in range(MOST_HEADERS)]), b"", plain, True, 431),
        ((key, b"content-type: application/json; charset=utf-8"), b"", plain, False, 200),
        ((key, media, b"content-encoding: gzip"), b"", packed, False, 200),
        ((key,), b"", plain, False, 200),
        ((key, b"content-type: text/plain"), b"", plain, False, 415),
        ((key, media), b"?reasons=9", plain, False, 422),
        ((key, media), b"", b" " * 501, False, 413),
        ((media,), b"", plain, False, 401),
        ((b"x-api-key: wrong", media), b"", plain, False, 401),
        ((b"x-api-key: other", media), b"", plain, False, 403),
    ]
    for heads, query, sent, now, status in asked:
        head = b"POST /v1/score%b HTTP/1.1\r\nhost: x\r\nx-request-id: one\r\n" % query
        head += b"".join(b"%b\r\n" % one for one in heads) + b"content-length: %d\r\n\r\n" % len(sent)
        at_once.clear()
        with socket.create_connection(("127.0.0.1", int(url.rpartition(":")[2])), timeout=10) as caller:
            caller.sendall(head + sent)
            whole = answer_of(caller)
            assert at_once == [now]
            caller.sendall(head)
            time.sleep(0.02)
            caller.sendall(sent)
            assert sorted(answer_of(caller)) == sorted(whole)
            assert at_once == [now]
        assert whole[0].startswith(b"HTTP/1.1 %d " % status)


def answer_of(caller):
    """The lines of an answer without its date, and its body."""
    found = b""
    while (head := found.partition(b"\r\n\r\n"))[1] == b"" or len(head[2]) < length_of(head[0]):
        found += caller.recv(1 << 16)
    lines = head[0].split(b"\r\n")
    return [*(line for line in lines if not line.startswith(b"date:")), head[2]]


def length_of(head):
    """The length of a body that an answer's head tells."""
    return int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])


@pytest.fixture
def door(trained, store_url, put, until, at_once):
    """A connection to a service with a store, a key in it, and the store."""
    del at_once  # which has to be there before the service
    store = Store.open(store_url)
    key = key_store.create_key(store, "score", ("score",))
    url = put(create_app(Settings(trained.bundle, store=store_url)))
    until(lambda: httpx.get(f"{url}/readyz").status_code == 200)
    with socket.create_connection(("127.0.0.1", int(url.rpartition(":")[2])), timeout=10) as caller:
        yield caller, key.encode(), store
    store.close()


def asked(caller, key):
    """The answer to one score."""
    body = json.dumps(LEAD).encode()
    head = b"POST /v1/score?reasons=0 HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\nx-api-key: %b\r\n"
    caller.sendall(head % key + b"content-length: %d\r\n\r\n" % len(body) + body)
    return answer_of(caller)


def test_every_score_is_kept(door, at_once, until):
    """What was told at once has its row soon, as has what was told while the keys were asked for."""
    caller, key, store = door
    told = [asked(caller, key) for _ in range(20)]
    ids = {line.partition(b": ")[2].decode() for answer in told for line in answer if line.startswith(b"x-score-id")}
    assert len(ids) == 20
    assert not at_once[-20]  # at first nobody knows the keys
    assert any(at_once[-19:])
    until(lambda: set(store.read(lambda c: c.execute(select(scores.c.score_id)).scalars().all())) == ids, 10.0)


def test_where_there_is_no_room_a_score_waits_for_it(door, at_once, until, monkeypatch):
    """A score that finds too many before it is told once these are written."""
    caller, key, store = door
    assert asked(caller, key)[0].startswith(b"HTTP/1.1 200")
    monkeypatch.setattr(Recorder, "full", property(lambda recorder: recorder.waiting() >= 2))
    at_once.clear()
    assert all(asked(caller, key)[0].startswith(b"HTTP/1.1 200") for _ in range(9))
    assert set(at_once) == {True, False}
    until(lambda: len(store.read(lambda c: c.execute(select(scores.c.score_id)).all())) == 10, 10.0)


def test_a_revoked_key_opens_nothing_soon(door, until):
    """However fast requests follow each other, the store is asked for the keys every second."""
    caller, key, store = door
    assert asked(caller, key)[0].startswith(b"HTTP/1.1 200")
    key_store.revoke_key(store, "score")
    until(lambda: all(asked(caller, key)[0].startswith(b"HTTP/1.1 401") for _ in range(5)), 5.0)
