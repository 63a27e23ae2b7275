"""No request is too large, too slow or too clever: each limit is a clear refusal, and others do not wait for it."""

import asyncio
import gc
import gzip
import json
import socket
import time
import tracemalloc
import zlib
from threading import Event

import httpx
import pytest
from fastapi import Depends
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from starlette.requests import Request
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from serving import body, protocol
from serving.access import require
from serving.app import create_app
from serving.body import BadLine, read_body, read_lines
from serving.problems import Refusal
from serving.requests import MOST_HEADERS
from serving.settings import Settings
from serving.store.failures import StoreDown, StoreFull
from serving.store.store import Store
from serving.store.tables import meta
from serving.store.upsert import upsert

_CUT = gzip.compress(b"x" * 99, mtime=0)[:-9]
LEAD = {"lead_id": "a", "created_at": "2026-01-05T08:00:00Z", "as_of": "2026-01-31T09:30:00Z"}


def receive_of(*parts):
    """An ASGI ``receive`` that gives these parts of a body."""
    left = list(parts)

    async def receive():
        part = left.pop(0)
        return {"type": "http.request", "body": part, "more_body": bool(left)}

    return receive


def scope_of(**headers):
    """An ASGI scope with these headers."""
    return {"type": "http", "headers": [(k.replace("_", "-").encode(), v.encode()) for k, v in headers.items()]}


def read(parts, limit, **headers):
    """The body that comes in these parts."""
    return asyncio.run(read_body(scope_of(**headers), receive_of(*parts), limit))


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=300), st.integers(1, 40), st.booleans())
def test_a_body_arrives_whole(content, step, packed):
    """Plain or gzip, in whatever parts it comes, the body is what was sent."""
    sent = gzip.compress(content) if packed else content
    parts = [sent[i : i + step] for i in range(0, len(sent), step)] or [b""]
    headers = {"content_encoding": "gzip"} if packed else {}
    assert read(parts, 1_000, **headers) == content


def test_gzip_in_several_members_is_one_body():
    """Senders may concatenate gzip members."""
    assert read([gzip.compress(b"ab") + gzip.compress(b"cd")], 10_000, content_encoding="gzip") == b"abcd"


def test_a_bomb_is_not_inflated():
    """A few kilobytes that inflate to a gigabyte are refused after the limit, not after the gigabyte."""
    packer = zlib.compressobj(9, wbits=31)
    bomb = b"".join(packer.compress(bytes(2**20)) for _ in range(200)) + packer.flush()
    tracemalloc.start()
    try:
        with pytest.raises(Refusal, match="1,000,000 bytes") as refused:
            read([bomb], 1_000_000, content_encoding="gzip")
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert refused.value.status == 413
    assert most < 20_000_000


@pytest.mark.parametrize(
    ("sent", "encoding", "status"),
    [(b"no gzip", "gzip", 400), (_CUT, "gzip", 400), (b"x", "br", 415), (b"x", "zstd", 415)],
)
def test_another_encoding_is_refused(sent, encoding, status):
    """Broken or cut off gzip is 400, an encoding that is not read 415."""
    with pytest.raises(Refusal) as refused:
        read([sent], 1_000, content_encoding=encoding)
    assert refused.value.status == status


def test_lines_are_judged_one_by_one():
    """A line that is not JSON does not spoil the others; blank lines are none; too many lines are refused."""
    request = Request(scope_of(content_type="application/x-ndjson"), receive_of(b'{"a":1}\n\n{broken\n[2]\r\n NaN'))
    found = asyncio.run(read_lines(request, 1_000, 4))
    assert found[0] == {"a": 1}
    assert found[2] == [2]
    assert isinstance(found[1], BadLine)
    assert isinstance(found[3], BadLine)
    again = Request(scope_of(content_type="application/x-ndjson"), receive_of(b"1\n2\n3"))
    with pytest.raises(Refusal, match="3 lines"):
        asyncio.run(read_lines(again, 1_000, 2))


@pytest.fixture
def slow_app(trained):
    """The service with routes that are slow, and that meet a store which is away, full, or a mistake of ours."""
    app = create_app(Settings(trained.bundle, require_key=False, request_s=0.5))

    async def fail(what: str) -> str:
        if what == "slow":
            await asyncio.sleep(30)
        raise {"down": StoreDown("psycopg at 10.0.0.1"), "full": StoreFull("/var/lib"), "bug": KeyError("secret")}[what]

    app.add_api_route("/fail/{what}", fail, dependencies=[Depends(require("read"))])
    return app


