"""The service: what was trained is what is served; whatever is sent, the answer is right or a clear refusal."""

import json
import math
import shutil

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from data.clock import DAY
from data.spine import SPINE
from data.tables import TIME
from features.local import compute
from models.bundle import read_bundle
from serving.app import create_app
from serving.commands.asked import lead_request
from serving.key_file import create_key, revoke_key
from serving.schemas import ScoreOut
from serving.settings import Settings

LEAD = {
    "lead_id": "L-1042",
    "created_at": "2026-01-05T08:00:00Z",
    "as_of": "2026-01-31T09:30:00Z",
    "attributes": {"industry": "software", "employees": 250},
    "events": [
        {"kind": "asset_download", "occurred_at": "2026-01-05T08:00:00Z", "item": "white-paper"},
        {"kind": "pricing_view", "occurred_at": "2026-01-29T14:12:00Z", "value": 48},
    ],
}


def problem(answer, status):
    """The sentence of a refusal, which has the form of RFC 9457 and tells nothing of the inside."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    told = answer.json()
    assert set(told) == {"type", "title", "status", "detail"}
    assert told["status"] == status
    assert "Traceback" not in answer.text
    assert ".py" not in answer.text
    return told["detail"]


def test_what_was_trained_is_what_is_served(trained, client):
    """Readiness over HTTP is bit for bit what the model says on the feature table of the same leads and moments."""
    bundle = read_bundle(trained.bundle)
    as_of = trained.history.ends_at - 120 * DAY
    known = trained.history.upto(as_of).leads["lead_id"].to_pylist()[-40:]
    spine = pa.table([pa.array(known), pa.array([as_of] * len(known), TIME)], schema=SPINE)
    table = compute(trained.history, spine, bundle.feature_set, bundle.vocabulary)
    expected = bundle.model.predict(table.matrix)
    asked = [lead_request(trained.history, lead, as_of) for lead in known]
    answer = client.post("/v1/scores", json={"leads": asked}).json()
    assert answer["refused"] == []
    assert [score["lead_id"] for score in answer["scores"]] == known
    primary = bundle.model.horizons.index(bundle.model.primary)
    for score, row, body in zip(answer["scores"], expected, asked, strict=True):
        assert list(score["horizons"].values()) == row.tolist()
        assert score["readiness"] == row[primary]
        alone = client.post("/v1/score", json=body).json()
        assert alone == {name: value for name, value in score.items() if name in ScoreOut.model_fields}


def test_one_answer_is_flat(client):
    """The answer to one lead has exactly its fields: texts and numbers, no nulls, no nesting."""
    answer = client.post("/v1/score", json=LEAD)
    assert answer.status_code == 200, answer.text
    found = answer.json()
    assert set(found) == set(ScoreOut.model_fields)
    assert all(isinstance(value, str | int | float) for value in found.values())
    assert 0.0 < found["readiness"] < 1.0
    assert 0.0 <= found["index"] <= 100.0
    assert found["horizon_days"] == 30
    assert found["as_of"] == LEAD["as_of"]


def test_the_future_is_not_seen(client):
    """Events at or after as_of, or known only then, change nothing but the count of ignored events."""
    now = LEAD["as_of"]
    later = [
        {"kind": "demo_request", "occurred_at": now},
        {"kind": "demo_request", "occurred_at": "2026-03-01T00:00:00Z"},
        {"kind": "demo_request", "occurred_at": "2026-01-20T00:00:00Z", "known_at": now},
    ]
    before = client.post("/v1/score", json=LEAD).json()
    after = client.post("/v1/score", json={**LEAD, "events": [*LEAD["events"], *later]}).json()
    assert (before["events_used"], before["events_ignored"]) == (2, 0)
    assert (after.pop("events_used"), after.pop("events_ignored")) == (2, 3)
    assert after == {name: value for name, value in before.items() if name in after}


def test_an_event_sent_twice_counts_once(client):
    """Events with the same event_id are one event."""
    once = {**LEAD, "events": [{**LEAD["events"][1], "event_id": "e1"}]}
    twice = {**LEAD, "events": [{**LEAD["events"][1], "event_id": "e1"}] * 2}
    first, second = (client.post("/v1/score", json=body).json() for body in (once, twice))
    assert (second["events_used"], second["events_ignored"]) == (1, 1)
    assert second["readiness"] == first["readiness"]


def test_a_lead_without_events_gets_an_answer(client):
    """Only an id and a creation: the base rate of its attributes, and the reasons say that nothing happened yet."""
    answer = client.post("/v1/score", json={"lead_id": "new", "created_at": LEAD["created_at"]}).json()
    assert answer["events_used"] == 0
    assert 0.0 < answer["readiness"] < 0.5
    assert answer["decision"] == "nurture"
    assert "no engagement" in answer["reason_1"]


def test_the_caller_may_say_where_the_lead_stood(client):
    """A state that is given is minded: a lead given back by sales rests, and the answer says until when."""
    plain = client.post("/v1/score", json=LEAD).json()
    assert plain["state"] in {"nurture", "ready", "let go"}
    assert (plain["next_date"] == "") == (plain["state"] != "nurture")
    told = {**LEAD, "state": "recycled", "state_since": LEAD["as_of"]}
    answer = client.post("/v1/score", json=told).json()
    assert (answer["decision"], answer["state"]) == ("recycle", "recycled")
    assert answer["next_date"] > LEAD["as_of"]
    assert answer["readiness"] == plain["readiness"]


@pytest.mark.parametrize(
    ("told", "status", "sentence"),
    [
        ({"state": "ready"}, 422, "state_since is missing"),
        ({"state_since": "2026-01-10T00:00:00Z"}, 422, "state is missing"),
        ({"state": "won", "state_since": "2026-01-10T00:00:00Z"}, 422, "Expected one of nurture, ready"),
        ({"state": "ready", "state_since": "2020-01-10T00:00:00Z"}, 422, "Expected a moment from the lead's creation"),
        ({"state": "ready", "state_since": "2027-01-10T00:00:00Z"}, 422, "Expected a moment from the lead's creation"),
    ],
)
def test_a_state_that_cannot_be_is_refused(client, told, status, sentence):
    """Half a state, a closed one, one from before the creation or from the future: one sentence each."""
    assert sentence in problem(client.post("/v1/score", json={**LEAD, **told}), status)


def test_a_closed_lead_is_not_asked(client):
    """Readiness is a question about open leads: a terminal outcome before as_of is refused, a later one is not seen."""
    lost = {"kind": "lost", "occurred_at": "2026-01-20T00:00:00Z"}
    assert "'lost'" in problem(client.post("/v1/score", json={**LEAD, "outcomes": [lost]}), 422)
    later = {**LEAD, "outcomes": [{"kind": "won", "occurred_at": LEAD["as_of"]}]}
    assert client.post("/v1/score", json=later).status_code == 200
    unborn = {**LEAD, "as_of": "2026-01-01T00:00:00Z"}
    assert "created" in problem(client.post("/v1/score", json=unborn), 422)


def test_many_leads_fail_one_by_one(client):
    """A bad lead comes back with its place and its reason while the others are answered in order."""
    naive = {**LEAD, "lead_id": "naive", "created_at": "2026-01-05T08:00:00"}
    leads = [LEAD, naive, {**LEAD, "lead_id": "b"}, 7, {**LEAD, "lead_id": "c", "as_of": "2026-01-01T00:00:00Z"}]
    answer = client.post("/v1/scores", json={"leads": leads})
    assert answer.status_code == 200
    found = answer.json()
    assert [(score["position"], score["lead_id"]) for score in found["scores"]] == [(0, "L-1042"), (2, "b")]
    assert [(bad["position"], bad["lead_id"]) for bad in found["refused"]] == [(1, "naive"), (3, ""), (4, "c")]
    assert "no time zone" in found["refused"][0]["reason"]
    assert list(found["scores"][0]["horizons"]) == ["7d", "30d"]
    assert found["scores"][0]["horizons"]["7d"] <= found["scores"][0]["horizons"]["30d"]


def test_no_leads_is_no_work_and_too_many_are_refused(client):
    """An empty batch is answered empty; more than 1,000 leads are refused."""
    assert client.post("/v1/scores", json={"leads": []}).json() == {"scores": [], "refused": []}
    problem(client.post("/v1/scores", json={"leads": [{}] * 1_001}), 422)
    problem(client.post("/v1/scores", json=[LEAD]), 422)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"{", 400),
        (b"\xff\xfe", 400),
        (b"[" * 200_000, 400),
        (b'{"a":' * 100_000, 400),
        (b'{"lead_id": NaN}', 400),
        (b'{"lead_id": Infinity}', 400),
        (b'{"lead_id": "\\ud800"}', 400),
        (b'{"lead_id": ' + b"9" * 10_000 + b"}", 400),
        (b"null", 422),
        (b"[]", 422),
        (b'"text"', 422),
        (json.dumps({**LEAD, "created_at": "2026-01-05T08:00:00"}).encode(), 422),
        (json.dumps({**LEAD, "as_of": "9999-12-31T23:59:59Z"}).encode(), 422),
        (json.dumps({**LEAD, "lead_id": "\x00"}).encode(), 422),
        (json.dumps({**LEAD, "attributes": {"employees": 10**400}}).encode(), 422),
    ],
)
def test_a_bad_body_is_refused(client, body, status):
    """Broken, deep, huge or strange JSON is refused with a sentence, never a failure of the service."""
    problem(client.post("/v1/score", content=body, headers={"content-type": "application/json"}), status)


@pytest.mark.parametrize(
    ("sent", "where"),
    [
        ([LEAD], "the body"),
        ({**LEAD, "events": [3]}, "events.0"),
        ({**LEAD, "attributes": ["craft"]}, "attributes"),
    ],
)
def test_what_is_no_object_is_told_in_words_of_json(client, sent, where):
    """The answer says where an object was expected, and names nothing of the program's own."""
    detail = problem(client.post("/v1/score", json=sent), 422)
    assert detail.startswith(f"{where}: expected an object")
    assert "LeadIn" not in detail
    assert "instance" not in detail


