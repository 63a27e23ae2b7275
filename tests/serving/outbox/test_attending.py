"""The worker of a running service, and the one that is a process of its own: from a call to what others are told."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest
from sqlalchemy import func, select
from standardwebhooks import Webhook

from data.clock import DAY, HOUR, iso
from serving.app import create_app
from serving.platforms.settings import PlatformSettings
from serving.settings import Settings, WorkerSettings
from serving.store.tables import callbacks, looks, messages, standings, workers

KEY = "a-key-for-tests"
OUTSIDE = {"READINESS_OUTGOING_PRIVATE": "127.0.0.0/8", "READINESS_OUTGOING_HTTP": "1", "CRM_TOKEN": "a-token"}


@pytest.fixture
def soon(until):
    """Everything here happens within seconds, or not at all."""
    return lambda holds: until(holds, 60.0)


@pytest.fixture
def service(trained, served, store_url, soon, monkeypatch, receiver):
    """A service with its worker, which may call receivers on this machine."""
    for name, value in OUTSIDE.items():
        monkeypatch.setenv(name, value)
    settings = Settings(trained.bundle, keys=(KEY,), store=store_url, worker=WorkerSettings(nightly="", stop_s=5))
    platforms = PlatformSettings(hubspot_api=receiver.url.removesuffix("/hook"), hubspot_token_env="CRM_TOKEN")  # noqa: S106 - a name
    with served(create_app(settings, platforms=platforms), **{"x-api-key": KEY}) as client:
        soon(lambda: client.get("/readyz").status_code == 200)
        yield client


def _events(lead_id, count=3):
    now = time.time_ns() // 1_000
    kinds = ("asset_download", "pricing_view", "email_click")
    return [{"lead_id": lead_id, "kind": kinds[k % 3], "occurred_at": iso(now - k * DAY - HOUR)} for k in range(count)]


def _count(store, table):
    return store.read(lambda c: c.execute(select(func.count()).select_from(table)).scalar_one())


def test_a_crossing_arrives(service, store, receiver, soon):
    """Sales takes a lead up: who subscribed is told of it, signed, soon after the call."""
    made = service.post("/v1/subscribers", json={"name": "crm", "url": receiver.url, "kinds": ["working"]}).json()
    assert service.post("/v1/events", json=_events("a")).json()["taken"] == 3
    touch = {"lead_id": "a", "kind": "call", "occurred_at": iso(time.time_ns() // 1_000)}
    assert service.post("/v1/touches", json=[touch]).json()["taken"] == 1
    soon(lambda: len(receiver.got) == 1)
    told = Webhook(made["secret"]).verify(receiver.got[0].body, receiver.got[0].headers)
    assert (told["type"], told["subject"], told["data"]["state"]) == ("readiness.lead.working", "a", "working")
    soon(lambda: service.get("/v1/subscribers/crm").json()["delivered"] == 1)
    assert _count(store, messages) >= 1


def test_what_is_marked_is_looked_at(service, store, soon):
    """A past that was loaded is decided about by the worker: every lead has a standing, no mark is left."""
    past = [event for k in range(100) for event in _events(f"lead {k}")]
    assert service.post("/v1/events?backfill=true", json=past).json()["taken"] == 300
    soon(lambda: _count(store, looks) == 0 and _count(store, standings) == 100)


def test_a_job_is_done(service, soon):
    """Whoever asks for the scores of many leads gets them from the worker."""
    service.post("/v1/events", json=[event for k in range(5) for event in _events(f"lead {k}")])
    job = service.post("/v1/score-jobs", json={}).json()["job_id"]
    soon(lambda: service.get(f"/v1/score-jobs/{job}").json()["status"] == "done")
    assert service.get(f"/v1/score-jobs/{job}").json()["done"] == 5


def test_a_platform_that_waits_is_answered(service, store, receiver, soon):
    """HubSpot's workflow is blocked, and completed at its own address with the score of the lead."""
    service.post("/v1/events", json=_events("614"))
    action = {
        "callbackId": "ap-102670506-56777914962-11-0",
        "origin": {"portalId": 102670506, "actionDefinitionId": 1, "actionDefinitionVersion": 1},
        "context": {"source": "WORKFLOWS", "workflowId": 1},
        "object": {"objectId": 614, "objectType": "CONTACT", "properties": {}},
        "inputFields": {"answer": "later"},
    }
    blocked = service.post("/v1/hubspot/action", json=action)
    assert blocked.json()["outputFields"]["hs_execution_state"] == "BLOCK"
    soon(lambda: len(receiver.got) == 1)
    (got,) = receiver.got
    assert got.path == "/automation/v4/actions/callbacks/ap-102670506-56777914962-11-0/complete"
    assert got.headers["authorization"] == "Bearer a-token"
    outputs = json.loads(got.body)["outputFields"]
    assert outputs["hs_execution_state"] == "SUCCESS"
    assert 0 <= float(outputs["readiness_probability"]) <= 1
    soon(lambda: store.read(lambda c: c.execute(select(callbacks.c.state)).scalar_one()) == "delivered")


