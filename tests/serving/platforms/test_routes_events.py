"""Messages of platforms arrive over HTTP: who may send them, and what is stored of them."""

import hashlib
import hmac
import json
from base64 import b64encode

import pytest
from cloudevents.core.bindings.http import to_binary_event
from cloudevents.core.v1.event import CloudEvent

from data.errors import ContractError
from data.store.tables import accounts, changes, events, leads, links, outcomes, visits
from serving.platforms.settings import from_environment

INGEST, ADMIN, READ = ({"authorization": f"Bearer k-{scope}"} for scope in ("ingest", "admin", "read"))


def segment_headers(body, signed=None, **more):
    """The headers of a delivery of Segment: its signature is of the first event of a batch."""
    digest = hmac.new(b"segment-secret", body if signed is None else signed, hashlib.sha1).hexdigest()
    return {"content-type": "application/json", "x-signature": digest, **INGEST, **more}


def spoken(door, *messages, **more):
    """A batch of messages as Segment sends it, signed."""
    body = json.dumps(messages).encode()
    first = json.dumps(messages[0]).encode()
    return door.client.post("/v1/segment", content=body, headers=segment_headers(body, first, **more))


def message(kind, lead, number, **more):
    """One message of a user."""
    return {"type": kind, "userId": lead, "messageId": number, "timestamp": "2026-01-31T09:30:00Z", **more}


def test_the_recorded_batch_is_stored_once(door, payload):
    """Events, outcomes, attributes, accounts, links and visits; sent again it changes nothing."""
    batch = payload("segment_batch.json")
    spoken(door, message("page", "u-9", "there"))  # whom the batch will erase
    for taken, duplicates in ((7, 0), (0, 7)):
        answer = spoken(door, *batch, **ADMIN)
        assert answer.json() == {"taken": taken, "duplicates": duplicates, "refused": []}
    assert {row["kind"] for row in door.rows(events, lead_id="u-1")} == {"Demo Requested"}
    assert [(row["kind"], row["value"]) for row in door.rows(outcomes, lead_id="u-1")] == [("won", 990.0)]
    fields = {row["field"]: row["value"] for row in door.rows(changes, lead_id="u-1")}
    assert fields == {"industry": "software", "employees": "250", "trial": "true"} | {
        name: value for name, value in fields.items() if name == "plan" and value is None
    }
    assert [row["account_id"] for row in door.rows(leads, lead_id="u-1")] == ["g-1"]
    assert json.loads(door.rows(accounts, account_id="g-1")[0]["attributes"]) == {
        "account_industry": "steel",
        "account_employees": 50,
    }
    assert {row["other_id"] for row in door.rows(links, lead_id="u-1")} == {"anon-1", "u-0"}
    assert [row["visitor_id"] for row in door.rows(visits)] == ["anon-2"]


def test_a_visitor_says_who_it_is(door):
    """What it did before becomes the lead's, known from then on."""
    visit = message("page", None, "v-1", anonymousId="anon-9", receivedAt="2026-01-31T09:30:01Z")
    said = message("identify", "u-9", "v-2", anonymousId="anon-9", receivedAt="2026-01-31T09:40:00Z")
    assert spoken(door, visit).json()["taken"] == 1
    assert door.rows(events, lead_id="u-9") == []
    assert spoken(door, said).json()["taken"] == 1
    (event,) = door.rows(events, lead_id="u-9")
    assert (event["kind"], event["known_at"] - event["occurred_at"]) == ("page", 600_000_000)


def test_one_bad_message_costs_none_of_the_others(door):
    """It comes back with its place and the reason; the others are stored."""
    answer = spoken(door, message("page", "u-2", "b-1"), {"type": "shout"}, message("page", "u-2", "b-2"))
    assert answer.json()["taken"] == 2
    (refused,) = answer.json()["refused"]
    assert refused["position"] == 1
    assert "'shout'" in refused["reason"]


