"""Marketo's flow step and webhook."""

import copy
import json
import re
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openapi_spec_validator import OpenAPIV30SpecValidator

from serving.platforms import marketo, marketo_service
from serving.platforms.marketo import CALLBACK_HOSTS, Chunk, Person, read_chunk

URL = "https://mkto-gateway.adobe.io/selfServiceFlow/callback"
SECRETS = {"token": "one-time", "api_key": "gateway-key"}


def test_the_recorded_submission(payload):
    """Whose scores are wanted, for which horizon, and where they go; nobody's e-mail is kept."""
    chunk = read_chunk(payload("marketo_submission.json"), CALLBACK_HOSTS)
    people = (Person(1_000_000, "1000000", "30d"), Person(1_000_001, "L-7"))
    assert chunk == Chunk("9e7d0a52-7a43", "AAA-999-ZZZ", URL, people, **SECRETS)
    assert chunk.headers == {"x-api-key": "gateway-key", "x-callback-token": "one-time"}
    assert not any(secret in repr(chunk) for secret in SECRETS.values())


def test_the_callback(payload, score):
    """Fields for the lead and attributes for the activity; a lead without a score says why, the others get theirs."""
    chunk = read_chunk(payload("marketo_submission.json"), CALLBACK_HOSTS)
    body = marketo.results(chunk.munchkin_id, chunk.people, {"1000000": score, "L-7": "There is no lead 'L-7'."})
    assert body == payload("marketo_callback.json")
    made = marketo.callback(chunk.callback_url, chunk.headers, body)
    assert (made.method, made.url, json.loads(made.body)) == ("POST", URL, body)
    assert made.headers["x-callback-token"] == "one-time"


def test_the_answer_to_a_webhook(payload, score):
    """Flat, nothing null, scores as numbers."""
    answer = marketo.flat(score)
    assert answer == payload("marketo_webhook.json")
    assert all(isinstance(value, str | int | float) for value in answer.values())


def test_the_same_chunk_has_the_same_name_in_any_order(payload):
    """The order of its leads does not matter; another lead or another batch is another chunk."""
    told = payload("marketo_submission.json")
    turned = told | {"objectData": told["objectData"][::-1]}
    fewer = told | {"objectData": told["objectData"][:1]}
    other = told | {"batchid": "other"}
    ids = [read_chunk(one, CALLBACK_HOSTS).callback_id for one in (told, turned, fewer, other)]
    assert ids[0] == ids[1]
    assert len(set(ids)) == 3


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"callbackUrl": "http://mkto.adobe.io/x"}, "callbackUrl is"),
        ({"callbackUrl": "https://169.254.169.254/"}, "callbackUrl is"),
        ({"callbackUrl": "https://evil.example/?x=.adobe.io"}, "callbackUrl is"),
        ({"callbackUrl": "https://adobe.io.evil.example/"}, "callbackUrl is"),
        ({"callbackUrl": "https://x.adobe.io@evil.example/"}, "callbackUrl is"),
        ({"callbackUrl": None}, "callbackUrl is missing"),
        ({"objectData": []}, "objectData"),
        ({"objectData": [{"objectContext": {"id": "5"}}]}, "objectData[0].objectContext.id"),
        ({"objectData": [{"objectContext": {"id": True}}]}, "objectData[0].objectContext.id"),
        ({"objectData": [{"objectContext": {"id": 1, "leadId": []}}]}, "leadId is missing"),
        ({"objectData": [{"objectContext": {"id": 2**63}}]}, "objectData[0].objectContext.id"),
        ({"context": {}}, "munchkinId is missing"),
        ({"batchid": ""}, "batchid is missing"),
        ({"token": "a\r\nx-evil: 1"}, "token"),
        ({"apiCallBackKey": 5}, "apiCallBackKey"),
    ],
)
def test_what_is_wrong_is_refused_as_a_whole(payload, changes, expected):
    """Where results would go elsewhere, or to nobody, nothing is accepted."""
    with pytest.raises(ValueError, match=re.escape(expected)):
        read_chunk(payload("marketo_submission.json") | changes, CALLBACK_HOSTS)


@given(st.data())
def test_whatever_stands_in_a_submission_it_is_read_or_refused(payload, data):
    """One value replaced by anything: a chunk or one sentence."""
    told = copy.deepcopy(payload("marketo_submission.json"))
    place = told
    while True:
        key = data.draw(st.sampled_from(sorted(place) if isinstance(place, dict) else list(range(len(place)))))
        if not isinstance(place[key], dict | list) or not place[key] or data.draw(st.booleans()):
            place[key] = data.draw(st.sampled_from([None, 3, -1, "x", "\x00", [], {}, [[]], 2**70, 1.5, True]))
            break
        place = place[key]
    with suppress(ValueError):
        assert isinstance(read_chunk(told, CALLBACK_HOSTS), Chunk)


BASE = "https://scores.example.com/v1/marketo"


def test_the_document_by_which_it_is_installed():
    """A valid OpenAPI 3.0 document with Marketo's extensions and every path of its interface."""
    document = marketo_service.openapi(BASE, "help@example.com")
    OpenAPIV30SpecValidator(document).validate()
    assert document["openapi"] == "3.0.1"
    assert document["info"]["x-providerName"] == "Readiness"
    assert document["info"]["x-schemaVersion"] == "1.0.0"
    assert document["info"]["x-supportContact"] == {"x-supportEmail": "help@example.com"}
    assert document["security"][0] == {"apiKey": []}
    assert set(document["paths"]) == {
        *("/submitAsyncAction", "/getServiceDefinition", "/status", "/getPicklist"),
        *("/brandIcon", "/serviceIcon", "/providerInstructions"),
    }
    assert set(document["paths"]["/submitAsyncAction"]["post"]["responses"]) >= {
        "201",
        "400",
        "401",
        "403",
        "429",
        "500",
    }


def test_the_definition_keeps_marketos_rules(score):
    """The primary attribute is one of the flow; names of flow and activity differ; reserved names are not declared."""
    told = marketo_service.service_definition(BASE, "")
    flow = {one["apiName"] for one in told["invocationPayloadDef"]["flowAttributes"]}
    activity = {one["apiName"] for one in told["callbackPayloadDef"]["attributes"]}
    fields = {one["serviceAttribute"] for one in told["callbackPayloadDef"]["fields"]}
    assert told["primaryAttribute"] in flow
    assert not flow & activity
    assert not (flow | activity) & {"success", "reason", "errorCode"}
    kinds = {
        one["dataType"] for one in [*told["callbackPayloadDef"]["fields"], *told["callbackPayloadDef"]["attributes"]]
    }
    assert kinds <= {"boolean", "integer", "date", "datetime", "email", "float", "score", "string", "url", "text"}
    (row,) = marketo.results("A", [Person(1, "614")], {"614": score})["objectData"]
    assert set(row["leadData"]) == fields | {"id"}
    assert set(row["activityData"]) == activity | {"success"}


def test_the_picklist():
    """The horizons of the model, and nothing under another name."""
    told = marketo_service.picklist({"name": "horizon", "type": "flow"}, ["30d", "90d"])
    assert told["choices"][0] == {"displayValue": {"en_US": "30d"}, "submittedValue": "30d"}
    with pytest.raises(ValueError, match="'color'"):
        marketo_service.picklist({"name": "color", "type": "flow"}, ["30d"])
