"""What Prometheus reads: each request under its route, the model and its drift, the store and its work."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import insert

from models.bundle import read_bundle
from serving import key_store
from serving.app import create_app
from serving.live.drift import Drift
from serving.settings import Settings
from serving.store.store import Store
from serving.store.tables import looks

LEAD = {
    "lead_id": "L-1042",
    "created_at": "2026-01-05T08:00:00Z",
    "events": [{"kind": kind, "occurred_at": "2026-01-29T14:12:00Z"} for kind in ("pricing_view", "never_seen")],
}


def read(text):
    """Samples by name and labels."""
    families = text_string_to_metric_families(text)
    return {(s.name, *sorted(s.labels.values())): s.value for family in families for s in family.samples}


@pytest.fixture
def door(trained, store_url, served, until):
    """A ready service with a store, asked by one who may read and score; the store itself."""
    store = Store.open(store_url)
    key = key_store.create_key(store, "watcher", ("read", "score"))
    with served(create_app(Settings(trained.bundle, store=store_url)), **{"x-api-key": key}) as client:
        until(lambda: client.get("/readyz").status_code == 200)
        yield client, store
    store.close()


def test_every_request_is_counted_under_its_route(door):
    """The counter has the route's template, never a path that a caller made up."""
    client, _ = door
    for _ in range(3):
        assert client.post("/v1/score", json=LEAD).status_code == 200
    client.post("/v1/score", content=b"{")
    client.get("/made/up/by/somebody")
    found = read(client.get("/metrics").text)
    assert found["readiness_requests_total", "/v1/score", "200", "POST"] == 3
    assert found["readiness_requests_total", "/v1/score", "400", "POST"] == 1
    assert found["readiness_requests_total", "404", "GET", "none"] == 1
    assert found["readiness_request_seconds_count", "/v1/score"] == 4
    assert not any("somebody" in label for sample in found for label in sample)


def test_model_drift_and_work_are_told(door, trained):
    """Which model answers, what it answers, whether the store answers, what waits there and for how long."""
    client, store = door
    known = read_bundle(trained.bundle).vocabulary.levels["leads.industry"][0]
    lead = {**LEAD, "attributes": {"industry": known, "source": "never seen"}}
    for _ in range(16):
        assert client.post("/v1/score?reasons=0", json=lead).status_code == 200
    store.write(lambda connection: connection.execute(insert(looks), [{"lead_id": "a", "since": 1}]))
    found = read(client.get("/metrics").text)
    assert found["readiness_model_up",] == 1
    assert found["readiness_model_info", "", trained.said["bundle_id"]] == 1
    assert sum(value for (name, *_), value in found.items() if name == "readiness_scores_total") == 16
    assert 0 < found["readiness_mean_readiness",] < 1
    assert found["readiness_base_rate",] == pytest.approx(trained.said["test"]["rate"])
    assert found["readiness_unknown_kinds_ratio",] == 0.5
    assert found["readiness_unknown_levels_ratio",] == 0.5
    assert found["readiness_psi",] > 0.25  # sixteen times one lead: nothing like the reference rows
    assert found["readiness_store_up",] == 1
    assert found["readiness_looks",] == 1
    assert found["readiness_looks_age_seconds",] > 1e9
    assert found["readiness_outbox_pending",] == 0


def test_metrics_need_the_scope_read(door):
    """Who may only score does not see them, nor does anybody without a key."""
    client, store = door
    scorer = key_store.create_key(store, "scorer", ("score",))
    assert client.get("/metrics", headers={"x-api-key": scorer}).status_code == 403
    assert client.get("/metrics", headers={"x-api-key": ""}).status_code == 401


class Answer:
    """As much of a score as drift looks at."""

    state = "nurture"

    def __init__(self, readiness):
        self.readiness = readiness


DECILES = tuple(k / 10 for k in range(1, 10))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=300))
def test_psi_is_a_distance(answers):
    """PSI is never negative; the mean is the mean."""
    drift = Drift(DECILES)
    for answer in answers:
        drift.seen(Answer(answer))
    assert drift.psi >= 0
    assert drift.mean == pytest.approx(sum(answers) / len(answers))


def test_psi_tells_the_same_from_another_population():
    """Answers spread as the reference rows give nearly 0; answers all in one tenth give far more than 0.25."""
    same, other = Drift(DECILES), Drift(DECILES)
    for k in range(5_000):
        same.seen(Answer(k % 100 / 100))
        other.seen(Answer(0.05))
    assert same.psi < 0.001
    assert other.psi > 2
    assert math.isnan(Drift().psi)
    assert math.isnan(Drift(DECILES).psi)


def test_values_that_the_model_does_not_know_are_counted():
    """A level that it has is known, another text is not, and no value is neither; one answer in eight is looked at."""
    drift = Drift(levels={"source": ("web", "fair"), "vip": ("true",)})
    assert math.isnan(drift.unknown_levels)
    told = ({"source": "web", "vip": True}, {"source": "radio"}, {"source": None, "other": "x"}, {"source": 7})
    for attributes in told:
        for _ in range(8):
            drift.seen(Answer(0.1), (), attributes)
    assert drift.unknown_levels == 2 / 4
    assert math.isnan(drift.unknown)


def test_old_answers_count_less(monkeypatch):
    """A change shows although there were many answers before it."""
    monkeypatch.setattr("serving.live.drift.LATEST", 1_000)
    drift = Drift(DECILES)
    for k in range(20_000):
        drift.seen(Answer(k % 100 / 100))
    for _ in range(2_000):
        drift.seen(Answer(0.95))
    assert drift.mean > 0.85
