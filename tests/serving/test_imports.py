"""What the serving process never does: import what only training needs, or unpickle anything."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

WATCHED = """
import os, pickle, sys
seen, caches = [], set()

NUMBA = os.sep + "numba" + os.sep

def numba_reads_compiled_code():
    frame = sys._getframe(2)
    while frame is not None and NUMBA not in frame.f_code.co_filename:
        frame = frame.f_back
    return frame is not None

def hook(event, arguments):
    if event == "pickle.find_class" and not numba_reads_compiled_code():
        seen.append(("pickle", str(arguments)))
    elif event == "import" and arguments[0].partition(".")[0] in FORBIDDEN:
        seen.append(("import", arguments[0]))
    elif event == "open" and str(arguments[0]).endswith((".nbi", ".nbc")):
        caches.add(os.path.dirname(os.path.abspath(arguments[0])))

def watched(name, used):
    def use(*arguments, **more):
        if not numba_reads_compiled_code():
            seen.append(("pickle", name))
        return used(*arguments, **more)
    return use

FORBIDDEN = {"sklearn", "pandas", "mlflow", "duckdb", "polars", "pyarrow", "matplotlib", "lightgbm", "training"}
pickle.load, pickle.loads = watched("load", pickle.load), watched("loads", pickle.loads)

class Unpickler(pickle.Unpickler):
    def __init__(self, *arguments, **more):
        if not numba_reads_compiled_code():
            seen.append(("pickle", "Unpickler"))
        super().__init__(*arguments, **more)

pickle.Unpickler = Unpickler
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
        pages = ("/", "/desk/lead?id=stored", "/desk/agree", "/desk/trust", "/v1/policy")
        statuses += [client.get(page, headers={"accept": "text/html"}).status_code for page in pages]
found = sorted(FORBIDDEN & set(sys.modules))
print(json.dumps({"statuses": statuses, "seen": seen, "found": found, "caches": sorted(caches)}))
"""

LEAD = {
    "lead_id": "L-1",
    "created_at": "2026-01-05T08:00:00Z",
    "as_of": "2026-01-31T09:30:00Z",
    "events": [{"kind": "pricing_view", "occurred_at": "2026-01-29T14:12:00Z", "value": 48}],
}


@pytest.mark.parametrize("store", [False, True])
def test_the_service_needs_nothing_of_the_trainer_and_unpickles_nothing(trained, tmp_path, store):
    """A service that loads, scores, ingests and tells its metrics imports nothing forbidden and unpickles nothing.

    Numba keeps compiled code as pickles that this machine wrote, and pickles within it: nothing else may be unpickled.
    They lie beside the program or where NUMBA_CACHE_DIR says, as docs/operating.md tells.
    """
    url = f"sqlite:///{tmp_path / 'store.db'}" if store else "none"
    command = [sys.executable, "-P", "-c", WATCHED, str(trained.bundle), json.dumps(LEAD), url]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=240)
    assert done.returncode == 0, done.stderr[-2_000:]
    told = json.loads(done.stdout.splitlines()[-1])
    assert set(told["statuses"]) == {200}
    assert told["seen"] == []
    assert told["found"] == []
    places = [ROOT, *filter(None, [os.environ.get("NUMBA_CACHE_DIR")])]
    assert all(any(Path(cache).is_relative_to(place) for place in places) for cache in told["caches"]), told["caches"]
