"""What Marketo reads when the flow step is installed, and every night: definition, picklist, OpenAPI, instructions."""

from collections.abc import Sequence
from typing import Any

from serving.platforms.marketo_schemas import PATHS, SCHEMAS

NAME = "Readiness"
BRAND_ICON = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 64 64" width="64" height="64">'
    '<rect width="64" height="64" rx="12" fill="#17324d"/>'
    '<path d="M12 46 L26 32 L36 38 L52 16" fill="none" stroke="#f2b632" stroke-width="6" stroke-linecap="round"/>'
    '<circle cx="52" cy="16" r="5" fill="#f2b632"/></svg>'
)
INSTRUCTIONS = (
    "<!doctype html><html lang='en'><head><meta charset='utf-8'><title>Readiness</title></head><body>"
    "<h1>Readiness</h1><ol>"
    "<li>Make a key with the scope score: <code>readiness keys create marketo --scope score</code>.</li>"
    "<li>Enter it as the API key of this service.</li>"
    "<li>Map the incoming fields: readinessScore to an integer field of the person, the others as you like.</li>"
    "<li>Where your lead ids are not Marketo's numbers, map the outgoing field leadId to the field that has them.</li>"
    "<li>In a smart campaign, add the flow step and choose the horizon.</li>"
    "</ol></body></html>"
)


def openapi(base_url: str, support: str) -> dict[str, Any]:
    """The OpenAPI 3.0.1 document by which the service is installed. ``base_url`` is that of all its paths."""
    contact = {"x-supportEmail": support} if "@" in support else {"x-supportPage": support or base_url}
    return {
        "openapi": "3.0.1",
        "info": {
            "title": "Readiness flow step",
            "description": "How ready a person is to talk to sales, and why.",
            "version": "1.0.0",
            "x-providerName": NAME,
            "x-schemaVersion": "1.0.0",
            "x-supportContact": contact,
        },
        "servers": [{"url": base_url}],
        "security": [{"apiKey": []}],
        "tags": [{"name": "flow action", "description": "Score readiness"}],
        "paths": PATHS,
        "components": {
            "securitySchemes": {"apiKey": {"type": "apiKey", "in": "header", "name": "X-Api-Key"}},
            "schemas": SCHEMAS,
        },
    }


def service_definition(base_url: str, support: str) -> dict[str, Any]:
    """What the flow step takes and gives back."""
    horizon = _attribute("horizon", "string", "Horizon", "How far ahead the probability reaches.")
    return {
        "apiName": "readiness",
        "provider": NAME,
        "i18n": {
            "en_US": {
                "name": "Score readiness",
                "filterName": "Readiness was scored",
                "triggerName": "Readiness is scored",
                "description": "How ready a person is to talk to sales, and why.",
            }
        },
        "invocationEndpoint": f"{base_url}/submitAsyncAction",
        "statusEndpoint": f"{base_url}/status",
        "authSetting": {"authType": "apiKey", "headerName": "X-Api-Key"},
        **({"supportEmail": support} if "@" in support else {"supportPage": support or base_url}),
        "primaryAttribute": "horizon",
        "invocationPayloadDef": {
            "globalAttributes": [],
            "flowAttributes": [{**horizon, "enforcePicklistSelect": True, "picklistUrl": f"{base_url}/getPicklist"}],
            "fields": [
                {**_mapped("leadId", "string", "The id of the lead, where it is not Marketo's"), "required": False}
            ],
            "headers": [],
            "userDrivenMapping": False,
            "programContext": False,
            "campaignContext": False,
            "triggerContext": False,
            "programMemberContext": False,
            "subscriptionContext": True,
            "myTokenContext": [],
        },
        "callbackPayloadDef": {
            "attributes": [
                _attribute("scoredIndex", "integer", "Index", "Readiness on a scale of 0 to 100."),
                _attribute("scoredProbability", "float", "Probability", "Readiness within the horizon."),
                _attribute("scoredState", "string", "State", "Where the lead stands."),
                _attribute("modelVersion", "string", "Model version", "The version that scored."),
            ],
            "fields": [
                _mapped("readinessScore", "integer", "Readiness on a scale of 0 to 100"),
                _mapped("readinessProbability", "float", "The probability of the outcome within the horizon"),
                _mapped("readinessState", "string", "nurture, ready, working, recycled or let go"),
                _mapped("readinessReason", "text", "Why, in one sentence"),
                _mapped("readinessAsOf", "datetime", "The moment of the score"),
            ],
            "userDrivenMapping": False,
        },
    }


def picklist(told: Any, horizons: Sequence[str]) -> dict[str, Any]:
    """The choices of a flow step's attribute. Raises ValueError for one that there is not."""
    name = told.get("name") if isinstance(told, dict) else None
    if name != "horizon":
        raise ValueError(f"name is {str(name)[:40]!r}. Expected horizon, the one attribute with choices.")
    return {"choices": [{"displayValue": {"en_US": one}, "submittedValue": one} for one in horizons]}


def _attribute(name: str, kind: str, label: str, description: str) -> dict[str, Any]:
    told = {"name": label, "description": description, "uiTooltip": description}
    return {"apiName": name, "dataType": kind, "i18n": {"en_US": told}}


def _mapped(name: str, kind: str, description: str) -> dict[str, Any]:
    return {
        "serviceAttribute": name,
        "suggestedMarketoAttribute": name,
        "dataType": kind,
        "description": {"en_US": description},
    }
