"""``/v1/subscribers``: who is told, asked over HTTP by whoever may administer, and by nobody else."""

import json

import pytest
from sqlalchemy import select
from standardwebhooks import Webhook

from serving.app import create_app
from serving.outbox.queue import claim, settle
from serving.outbox.schedule import Answer, Verdict
from serving.settings import Settings
from serving.store.tables import audit, subscribers
from serving.subscribing.routes import routes

ADMIN, READER = "a-key-of-the-admin", "a-key-of-a-reader"
HOOK = {"name": "crm", "url": "https://example.org/hook", "kinds": ["ready", "let go"]}


@pytest.fixture
def client(served, store_url, tmp_path, until):
    """A service with this store; its bundle is not needed here."""
    keys = (f"boss:admin={ADMIN}", f"eyes:read+score+ingest={READER}")
    settings = Settings(tmp_path / "no-bundle", keys=keys, store=store_url)
    with served(create_app(settings), **{"x-api-key": ADMIN}) as client:
        until(lambda: client.get("/v1/subscribers").status_code == 200)
        yield client


def _dead(store, name="crm"):
    """The first delivery of a subscriber, refused for good."""
    (one,) = store.write(lambda c: claim(c, name, 1, 10**16, 10**16 + 1))
    store.write(lambda c: settle(c, one, Answer(400, "400: no such field"), Verdict("dead"), 5))
    return one.message_id


def test_a_subscriber_is_added_and_its_secret_shown_once(client, store):
    """The answer to its creation has the secret, no other answer has; the audit trail says who added it."""
    made = client.post("/v1/subscribers", json=HOOK)
    assert made.status_code == 201
    secret = made.json()["secret"]
    assert Webhook(secret)
    assert made.json()["kinds"] == ["readiness.lead.ready", "readiness.lead.let_go"]
    answers = [
        client.get("/v1/subscribers"),
        client.get("/v1/subscribers/crm"),
        client.get("/v1/subscribers/crm/deliveries"),
    ]
    answers += [client.post(f"/v1/subscribers/crm/{verb}") for verb in ("pause", "resume", "test")]
    assert [one.status_code for one in answers] == [200] * 6
    assert all(secret not in one.text and secret[6:] not in one.text for one in answers)
    (row,) = store.read(lambda c: c.execute(select(audit.c.action, audit.c.subject, audit.c.by)).all())
    assert tuple(row) == ("subscriber added", "crm", "boss")


def test_a_secret_is_exchanged_and_shown_once(client):
    """The answer has the new secret; a request for too long a time, or of nobody, is refused."""
    first = client.post("/v1/subscribers", json=HOOK).json()["secret"]
    made = client.post("/v1/subscribers/crm/rotate", params={"keep_hours": 12})
    assert made.status_code == 200
    assert Webhook(made.json()["secret"])
    assert made.json()["secret"] != first
    assert "secret" not in client.get("/v1/subscribers/crm").json()
    assert client.post("/v1/subscribers/crm/rotate", params={"keep_hours": 1e9}).status_code == 422
    assert client.post("/v1/subscribers/nobody/rotate").status_code == 404


def test_a_secret_of_the_environment_stays_there(client, store):
    """Then the store knows the variable's name alone."""
    made = client.post("/v1/subscribers", json={**HOOK, "secret_env": "CRM_SECRET"})
    assert (made.status_code, made.json()["secret"]) == (201, "")
    row = store.read(lambda c: c.execute(select(subscribers)).mappings().one())
    assert (row["secret"], json.loads(row["settings"])) == ("", {"secret_env": "CRM_SECRET"})


REFUSED = [
    ({"name": "a b"}, "no name for a subscriber"),
    ({"name": ""}, "no name for a subscriber"),
    ({"url": "ftp://example.org/"}, "Expected https://HOST/PATH"),
    ({"url": "https://"}, "Expected https://HOST/PATH"),
    ({"url": "https://example.org:0x50/"}, "Expected https://HOST/PATH"),
    ({"url": "https://me:pw@example.org/"}, "user or a password"),
    ({"url": "https://example.org/\u0000"}, "Expected https://HOST/PATH"),
    ({"kinds": ["reedy"]}, "Did you mean 'readiness.lead.ready'"),
    ({"platform": "fax"}, "Expected one of webhook"),
    ({"secret_env": "A B"}, "environment variable"),
    ({"unknown": 1}, "Unknown field unknown"),
    ({"settings": []}, "settings"),
]


def test_what_is_no_subscriber_is_refused(client):
    """One sentence each, and nothing is stored."""
    for change, words in REFUSED:
        answer = client.post("/v1/subscribers", json={**HOOK, **change})
        assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json"), change
        assert words in answer.json()["detail"]
    assert client.get("/v1/subscribers").json() == {"subscribers": []}


