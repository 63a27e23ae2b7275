"""The doors of ingest over HTTP: what is acknowledged is durable, what is wrong is named, nobody else hears of it."""

import gzip
import json
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from sqlalchemy import func, select

from data.store.tables import events, leads, outcomes
from serving.app import create_app
from serving.settings import Settings, keys_from_environment
from serving.store.store import Store
from serving.store.tables import audit

KEYS = keys_from_environment("feed:ingest=a-key-to-ingest reader:read=a-key-to-read chief:admin=a-key-of-the-chief")
EVENT = {"lead_id": "L-1", "kind": "pricing_view", "occurred_at": "2026-01-29T14:12:00Z"}


@pytest.fixture
def http(store_url, tmp_path, served, until):
    """A service with a store and no model, asked with a key that may ingest."""
    app = create_app(Settings(tmp_path / "no bundle", store=store_url, keys=KEYS))
    with served(app, **{"x-api-key": "a-key-to-ingest"}) as client:
        until(lambda: client.post("/v1/events", json=[]).status_code == 200)
        yield client


@pytest.fixture
def count(store_url):
    """How many rows a table holds, asked of the database itself."""

    def rows(table):
        store = Store.open(store_url)
        found = store.read(lambda connection: connection.execute(select(func.count()).select_from(table)).scalar())
        store.close()
        return found

    return rows


def _problem(answer, status):
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    return answer.json()["detail"]


def test_events_come_as_a_list_an_object_lines_or_one(http, count):
    """Four ways to write the same; each counts once whatever way it came in."""
    line = "\n".join(json.dumps({**EVENT, "event_id": str(k)}) for k in range(3)) + "\n"
    many = [{**EVENT, "event_id": str(k)} for k in range(3)]
    assert http.post("/v1/events", json=many).json() == {"taken": 3, "duplicates": 0, "refused": []}
    assert http.post("/v1/events", json={"events": many}).json()["duplicates"] == 3
    lines = {"content-type": "application/x-ndjson"}
    assert http.post("/v1/events", content=line, headers=lines).json()["duplicates"] == 3
    zipped = {**lines, "content-encoding": "gzip"}
    assert http.post("/v1/events", content=gzip.compress(line.encode()), headers=zipped).json()["duplicates"] == 3
    assert http.post("/v1/events", json=many[0]).json()["duplicates"] == 1
    assert count(events) == 3


def test_a_bad_item_is_named_and_the_others_are_taken(http, count):
    """Each refusal has the position of what was sent and one sentence; broken lines too."""
    sent = [EVENT, {**EVENT, "occurred_at": "yesterday"}, {"kind": "x"}, 7, {**EVENT, "kind": "page", "list": [1]}]
    told = http.post("/v1/events", json=sent).json()
    assert (told["taken"], [one["position"] for one in told["refused"]]) == (1, [1, 2, 3, 4])
    assert "ISO 8601" in told["refused"][0]["reason"]
    assert "flatten" in told["refused"][3]["reason"]
    body = f"{json.dumps(EVENT)}\n{{broken\n\n{json.dumps({**EVENT, 'kind': 'page'})}"
    told = http.post("/v1/events", content=body, headers={"content-type": "application/x-ndjson"}).json()
    assert (told["taken"], told["duplicates"], [one["position"] for one in told["refused"]]) == (1, 1, [1])
    assert count(events) == 2


BROKEN = (
    (b"[", {}, 400, "not JSON"),
    (b"[NaN]", {}, 400, "not JSON"),
    (b'["\\ud800"]', {}, 400, "not JSON"),
    (b'"x"', {}, 422, "'events'"),
    (b'{"events": [], "more": 1}', {}, 422, "more"),
    (b"[]", {"content-type": "text/csv"}, 415, "text/csv"),
    (b"[]", {"content-encoding": "br"}, 415, "'br'"),
    (gzip.compress(b"[]")[:-9], {"content-encoding": "gzip"}, 400, "not gzip"),
    (b"[" * 5_000 + b"]" * 5_000, {}, 400, "not JSON"),
    (json.dumps([EVENT] * 10_001).encode(), {}, 413, "10,000"),
    (gzip.compress(b" " * 9_000_000), {"content-encoding": "gzip"}, 413, "bytes"),
)


def test_a_body_that_is_none_is_refused_whole(http, count):
    """One sentence, the right status, nothing stored."""
    for body, headers, status, word in BROKEN:
        answer = http.post("/v1/events", content=body, headers={"content-type": "application/json", **headers})
        assert word in _problem(answer, status)
    assert count(leads) == 0


def test_touches_are_of_sales(http, count):
    """A touch needs no actor; another actor is refused with the door for it."""
    told = http.post("/v1/touches", json=[{**EVENT, "kind": "call"}, {**EVENT, "actor": "lead"}]).json()
    assert told["taken"] == 1
    assert "/v1/events" in told["refused"][0]["reason"]
    assert http.post("/v1/events", json=[{**EVENT, "given_back": True}]).json()["refused"][0]["position"] == 0
    assert count(events) == 1


def test_outcomes_and_descriptions(http, count):
    """Outcomes by the many, leads and accounts one by one or by the many; ids with any character."""
    outcome = {**EVENT, "kind": "won", "value": 42}
    assert http.post("/v1/outcomes", json={"outcomes": [outcome, outcome]}).json()["duplicates"] == 1
    body = {"created_at": "2026-01-05T08:00:00Z", "account_id": "A/1", "attributes": {"size": 3, "gone": None}}
    assert http.put("/v1/leads/a%2Fb%20c", json=body).json()["taken"] == 1
    assert http.put("/v1/leads/a%2Fb%20c", json=body).json()["duplicates"] == 1
    assert http.post("/v1/leads", json=[{"lead_id": "a/b c", **body}]).json()["duplicates"] == 1
    assert http.put("/v1/accounts/A%2F1", json={"attributes": {"tier": "gold"}}).json()["taken"] == 1
    assert (
        http.post("/v1/accounts", json=[{"account_id": "A/1", "attributes": {"tier": "gold"}}]).json()["duplicates"]
        == 1
    )
    assert (count(outcomes), count(leads)) == (1, 2)


