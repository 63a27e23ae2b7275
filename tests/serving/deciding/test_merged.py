"""A lead that became part of another one: who asks by the old id is answered about the lead that it is now."""

import json
import time

import pytest

from data.clock import DAY, iso
from serving.app import create_app
from serving.jobs.running import run_jobs_once
from serving.settings import Settings
from serving.store.store import Store

KEY = "key-of-all"


def ago(days):
    """A moment so long ago, as text."""
    return iso(time.time_ns() // 1_000 - days * DAY)


@pytest.fixture(scope="module")
def http(trained, served, until, module_store_url):
    """A ready service on each kind of store."""
    app = create_app(Settings(trained.bundle, keys=(KEY,), version="7", store=module_store_url))
    with served(app, **{"x-api-key": KEY}) as client:
        until(lambda: client.get("/readyz").status_code == 200)
        yield client


def good(answer, status=200):
    """The JSON of an answer that went well."""
    assert answer.status_code == status, answer.text
    return answer.json()


def both(http, old, new):
    """Two leads, each with a past."""
    for lead_id, days, field in ((old, (20, 9, 3), "industry"), (new, (15, 2), "source")):
        lead = {"lead_id": lead_id, "created_at": ago(days[0] + 1), "attributes": {field: "software"}}
        good(http.post("/v1/leads", json=lead, params={"backfill": True}))
        told = [{"lead_id": lead_id, "kind": "pricing_view", "occurred_at": ago(day)} for day in days]
        assert good(http.post("/v1/events", json=told, params={"backfill": True}))["taken"] == len(told)


def merge(http, old, new):
    """What Segment says when two ids turn out to be one."""
    alias = {"type": "alias", "messageId": f"{old}-{new}", "previousId": old, "userId": new, "timestamp": ago(0)}
    assert good(http.post("/v1/segment", json={"batch": [alias]}))["taken"] == 1


def test_each_read_by_the_old_id_names_the_id_that_counts(http):
    """The score, the lead and the timeline are those of the merged lead; so they are through two merges."""
    both(http, "old", "new")
    before = good(http.get("/v1/leads/old/score"))
    merge(http, "old", "new")
    asked = {one: good(http.get(f"/v1/leads/{one}/score")) for one in ("old", "new")}
    assert [one["lead_id"] for one in asked.values()] == ["new", "new"]
    assert asked["old"]["events_used"] == asked["new"]["events_used"] == 5
    assert good(http.get("/v1/leads/old"))["attributes"] == {"industry": "software", "source": "software"}
    assert good(http.get("/v1/leads/old"))["lead_id"] == "new"
    timelines = [good(http.get(f"/v1/leads/{one}/timeline", params={"limit": 500})) for one in ("old", "new")]
    happened = [[entry for entry in one["entries"] if entry["type"] != "score"] for one in timelines]
    assert happened[0] == happened[1]
    assert before["score_id"] in {entry.get("id") for entry in timelines[0]["entries"]}
    then = good(http.get("/v1/leads/old/score", params={"as_of": ago(12)}))
    assert (then["lead_id"], then["events_used"]) == ("new", 2)
    both(http, "newest", "unused")
    merge(http, "new", "newest")
    for one in ("old", "new"):
        assert good(http.get(f"/v1/leads/{one}"))["lead_id"] == "newest"
    kept = good(http.get(f"/v1/scores/{before['score_id']}"))
    assert (kept["readiness"], kept["as_of"]) == (before["readiness"], before["as_of"])
    assert "fingerprint" in kept["replayed"]["why"]


def test_news_and_closing_by_the_old_id_are_the_merged_leads(http):
    """Sales may go on saying the old id; a closed lead says so under the id that counts."""
    both(http, "before", "after")
    merge(http, "before", "after")
    good(http.put("/v1/leads/before", json={"attributes": {"employees": 7}}))
    assert good(http.get("/v1/leads/after"))["attributes"]["employees"] == 7
    good(http.post("/v1/outcomes", json={"lead_id": "before", "kind": "won", "occurred_at": ago(0)}))
    answer = http.get("/v1/leads/before/score")
    assert answer.status_code == 422
    assert "'after' is won" in answer.json()["detail"]
    assert good(http.get("/v1/leads/before"))["state"] == "won"


def test_a_platform_that_knows_the_old_id_is_answered(http):
    """HubSpot's action, by a contact's earlier number."""
    both(http, "614", "615")
    merge(http, "614", "615")
    answers = [
        good(http.post("/v1/hubspot/action", json={"callbackId": f"c-{one}", "object": {"objectId": one}}))
        for one in (614, 615)
    ]
    same = ("readiness_index", "readiness_state", "readiness_reason_1", "hs_execution_state")
    assert [answers[0]["outputFields"][name] for name in same] == [answers[1]["outputFields"][name] for name in same]
    assert answers[0]["outputFields"]["hs_execution_state"] == "SUCCESS"


def test_a_job_scores_a_merged_lead_once(http, loaded, module_store_url):
    """Asked by both ids it is one lead; merged after the job was asked for, the job says what it has become."""
    both(http, "j-old", "j-new")
    both(http, "k-old", "k-new")
    merge(http, "j-old", "j-new")
    asked = good(http.post("/v1/score-jobs", json={"leads": ["j-old", "j-new", "k-old"]}), 202)
    assert asked["total"] == 2
    merge(http, "k-old", "k-new")
    store = Store.open(module_store_url)
    run_jobs_once(store, loaded)
    store.close()
    lines = http.get(f"/v1/score-jobs/{asked['job_id']}/result").text.splitlines()
    assert [json.loads(line)["lead_id"] for line in lines] == ["j-new"]
    [refused] = good(http.get(f"/v1/score-jobs/{asked['job_id']}"))["refused"]
    assert (refused["lead_id"], "'k-new'" in refused["reason"]) == ("k-old", True)


def test_who_is_forgotten_by_the_old_id_is_forgotten(http):
    """The lead is gone under each of its ids, and each is unknown from then on."""
    both(http, "x-old", "x-new")
    told = good(http.get("/v1/leads/x-old/score"))
    merge(http, "x-old", "x-new")
    rows = good(http.delete("/v1/leads/x-old"))["rows"]
    assert (rows["leads"], rows["events"], rows["links"]) == (1, 5, 1)
    for one in ("x-old", "x-new"):
        for path in (f"/v1/leads/{one}", f"/v1/leads/{one}/score", f"/v1/leads/{one}/timeline"):
            answer = http.get(path)
            assert (answer.status_code, one in answer.json()["detail"]) == (404, True)
    assert http.get(f"/v1/scores/{told['score_id']}").status_code == 404