def test_a_delete_needs_a_key_that_may_erase(door):
    """With the key of a source nothing is erased; with an admin's everything of the lead is."""
    spoken(door, message("page", "u-3", "d-1"))
    refused = spoken(door, {"type": "delete", "userId": "u-3"}).json()
    assert refused["taken"] == 0
    assert "scope admin" in refused["refused"][0]["reason"]
    assert door.rows(events, lead_id="u-3")
    assert spoken(door, {"type": "delete", "userId": "u-3"}, **ADMIN).json()["taken"] == 1
    assert door.rows(events, lead_id="u-3") == door.rows(leads, lead_id="u-3") == []


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"x-signature": "0" * 40, **INGEST}, 401),
        (dict(INGEST), 401),
        ({"authorization": "Bearer wrong"}, 401),
        (dict(READ), 403),
        ({}, 401),
    ],
)
def test_segment_needs_a_key_and_its_signature(door, headers, status):
    """Neither of them alone lets anything in."""
    sent = {"content-type": "application/json", **headers}
    if headers.get("authorization") in {"Bearer wrong", READ["authorization"], None}:
        sent["x-signature"] = hmac.new(b"segment-secret", b"[]", hashlib.sha1).hexdigest()
    assert door.client.post("/v1/segment", content=b"[]", headers=sent).status_code == status


def test_the_secret_before_is_taken_while_both_are_valid(door):
    """Whichever of the two sides changes over first, no message is refused; a third secret is."""
    for secret, status in ((b"segment-secret", 200), (b"segment-before", 200), (b"segment-other", 401)):
        digest = hmac.new(secret, b"[]", hashlib.sha1).hexdigest()
        headers = {"content-type": "application/json", "x-signature": digest, **INGEST}
        assert door.client.post("/v1/segment", content=b"[]", headers=headers).status_code == status
    assert mautic(door, {}, b"mautic-before").status_code == 200


def test_the_secret_before_is_named_in_the_environment():
    """Beside the new one; alone it is a mistake, and none of them is ever printed."""
    found = from_environment({"READINESS_MAUTIC_SECRET": "new-one", "READINESS_MAUTIC_SECRET_BEFORE": "old-one"})
    assert (found.valid("mautic"), found.valid("segment")) == (("new-one", "old-one"), ())
    assert not {"new-one", "old-one"} & set(repr(found).split("'"))
    with pytest.raises(ContractError, match="READINESS_MAUTIC_SECRET is not"):
        from_environment({"READINESS_MAUTIC_SECRET_BEFORE": "old-one"})


def test_rudderstack_needs_a_key(door):
    """It signs nothing; a key is enough, and a batch may come in its own envelope."""
    batch = {"batch": [message("track", "u-4", "r-1", event="x"), message("track", "u-4", "r-2", event="y")]}
    assert door.client.post("/v1/rudderstack", json=batch).status_code == 401
    assert door.client.post("/v1/rudderstack", json=batch, headers=INGEST).json()["taken"] == 2


def mautic(door, told, secret=b"mautic-secret", **headers):
    """A webhook as Mautic sends it: signed, without a key."""
    body = json.dumps(told).encode()
    signature = b64encode(hmac.new(secret, body, hashlib.sha256).digest()).decode()
    sent = {"content-type": "application/json", "webhook-signature": signature, **headers}
    return door.client.post("/v1/mautic", content=body, headers=sent)


def test_the_recorded_webhook_of_mautic(door, payload):
    """Its signature is enough; 200 is what Mautic takes for success; what it did as a visitor is the lead's."""
    answer = mautic(door, payload("mautic_webhook.json"))
    assert answer.status_code == 200, answer.text
    assert answer.json()["refused"] == []
    kinds = {row["kind"] for row in door.rows(events, lead_id="47")}
    assert kinds >= {"page_view", "form_submit", "email_open", "email_sent", "points_change", "asset_on_download"}
    assert len([row for row in door.rows(events, lead_id="47") if row["kind"] == "page_view"]) == 2
    assert mautic(door, payload("mautic_webhook.json")).json()["taken"] == 0


def test_who_may_send_for_mautic(door):
    """The signature or a key; a wrong signature is not saved by a key; bodies are checked after that."""
    assert mautic(door, {}, b"wrong").status_code == 401
    assert mautic(door, {}, b"wrong", **INGEST).status_code == 401
    assert door.client.post("/v1/mautic", json={}, headers=INGEST).status_code == 200
    assert door.client.post("/v1/mautic", json={}).status_code == 401
    assert mautic(door, []).status_code == 422


