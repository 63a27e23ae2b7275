"""HubSpot's custom workflow action over HTTP."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request

from data.clock import wall_clock
from serving.access import require
from serving.body import json_value
from serving.deciding.routes import RecorderDep
from serving.platforms import hubspot
from serving.platforms.asking import score_of
from serving.platforms.callbacks import keep_action
from serving.platforms.doors import enter, public_url
from serving.platforms.settings import PlatformSettings
from serving.problems import Refusal, documented
from serving.service import ServiceDep

_ACTION = {
    "callbackId": "ap-102670506-56777914962-11-0",
    "object": {"objectId": 614, "objectType": "CONTACT"},
    "inputFields": {"answer": "at_once"},
}
_EXTRA: dict[str, Any] = {
    "security": [{"bearer": []}, {"apiKey": []}],
    "requestBody": {
        "required": True,
        "content": {"application/json": {"schema": {"type": "object"}, "examples": {"one": {"value": _ACTION}}}},
    },
}


def hubspot_routes(settings: PlatformSettings) -> APIRouter:
    """The doors for HubSpot, as these settings open them."""
    routes = APIRouter(prefix="/v1/hubspot", tags=["platforms"])

    @routes.post(
        "/action",
        name="hubspotAction",
        summary="An execution of HubSpot's workflow action",
        description="Scores a stored lead and answers with outputFields, at once or by a callback. Let in by HubSpot's "
        "signature, once READINESS_HUBSPOT_SECRET is set, or by a key.",
        responses=documented(400, 401, 403, 404, 408, 413, 415, 422, 503),
        openapi_extra=_EXTRA,
    )
    async def action(request: Request, service: ServiceDep, recorder: RecorderDep) -> dict[str, Any]:
        """Score a contact. HubSpot asks again after a 5xx, and not after a 4xx."""
        _, body = await enter(request, service, settings, "hubspot", "score")
        try:
            asked = hubspot.read_action(json_value(body))
        except ValueError as error:
            raise Refusal(422, "invalid-request", str(error)) from None
        if asked.later:
            now = wall_clock()
            await service.store.awrite(lambda connection: keep_action(connection, asked, settings, now))
            return hubspot.blocked()
        told = await score_of(service.store, recorder, service.loaded, asked.lead_id)
        return hubspot.not_answered(told) if isinstance(told, str) else hubspot.answered(told)

    @routes.get(
        "/action-definition",
        name="hubspotActionDefinition",
        summary="The definition of HubSpot's workflow action",
        description="To be registered with HubSpot's automation API.",
        responses=documented(401, 403),
    )
    async def definition(request: Request, _: Annotated[object, Depends(require("read"))]) -> dict[str, Any]:
        """The definition, with the address of this service."""
        return hubspot.definition(public_url(request, settings))

    return routes