def test_a_name_is_given_once(client):
    """The second of that name is a conflict."""
    assert client.post("/v1/subscribers", json=HOOK).status_code == 201
    again = client.post("/v1/subscribers", json=HOOK)
    assert (again.status_code, again.json()["type"]) == (409, "urn:readiness:problem:subscriber-exists")


def test_only_an_admin_is_answered(client):
    """Reading and sending keys are refused at each of the routes, and so is no key."""
    doors = [(method, route.path.replace("{name}", "crm")) for route in routes.routes for method in route.methods]
    assert len(doors) == 11
    for method, path in doors:
        for key, status in ((READER, 403), ("no-key", 401)):
            answer = client.request(method, path, headers={"x-api-key": key}, json=HOOK)
            assert answer.status_code == status, (method, path)


def test_nobody_is_not_found(client):
    """Whatever the name is, the answer is 404, at each route of a subscriber."""
    ends = (("GET", ""), ("DELETE", ""), ("POST", "/pause"), ("POST", "/test"), ("GET", "/deliveries"))
    for name in ("nobody", "a%00b", "%F0%9F%A6%8A", "..", "x" * 500):
        for method, end in ends:
            assert client.request(method, f"/v1/subscribers/{name}{end}").status_code == 404


def test_dead_letters_are_paged_and_sent_again(client, store, tell):
    """Each with the last answer; a page leads to the next."""
    client.post("/v1/subscribers", json=HOOK)
    tell("a", "b", "c")
    dead = {_dead(store) for _ in range(3)}
    first = client.get("/v1/subscribers/crm/deliveries", params={"state": "dead", "limit": 2}).json()
    second = client.get("/v1/subscribers/crm/deliveries", params={"limit": 2, "cursor": first["cursor"]}).json()
    found = first["deliveries"] + second["deliveries"]
    assert {one["message_id"] for one in found} == dead
    assert second["cursor"] == ""
    assert {(one["last_status"], one["last_error"]) for one in found} == {(400, "400: no such field")}
    one = found[0]["message_id"]
    assert client.post("/v1/subscribers/crm/requeue", json={"message_id": one}).json() == {"count": 1}
    assert client.post("/v1/subscribers/crm/requeue", json={}).json() == {"count": 2}
    assert client.post("/v1/subscribers/crm/requeue", json={"message_id": one}).status_code == 422
    assert client.get("/v1/subscribers/crm").json()["pending"] == 3


def test_a_range_is_told_again(client, tell):
    """From one moment to before another; an empty range is refused."""
    tell("a", now=1_767_225_600_000_000)
    client.post("/v1/subscribers", json=HOOK)
    day = {"since": "2026-01-01T00:00:00Z", "until": "2026-01-02T00:00:00Z"}
    assert client.post("/v1/subscribers/crm/replay", json=day).json() == {"count": 1}
    assert client.post("/v1/subscribers/crm/replay", json={**day, "kinds": ["let go"]}).json() == {"count": 0}
    assert client.post("/v1/subscribers/crm/replay", json={**day, "kinds": ["won"]}).status_code == 422
    assert client.post("/v1/subscribers/crm/replay", json={**day, "until": day["since"]}).status_code == 422
    assert client.post("/v1/subscribers/crm/replay", json={**day, "until": "tomorrow"}).status_code == 422


def test_a_strange_question_is_refused(client):
    """What is no cursor and no state is a sentence."""
    client.post("/v1/subscribers", json=HOOK)
    for query in ({"cursor": "x"}, {"cursor": "1.\u0000"}, {"state": "lost"}, {"state": "\u0000"}):
        assert client.get("/v1/subscribers/crm/deliveries", params=query).status_code == 422


def test_a_subscriber_is_paused_resumed_removed(client, tell):
    """Its state is told, and how much was left when it went."""
    client.post("/v1/subscribers", json=HOOK)
    assert client.post("/v1/subscribers/crm/pause").json()["state"] == "paused"
    tell("a")
    assert client.get("/v1/subscribers/crm").json()["pending"] == 1
    assert client.post("/v1/subscribers/crm/resume").json()["state"] == "active"
    assert client.delete("/v1/subscribers/crm").json() == {"count": 1}
    assert client.get("/v1/subscribers/crm").status_code == 404


def test_a_ping_tells_what_was_answered(client, receiver, monkeypatch):
    """It is signed, and addresses inside are not called unless they are allowed."""
    secret = client.post("/v1/subscribers", json={**HOOK, "url": receiver.url}).json()["secret"]
    refused = client.post("/v1/subscribers/crm/test").json()
    assert (refused["delivered"], refused["status"], receiver.got) == (False, 0, [])
    monkeypatch.setenv("READINESS_OUTGOING_PRIVATE", "127.0.0.0/8")
    monkeypatch.setenv("READINESS_OUTGOING_HTTP", "1")
    assert client.post("/v1/subscribers/crm/test").json() == {"delivered": True, "status": 204, "error": ""}
    (got,) = receiver.got
    assert Webhook(secret).verify(got.body, got.headers)["type"] == "readiness.ping"