WRONG = (
    ("/v1/leads/a", {"created_at": "2026-01-05"}, "time zone"),
    ("/v1/leads/a", {"created_at": "2199-01-05T00:00:00Z"}, "not yet"),
    ("/v1/leads/a", {"created_at": "9999-12-31T23:59:59Z"}, "1970 to 2200"),
    ("/v1/leads/a", {"created_at": "0001-01-01T00:00:00+14:00"}, "1970 to 2200"),
    ("/v1/leads/a", {"attributes": {"x": {}}}, "flatten"),
    ("/v1/leads/a", {"attributes": {"x": 10**400}}, "finite"),
    ("/v1/leads/a", {"attributes": {"x" * 201: 1}}, "201 characters"),
    ("/v1/leads/a", {"atributes": {}}, "attributes"),
    ("/v1/leads/" + "x" * 201, {}, "201 characters"),
    ("/v1/leads/a%00", {}, "NUL"),
    ("/v1/accounts/a", {"known_at": "2199-01-05T00:00:00Z"}, "not yet"),
)


def test_a_wrong_description_is_refused(http, count):
    """One sentence that names what is wrong."""
    for path, body, word in WRONG:
        assert word in _problem(
            http.put(path, content=json.dumps(body), headers={"content-type": "application/json"}), 422
        )
    assert count(leads) == 0


def test_a_past_is_loaded_as_it_was_known(http, store_url):
    """With backfill what does not say when it was known was known when it happened; without it, now."""
    http.post("/v1/events?backfill=true", json=[{**EVENT, "event_id": "then"}])
    http.post("/v1/events", json=[{**EVENT, "event_id": "now"}])
    store = Store.open(store_url)
    rows = store.read(lambda c: c.execute(select(events.c.event_id, events.c.known_at - events.c.occurred_at)).all())
    store.close()
    late = dict(map(tuple, rows))
    assert late["then"] == 0
    assert late["now"] > 0
    assert "backfill" in _problem(http.post("/v1/events?backfill=perhaps", json=[]), 422)


def test_each_key_opens_its_own_doors(http):
    """Reading does not let in, ingesting does not erase; without a key nothing opens."""
    reader, nobody = {"x-api-key": "a-key-to-read"}, {"x-api-key": "x"}
    assert "ingest" in _problem(http.post("/v1/events", json=[], headers=reader), 403)
    assert "admin" in _problem(http.delete("/v1/leads/L-1"), 403)
    for method, path in (("POST", "/v1/events"), ("PUT", "/v1/leads/a"), ("DELETE", "/v1/leads/a")):
        _problem(http.request(method, path, headers=nobody), 401)


def test_erasure_over_http(http, count):
    """The lead is gone, the trail names the key that asked; again is fine, and a later event starts a new lead."""
    http.post("/v1/events", json=[EVENT])
    chief = {"x-api-key": "a-key-of-the-chief"}
    told = http.delete("/v1/leads/L-1", headers=chief).json()
    assert told["rows"] == {"events": 1, "leads": 1, "looks": 1}
    assert told["erased"] == 3
    assert http.delete("/v1/leads/L-1", headers=chief).json() == {"erased": 0, "rows": {}}
    assert (count(events), count(leads), count(audit)) == (0, 0, 2)
    assert http.post("/v1/events", json=[EVENT]).json()["taken"] == 1


def test_callers_that_send_the_same_at_once_are_all_answered(http, count):
    """Eight senders of overlapping batches: every event is taken once, and told to exactly one of them as new."""
    batches = [
        [{**EVENT, "lead_id": f"L-{k % 7}", "event_id": str(k)} for k in range(start, start + 100)]
        for start in range(0, 400, 50)
    ]
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda batch: http.post("/v1/events", json=batch[::-1]).json(), batches))
    assert sum(answer["taken"] for answer in answers) == count(events) == 450
    assert all(answer["taken"] + answer["duplicates"] == 100 for answer in answers)


def test_a_large_call_is_cut_without_losing_its_places(http, count):
    """Positions are those of the request, wherever it was cut to be written."""
    sent = [{**EVENT, "event_id": str(k)} for k in range(2_500)]
    sent[1_700] = {**EVENT, "event_id": "3", "value": 1}
    told = http.post("/v1/events", json=sent).json()
    assert (told["taken"], [one["position"] for one in told["refused"]]) == (2_499, [1_700])
    assert count(events) == 2_499


def test_a_service_without_a_store_says_so(tmp_path, served):
    """A stateless scorer has no place for news."""
    app = create_app(Settings(tmp_path / "no bundle", keys=KEYS))
    with served(app, **{"x-api-key": "a-key-to-ingest"}) as client:
        assert "keeps nothing" in _problem(client.post("/v1/events", json=[EVENT]), 404)


def test_a_store_that_is_away_is_said_to_be(tmp_path, served, postgres_url):
    """While the database does not answer, 503: nothing was taken, send it again."""
    del postgres_url  # the driver is installed where there is a server
    away = "postgresql://readiness:x@127.0.0.1:1/nothing"
    with served(create_app(Settings(tmp_path / "no bundle", store=away, keys=KEYS))) as client:
        answer = client.post("/v1/events", json=[EVENT], headers={"x-api-key": "a-key-to-ingest"})
        assert "again" in _problem(answer, 503)
        assert isinstance(client, httpx.Client)
