"""HubSpot, Marketo and Salesforce ask a running service about stored leads."""

import hashlib
import hmac
import json
import time
from base64 import b64encode

import pytest
from openapi_spec_validator import OpenAPIV30SpecValidator

from data.clock import from_micros, iso
from data.store.tables import events, outcomes
from serving.platforms.callbacks import callback_request
from serving.store.tables import callbacks, scores

SCORE, READ = ({"authorization": f"Bearer k-{scope}"} for scope in ("score", "read"))
INGEST = {"authorization": "Bearer k-ingest"}
PUBLIC = "https://scores.example.com"


@pytest.fixture
def lead(door, request):
    """A stored lead of the test's own, with some engagement of the last days."""
    name = str(int(hashlib.sha256(request.node.nodeid.encode()).hexdigest()[:12], 16))
    now = time.time_ns() // 1_000
    told = [
        {"lead_id": name, "kind": kind, "occurred_at": iso(now - day * 86_400_000_000)}
        for kind, day in (("pricing_view", 1), ("asset_download", 3), ("email_open", 5))
    ]
    assert door.client.post("/v1/events", json={"events": told}, headers=INGEST).json()["taken"] == 3
    return name


def executed(door, told, version="v3", secret="hubspot-secret", **headers):  # noqa: S107 - that of a test
    """An execution as HubSpot sends it: signed, without a key."""
    body, called = json.dumps(told).encode(), f"POST{PUBLIC}/v1/hubspot/action".encode()
    stamp = str(time.time_ns() // 1_000_000)
    if version == "v3":
        digest = hmac.new(secret.encode(), called + body + stamp.encode(), hashlib.sha256).digest()
        signed = {"x-hubspot-signature-v3": b64encode(digest).decode(), "x-hubspot-request-timestamp": stamp}
    else:
        digest = hashlib.sha256(secret.encode() + called + body)
        signed = {"x-hubspot-signature": digest.hexdigest(), "x-hubspot-signature-version": version}
    sent = {"content-type": "application/json", **signed, **headers}
    return door.client.post("/v1/hubspot/action", content=body, headers=sent)


def execution(payload, lead, **inputs):
    """The recorded execution, about another contact."""
    return payload("hubspot_action.json") | {"object": {"objectId": int(lead)}, "inputFields": inputs}


@pytest.mark.parametrize("version", ["v2", "v3"])
def test_hubspot_is_answered_at_once(door, payload, lead, version):
    """Let in by its signature; the answer is the lead's score as it is now, in texts, and it is kept."""
    answer = executed(door, execution(payload, lead), version)
    assert answer.status_code == 200, answer.text
    fields = answer.json()["outputFields"]
    assert fields["hs_execution_state"] == "SUCCESS"
    assert all(isinstance(value, str) for value in fields.values())
    same = door.client.post("/v1/salesforce/score", json={"lead_id": lead}, headers=SCORE).json()
    assert fields["readiness_state"] == same["state"]
    assert int(fields["readiness_index"]) == same["index"]
    assert float(fields["readiness_probability"]) == pytest.approx(same["readiness"], rel=1e-3)
    assert set(fields) == set(payload("hubspot_answer.json")["outputFields"])


def test_hubspot_is_answered_later(door, payload, lead):
    """The workflow is blocked; what waits is stored, once, and answers with the lead's score."""
    told = execution(payload, lead, answer="later") | {"callbackId": f"ap-{lead}"}
    for _ in range(2):
        assert executed(door, told).json() == payload("hubspot_blocked.json")
    (row,) = door.rows(callbacks, callback_id=f"hubspot:ap-{lead}")
    assert json.loads(row["lead_ids"]) == [lead]
    made, _ = callback_request(row, {lead: "There is no lead."})
    assert made.url.endswith(f"/callbacks/ap-{lead}/complete")


def test_a_contact_that_is_not_known(door, payload):
    """The workflow goes on with a reason; nothing fails."""
    fields = executed(door, execution(payload, "999999999")).json()["outputFields"]
    assert fields["hs_execution_state"] == "FAIL_CONTINUE"
    assert "999999999" in fields["readiness_decision_reason"]


def test_who_may_execute(door, payload, lead):
    """A wrong signature is refused, with a key or without; a key with its scope is enough where nothing is signed."""
    told = execution(payload, lead)
    assert executed(door, told, secret="wrong").status_code == 401  # noqa: S106 - that of a test
    assert executed(door, told, secret="wrong", **SCORE).status_code == 401  # noqa: S106 - that of a test
    assert executed(door, told, version="v1").status_code == 401
    ask = door.client.post
    assert ask("/v1/hubspot/action", json=told, headers=SCORE).status_code == 200
    assert ask("/v1/hubspot/action", json=told, headers=INGEST).status_code == 403
    assert ask("/v1/hubspot/action", json=told).status_code == 401
    assert executed(door, {}).status_code == 422


def test_the_definition_of_the_action(door):
    """It names the address of this service as HubSpot reaches it."""
    answer = door.client.get("/v1/hubspot/action-definition", headers=READ)
    assert answer.json()["actionUrl"] == f"{PUBLIC}/v1/hubspot/action"
    assert door.client.get("/v1/hubspot/action-definition").status_code == 401


def submission(payload, lead, batch):
    """The recorded submission, about a stored lead and one that is not known."""
    people = [{"objectType": "lead", "objectContext": {"id": number}} for number in (int(lead), 5)]
    return payload("marketo_submission.json") | {"objectData": people, "batchid": batch}


def test_marketos_chunk_is_accepted_once(door, payload, lead):
    """201 when it is durable; sent again it adds nobody; what waits goes to the callback address with its secrets."""
    told = submission(payload, lead, f"batch-{lead}")
    for new in (2, 0):
        answer = door.client.post("/v1/marketo/submitAsyncAction", json=told, headers={"x-api-key": "k-score"})
        assert (answer.status_code, answer.json()) == (201, {"accepted": 2, "new": new})
    (row,) = [row for row in door.rows(callbacks, platform="marketo") if lead in row["lead_ids"]]
    made, _ = callback_request(row, {lead: "There is no lead.", "5": "There is no lead."})
    assert made.url == told["callbackUrl"]
    assert made.headers["x-api-key"] == "gateway-key"


@pytest.mark.parametrize(
    ("headers", "changes", "status"),
    [
        ({}, {}, 401),
        (INGEST, {}, 403),
        (SCORE, {"callbackUrl": "https://169.254.169.254/latest"}, 400),
        (SCORE, {"objectData": []}, 400),
    ],
)
def test_a_chunk_that_is_refused(door, payload, headers, changes, status):
    """With the statuses that Marketo knows."""
    told = payload("marketo_submission.json") | changes
    answer = door.client.post("/v1/marketo/submitAsyncAction", json=told, headers=headers)
    assert answer.status_code == status


def test_marketos_webhook(door, lead, payload):
    """One level, nothing null; Marketo's own content type does not matter."""
    sent = {"content-type": "application/x-www-form-urlencoded", **SCORE}
    answer = door.client.post("/v1/marketo/webhook", content=f'{{"lead_id": {lead}}}', headers=sent)
    assert answer.status_code == 200, answer.text
    assert set(answer.json()) == set(payload("marketo_webhook.json"))
    assert all(isinstance(value, str | int | float) for value in answer.json().values())
    ask = door.client.post
    assert ask("/v1/marketo/webhook", json={"lead_id": "nobody"}, headers=SCORE).status_code == 404
    assert ask("/v1/marketo/webhook", json={}, headers=SCORE).status_code == 400


def test_what_marketo_reads_at_installation(door):
    """The document, the definition, icons and instructions are open; status and choices need the key."""
    get = door.client.get
    document = get("/v1/marketo/openapi.json").json()
    OpenAPIV30SpecValidator(document).validate()
    assert document["servers"] == [{"url": f"{PUBLIC}/v1/marketo"}]
    ours = door.client.get("/openapi.json").json()["paths"]
    for path, methods in document["paths"].items():
        assert set(methods) <= set(ours[f"/v1/marketo{path}"]), path
    assert get("/v1/marketo/getServiceDefinition").json()["primaryAttribute"] == "horizon"
    assert get("/v1/marketo/brandIcon").headers["content-type"] == "image/svg+xml"
    assert get("/v1/marketo/providerInstructions").headers["content-type"].startswith("text/html")
    assert get("/v1/marketo/status").status_code == 401
    assert set(get("/v1/marketo/status", headers=SCORE).json()) == {"info", "warnings", "errors"}
    asked = {"name": "horizon", "type": "flow"}
    choices = door.client.post("/v1/marketo/getPicklist", json=asked, headers=SCORE).json()["choices"]
    model = get("/v1/model", headers=SCORE).json()
    assert [one["submittedValue"] for one in choices] == model["horizons"]


def walk(told):
    """Every object of a document."""
    if isinstance(told, dict):
        yield told
        for value in told.values():
            yield from walk(value)
    elif isinstance(told, list):
        for value in told:
            yield from walk(value)


def test_salesforces_document(door):
    """Version 3.0.3, valid, flat: no unions, no nulls, no maps, short names, and every answer fits it."""
    document = door.client.get("/v1/salesforce/openapi.json").json()
    OpenAPIV30SpecValidator(document).validate()
    assert document["openapi"] == "3.0.3"
    assert document["servers"] == [{"url": PUBLIC}]
    for part in walk(document):
        assert not {"anyOf", "oneOf", "allOf", "not", "nullable", "additionalProperties", "const"} & set(part)
        if isinstance(part.get("operationId"), str):
            assert part["operationId"].isalnum()
            assert len(part["operationId"]) <= 30
    for schema in document["components"]["schemas"].values():
        kinds = {one["type"] for one in schema["properties"].values()}
        assert kinds <= {"string", "number", "integer", "boolean"}


def test_salesforce_scores_touches_and_closes(door, lead):
    """The flat operations do what their documents say; what is sent twice counts once."""
    ask, now = door.client.post, from_micros(time.time_ns() // 1_000).isoformat()
    document = door.client.get("/v1/salesforce/openapi.json").json()
    answer = ask("/v1/salesforce/score", json={"lead_id": lead}, headers=SCORE)
    properties = document["components"]["schemas"]["FlatScoreOut"]["properties"]
    assert set(answer.json()) == set(properties)
    python = {"string": str, "number": (int, float), "integer": int}
    assert all(isinstance(answer.json()[name], python[one["type"]]) for name, one in properties.items())
    call = {"lead_id": lead, "kind": "call", "occurred_at": now}
    for taken in (1, 0):
        answer = ask("/v1/salesforce/touch", json=call, headers=INGEST)
        assert answer.json() == {"taken": taken, "duplicates": 1 - taken}
    assert [row["actor"] for row in door.rows(events, lead_id=lead) if row["kind"] == "call"] == ["sales"]
    assert ask("/v1/salesforce/score", json={"lead_id": lead}, headers=SCORE).json()["state"] == "working"
    won = {"lead_id": lead, "kind": "won", "occurred_at": now, "value": 12.5}
    assert ask("/v1/salesforce/outcome", json=won, headers=INGEST).json() == {"taken": 1, "duplicates": 0}
    assert [row["value"] for row in door.rows(outcomes, lead_id=lead)] == [12.5]
    closed = ask("/v1/salesforce/score", json={"lead_id": lead}, headers=SCORE)
    assert closed.status_code == 404
    assert "won" in closed.json()["detail"]
    assert ask("/v1/salesforce/touch", json={**call, "kind": ""}, headers=INGEST).status_code == 422
    assert ask("/v1/salesforce/touch", json=call, headers=SCORE).status_code == 403
    assert door.rows(scores, lead_id=lead)


@pytest.mark.parametrize("media", ["application/x-www-form-urlencoded", "application/json"])
def test_a_campaign_of_mautic(door, lead, media):
    """200, whatever the form of the call; the index goes to the point group of the contact, asked for twice or once."""
    body = f"lead_id={lead}&email=a%40b.c" if "form" in media else json.dumps({"lead_id": int(lead)})
    for _ in range(2):
        answer = door.client.post("/v1/mautic/campaign", content=body, headers={**SCORE, "content-type": media})
        assert answer.status_code == 200, answer.text
    (row,) = [row for row in door.rows(callbacks, platform="mautic") if lead in row["lead_ids"]]
    assert "a@b.c" not in str(row)
    made, credentials = callback_request(row, {lead: {"index": 40.4}})
    assert made.url == f"https://mautic.example.com/api/contacts/{lead}/points/groups/3/set/40"
    assert credentials == {"token_env": "READINESS_MAUTIC_TOKEN", "auth": "basic"}
    closed, _ = callback_request(row, {lead: "Lead is won."})
    assert closed.url.endswith(f"/set/{answer.json()['index']}")


@pytest.mark.parametrize(
    ("body", "status"),
    [("lead_id=nobody", 404), ("", 400), ("a=1&" * 300, 400), ("lead_id=", 400), ("lead_id=..", 400)],
)
def test_a_campaign_that_asks_for_nobody(door, body, status):
    """Mautic then logs the action as failed."""
    sent = {**SCORE, "content-type": "application/x-www-form-urlencoded"}
    assert door.client.post("/v1/mautic/campaign", content=body, headers=sent).status_code == status
