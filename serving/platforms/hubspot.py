"""HubSpot's custom workflow action: what it asks, what it is answered, at once or by a callback.

A lead is the contact under its number in HubSpot, unless the action's input ``lead_id`` names another id. With the
input ``answer`` = ``later`` the workflow is blocked until the callback is delivered. Every output is a text.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from serving.platforms.reading import identity
from serving.platforms.writeback import Outgoing, json_body

EXPIRATION = "PT1H"
"""So long HubSpot waits for a callback before it gives the action up (ISO 8601)."""
_CALLBACK = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,199}")
_OUTPUTS = {
    "readiness_index": ("index", "number", "Readiness index (0 to 100)"),
    "readiness_probability": ("readiness", "number", "Readiness (probability)"),
    "readiness_state": ("state", "string", "State"),
    "readiness_decision": ("decision", "string", "Decision"),
    "readiness_decision_reason": ("decision_reason", "string", "Why"),
    "readiness_reason_1": ("reason_1", "string", "First reason"),
    "readiness_reason_2": ("reason_2", "string", "Second reason"),
    "readiness_reason_3": ("reason_3", "string", "Third reason"),
    "readiness_as_of": ("as_of", "string", "As of"),
    "readiness_model_version": ("model_version", "string", "Model version"),
}
"""Outputs by name: the field of a score, HubSpot's type, its label."""


@dataclass(frozen=True)
class Action:
    """One execution of the action."""

    callback_id: str
    lead_id: str
    later: bool


def read_action(told: Any) -> Action:
    """The execution that a request is about. Raises ValueError with one sentence."""
    if not isinstance(told, dict):
        raise ValueError("The body is not an object. Expected an execution of a custom action.")  # noqa: TRY004
    callback = told.get("callbackId")
    if not isinstance(callback, str) or _CALLBACK.fullmatch(callback) is None:
        raise ValueError(
            "callbackId is missing or strange. Expected letters, digits and dashes, as HubSpot sends them."
        )
    inputs, subject = told.get("inputFields") or {}, told.get("object") or {}
    if not isinstance(inputs, dict) or not isinstance(subject, dict):
        raise ValueError("inputFields or object is not an object. Expected them as HubSpot sends them.")  # noqa: TRY004
    lead = inputs.get("lead_id") or subject.get("objectId")
    answer = inputs.get("answer") or "at_once"
    if not isinstance(answer, str) or answer not in {"at_once", "later"}:
        raise ValueError(f"answer is {str(answer)[:40]!r}. Expected at_once or later.")
    return Action(callback, identity("object.objectId", lead), answer == "later")


def answered(score: Mapping[str, Any]) -> dict[str, Any]:
    """The answer for a lead that was scored."""
    found = {name: _text(field, score.get(field)) for name, (field, _, _) in _OUTPUTS.items()}
    return {"outputFields": {**found, "hs_execution_state": "SUCCESS"}}


def not_answered(reason: str) -> dict[str, Any]:
    """The answer for a lead that has no score: the workflow goes on and can branch on it."""
    return {"outputFields": {"readiness_decision_reason": reason[:1_000], "hs_execution_state": "FAIL_CONTINUE"}}


def blocked() -> dict[str, Any]:
    """The answer that makes the workflow wait for a callback."""
    return {"outputFields": {"hs_execution_state": "BLOCK", "hs_expiration_duration": EXPIRATION}}


def completion_url(api: str, callback_id: str) -> str:
    """Where a blocked execution is completed."""
    return f"{api}/automation/v4/actions/callbacks/{quote(callback_id, safe='')}/complete"


def completion(url: str, answer: Mapping[str, Any]) -> Outgoing:
    """The request that completes a blocked execution."""
    return Outgoing("POST", url, {"content-type": "application/json"}, json_body(answer))


def definition(public_url: str) -> dict[str, Any]:
    """The action as it is registered with HubSpot's automation API (version 4)."""
    choices = [{"value": "at_once", "label": "At once"}, {"value": "later", "label": "Later, by callback"}]
    inputs = [
        _field("answer", "enumeration", "select", "STATIC_VALUE", options=choices),
        _field("lead_id", "string", "text", "OBJECT_PROPERTY"),
    ]
    return {
        "actionUrl": f"{public_url}/v1/hubspot/action",
        "published": False,
        "objectTypes": ["CONTACT"],
        "objectRequestOptions": {"properties": []},
        "inputFields": inputs,
        "outputFields": [
            {"typeDefinition": {"name": name, "type": kind, "fieldType": "number" if kind == "number" else "text"}}
            for name, (_, kind, _) in _OUTPUTS.items()
        ],
        "functions": [],
        "labels": {"en": _labels()},
    }


def _field(name: str, kind: str, shown: str, values: str, **more: Any) -> dict[str, Any]:
    kinds = {"name": name, "type": kind, "fieldType": shown, **more}
    return {"typeDefinition": kinds, "supportedValueTypes": [values], "isRequired": False}


def _labels() -> dict[str, Any]:
    return {
        "actionName": "Score readiness",
        "actionDescription": "How ready this contact is to talk to sales, and why.",
        "actionCardContent": "Score readiness",
        "inputFieldLabels": {"answer": "Answer", "lead_id": "Id of the lead"},
        "inputFieldDescriptions": {
            "answer": "At once, or later: the workflow then waits for the score.",
            "lead_id": "Leave empty where a lead's id is the contact's own in HubSpot.",
        },
        "outputFieldLabels": {name: label for name, (_, _, label) in _OUTPUTS.items()},
    }


def _text(field: str, value: Any) -> str:
    if value is None:
        return ""
    if field == "index":
        return str(round(float(value)))
    return value if isinstance(value, str) else f"{value:.6g}"
