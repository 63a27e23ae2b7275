"""Stored leads over HTTP: sent, scored, listed, explained; each key sees what it may."""

import json
import socket
import time

import httpx
import pytest

from data.clock import DAY, iso
from serving.app import create_app
from serving.jobs.running import run_jobs_once
from serving.live.loading import Loaded
from serving.settings import Settings
from serving.store.store import Store

KEYS = {"all": "key-of-all", "reader": "key-of-reader", "scorer": "key-of-scorer", "sender": "key-of-sender"}


def ago(days, hours=0):
    """A moment so long ago, as text."""
    return iso(time.time_ns() // 1_000 - days * DAY - hours * DAY // 24)


@pytest.fixture(scope="module")
def url(tmp_path_factory):
    """The URL of the store behind the service."""
    return f"sqlite:///{tmp_path_factory.mktemp('http') / 'store.db'}"


@pytest.fixture(scope="module")
def http(trained, served, until, url):
    """A ready service with a store."""
    keys = (KEYS["all"], *(f"{name}:{scope}={KEYS[name]}" for name, scope in _SCOPES.items()))
    app = create_app(Settings(trained.bundle, keys=keys, version="7", store=url))
    with served(app, **{"x-api-key": KEYS["all"]}) as client:
        until(lambda: client.get("/readyz").status_code == 200)
        yield client


_SCOPES = {"reader": "read", "scorer": "score", "sender": "ingest"}


def send(http, lead_id, days=range(2, 30), kinds=("pricing_view", "reply", "email_open"), **lead):
    """A lead and what it did, as a platform sends it."""
    lead = {"created_at": ago(40), "attributes": {"industry": "software"}, **lead}
    assert http.put(f"/v1/leads/{lead_id}", json=lead).status_code == 200
    told = [{"lead_id": lead_id, "kind": kind, "occurred_at": ago(day)} for day in days for kind in kinds]
    answer = http.post("/v1/events", json=told, params={"backfill": True})
    assert answer.json()["taken"] == len(told), answer.text
    return told


def good(answer):
    """The JSON of an answer that went well."""
    assert answer.status_code == 200, answer.text
    return answer.json()


def problem(answer, status):
    """The sentence of a refusal."""
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json"), answer.text
    return answer.json()["detail"]


def test_a_stored_score_equals_the_same_facts_sent_along(http):
    """By id or by payload: one reading, the same bits, the same reasons."""
    told = send(http, "same")
    stored = good(http.get("/v1/leads/same/score"))
    lead = {"lead_id": "same", "created_at": good(http.get("/v1/leads/same"))["created_at"], "as_of": stored["as_of"]}
    events = [{name: value for name, value in event.items() if name != "lead_id"} for event in told]
    paid = good(http.post("/v1/score", json={**lead, "attributes": {"industry": "software"}, "events": events}))
    same = ("readiness", "index", "horizon_days", "base_rate", "events_used", "bundle_id", "product", "reason_1")
    assert {name: stored[name] for name in same} == {name: paid[name] for name in same}
    assert [stored["reason_2"], stored["reason_3"]] == [paid["reason_2"], paid["reason_3"]]
    assert None not in stored.values()
    assert all(isinstance(value, str | int | float) for value in stored.values())


@pytest.mark.parametrize("lead_id", ["both/ways", "nobody"])
@pytest.mark.parametrize("reasons", ["", "reasons=3", "reasons=0"])
def test_the_short_way_and_the_long_way_answer_alike(http, lead_id, reasons):
    """What most callers ask is answered beside the framework: with the same body, headers and route as through it."""
    if lead_id != "nobody":
        send(http, lead_id)
    short, long = (http.get(f"/v1/leads/{lead_id}/score?{query}") for query in (reasons, f"{reasons}&more=1"))
    assert short.status_code == long.status_code == (404 if lead_id == "nobody" else 200)
    assert sorted(short.headers) == sorted(long.headers)
    assert short.headers.get("cache-control") == long.headers.get("cache-control")
    assert short.json().keys() == long.json().keys()
    assert {**long.json(), **_OF_NOW} == _same(short.json())
    counted = http.get("/metrics").text
    assert 'route="/v1/leads/{lead_id:path}/score"' in counted


_OF_NOW = {"as_of": "", "score_id": "", "next_date": ""}


def _same(told):
    """An answer without what is of its moment; numbers as near as two moments are."""
    near = {name: pytest.approx(one, rel=1e-4) for name, one in told.items() if isinstance(one, float)}
    return {**told, **near, **_OF_NOW}


def test_an_id_may_hold_a_slash(http):
    """Ids are the caller's: a slash or a space in one is no path."""
    for lead_id in ("a/b", "a b/score"):
        quoted = lead_id.replace("/", "%2F").replace(" ", "%20")
        send(http, quoted, days=(3,))
        assert good(http.get(f"/v1/leads/{quoted}/score"))["lead_id"] == lead_id
        assert good(http.get(f"/v1/leads/{quoted}/timeline"))["entries"]


def test_the_past_is_answered_as_it_was_known(http):
    """`as_of` sees what had happened by then; the score is kept like any other."""
    send(http, "past")
    now, then = (good(http.get("/v1/leads/past/score", params=p)) for p in ({}, {"as_of": ago(15)}))
    assert then["events_used"] < now["events_used"]
    assert then["events_ignored"] > 0
    assert good(http.get(f"/v1/scores/{then['score_id']}"))["as_of"] == then["as_of"]
    assert "of the past" in problem(http.get("/v1/leads/past/score", params={"as_of": ago(-1)}), 422)
    assert "created" in problem(http.get("/v1/leads/past/score", params={"as_of": ago(50)}), 422)


def test_a_score_is_explained_as_it_was_told(http):
    """What was answered is what is kept; computed again it is the same; one more fact and that is said."""
    send(http, "why")
    told = good(http.get("/v1/leads/why/score"))
    kept = good(http.get(f"/v1/scores/{told['score_id']}"))
    same = (
        "readiness",
        "index",
        "decision",
        "decision_reason",
        "state",
        "next_date",
        "events_used",
        "bundle_id",
        "as_of",
    )
    assert {name: kept[name] for name in same} == {name: told[name] for name in same}
    assert [one["text"] for one in kept["reasons"]] == [told[f"reason_{k}"] for k in (1, 2, 3) if told[f"reason_{k}"]]
    assert (kept["replayed"]["verdict"], kept["replayed"]["readiness"]) == ("equal", told["readiness"])
    late = {"lead_id": "why", "kind": "demo", "occurred_at": ago(1), "known_at": ago(1)}
    assert good(http.post("/v1/events", json=[late]))["taken"] == 1
    assert "fingerprint" in good(http.get(f"/v1/scores/{told['score_id']}"))["replayed"]["why"]
    assert "no score 'none'" in problem(http.get("/v1/scores/none"), 404)


def test_a_payload_score_is_kept_without_its_lead(http):
    """By one or by many: what was told can be looked up; the lead itself is not there."""
    lead = {"lead_id": "sent along", "created_at": ago(9), "events": [{"kind": "reply", "occurred_at": ago(2)}]}
    answer = http.post("/v1/score", json=lead)
    kept = good(http.get(f"/v1/scores/{answer.headers['x-score-id']}"))
    assert (kept["readiness"], kept["cause"]) == (answer.json()["readiness"], "payload")
    assert kept["replayed"]["verdict"] == "not possible"
    many = good(http.post("/v1/scores", json={"leads": [lead, {**lead, "as_of": ago(1)}, {}]}))
    assert (len(many["scores"]), len(many["refused"])) == (2, 1)
    assert "no lead" in problem(http.get("/v1/leads/sent%20along"), 404)


def test_a_lead_tells_its_story(http):
    """State, score as of now, dated reasons, crossings with causes, scores, and the timeline of it all."""
    send(http, "story")
    touch = {"lead_id": "story", "kind": "call", "occurred_at": ago(0, 1)}
    assert good(http.post("/v1/touches", json=[touch]))["taken"] == 1
    lead = good(http.get("/v1/leads/story"))
    assert (lead["state"], lead["states"][0]["after"], lead["states"][0]["cause"]) == ("working", "working", "touch")
    assert lead["last_touch"]
    assert lead["attributes"] == {"industry": "software"}
    assert lead["scores"][0]["score_id"] == lead["score_id"]
    assert any(one["since"] for one in lead["reasons"])
    assert good(http.post("/v1/touches", json=[{**touch, "kind": "mail", "given_back": True}]))["taken"] == 1
    assert good(http.get("/v1/leads/story"))["state"] == "recycled"
    entries = good(http.get("/v1/leads/story/timeline", params={"limit": 500}))["entries"]
    assert {one["type"] for one in entries} == {"event", "attribute", "score", "crossing"}
    assert good(http.post("/v1/outcomes", json=[{"lead_id": "story", "kind": "won", "occurred_at": ago(0)}]))
    closed = good(http.get("/v1/leads/story"))
    assert (closed["state"], closed["as_of"], closed["reasons"], closed["decision"]) == ("won", "", [], "")
    assert "is won since" in problem(http.get("/v1/leads/story/score"), 422)


def test_the_work_list_over_http(http):
    """By state, the readiest first, page by page; what it shows can be explained by its score."""
    for k in range(5):
        send(http, f"list-{k}", days=range(2, 6 + 5 * k))
        good(http.get(f"/v1/leads/list-{k}"))
    every, cursor = [], ""
    while True:
        page = good(http.get("/v1/leads", params={"limit": 2, "cursor": cursor}))
        every += page["leads"]
        cursor = page["next_cursor"]
        if not cursor:
            break
    ids = [one["lead_id"] for one in every]
    assert len(ids) == len(set(ids)) >= 5
    found = [one for one in every if one["lead_id"].startswith("list-")]
    assert len(found) == 5
    assert [one["readiness"] for one in found] == sorted((one["readiness"] for one in found), reverse=True)
    kept = good(http.get(f"/v1/scores/{found[0]['score_id']}"))
    assert (kept["readiness"], kept["replayed"]["verdict"]) == (found[0]["readiness"], "equal")
    ready = good(http.get("/v1/leads", params={"state": ["ready", "nurture"], "contacted": "never"}))["leads"]
    assert {one["state"] for one in ready} <= {"ready", "nurture"}
    assert good(http.get("/v1/leads", params={"due": "today", "sort": "next_date"}))["next_cursor"] == ""
    assert "cursor" in problem(http.get("/v1/leads", params={"cursor": "nonsense"}), 422)
    for wrong in ({"state": "sold"}, {"sort": "name"}, {"limit": 0}, {"due": "tomorrow"}):
        problem(http.get("/v1/leads", params=wrong), 422)


def test_a_job_over_http(http, url, loaded):
    """Asked for, watched, done by a worker, read page by page, cancelled."""
    for k in range(3):
        send(http, f"job-{k}", days=(3, 4))
    asked = http.post("/v1/score-jobs", json={"leads": ["job-0", "job-1", "job-2", "nobody"]})
    assert asked.status_code == 202
    job = asked.json()
    assert (job["status"], job["total"], job["scored"]) == ("queued", 4, 0)
    store = Store.open(url)
    run_jobs_once(store, Loaded(loaded.bundle, loaded.scorer, "7"))
    store.close()
    done = good(http.get(f"/v1/score-jobs/{job['job_id']}"))
    assert (done["status"], done["done"], done["scored"]) == ("done", 4, 3)
    assert [one["lead_id"] for one in done["refused"]] == ["nobody"]
    first = http.get(f"/v1/score-jobs/{job['job_id']}/result", params={"limit": 2})
    assert first.headers["content-type"].startswith("application/x-ndjson")
    second = http.get(
        f"/v1/score-jobs/{job['job_id']}/result", params={"limit": 2, "cursor": first.headers["x-next-cursor"]}
    )
    lines = [json.loads(line) for page in (first, second) for line in page.text.splitlines()]
    assert [line["lead_id"] for line in lines] == ["job-0", "job-1", "job-2"]
    assert "x-next-cursor" not in second.headers
    every = http.post("/v1/score-jobs")
    assert (every.status_code, every.json()["status"]) == (202, "queued")
    latest = good(http.get("/v1/score-jobs", params={"limit": 2}))["jobs"]
    assert [one["job_id"] for one in latest] == [every.json()["job_id"], job["job_id"]]
    assert (latest[1]["status"], latest[1]["scored"]) == ("done", 3)
    assert good(http.delete(f"/v1/score-jobs/{every.json()['job_id']}"))["status"] == "cancelled"
    assert "no score job 'x'" in problem(http.get("/v1/score-jobs/x"), 404)
    assert "past" in problem(http.post("/v1/score-jobs", json={"as_of": ago(-2)}), 422)
    problem(http.post("/v1/score-jobs", json={"lead": []}), 422)


def test_a_job_is_asked_for_without_a_body(http):
    """As `curl -X POST` does it: no length, no body, and every open lead is meant."""
    address = (http.base_url.host, http.base_url.port)
    with socket.create_connection(address, timeout=30) as raw:
        head = f"POST /v1/score-jobs HTTP/1.1\r\nhost: here\r\nx-api-key: {KEYS['all']}\r\nconnection: close\r\n\r\n"
        raw.sendall(head.encode())
        answer = b"".join(iter(lambda: raw.recv(65_536), b""))
    assert answer.startswith(b"HTTP/1.1 202 ")
    job = json.loads(answer.partition(b"\r\n\r\n")[2])
    assert good(http.delete(f"/v1/score-jobs/{job['job_id']}"))["status"] == "cancelled"


def test_each_key_sees_what_it_may(http):
    """Reading needs `read`, scoring `score`; a key that may only send gets neither."""
    send(http, "mine", days=(3,))
    paths = {
        "/v1/leads": "reader",
        "/v1/leads/mine": "reader",
        "/v1/leads/mine/timeline": "reader",
        "/v1/scores/x": "reader",
        "/v1/leads/mine/score": "scorer",
        "/v1/score-jobs": "scorer",
        "/v1/score-jobs/x": "scorer",
    }
    for path, may in paths.items():
        for name in _SCOPES:
            status = http.get(path, headers={"x-api-key": KEYS[name]}).status_code
            assert (status == 403) == (name != may), (path, name, status)
        assert httpx.get(f"{http.base_url}{path}").status_code == 401


@pytest.mark.parametrize("path", ["/v1/leads/nobody", "/v1/leads/nobody/score", "/v1/leads/nobody/timeline"])
def test_an_unknown_lead_is_not_found(http, path):
    """One sentence."""
    assert "no lead 'nobody'" in problem(http.get(path), 404)
