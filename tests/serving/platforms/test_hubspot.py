"""HubSpot's custom workflow action."""

import json
import re
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving.platforms.hubspot import (
    Action,
    answered,
    blocked,
    completion,
    completion_url,
    definition,
    not_answered,
    read_action,
)


def test_the_recorded_execution(payload, score):
    """It names the contact by its number; the answer is made of texts alone."""
    action = read_action(payload("hubspot_action.json"))
    assert action == Action("ap-102670506-56777914962-11-0", "614", later=False)
    answer = answered(score)
    assert answer == payload("hubspot_answer.json")
    assert all(isinstance(value, str) for value in answer["outputFields"].values())
    assert blocked() == payload("hubspot_blocked.json")


def test_another_id_and_a_later_answer(payload):
    """The inputs say whose it is, where a lead's id is not the contact's, and whether the workflow waits."""
    told = payload("hubspot_action.json") | {"inputFields": {"lead_id": "L-9", "answer": "later"}}
    assert read_action(told) == Action("ap-102670506-56777914962-11-0", "L-9", later=True)


def test_a_lead_without_a_score():
    """The workflow goes on, and is told why."""
    assert not_answered("There is no such lead.")["outputFields"] == {
        "readiness_decision_reason": "There is no such lead.",
        "hs_execution_state": "FAIL_CONTINUE",
    }


def test_the_completion_of_a_blocked_execution(payload, score):
    """It goes to HubSpot's callback address with the answer as it would have been at once."""
    url = completion_url("https://api.hubapi.com", "ap-1/../x")
    assert url == "https://api.hubapi.com/automation/v4/actions/callbacks/ap-1%2F..%2Fx/complete"
    made = completion(url, answered(score))
    assert (made.method, made.url) == ("POST", url)
    assert json.loads(made.body) == payload("hubspot_answer.json")


def test_the_definition_names_what_is_read_and_answered(score):
    """Every input that is read and every output that is answered is declared and has a label."""
    told = definition("https://scores.example.com")
    assert told["actionUrl"] == "https://scores.example.com/v1/hubspot/action"
    outputs = {field["typeDefinition"]["name"] for field in told["outputFields"]}
    assert outputs == set(answered(score)["outputFields"]) - {"hs_execution_state"}
    assert set(told["labels"]["en"]["outputFieldLabels"]) == outputs
    inputs = {field["typeDefinition"]["name"] for field in told["inputFields"]}
    assert inputs == {"answer", "lead_id"} == set(told["labels"]["en"]["inputFieldLabels"])
    (choices,) = (
        field["typeDefinition"]["options"] for field in told["inputFields"] if "options" in field["typeDefinition"]
    )
    for choice in choices:
        read_action({"callbackId": "x", "object": {"objectId": 1}, "inputFields": {"answer": choice["value"]}})


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"callbackId": None}, "callbackId"),
        ({"callbackId": "../../x?y"}, "callbackId"),
        ({"callbackId": "x" * 201}, "callbackId"),
        ({"callbackId": ".."}, "callbackId"),
        ({"object": {}}, "object.objectId is missing"),
        ({"object": 3}, "inputFields or object"),
        ({"inputFields": {"answer": "soon"}}, "'soon'"),
        ({"inputFields": {"answer": ["later"]}}, "['later']"),
        ({"inputFields": {"lead_id": "x" * 201}}, "201 characters"),
    ],
)
def test_what_is_wrong_is_said(payload, changes, expected):
    """One sentence says what was found."""
    with pytest.raises(ValueError, match=re.escape(expected)):
        read_action(payload("hubspot_action.json") | changes)


junk = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=5), inner, max_size=2),
    max_leaves=4,
)


@given(junk | st.fixed_dictionaries({"callbackId": junk, "object": junk, "inputFields": junk}))
def test_whatever_is_sent_it_is_read_or_refused(told):
    """Nothing but a ValueError comes of a body that is none."""
    with suppress(ValueError):
        assert isinstance(read_action(told), Action)
