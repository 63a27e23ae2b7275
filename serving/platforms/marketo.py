"""Marketo's Self-Service Flow Step: a chunk of leads is accepted, and its scores are sent to a callback address.

A lead is the person under its number in Marketo, unless the field mapping gives ``leadId``. The same batch and lead are
answered once. Scores are plain integers: a text such as "+5" would be added to what a score field holds.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx

from serving.egress import allows
from serving.platforms.reading import identity
from serving.platforms.writeback import Outgoing, json_body

CALLBACK_HOSTS = ("*.adobe.io", "*.adobe.com", "*.marketo.com", "*.mktorest.com")
"""Where results may be sent unless READINESS_MARKETO_CALLBACK_HOSTS says otherwise."""
MAX_LEADS = 10_000
_URL_LENGTH = 2_000
_SECRET_LENGTH = 4_000


@dataclass(frozen=True)
class Person:
    """One lead of a chunk: Marketo's number, our id, the horizon that the flow step asks about ("": the primary)."""

    number: int
    lead_id: str
    horizon: str = ""


@dataclass(frozen=True)
class Chunk:
    """Leads that are to be scored, and where the results go. The secrets are one-time, kept out of printed forms."""

    batch_id: str
    munchkin_id: str
    callback_url: str
    people: tuple[Person, ...]
    token: str = field(default="", repr=False)
    api_key: str = field(default="", repr=False)

    @property
    def batch_key(self) -> str:
        """What all callbacks of this batch begin with."""
        return f"marketo:{hashlib.sha256(self.batch_id.encode()).hexdigest()[:32]}:"

    @property
    def callback_id(self) -> str:
        """The same for the same leads of the same batch."""
        told = "\n".join(sorted(str(person.number) for person in self.people))
        return self.batch_key + hashlib.sha256(told.encode()).hexdigest()[:16]

    @property
    def headers(self) -> dict[str, str]:
        """The headers of the callback."""
        found = {"x-api-key": self.api_key, "x-callback-token": self.token}
        return {name: value for name, value in found.items() if value}


def read_chunk(told: Any, hosts: Sequence[str]) -> Chunk:
    """The chunk of a submission. Raises ValueError with one sentence; a lead that is told twice counts once."""
    if not isinstance(told, dict):
        raise ValueError("The body is not an object. Expected a submission of a flow step.")  # noqa: TRY004
    url = _text(told, "callbackUrl", _URL_LENGTH)
    if not url.startswith("https://") or not allows(hosts, _host(url)):
        raise ValueError(
            f"callbackUrl is {url[:100]!r}. Expected https and one of {', '.join(hosts)}; "
            "READINESS_MARKETO_CALLBACK_HOSTS names others."
        )
    listed = told.get("objectData")
    if not isinstance(listed, list) or not 1 <= len(listed) <= MAX_LEADS:
        raise ValueError(f"objectData is no list of 1 to {MAX_LEADS:,} leads. Send the leads of the flow step.")
    context = told.get("context")
    subscription = context.get("subscription") if isinstance(context, dict) else None
    munchkin = subscription.get("munchkinId") if isinstance(subscription, dict) else None
    people = {person.number: person for person in map(_person, range(len(listed)), listed)}
    return Chunk(
        identity("batchid", told.get("batchid")),
        identity("context.subscription.munchkinId", munchkin),
        url,
        tuple(people.values()),
        _text(told, "token", _SECRET_LENGTH, ""),
        _text(told, "apiCallBackKey", _SECRET_LENGTH, ""),
    )


def _person(place: int, told: Any) -> Person:
    lead = told.get("objectContext") if isinstance(told, dict) else None
    number = lead.get("id") if isinstance(lead, dict) else None
    if isinstance(number, bool) or not isinstance(number, int) or not 0 < number < 2**63 or not isinstance(lead, dict):
        raise ValueError(f"objectData[{place}].objectContext.id is no number. Expected the lead's number in Marketo.")
    flow = told.get("flowStepContext")
    horizon = flow.get("horizon") if isinstance(flow, dict) else None
    own = lead.get("leadId")
    return Person(
        number,
        str(number) if own is None or own == "" else identity("leadId", own),
        horizon[:20] if isinstance(horizon, str) else "",
    )


def _text(told: Mapping[str, Any], name: str, length: int, default: str | None = None) -> str:
    found = told.get(name, default)
    if not isinstance(found, str) or len(found) > length or any(character < " " for character in found):
        raise ValueError(
            f"{name} is missing or no text of up to {length:,} characters. Expected it as Marketo sends it."
        )
    return found


def _host(url: str) -> str:
    try:
        return httpx.URL(url).host
    except (httpx.InvalidURL, ValueError):
        return ""


def results(
    munchkin_id: str, people: Sequence[Person], scores: Mapping[str, Mapping[str, Any] | str]
) -> dict[str, Any]:
    """The body of a callback: ``scores`` has a score for each lead id, or the sentence that says why it has none."""
    return {
        "munchkinId": munchkin_id,
        "defaultValues": {"leadDefaults": {}, "activityDefaults": {}},
        "objectData": [_result(person, scores.get(person.lead_id, "The lead is not known.")) for person in people],
    }


def _result(person: Person, score: Mapping[str, Any] | str) -> dict[str, Any]:
    if isinstance(score, str):
        told = {"success": False, "errorCode": "NO_SCORE", "reason": score[:255]}
        return {"leadData": {"id": person.number}, "activityData": told}
    index, horizons = round(float(score["index"])), score.get("horizons") or {}
    probability = horizons.get(person.horizon, score["readiness"])
    fields = {
        "readinessScore": index,
        "readinessProbability": probability,
        "readinessState": score["state"],
        "readinessReason": str(score["decision_reason"])[:2_000],
        "readinessAsOf": score["as_of"],
    }
    told = {
        "success": True,
        "scoredIndex": index,
        "scoredProbability": probability,
        "scoredState": score["state"],
        "modelVersion": score["model_version"],
    }
    return {"leadData": {"id": person.number, **fields}, "activityData": told}


def callback(url: str, headers: Mapping[str, str], body: Mapping[str, Any]) -> Outgoing:
    """The request that delivers results."""
    return Outgoing("POST", url, {"content-type": "application/json", **headers}, json_body(body))


def flat(score: Mapping[str, Any]) -> dict[str, Any]:
    """The answer to a classic webhook: one level, nothing null, to be mapped to fields in Marketo."""
    return {
        "readinessScore": round(float(score["index"])),
        "readinessProbability": score["readiness"],
        "readinessState": score["state"],
        "decision": score["decision"],
        "decisionReason": score["decision_reason"],
        "reason1": score["reason_1"],
        "reason2": score["reason_2"],
        "reason3": score["reason_3"],
        "asOf": score["as_of"],
        "modelVersion": score["model_version"],
    }