def test_every_failure_is_a_problem_without_internals(slow_app, put):
    """Store away 503, store full 507, too slow 503, our mistake 500: each a sentence, none tells of the inside."""
    url = put(slow_app)
    for what, status, retry in (("down", 503, "5"), ("full", 507, "60"), ("slow", 503, "5"), ("bug", 500, None)):
        found = httpx.get(f"{url}/fail/{what}", timeout=10)
        assert found.status_code == status
        assert found.headers["content-type"] == "application/problem+json"
        assert found.headers.get("retry-after") == retry
        assert found.headers["x-request-id"]
        assert not any(word in found.text for word in ("psycopg", "10.0.0.1", "/var", "secret", "KeyError"))


def test_a_deadline_does_not_wait_for_a_thread(trained, put, until, tmp_path):
    """A read and a write that hang: each is answered 503 meanwhile, comes to its end, and what was written is there."""
    store = f"sqlite:///{tmp_path / 'store.db'}"
    app = create_app(Settings(trained.bundle, require_key=False, request_s=0.5, store=store))
    go, ended = Event(), []

    def hang(connection):
        go.wait(60)
        ended.append(connection.execute(select(1)).scalar())

    def write(connection):
        hang(connection)
        upsert(connection, meta, [{"name": "hung", "value": "written"}])

    async def stuck(what: str, request: Request) -> str:
        store = request.state.service.store
        await (store.awrite(write) if what == "write" else store.aread(hang, long=True))
        return "too late"

    app.add_api_route("/stuck/{what}", stuck)
    url = put(app)
    until(lambda: httpx.get(f"{url}/v1/leads").status_code == 200)
    try:
        for what in ("read", "write"):
            found = httpx.get(f"{url}/stuck/{what}", timeout=30)
            assert (found.status_code, ended) == (503, [])
            assert "no answer within 0.5 seconds" in found.json()["detail"]
        assert httpx.get(f"{url}/v1/leads").status_code == 200
    finally:
        go.set()
    until(lambda: ended == [1, 1])
    assert httpx.put(f"{url}/v1/leads/a", json={}).status_code == 200
    opened = Store.open(store)
    kept = opened.read(lambda c: c.execute(select(meta.c.value).where(meta.c.name == "hung")).scalar())
    opened.close()
    assert kept == "written"


def test_heads_are_bounded(trained, put):
    """Many or large headers and long addresses are refused; the service goes on."""
    url = put(create_app(Settings(trained.bundle, require_key=False)))
    many = {f"x-{k}": "1" for k in range(MOST_HEADERS + 1)}
    assert httpx.get(f"{url}/healthz", headers=many).status_code == 431
    assert httpx.get(f"{url}/healthz", headers={"x-long": "y" * 40_000}).status_code == 431
    assert httpx.get(f"{url}/healthz?{'q' * 9_000}").status_code == 414
    with socket.create_connection(("127.0.0.1", int(url.rpartition(":")[2]))) as caller:
        caller.sendall(b"GET /healthz HTTP/1.1\r\nx-long: ")
        caller.settimeout(10)
        with pytest.raises(ConnectionError):
            trickle(caller)
    assert httpx.get(f"{url}/healthz").status_code == 200


def trickle(caller):
    """Ten megabytes of one header."""
    for _ in range(1_000):
        caller.sendall(b"y" * 10_000)
        time.sleep(0.001)


def test_who_says_nothing_is_sent_away(trained, put, monkeypatch):
    """A connection without a request, or with half a head, is closed; one with a slow body is answered 408."""
    monkeypatch.setattr(protocol, "HEAD_S", 0.3)
    monkeypatch.setattr(body, "BODY_S", 0.3)
    monkeypatch.setattr(body.read_body, "__defaults__", (0.3,))
    url = put(create_app(Settings(trained.bundle, require_key=False)))
    port = int(url.rpartition(":")[2])
    for said in (b"", b"POST /v1/score HTTP/1.1\r\nhost: x\r\n"):
        with socket.create_connection(("127.0.0.1", port), timeout=10) as caller:
            caller.sendall(said)
            assert caller.recv(1_000) == b""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as caller:
        caller.sendall(b"POST /v1/score HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{")
        assert caller.recv(1_000).startswith(b"HTTP/1.1 408 ")
    with httpx.Client(base_url=url) as client:  # a connection that is kept open between requests is not half a head
        for _ in range(3):
            assert client.get("/healthz").status_code == 200
            time.sleep(0.5)


