"""Crossings are written back in each platform's own shape, with credentials that nobody stores."""

import asyncio
import copy
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.errors import ContractError
from serving.egress import Answer, UnreachableError
from serving.platforms.tokens import Tokens
from serving.platforms.writeback import PLATFORMS, UnfitError, fault_of, request_for

GUID = "00aa00aa-bb11-cc22-dd33-44ee44ee44ee"
BASES = {
    "hubspot": "https://api.hubapi.com/",
    "marketo": "https://123-abc-456.mktorest.com",
    "salesforce": "https://acme.my.salesforce.com",
    "dynamics": "https://contoso.crm.dynamics.com",
    "mautic": "https://mautic.example.com",
}
SETTINGS = {"mautic": {"group": 3}}


@pytest.fixture
def crossing(payload):
    """A message of the outbox, as a value of the test's own; ``more`` changes its data."""

    def make(**more):
        message = copy.deepcopy(payload("crossing.json"))
        message["data"] |= more
        return message

    return make


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("hubspot", {}),
        ("marketo", {}),
        ("salesforce", {}),
        ("salesforce_event", {"event": "Readiness_Crossing__e"}),
        ("dynamics", {}),
        ("mautic", {"group": 3}),
    ],
)
def test_the_recorded_requests(payload, crossing, name, settings):
    """Method, address and body as the platform documents them; no credentials in any part."""
    platform = name.partition("_")[0]
    message = crossing(lead_id=GUID) if platform == "dynamics" else crossing()
    made = request_for(platform, BASES[platform], settings, message)
    expected = payload(f"writeback_{name}.json")
    assert (made.method, made.url) == (expected["method"], expected["url"])
    assert (json.loads(made.body) if made.body else None) == expected["json"]
    assert made.headers["content-type"] == "application/json"
    assert "authorization" not in made.headers


def test_the_fields_of_the_customer(crossing):
    """Which of our words goes into which field is the subscriber's to say."""
    fields = {"index": "score_c", "reason_1": "why", "reason_2": "why_more", "horizon_days": "days"}
    made = request_for(
        "hubspot", BASES["hubspot"], {"fields": fields, "id_property": "email"}, crossing(lead_id="a@b.c")
    )
    assert made.url == "https://api.hubapi.com/crm/v3/objects/contacts/a%40b.c?idProperty=email"
    properties = {"score_c": "87", "why": "3 pricing views since 2 May 2026", "days": "90"}
    assert json.loads(made.body) == {"properties": properties}
    with pytest.raises(ContractError, match="'colour'"):
        request_for("marketo", "https://x.example", {"fields": {"colour": "c"}}, crossing())


def test_a_crossing_without_a_score(crossing):
    """A word of sales moves a lead without a score: its state is told, and nothing where only scores are kept."""
    moved = crossing(lead_id=GUID, state="won", p=None, index=None, as_of=None, reasons=[], model_version="")
    body = json.loads(request_for("salesforce", BASES["salesforce"], {}, moved).body)
    assert body["Readiness_State__c"] == "won"
    assert "Readiness_Index__c" not in body
    assert request_for("dynamics", BASES["dynamics"], {}, moved) is None
    assert request_for("mautic", BASES["mautic"], {"group": 1}, moved) is None


def test_trend_and_grade_of_dynamics(crossing):
    """Improving when it became ready, declining when it cooled, else steady; grades by the settings' limits."""
    told = {"ready": 0, "nurture": 2, "recycled": 1}
    for state, trend in told.items():
        message = crossing(lead_id=GUID, state=state, previous_state="ready" if state == "nurture" else "nurture")
        body = json.loads(request_for("dynamics", BASES["dynamics"], {"grades": [90, 80, 10]}, message).body)
        assert (body["msdyn_scoretrend"], body["msdyn_grade"]) == (trend, 1)


def test_messages_that_do_not_fit(crossing):
    """Ids that are not the platform's, and messages of no lead, are given up, not tried for ever."""
    with pytest.raises(UnfitError, match="no GUID"):
        request_for("dynamics", BASES["dynamics"], {}, crossing())
    with pytest.raises(UnfitError, match="no number of Marketo's"):
        request_for("marketo", BASES["marketo"], {}, crossing(lead_id="a@b.c"))
    by_mail = request_for("marketo", BASES["marketo"], {"lookup_field": "email"}, crossing(lead_id="a@b.c"))
    assert json.loads(by_mail.body)["input"][0]["email"] == "a@b.c"
    with pytest.raises(UnfitError, match="of no lead"):
        request_for("hubspot", BASES["hubspot"], {}, {"id": "1", "data": {}})
    with pytest.raises(ContractError, match="no platform to write to"):
        request_for("fax", "https://x.example", {}, crossing())
    with pytest.raises(ContractError, match="no point group"):
        request_for("mautic", BASES["mautic"], {"group": "3/../../users"}, crossing())


