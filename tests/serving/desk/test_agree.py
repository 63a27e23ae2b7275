"""Agreeing: a preview changes nothing, what is saved decides at once, and nobody overwrites another."""

import pytest

from models.agreement import curve_of
from serving.store.tables import policies


@pytest.fixture
def agreed(desk):
    """Whatever a test agrees on, versions go on; returns the number of the last one."""
    return lambda: desk.client.get("/v1/policy", headers={"x-api-key": desk.keys["read"]}).json()["version"]


def test_looking_at_a_capacity_changes_nothing(desk, seen, agreed, loaded):
    """The page at another place of the slider has its figures; nothing is kept."""
    before, curve = agreed(), curve_of(loaded.bundle)
    with desk.visitor("read") as browser:
        for place in (0, len(curve.choices) - 1):
            page = seen(browser.get("/desk/agree", params={"place": place}).text)
            [slider] = [attributes for tag, attributes in page.tags if attributes.get("type") == "range"]
            assert (slider["value"], slider["max"]) == (str(place), str(len(curve.choices) - 1))
            assert f"Wins a week {curve.choices[place].told.wins:.1f} " in page.text
        assert "takes one with the scope admin" in page.text
    assert agreed() == before


def test_what_is_saved_decides_at_once_and_is_kept_with_who_and_why(desk, seen, agreed, loaded):
    """The next score is told by the new threshold; the page has the version, its author and its reason."""
    curve, before = curve_of(loaded.bundle), agreed()
    with desk.visitor("admin") as browser:
        for place in (2, len(curve.choices) - 1):
            form = seen(browser.get("/desk/agree", params={"place": place}).text).form("/desk/agree", "capacity")
            told = browser.post("/desk/agree", data={**form, "why": "more <people>"}, headers=desk.origin)
            assert (told.status_code, told.headers["location"]) == (303, "/desk/agree?saved=true")
        page = seen(browser.get(told.headers["location"]).text)
        assert "saved by ann" in page.text
        assert "more <people>" in page.text
    found = desk.client.get("/v1/policy", headers={"x-api-key": desk.keys["read"]}).json()
    assert (found["version"], found["by"], found["why"]) == (before + 2, "ann", "more <people>")
    assert found["threshold"] == curve.choices[-1].threshold
    lead = {"lead_id": "L-1", "created_at": "2026-01-05T08:00:00Z", "as_of": "2026-01-31T09:30:00Z"}
    answer = desk.client.post("/v1/score", json=lead, headers={"x-api-key": desk.keys["score"]}).json()
    threshold = curve.choices[-1].threshold
    assert (answer["readiness"] < threshold) == ("is below the agreed" in answer["decision_reason"])


def test_who_was_overtaken_sees_what_happened_and_loses_no_word(desk, seen, agreed):
    """Two pages were open; the second to save is told, and what they wrote is still there."""
    with desk.visitor("admin") as browser:
        first = seen(browser.get("/desk/agree").text).form("/desk/agree", "capacity")
        second = dict(first)
        assert browser.post("/desk/agree", data={**first, "why": "mine"}, headers=desk.origin).status_code == 303
        before = agreed()
        told = browser.post("/desk/agree", data={**second, "why": "no, mine"}, headers=desk.origin)
        assert told.status_code == 409
        page = seen(told.text)
        assert "somebody else saved one meanwhile" in page.text
        assert any(attributes.get("value") == "no, mine" for _, attributes in page.tags)
    assert agreed() == before


