"""What the serving process never does: import what only training needs, or unpickle anything."""

import json
import subprocess
import sys

import pytest

WATCHED = """
import sys
seen = []

def numba_asks():
    frame = sys._getframe(2)
    while frame is not None and "/numba/" not in frame.f_code.co_filename:
        frame = frame.f_back
    return frame is not None

def hook(event, arguments):
    if event == "pickle.find_class" and not numba_asks():
        seen.append(("pickle", str(arguments)))
    elif event == "import" and arguments[0].partition(".")[0] in FORBIDDEN:
        seen.append(("import", arguments[0]))

FORBIDDEN = {"sklearn", "pandas", "mlflow", "duckdb", "polars", "pyarrow", "matplotlib", "lightgbm", "training"}
sys.addaudithook(hook)

import json, time
from pathlib import Path
from fastapi.testclient import TestClient
from serving.app import create_app
from serving.settings import Settings

lead = json.loads(sys.argv[2])
store = None if sys.argv[3] == "none" else sys.argv[3]
settings = Settings(Path(sys.argv[1]), keys=("first",), store=store)
with TestClient(create_app(settings), headers={"X-API-Key": "first"}) as client:
    while client.get("/readyz").status_code != 200:
        time.sleep(0.1)
    statuses = [client.post("/v1/score", json=lead).status_code, client.get("/metrics").status_code]
    statuses.append(client.post("/v1/scores", json={"leads": [lead]}).status_code)
    statuses.append(client.get("/docs").status_code)
    if store:
        event = {**lead["events"][0], "lead_id": "stored"}
        statuses.append(client.post("/v1/events?backfill=true", json={"events": [event]}).status_code)
        statuses.append(client.get("/v1/leads/stored/score").status_code)
print(json.dumps({"statuses": statuses, "seen": seen, "found": sorted(FORBIDDEN & set(sys.modules))}))
"""

LEAD = {
    "lead_id": "L-1",
    "created_at": "2026-01-05T08:00:00Z",
    "as_of": "2026-01-31T09:30:00Z",
    "events": [{"kind": "pricing_view", "occurred_at": "2026-01-29T14:12:00Z", "value": 48}],
}


@pytest.mark.parametrize("store", [False, True])
def test_the_service_needs_nothing_of_the_trainer_and_unpickles_nothing(trained, tmp_path, store):
    """An audit hook sees a service load, score, ingest and tell its metrics: no forbidden import, no find_class.

    Numba keeps compiled code in a cache of pickles that this machine wrote: the one place where Python's pickle is
    used, and never for what comes from elsewhere.
    """
    url = f"sqlite:///{tmp_path / 'store.db'}" if store else "none"
    command = [sys.executable, "-P", "-c", WATCHED, str(trained.bundle), json.dumps(LEAD), url]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=240)
    assert done.returncode == 0, done.stderr[-2_000:]
    told = json.loads(done.stdout.splitlines()[-1])
    assert set(told["statuses"]) == {200}
    assert told["seen"] == []
    assert told["found"] == []
