"""A service that has a store and no model yet: it takes in news, says what is missing, and takes the first model."""

import pytest

from data.source_section import Source
from serving.app import create_app
from serving.live.deploy import deploy
from serving.live.pointer import read_pointer, write_pointer
from serving.settings import Settings

WON = {"type": "track", "event": "Bought", "userId": "L-1", "messageId": "m-1", "timestamp": "2026-01-31T09:30:00Z"}
EVENT = {"lead_id": "L-1", "kind": "pricing_view", "occurred_at": "2026-01-29T14:12:00Z"}


@pytest.fixture
def awaiting(served, until, tmp_path):
    """A service on an empty live folder, and that folder."""
    source = Source.model_validate({"kind": "segment", "path": "x", "won": ["Bought"]})
    store = f"sqlite:///{tmp_path / 'store.db'}"
    app = create_app(Settings(live=tmp_path / "live", require_key=False, store=store, source=source))
    with served(app) as client:
        until(lambda: client.get("/v1/leads").status_code == 200)
        yield client, tmp_path / "live"


def test_news_is_taken_and_the_first_model_answers(awaiting, trained, until):
    """Scores are refused with what to do; once a bundle is deployed the same service answers with it."""
    client, live = awaiting
    assert client.post("/v1/events", json=[EVENT]).json()["taken"] == 1
    assert client.put("/v1/leads/L-1", json={"attributes": {"industry": "software"}}).json()["taken"] == 1
    for path in ("/readyz", "/v1/leads/L-1/score", "/v1/model"):
        answer = client.get(path)
        assert (answer.status_code, "`readiness deploy`" in answer.json()["detail"]) == (503, True)
    assert "readiness_model_up 0.0" in client.get("/metrics").text
    deploy(live, trained.bundle, "1")
    until(lambda: client.get("/readyz").status_code == 200)
    assert client.get("/v1/leads/L-1/score").json()["events_used"] == 1
    assert "readiness_model_exchanges_total 0.0" in client.get("/metrics").text


def test_what_messages_mean_is_said_by_the_contract_until_a_model_says_it(awaiting):
    """A track event that the contract calls won is an outcome, also before there is a model."""
    client, _ = awaiting
    assert client.post("/v1/segment", json=[WON]).json()["taken"] == 1
    entries = client.get("/v1/leads/L-1/timeline").json()["entries"]
    assert [(one["type"], one["what"]) for one in entries] == [("outcome", "won")]


def test_a_first_bundle_that_is_refused_is_said_and_the_next_is_taken(awaiting, trained, until):
    """Damaged after it was deployed: the service goes on without a model, says so, and takes the next one."""
    client, live = awaiting
    deploy(live.parent / "elsewhere", trained.bundle, "1")
    write_pointer(live, read_pointer(live.parent / "elsewhere"))  # points at a bundle that was not laid
    until(lambda: "nothing answers" in client.get("/readyz").json()["detail"])
    assert client.post("/v1/events", json=[EVENT]).json()["taken"] == 1
    deploy(live, trained.bundle, "2")
    until(lambda: client.get("/readyz").status_code == 200)
    assert client.get("/v1/model").json()["model_version"] == "2"