EVENT = {"specversion": "1.0", "id": "1", "source": "/t", "type": "webinar", "subject": "u-5"}


def test_cloud_events_in_three_modes(door):
    """Structured, a batch and binary are stored alike, and known again by source and id."""
    structured = {**EVENT, "time": "2026-01-31T09:30:00Z", "data": {"value": 2}}
    one = {**INGEST, "content-type": "application/cloudevents+json"}
    many = {**INGEST, "content-type": "application/cloudevents-batch+json"}
    first = door.client.post("/v1/cloudevents", content=json.dumps(structured), headers=one)
    assert first.json() == {"taken": 1, "duplicates": 0, "refused": []}
    batch = json.dumps([structured, {**structured, "id": "2"}])
    assert door.client.post("/v1/cloudevents", content=batch, headers=many).json()["taken"] == 1
    written = to_binary_event(CloudEvent({**EVENT, "id": "3", "datacontenttype": "application/json"}, {"value": 2}))
    binary = door.client.post("/v1/cloudevents", content=written.body, headers={**written.headers, **INGEST})
    assert binary.json()["taken"] == 1
    assert sorted(row["event_id"] for row in door.rows(events, lead_id="u-5")) == ["/t 1", "/t 2", "/t 3"]


def test_cloud_events_that_are_none(door):
    """Another type of body, a batch that is none, data that is not JSON: the sender is told."""
    ask = door.client.post
    assert ask("/v1/cloudevents", json={}, headers=INGEST).status_code == 415
    media = {"content-type": "application/cloudevents-batch+json"}
    assert ask("/v1/cloudevents", content=b"{}", headers=INGEST | media).status_code == 400
    binary = {f"ce-{name}": value for name, value in EVENT.items()}
    sent = INGEST | binary | {"content-type": "text/plain"}
    assert ask("/v1/cloudevents", content=b"x", headers=sent).status_code == 415
    assert ask("/v1/cloudevents", content=b"[]", headers=media).status_code == 401


def test_the_handshake_of_webhooks(door):
    """Who asks may send, as often as it likes to: the key is asked for when it does."""
    asked = {"webhook-request-origin": "events.example.com", "webhook-request-rate": "120"}
    answer = door.client.options("/v1/cloudevents", headers=asked)
    assert answer.status_code == 200
    assert answer.headers["webhook-allowed-origin"] == "events.example.com"
    assert answer.headers["webhook-allowed-rate"] == "120"
    assert "POST" in answer.headers["allow"]


HOSTILE = [
    b"",
    b"{",
    b"[" * 100_000,
    b"null",
    b"3",
    b'"x"',
    b'{"type": NaN}',
    b'[{"type":"track","userId":"\\ud800","event":"x"}]',
    b'[{"type":"track","userId":1e999,"event":"x","timestamp":"2026-01-31T09:30:00Z"}]',
    b'[{"type":"track","userId":' + b"9" * 5_000 + b',"event":"x","timestamp":"2026-01-31T09:30:00Z"}]',
    b'[{"type":"track","userId":"a\\u0000","event":"x","timestamp":"9999-12-31T23:59:59Z"}]',
    b'{"type":"identify","userId":"u","timestamp":"2026-01-31T09:30:00Z","traits":{"a":'
    + b"[" * 50
    + b"]" * 50
    + b"}}",
    b'{"mautic.page_on_hit":[null,3,[],{"hit":[]}]}',
    b"\xff\xfe",
]


@pytest.mark.parametrize("path", ["segment", "rudderstack", "mautic", "cloudevents"])
@pytest.mark.parametrize("number", range(len(HOSTILE)))
def test_hostile_bodies_are_answered(door, path, number):
    """Never a 5xx: a refusal of the whole, or of each thing in it."""
    body = HOSTILE[number]
    media = "application/cloudevents+json" if path == "cloudevents" else "application/json"
    headers = {**segment_headers(body), "content-type": media}
    answer = door.client.post(f"/v1/{path}", content=body, headers=headers)
    assert answer.status_code in {200, 400, 413, 415, 422}, answer.text
    assert door.client.get("/readyz").status_code == 200