def test_a_body_is_bounded(trained, served):
    """A body beyond the limit is refused, whether its length is declared or not."""
    app = create_app(Settings(trained.bundle, require_key=False, max_body_bytes=1_000))
    with served(app) as small:
        long = json.dumps({**LEAD, "attributes": {"x": "y" * 1_000}}).encode()
        kind = {"content-type": "application/json"}
        assert "1,000 bytes" in problem(small.post("/v1/score", content=long, headers=kind), 413)
        parts = (long[i : i + 100] for i in range(0, len(long), 100))
        assert "1,000 bytes" in problem(small.post("/v1/score", content=parts, headers=kind), 413)


def test_another_media_type_is_refused(client):
    """A form or a text is not JSON, and the answer says so."""
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"):
        problem(client.post("/v1/score", content=b"a=b", headers={"content-type": kind}), 415)


def test_what_is_not_there_is_told_in_the_same_form(client):
    """Unknown paths and methods are problems too."""
    assert "/openapi.json" in problem(client.get("/v2/score"), 404)
    problem(client.get("/v1/score"), 405)


SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner))
TIMES = st.sampled_from(["2026-01-05T08:00:00Z", "2026-01-05T08:00:00", "2199-12-31T23:59:59Z", "1970-01-01T00:00:00Z"])
EVENTS = st.fixed_dictionaries(
    {"kind": st.text(max_size=5) | VALUES, "occurred_at": TIMES | VALUES},
    optional={"value": SCALARS, "item": SCALARS, "actor": st.sampled_from(["lead", "sales", "x"]), "x": VALUES},
)
LEADS = st.fixed_dictionaries(
    {"lead_id": st.text(min_size=1, max_size=5), "created_at": TIMES},
    optional={
        "as_of": TIMES | VALUES,
        "attributes": st.dictionaries(st.sampled_from(["industry", "employees", "new"]), SCALARS) | VALUES,
        "events": st.lists(EVENTS, max_size=4) | VALUES,
        "outcomes": VALUES,
    },
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(LEADS | VALUES)
def test_nothing_that_is_sent_breaks_the_service(client, lead):
    """Whatever JSON is sent, the answer is a probability or a refusal, and one lead is judged as among many."""
    body = json.dumps(lead)
    kind = {"content-type": "application/json"}
    alone = client.post("/v1/score", content=body, headers=kind)
    if alone.status_code == 200:
        assert math.isfinite(alone.json()["readiness"])
        assert 0.0 <= alone.json()["readiness"] <= 1.0
    else:
        problem(alone, alone.status_code)
        assert alone.status_code in {400, 422}
    among = client.post("/v1/scores", content=f'{{"leads": [{body}]}}', headers=kind)
    if alone.status_code == 400:
        assert among.status_code == 400
    else:
        assert len(among.json()["scores"]) == (alone.status_code == 200)


def test_no_key_no_answer(trained, served, until):
    """Only a valid key opens /v1; health and readiness are open; a refusal comes before the body is looked at."""
    keys_file = trained.contract.parent / "keys-for-test.json"
    app = create_app(Settings(trained.bundle, keys_file=keys_file, keys=("from-the-environment",)))
    with served(app) as door:
        until(lambda: door.get("/readyz").status_code == 200)
        assert door.get("/healthz").json() == {"status": "alive"}
        for headers in ({}, {"x-api-key": "wrong"}, {"authorization": "Bearer wrong"}, {"authorization": "Basic eDp5"}):
            refused = door.post("/v1/score", content=b"{", headers={"content-type": "application/json", **headers})
            problem(refused, 401)
            assert refused.headers["www-authenticate"].startswith("Bearer")
            problem(door.get("/v1/model", headers=headers), 401)
        key = create_key(keys_file, "late")
        for headers in ({"x-api-key": key}, {"authorization": f"Bearer {key}"}, {"x-api-key": "from-the-environment"}):
            assert door.get("/v1/model", headers=headers).status_code == 200
        revoke_key(keys_file, "late")
        problem(door.get("/v1/model", headers={"x-api-key": key}), 401)


def test_a_refused_bundle_is_never_served(trained, tmp_path, served, until):
    """A damaged bundle leaves the service not ready, the reason in its log only, and its starter is told."""
    broken = tmp_path / "broken"
    shutil.copytree(trained.bundle, broken)
    model = broken / "model.txt"
    model.write_bytes(model.read_bytes().replace(b"tree", b"eert", 1))
    told = []
    with served(create_app(Settings(broken, require_key=False), told.append)) as door:
        until(lambda: bool(told))
        assert "refused" in problem(door.get("/readyz"), 503)
        problem(door.post("/v1/score", json=LEAD), 503)
        assert door.get("/healthz").status_code == 200


def test_requests_have_ids(client):
    """A plain id is returned as it came; anything else is replaced by a fresh one."""
    assert client.get("/healthz", headers={"x-request-id": "abc-1"}).headers["x-request-id"] == "abc-1"
    strange = [client.get("/healthz", headers={"x-request-id": text}).headers["x-request-id"] for text in ("a b", "")]
    assert all(len(found) == 32 for found in strange)
    assert len(set(strange)) == 2


def test_the_model_tells_what_it_is(client, trained):
    """The version card names the bundle, the version, the horizons and the base rate."""
    card = client.get("/v1/model").json()
    assert card["bundle_id"] == trained.said["bundle_id"] == read_bundle(trained.bundle).bundle_id
    assert card["model_version"] == trained.said["version"]
    assert card["horizons"] == ["7d", "30d"]
    assert card["base_rate"] == pytest.approx(trained.said["test"]["rate"])
    assert card["card"]["expectation"] == trained.said["expectation"]
    assert card["card"]["expectation"]["train_wins"] > 0


def test_the_description_is_whole(client):
    """OpenAPI: short operation ids, summaries, descriptions, examples, refusals and the key are all there."""
    document = client.get("/openapi.json").json()
    operations = [operation for path in document["paths"].values() for operation in path.values()]
    named = [operation["operationId"] for operation in operations]
    assert {"score", "scoreMany", "modelCard", "health", "ready"} <= set(named)
    assert len(named) == len(set(named))
    for operation in operations:
        assert operation["summary"]
        assert operation["description"]
    for name in ("/v1/score", "/v1/scores"):
        asked = document["paths"][name]["post"]
        assert asked["requestBody"]["content"]["application/json"]["examples"]
        assert {"401", "413", "422", "503"} <= set(asked["responses"])
        assert [set(way) for way in asked["security"]] == [{"bearer"}, {"apiKey"}]
    assert set(document["components"]["securitySchemes"]) == {"bearer", "apiKey"}
    assert set(references(document)) <= {f"#/components/schemas/{name}" for name in document["components"]["schemas"]}


def references(value):
    """Every $ref in a document."""
    if isinstance(value, dict):
        yield from ([value["$ref"]] if isinstance(value.get("$ref"), str) else [])
        for inner in value.values():
            yield from references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from references(inner)


def test_the_flat_answer_needs_no_unions(client):
    """What one lead is asked and answered with has no anyOf, oneOf, allOf and no null: form builders can read it."""
    schemas = client.get("/openapi.json").json()["components"]["schemas"]
    for name in ("LeadIn", "EventIn", "OutcomeIn", "ScoreOut", "Problem", "StatusOut"):
        text = json.dumps(schemas[name])
        assert not any(word in text for word in ('"anyOf"', '"oneOf"', '"allOf"', '"null"', '"default": null')), name


def test_the_examples_are_answered(client):
    """The examples of the description are requests that the service answers."""
    paths = client.get("/openapi.json").json()["paths"]
    for name in ("/v1/score", "/v1/scores"):
        examples = paths[name]["post"]["requestBody"]["content"]["application/json"]["examples"]
        for example in examples.values():
            answer = client.post(name, json=example["value"])
            assert answer.status_code == 200
            assert not answer.json().get("refused")