def test_a_short_answer_is_written_whole_or_as_the_connection_needs_it(trained, put, until):
    """In one piece where the connection stays, with ``connection: close`` where it ends, in turn where many ask."""
    url = put(create_app(Settings(trained.bundle, require_key=False)))
    until(lambda: httpx.get(f"{url}/readyz").status_code == 200)
    port, body = int(url.rpartition(":")[2]), json.dumps(LEAD).encode()
    head = b"POST /v1/score HTTP/1.1\r\nhost: x\r\nx-request-id: %b\r\n%bcontent-length: %d\r\n\r\n"
    asked = [head % (name, b"", len(body)) + body for name in (b"one", b"two")]
    last = head % (b"last", b"connection: close\r\n", len(body)) + body
    with socket.create_connection(("127.0.0.1", port), timeout=10) as caller:
        caller.sendall(asked[0])
        whole = caller.recv(1 << 16)
        length = int(whole.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
        assert len(whole.partition(b"\r\n\r\n")[2]) == length
        caller.sendall(asked[1] + last)
        rest = b"".join(iter(lambda: caller.recv(1 << 16), b""))
    assert [part.partition(b"x-request-id: ")[2][:4] for part in (whole, *rest.split(b"HTTP/1.1 200 OK")[1:])] == [
        *(b"one\r", b"two\r", b"last"),
    ]
    assert b"connection: close" not in whole.lower()
    assert rest.lower().count(b"connection: close") == 1


def test_a_body_is_taken_whole_or_as_it_comes(trained, put, until):
    """With its head, after it, in parts, and only once the caller was told to go on: the same answer."""
    url = put(create_app(Settings(trained.bundle, require_key=False)))
    until(lambda: httpx.get(f"{url}/readyz").status_code == 200)
    body = json.dumps(LEAD).encode()
    head = b"POST /v1/score HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n" % len(body)
    answers = []
    with socket.create_connection(("127.0.0.1", int(url.rpartition(":")[2])), timeout=10) as caller:
        for parts in (
            (head + b"\r\n" + body,),
            (head + b"\r\n", body),
            (head + b"\r\n" + body[:9], body[9:20], body[20:]),
        ):
            for part in parts:
                caller.sendall(part)
                time.sleep(0.05)
            answers.append(caller.recv(1 << 16))
        caller.sendall(head + b"expect: 100-continue\r\n\r\n")
        assert caller.recv(1_000) == b"HTTP/1.1 100 Continue\r\n\r\n"
        caller.sendall(body)
        answers.append(caller.recv(1 << 16))
    assert all(answer.startswith(b"HTTP/1.1 200 ") for answer in answers)
    assert len({answer.partition(b"\r\n\r\n")[2] for answer in answers}) == 1


def test_who_falls_silent_after_an_answer_is_sent_away(trained, put, monkeypatch):
    """A connection is kept for so long after its last answer, however long ago the first one was; then it is closed."""
    made = protocol.BoundedProtocol.connection_made

    def quick(connection, transport):
        connection.timeout_keep_alive = 0.5
        made(connection, transport)

    monkeypatch.setattr(protocol.BoundedProtocol, "connection_made", quick)
    url = put(create_app(Settings(trained.bundle, require_key=False)))
    with socket.create_connection(("127.0.0.1", int(url.rpartition(":")[2])), timeout=10) as caller:
        for _ in range(4):
            caller.sendall(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n")
            answer = b""
            while not answer.endswith(b"}"):  # head and body may come apart
                answer += caller.recv(1 << 16)
            assert answer.startswith(b"HTTP/1.1 200 ")
            time.sleep(0.25)
        assert caller.recv(1_000) == b""


def test_requests_leave_nothing_to_collect(trained, put, until):
    """What a request was made of is free when it is answered: Python's search for garbage finds nothing of it."""
    url = put(create_app(Settings(trained.bundle, require_key=False)))
    until(lambda: httpx.get(f"{url}/readyz").status_code == 200)
    with httpx.Client(base_url=url) as client:
        gc.collect()
        gc.disable()
        try:
            before = sum(isinstance(one, RequestResponseCycle) for one in gc.get_objects())
            for _ in range(20):
                assert client.post("/v1/score", json=LEAD).status_code == 200
            after = sum(isinstance(one, RequestResponseCycle) for one in gc.get_objects())
        finally:
            gc.enable()
    assert after - before <= 1  # the last one, which its connection remembers


def test_a_slow_body_holds_nobody_up(trained, put, until):
    """While a hundred bodies trickle in, others are answered."""
    url = put(create_app(Settings(trained.bundle, require_key=False)))
    until(lambda: httpx.get(f"{url}/readyz").status_code == 200)
    port = int(url.rpartition(":")[2])
    slow = [socket.create_connection(("127.0.0.1", port)) for _ in range(100)]
    try:
        for caller in slow:
            caller.sendall(b"POST /v1/score HTTP/1.1\r\nhost: x\r\ncontent-length: 9000\r\n\r\n{")
        assert httpx.post(f"{url}/v1/score", content=json.dumps(LEAD)).status_code == 200
    finally:
        for caller in slow:
            caller.close()
