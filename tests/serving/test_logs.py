"""The log has what an operator needs and nothing of what was sent."""

import io
import json
import logging

import pytest

from serving import logs
from serving.app import create_app
from serving.settings import Settings

CANARY = "canary-5b1c"
LEAD = {
    "lead_id": "L-1042",
    "created_at": "2026-01-05T08:00:00Z",
    "events": [{"kind": "pricing_view", "occurred_at": "2026-01-29T14:12:00Z", "value": 48}],
}


@pytest.fixture
def written(until):
    """So many lines or more of the log of this process as `readiness serve` writes it, while a test runs."""
    stream = io.StringIO()
    root = logging.getLogger()
    before = root.handlers[:], root.level
    logs.start_logging(stream)

    def lines(count):
        until(lambda: stream.getvalue().count("\n") >= count)
        return [json.loads(line) for line in stream.getvalue().splitlines()]

    yield lines
    root.handlers[:], root.level = before[0], before[1]


@pytest.fixture
def door(trained, served, until):
    """A service with keys named crm and reader."""
    keys = ("crm:score=the-key-of-crm", "reader:read=the-key-of-reader")
    app = create_app(Settings(trained.bundle, keys=keys))
    with served(app, **{"x-api-key": "the-key-of-crm"}) as client:
        until(lambda: client.get("/readyz").status_code == 200)
        yield client


def test_a_line_is_what_an_operator_needs(door, written):
    """One JSON object for a request: when, its id, whose key, which route, which status, how long."""
    door.post("/v1/score?reasons=1", json=LEAD, headers={"x-request-id": "r-1"})
    (line,) = [line for line in written(1) if line["logger"] == "readiness.access"]
    assert line.pop("ms") > 0
    assert line.pop("at")
    assert line == {
        "level": "INFO",
        "logger": "readiness.access",
        "message": "request",
        "request_id": "r-1",
        "key": "crm",
        "method": "POST",
        "route": "/v1/score",
        "status": 200,
    }


def test_nothing_that_was_sent_is_in_the_log(door, written, monkeypatch):
    """Wherever a caller can put a secret or a person, the log does not repeat it, not even when the service fails."""
    kind = {"content-type": "application/json"}
    statuses = [
        door.post("/v1/score", json={**LEAD, "lead_id": CANARY, "attributes": {CANARY: CANARY}}),
        door.post("/v1/score", json={**LEAD, CANARY: CANARY}),
        door.post("/v1/score", content=f'{{"{CANARY}'.encode(), headers=kind),
        door.post(f"/v1/score?reasons={CANARY}", json=LEAD),
        door.post("/v1/score", json=LEAD, headers={"x-api-key": CANARY}),
        door.post("/v1/score", json=LEAD, headers={"authorization": f"Bearer {CANARY}"}),
        door.post("/v1/score", content=b"x", headers={"content-type": CANARY}),
        door.post("/v1/score", content=b"x", headers={**kind, "content-encoding": CANARY}),
        door.get("/v1/model", headers={"x-request-id": f"{CANARY} of somebody", "user-agent": CANARY}),
        door.get("/v1/model", headers={"cookie": CANARY, "x-api-key": "the-key-of-reader"}),
        door.get(f"/{CANARY}"),
        door.get(f"/v1/leads/{CANARY}"),
        door.request(CANARY.upper().replace("-", ""), "/v1/score"),
    ]

    def fail(*_):
        raise RuntimeError(CANARY)

    monkeypatch.setattr("serving.scoring._asked", fail)
    statuses.append(door.post("/v1/score", json={**LEAD, "outcomes": []}))
    assert [answer.status_code for answer in statuses][-1] == 500
    assert {answer.status_code for answer in statuses} >= {200, 400, 401, 403, 404, 415, 422, 500}
    text = json.dumps(written(len(statuses) + 1))
    assert CANARY not in text
    assert CANARY not in statuses[-1].text
    assert "RuntimeError at test_logs.py" in text
    assert not any(word in text for word in ("the-key-of", "Traceback", "L-1042"))
