"""The loop closes: news comes in over HTTP, a training learns from it, its version answers, later outcomes count."""

import gzip
import json
import os
import subprocess
import sys

import pyarrow.parquet as pq
import pytest

from data.check import check
from data.clock import DAY, iso, to_micros
from data.contract import parse_contract
from data.simulation.folder import TABLES, contract_toml
from data.simulation.market import simulate
from serving.app import create_app
from serving.settings import Settings

CLI = [sys.executable, "-P", "-m", "serving.cli"]
CONTRACT = """
[ready]
product = "shop"
outcome = ["won"]
terminal = ["won", "lost"]
horizons = ["30d"]
primary = "30d"

[source]
kind = "store"

[serving]
store = "$READINESS_TEST_STORE"

[spine]
every = "56d"

[backtest]
folds = 2
"""


@pytest.fixture(scope="module")
def market(tmp_path_factory):
    """A small simulated market as `readiness check` leaves it, and a moment by which enough of it has happened."""
    folder = tmp_path_factory.mktemp("market")
    made = simulate("quick", 150, 4)
    for name in TABLES:
        pq.write_table(getattr(made.history, name), folder / f"{name}.parquet")
    history = check(parse_contract(contract_toml(made.world, made.leads), folder)).history
    return history, history.ends_at - 150 * DAY


def rows(table, names):
    """Rows of a fact table as a sender writes them: moments as text, what is null left out."""
    for row in table.to_pylist():
        told = {name: iso(to_micros(row[name])) if name.endswith("_at") else row[name] for name in names}
        yield {name: value for name, value in told.items() if value is not None}


def lines(history):
    """The facts of a history by the door that takes them: leads, what they and sales did, what sales recorded."""
    leads = [
        {**row, "attributes": {name: lead[name] for name in ("industry", "source") if lead[name] is not None}}
        for row, lead in zip(rows(history.leads, ("lead_id", "created_at")), history.leads.to_pylist(), strict=True)
    ]
    events = list(rows(history.events, ("lead_id", "kind", "occurred_at", "known_at", "actor", "item", "event_id")))
    outcomes = list(rows(history.outcomes, ("lead_id", "kind", "occurred_at", "known_at")))
    return {"leads": leads, "events": events, "outcomes": outcomes}


def send(http, told):
    """Everything over HTTP, NDJSON and gzip, as a past; how many of each were new."""
    taken = {}
    for door, things in told.items():
        taken[door] = 0
        for start in range(0, len(things), 10_000):
            body = "\n".join(json.dumps(one) for one in things[start : start + 10_000]).encode()
            headers = {"content-type": "application/x-ndjson", "content-encoding": "gzip"}
            url = f"/v1/{door}?backfill=true"
            answer = http.post(url, content=gzip.compress(body), headers=headers, timeout=120)
            assert answer.status_code == 200, answer.text
            assert answer.json()["refused"] == [], answer.json()["refused"][0]
            taken[door] += answer.json()["taken"]
    return taken


def run(folder, url, *words):
    """A verb of the command line, with --json; what it printed."""
    command = [*CLI, *words, "--contract", str(folder / "readiness.toml"), "--json"]
    environment = {**os.environ, "READINESS_TEST_STORE": url}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stderr[-2_000:]
    return json.loads(done.stdout)


def report_of(folder, said):
    """The report of the version that a training made."""
    return json.loads((folder / ".readiness" / "bundles" / said["bundle_id"] / "report.json").read_text())


def test_what_comes_in_over_http_is_learned_from_and_later_outcomes_count(
    market, served, until, module_store_url, tmp_path
):
    """Without a model news is taken; train, deploy, and it answers; the next training has the later outcomes."""
    history, now = market
    folder = tmp_path
    (folder / "readiness.toml").write_text(CONTRACT)
    live = folder / ".readiness" / "live"
    app = create_app(Settings(live=live, require_key=False, store=module_store_url, product="shop"))
    with served(app) as http:
        until(lambda: http.get("/readyz").status_code == 503 and "train" in http.get("/readyz").json()["detail"])
        until(lambda: http.get("/v1/leads").status_code == 200)
        before = lines(history.upto(now))
        taken = send(http, before)
        assert taken == {name: len(things) for name, things in before.items()}
        lead = before["leads"][-1]["lead_id"]
        assert http.get(f"/v1/leads/{lead}/score").status_code == 503
        first = run(folder, module_store_url, "train")
        assert (first["alias"], first["version"]) == ("champion", "1")
        run(folder, module_store_url, "deploy")
        until(lambda: http.get("/readyz").status_code == 200)
        answer = http.get(f"/v1/leads/{lead}").json()
        assert (answer["bundle_id"], answer["model_version"]) == (first["bundle_id"], "1")
        after = send(http, lines(history))
        assert after["outcomes"] == history.outcomes.num_rows - taken["outcomes"] > 0
        second = run(folder, module_store_url, "train")
        counts = [report_of(folder, said) for said in (first, second)]
        assert [one["history"]["outcomes"] for one in counts] == [taken["outcomes"], history.outcomes.num_rows]
        assert counts[0]["expectation"]["train_wins"] < counts[1]["expectation"]["train_wins"]
        assert (second["alias"], http.get("/v1/model").json()["model_version"]) == ("challenger", "1")
