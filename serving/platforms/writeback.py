"""A crossing written back to a platform: the request that tells it, for each platform in its own shape.

    hubspot     PATCH {url}/crm/v3/objects/contacts/{lead}: contact properties
    marketo     POST {url}/rest/v1/leads.json: lead sync, action updateOnly
    salesforce  PATCH {url}/services/data/{version}/sobjects/{object}/{lead}, or a platform event (``event``)
    dynamics    PATCH {url}/api/data/v9.0/msdyn_predictivescores(...): an upsert by its alternate key
    mautic      POST {url}/api/contacts/{lead}/points/groups/{group}/set/{index}

``url`` is the platform's own base address. Every request may be sent twice without harm, platform events apart.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

from data.errors import ContractError, ReadinessError
from serving.outbox.kinds import ALARM

Settings = Mapping[str, Any]
Message = Mapping[str, Any]

_GUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_JSON = {"content-type": "application/json", "accept": "application/json"}
FIELDS = {
    "hubspot": {
        "index": "readiness_index",
        "p": "readiness_probability",
        "state": "readiness_state",
        "reason": "readiness_reason",
        "as_of": "readiness_as_of",
        "model_version": "readiness_model_version",
    },
    "marketo": {"index": "readinessScore", "state": "readinessState", "reason": "readinessReason"},
    "salesforce": {
        "index": "Readiness_Index__c",
        "p": "Readiness_Probability__c",
        "state": "Readiness_State__c",
        "previous_state": "Readiness_Previous_State__c",
        "reason": "Readiness_Reason__c",
        "as_of": "Readiness_As_Of__c",
    },
}
"""What is written where, unless the subscriber's ``fields`` say otherwise: our words and the platform's fields."""


class UnfitError(ReadinessError):
    """A message that cannot be told to this platform, however often it is tried."""


@dataclass(frozen=True)
class Outgoing:
    """A request to be sent, without its credentials."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes


def request_for(platform: str, url: str, settings: Settings, message: Message) -> Outgoing | None:
    """The request that tells a platform of ``message`` (a CloudEvent of the outbox); None: nothing to tell it.

    Raises UnfitError when the message does not fit the platform, ContractError when the settings do not.
    """
    make = _MAKERS.get(platform)
    if make is None:
        raise ContractError(f"{platform!r} is no platform to write to. Expected one of {', '.join(_MAKERS)}.")
    if message.get("type") == ALARM:
        return None
    told = message.get("data")
    if not isinstance(told, dict) or not isinstance(told.get("lead_id"), str):
        raise UnfitError("The message is of no lead. Only crossings of leads are written back.")
    return make(url.rstrip("/"), settings, told, str(message.get("id", "")))


def fault_of(platform: str, status: int, body: bytes) -> str | None:
    """Why a platform did not take a request that it answered; None when it did. Marketo says so in a 200."""
    if not 200 <= status < 300:
        return f"{platform} answered {status}."
    if platform != "marketo":
        return None
    try:
        told = json.loads(body)
        rows = told.get("result") or []
        reasons = told.get("errors") or [why for row in rows for why in row.get("reasons", [])]
        skipped = [row for row in rows if row.get("status") == "skipped"]
    except (ValueError, AttributeError, TypeError, RecursionError):
        return None  # the address for results of flow steps answers without the envelope of Marketo's REST API
    if told.get("success", True) is True and not skipped:
        return None
    first = reasons[0] if reasons and isinstance(reasons[0], dict) else {}
    why = f"{str(first.get('code', ''))[:20]} {str(first.get('message', ''))[:200]}".strip()
    return f"marketo answered 200 but took nothing: {why or 'it says not why'}."


def values_of(told: Mapping[str, Any]) -> dict[str, Any]:
    """What can be written of a crossing, in our words; what is not known is absent."""
    reasons = [one.get("text", "") for one in told.get("reasons") or []]
    index = told.get("index")
    found = {
        "index": None if index is None else round(min(max(float(index), 0.0), 100.0)),
        **{name: told.get(name) for name in _PLAIN},
        **{f"reason_{place}": text for place, text in enumerate(reasons[:3], start=1)},
    }
    return {name: value for name, value in found.items() if value is not None}


_PLAIN = ("p", "horizon_days", "state", "previous_state", "reason", "as_of", "at", "next_date", "model_version")
_WORDS = frozenset({"index", *_PLAIN, "reason_1", "reason_2", "reason_3"})


def _named(platform: str, settings: Settings, told: Mapping[str, Any]) -> dict[str, Any]:
    """The values under the platform's names."""
    fields = settings.get("fields") or FIELDS[platform]
    unknown = sorted(set(fields) - _WORDS)
    if unknown:
        raise ContractError(f"fields names {unknown[0]!r}. Expected some of {', '.join(sorted(_WORDS))}.")
    values = values_of(told)
    return {theirs: values[ours] for ours, theirs in fields.items() if ours in values}