@pytest.fixture
def work(trained, store_url, tmp_path):
    """Starts `readiness work` on this store; whatever is left of it at the end is killed."""
    started = []

    def start(*words):
        environment = {**os.environ, **OUTSIDE}
        command = [sys.executable, "-P", "-m", "serving.cli", "work", "--contract", str(trained.contract)]
        command += ["--store", store_url, "--bundle", str(trained.bundle), *words]
        with (tmp_path / "log").open("ab") as log:
            started.append(subprocess.Popen(command, stdout=log, stderr=log, env=environment))
        return started[-1]

    yield start
    for one in started:
        one.kill()
        one.wait()


def test_a_worker_is_a_process_of_its_own(work, store, subscribe, tell, receiver, soon, tmp_path):
    """It delivers, is seen while it works, and ends in order when it is told to: exit code 0, nothing left."""
    subscribe("crm", receiver.url)
    ids = tell("a", "b")
    process = work()
    soon(lambda: sorted(receiver.ids) == sorted(ids) and _count(store, workers) == 1)
    process.send_signal(signal.SIGTERM)
    assert process.wait(30) == 0, (tmp_path / "log").read_text()
    assert _count(store, workers) == 0


@pytest.mark.parametrize("store_url", ["sqlite"], indirect=True)
def test_a_worker_that_cannot_begin_says_why(work, tmp_path):
    """Exit code 1 and one sentence: for a bundle that is none, and for a night that is none."""
    folder = tmp_path / "no-bundle"
    folder.mkdir()
    assert work("--bundle", str(folder)).wait(60) == 1
    assert work("--nightly", "2am").wait(60) == 1
    log = (tmp_path / "log").read_text()
    assert "error: " in log
    assert "Expected a time of day (UTC) such as 02:00." in log
    assert "Traceback" not in log


def test_two_services_share_the_work(service, trained, served, store, store_url, receiver, soon):
    """Another service with a worker on the same store: what one takes, either delivers, and once."""
    settings = Settings(trained.bundle, keys=(KEY,), store=store_url, worker=WorkerSettings(nightly="", stop_s=5))
    service.post("/v1/subscribers", json={"name": "crm", "url": receiver.url, "kinds": ["working"]})
    with served(create_app(settings), **{"x-api-key": KEY}) as other:
        soon(lambda: other.get("/readyz").status_code == 200)
        soon(lambda: _count(store, workers) == 2)
        now = iso(time.time_ns() // 1_000)
        for k in range(40):
            touch = {"lead_id": f"lead {k}", "kind": "call", "occurred_at": now, "event_id": f"touch {k}"}
            for client in (service, other):  # the same call at both
                assert client.post("/v1/touches", json=[touch]).json()["refused"] == []
        soon(lambda: service.get("/v1/subscribers/crm").json()["delivered"] == 40)
    assert len(receiver.ids) == len(set(receiver.ids)) == 40


def test_a_store_that_is_not_there_yet_is_waited_for(trained, served, soon):
    """A service whose database is away begins, and ends in order, with its worker."""
    settings = Settings(
        trained.bundle, keys=(KEY,), store="postgresql://readiness:x@127.0.0.1:1/nothing", worker=WorkerSettings()
    )
    with served(create_app(settings), **{"x-api-key": KEY}) as client:
        soon(lambda: client.get("/healthz").status_code == 200)
        assert client.get("/v1/subscribers").status_code == 503