def test_back_to_an_earlier_version_and_to_what_the_model_brings(desk, seen, agreed, loaded):
    """Each is a new version: history is never rewritten."""
    with desk.visitor("admin") as browser:
        for place in (1, 3):
            form = seen(browser.get("/desk/agree", params={"place": place}).text).form("/desk/agree", "capacity")
            browser.post("/desk/agree", data={**form, "why": f"place {place}"}, headers=desk.origin)
        before = agreed()
        page = seen(browser.get("/desk/agree").text)
        back = next(one for one in page.forms if one.get("why") == f"back to version {before - 1}")
        assert browser.post("/desk/agree", data=back, headers=desk.origin).status_code == 303
        curve = curve_of(loaded.bundle)
        found = desk.client.get("/v1/policy", headers={"x-api-key": desk.keys["read"]}).json()
        assert (found["version"], found["capacity_per_week"]) == (before + 1, curve.choices[1].per_week)
        own = next(
            one
            for one in seen(browser.get("/desk/agree").text).forms
            if one.get("why") == "back to what the model brings"
        )
        assert browser.post("/desk/agree", data=own, headers=desk.origin).status_code == 303
        found = desk.client.get("/v1/policy", headers={"x-api-key": desk.keys["read"]}).json()
        assert found["threshold"] == found["bundle_threshold"] == loaded.bundle.policy.threshold
        assert "capacity_per_week" not in found["versions"][0]


@pytest.mark.parametrize(("field", "value", "status", "said"), [
    ("capacity", "many", 422, "capacity is 'many'. Expected a number."),
    ("capacity", "0.000001", 422, "capacity_per_week is 1e-06. Expected from"),
    ("capacity", "nan", 422, "capacity_per_week is nan"),
    ("since", "-1", 409, "somebody else saved one"),
    ("why", "", 422, "why has 0 characters"),
    ("why", "x" * 501, 422, "why has 501 characters"),
])  # fmt: skip
def test_what_cannot_be_agreed_on_is_one_sentence(desk, seen, agreed, field, value, status, said):
    """And nothing is kept."""
    before = agreed()
    with desk.visitor("admin") as browser:
        form = {**seen(browser.get("/desk/agree").text).form("/desk/agree", "capacity"), "why": "so"}
        told = browser.post("/desk/agree", data={**form, field: value}, headers=desk.origin)
    assert told.status_code == status
    assert said in told.text.replace("&#39;", "'")
    assert agreed() == before


def test_only_who_may_do_everything_may_agree(desk, seen):
    """A form that a reader makes up is refused."""
    with desk.visitor("read") as browser:
        proof = seen(browser.get("/").text).form("/desk/sign-out")["proof"]
        form = {"proof": proof, "capacity": "5", "since": "0", "why": "so"}
        assert browser.post("/desk/agree", data=form, headers=desk.origin).status_code == 403


def test_programs_agree_by_json(desk, agreed, loaded):
    """GET has what could be agreed on, PUT agrees on it; scopes, versions and bad input are as everywhere."""
    curve, admin = curve_of(loaded.bundle), {"x-api-key": desk.keys["admin"]}
    found = desk.client.get("/v1/policy", headers=admin).json()
    assert [one["threshold"] for one in found["choices"]] == [one.threshold for one in curve.choices]
    asked = {"capacity_per_week": curve.choices[2].per_week, "why": "a program", "version": agreed()}
    put = desk.client.put("/v1/policy", json=asked, headers=admin)
    assert put.status_code == 200
    assert (put.json()["threshold"], put.json()["by"]) == (curve.choices[2].threshold, "ann")
    assert desk.client.put("/v1/policy", json=asked, headers=admin).status_code == 409
    asked["version"] = agreed()
    assert desk.client.put("/v1/policy", json=asked, headers={"x-api-key": desk.keys["read"]}).status_code == 403
    for wrong in ({"capacity_per_week": -1}, {"capacity_per_week": 1e-9}, {"why": ""}, {"version": -1}, {"more": 1}):
        assert desk.client.put("/v1/policy", json={**asked, **wrong}, headers=admin).status_code == 422, wrong
    own = desk.client.put("/v1/policy", json={"why": "as trained", "version": agreed()}, headers=admin).json()
    assert own["threshold"] == own["bundle_threshold"]


def test_what_is_agreed_outlives_the_process(desk, agreed):
    """It is kept in the store, as a row that says all of it."""
    kept = desk.store.read(lambda connection: connection.execute(policies.select()).mappings().all())
    assert len(kept) == agreed() > 0
    assert all('"threshold"' in one["body"] for one in kept)