def _hubspot(url: str, settings: Settings, told: Mapping[str, Any], _: str) -> Outgoing:
    by = settings.get("id_property")
    asked = f"?{urlencode({'idProperty': by})}" if by else ""
    properties = {name: _text(value) for name, value in _named("hubspot", settings, told).items()}
    where = f"{url}/crm/v3/objects/contacts/{_quoted(told)}{asked}"
    return Outgoing("PATCH", where, _JSON, json_body({"properties": properties}))


def _marketo(url: str, settings: Settings, told: Mapping[str, Any], _: str) -> Outgoing:
    """Numbers go as numbers: a text such as "+5" would be added to what is there."""
    lookup = settings.get("lookup_field", "id")
    lead: int | str = told["lead_id"]
    if lookup == "id":
        if not re.fullmatch(r"[0-9]{1,18}", told["lead_id"]):
            raise UnfitError("The lead's id is no number of Marketo's. Expected one, or lookup_field in the settings.")
        lead = int(told["lead_id"])
    row = {lookup: lead, **_named("marketo", settings, told)}
    body = {"action": "updateOnly", "lookupField": lookup, "input": [row]}
    return Outgoing("POST", f"{url}/rest/v1/leads.json", _JSON, json_body(body))


def _salesforce(url: str, settings: Settings, told: Mapping[str, Any], message_id: str) -> Outgoing:
    base = f"{url}/services/data/{settings.get('api_version', 'v62.0')}/sobjects"
    fields = _named("salesforce", settings, told)
    if settings.get("event"):
        key = {"Readiness_Lead_Id__c": told["lead_id"], "Readiness_Message_Id__c": message_id}
        return Outgoing("POST", f"{base}/{quote(settings['event'], safe='')}", _JSON, json_body({**key, **fields}))
    key_field = settings.get("external_id")
    by = f"{quote(key_field, safe='')}/" if key_field else ""
    where = f"{base}/{quote(settings.get('object', 'Lead'), safe='')}/{by}{_quoted(told)}"
    return Outgoing("PATCH", where, _JSON, json_body(fields))


def _dynamics(url: str, settings: Settings, told: Mapping[str, Any], _: str) -> Outgoing | None:
    values = values_of(told)
    if "index" not in values:
        return None
    if _GUID.fullmatch(told["lead_id"]) is None:
        raise UnfitError("The lead's id is no GUID. Expected the id of the lead in Dynamics.")
    entity = quote(f"'{settings.get('entity', 'lead')}'", safe="")
    key = f"msdyn_entityid={quote(chr(39) + told['lead_id'] + chr(39), safe='')},msdyn_entitytype={entity}"
    trend = {"ready": 0, "nurture": 2 if told.get("previous_state") == "ready" else 1}.get(str(told.get("state")), 1)
    limits = settings.get("grades", [75, 50, 25])
    grade = sum(values["index"] < limit for limit in limits)
    body = {"msdyn_score": values["index"], "msdyn_scoretrend": trend, "msdyn_grade": grade}
    return Outgoing("PATCH", f"{url}/api/data/v9.0/msdyn_predictivescores({key})", _JSON, json_body(body))


def _mautic(url: str, settings: Settings, told: Mapping[str, Any], _: str) -> Outgoing | None:
    values = values_of(told)
    if "index" not in values:
        return None
    group = settings.get("group")
    if not isinstance(group, int) or isinstance(group, bool):
        raise ContractError("The settings name no point group. Expected group: the number of one in Mautic.")
    where = f"{url}/api/contacts/{_quoted(told)}/points/groups/{group}/set/{values['index']}"
    return Outgoing("POST", where, _JSON, b"")


_MAKERS: dict[str, Callable[[str, Settings, Mapping[str, Any], str], Outgoing | None]] = {
    "hubspot": _hubspot,
    "marketo": _marketo,
    "salesforce": _salesforce,
    "dynamics": _dynamics,
    "mautic": _mautic,
}
PLATFORMS = tuple(_MAKERS)


def _quoted(told: Mapping[str, Any]) -> str:
    """The lead's id as one segment of a path."""
    if told["lead_id"] in {".", ".."}:
        raise UnfitError("The lead's id would lead elsewhere. Expected the platform's own id.")
    return quote(told["lead_id"], safe="")


def _text(value: Any) -> str:
    return value if isinstance(value, str) else f"{value:g}"


def json_body(value: object) -> bytes:
    """A value as compact JSON."""
    return json.dumps(value, separators=(",", ":"), allow_nan=False, ensure_ascii=False).encode()