@given(st.text(min_size=1, max_size=40) | st.just(".."), st.sampled_from(["hubspot", "salesforce", "mautic"]))
def test_no_id_leaves_its_place_in_the_address(lead, platform):
    """Whatever an id holds, it stays one segment of the path."""
    import httpx

    lead = lead.encode("utf-8", "ignore").decode()
    message = {"id": "m", "data": {"lead_id": lead, "state": "ready", "index": 50.0}}
    if lead in {".", ".."}:
        with pytest.raises(UnfitError, match="lead elsewhere"):
            request_for(platform, BASES[platform], SETTINGS.get(platform, {}), message)
        return
    made = request_for(platform, BASES[platform], SETTINGS.get(platform, {}), message)
    usual = request_for(
        platform, BASES[platform], SETTINGS.get(platform, {}), {**message, "data": {**message["data"], "lead_id": "x"}}
    )
    assert httpx.URL(made.url).raw_path.count(b"/") == httpx.URL(usual.url).raw_path.count(b"/")
    assert not set("?# \n") & set(made.url)


def test_what_a_platform_answers():
    """A status beyond 2xx is a fault; Marketo says so inside a 200."""
    for platform in PLATFORMS:
        assert fault_of(platform, 503, b"") == f"{platform} answered 503."
    assert fault_of("salesforce", 204, b"") is None
    assert fault_of("marketo", 200, b'{"success":true,"result":[{"id":1,"status":"updated"}]}') is None
    errors = b'{"success":false,"errors":[{"code":"601","message":"Access token invalid"}]}'
    assert "601 Access token invalid" in fault_of("marketo", 200, errors)
    skipped = b'{"success":true,"result":[{"status":"skipped","reasons":[{"code":"1004","message":"Lead not found"}]}]}'
    assert "1004 Lead not found" in fault_of("marketo", 200, skipped)
    assert fault_of("marketo", 200, b'{"success":false}') is not None
    for accepted in (b"", b"<html>", b"{}", b"[]", b'"ok"'):  # the address for results of flow steps has no such answer
        assert fault_of("marketo", 202, accepted) is None


class Given:
    """A token endpoint that counts."""

    def __init__(self, status=200, body=b'{"access_token":"t%d","expires_in":3600}'):
        self.status, self.body, self.asked = status, body, []

    async def send(self, method, url, headers, body):
        """One token more."""
        self.asked.append((method, url, headers["content-type"], body))
        return Answer(self.status, {}, self.body % len(self.asked) if b"%d" in self.body else self.body)


def headers(tokens, settings):
    """The headers, asked for from outside an event loop."""
    return asyncio.run(tokens.headers(settings))


def test_credentials_come_from_the_environment():
    """Bearer or basic, by the name of a variable; one that is not set is said."""
    tokens = Tokens(Given(), {"T": "abc", "B": "user:word"})
    assert headers(tokens, {}) == {}
    assert headers(tokens, {"token_env": "T"}) == {"authorization": "Bearer abc"}
    assert headers(tokens, {"token_env": "B", "auth": "basic"}) == {"authorization": "Basic dXNlcjp3b3Jk"}
    with pytest.raises(ContractError, match="'GONE' is not set"):
        headers(tokens, {"token_env": "GONE"})


def test_a_fetched_token_is_kept_until_it_expires_or_is_refused():
    """One request for many calls; another one a minute before the end, and after a refusal."""
    now, there = [0.0], Given()
    tokens = Tokens(there, {"ID": "me", "KEY": "s&t"}, clock=lambda: now[0])
    settings = {
        "token_url": "https://id.example/token",
        "client_id_env": "ID",
        "client_secret_env": "KEY",
        "scope": "a",
    }
    assert headers(tokens, settings) == headers(tokens, settings) == {"authorization": "Bearer t1"}
    asked = b"grant_type=client_credentials&client_id=me&client_secret=s%26t&scope=a"
    assert there.asked == [("POST", "https://id.example/token", "application/x-www-form-urlencoded", asked)]
    now[0] = 3541.0
    assert headers(tokens, settings) == {"authorization": "Bearer t2"}
    tokens.forget(settings)
    assert headers(tokens, settings) == {"authorization": "Bearer t3"}


@pytest.mark.parametrize("body", [b"<html>", b"{}", b'{"access_token":7}', b'{"access_token":"x","expires_in":"soon"}'])
def test_no_token(body):
    """Whatever comes instead of a token is a failure that may pass, and says nothing of the secret."""
    tokens = Tokens(Given(body=body), {"ID": "me", "KEY": "s3cret"})
    with pytest.raises(UnreachableError, match="No token was given") as raised:
        headers(tokens, {"token_url": "https://id.example", "client_id_env": "ID", "client_secret_env": "KEY"})
    assert "s3cret" not in str(raised.value)
