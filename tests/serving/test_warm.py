"""A service that says it is ready has compiled all that a request needs."""

import os
import subprocess
import sys

FIRST_REQUEST = """
import json, sys, time
from pathlib import Path
from fastapi.testclient import TestClient
from numba.core import event
from serving.app import create_app
from serving.settings import Settings

class Compiled(event.Listener):
    def on_start(self, found):
        print("compiled", found.data)

    def on_end(self, found):
        pass

with TestClient(create_app(Settings(Path(sys.argv[1]), keys=("first",))), headers={"X-API-Key": "first"}) as client:
    for _ in range(900):
        if client.get("/readyz").status_code == 200:
            break
        time.sleep(0.1)
    event.register("numba:compile", Compiled())
    lead = json.loads(sys.argv[2])
    asked = {"/v1/score": lead, "/v1/scores": {"leads": [lead]}}
    print(*(client.post(path, json=body).status_code for path, body in asked.items()))
"""

LEAD = """{"lead_id": "L-1", "created_at": "2026-01-05T08:00:00Z", "as_of": "2026-01-31T09:30:00Z",
"attributes": {"industry": "software"}, "events": [
{"kind": "asset_download", "occurred_at": "2026-01-05T08:00:00Z", "item": "white-paper"},
{"kind": "pricing_view", "occurred_at": "2026-01-29T14:12:00Z", "value": 48}]}"""


def test_the_first_request_of_a_warmed_service_compiles_nothing(trained, tmp_path):
    """On a machine that has never compiled anything, all of it happens before the service says that it is ready."""
    place = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path)}
    command = [sys.executable, "-P", "-c", FIRST_REQUEST, str(trained.bundle), LEAD]
    done = subprocess.run(command, env=place, capture_output=True, text=True, check=False, timeout=180)
    assert done.returncode == 0, done.stderr[-2_000:]
    assert done.stdout.split("\n") == ["200 200", ""]
