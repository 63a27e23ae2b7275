"""A campaign of Mautic asks for a contact's score."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request

from data.clock import wall_clock
from serving.access import require
from serving.body import is_json, json_value, media_type, read_body
from serving.deciding.routes import RecorderDep
from serving.platforms.asking import score_of
from serving.platforms.callbacks import keep_points
from serving.platforms.mautic_campaign import read_contact, read_form
from serving.platforms.settings import PlatformSettings
from serving.problems import Refusal, documented
from serving.service import ServiceDep

_FORM = "application/x-www-form-urlencoded"
_CONTENT = {"schema": {"type": "object", "properties": {"lead_id": {"type": "string"}}, "required": ["lead_id"]}}
_EXTRA: dict[str, Any] = {"requestBody": {"required": True, "content": {_FORM: _CONTENT, "application/json": _CONTENT}}}


def mautic_routes(settings: PlatformSettings) -> APIRouter:
    """The door for campaigns, as these settings open it."""
    routes = APIRouter(prefix="/v1/mautic", tags=["platforms"])

    @routes.post(
        "/campaign",
        name="mauticCampaign",
        summary="A campaign of Mautic asks for a score",
        description="A form or JSON with lead_id. Mautic ignores the answer: the index is written to the point group "
        "READINESS_MAUTIC_GROUP soon after.",
        responses=documented(400, 401, 403, 404, 408, 413, 415, 503),
        openapi_extra=_EXTRA,
    )
    async def campaign(
        request: Request, service: ServiceDep, recorder: RecorderDep, _: Annotated[object, Depends(require("score"))]
    ) -> dict[str, Any]:
        """Score a contact, and remember to write the score back."""
        if not (settings.mautic_api and settings.mautic_group):
            detail = "Nothing is written back: set READINESS_MAUTIC_API and READINESS_MAUTIC_GROUP for this service."
            raise Refusal(404, "no-mautic", detail)
        body = await read_body(request.scope, request.receive, service.settings.max_body_bytes)
        try:
            lead = read_contact(json_value(body) if is_json(media_type(request.scope)) else read_form(body))
        except ValueError as error:
            raise Refusal(400, "invalid-request", str(error)) from None
        score = await score_of(service.store, recorder, service.loaded, lead)
        if isinstance(score, str):
            raise Refusal(404, "no-score", score)
        now, index = wall_clock(), float(score["index"])
        await service.store.awrite(lambda connection: keep_points(connection, lead, index, settings, now))
        return {"lead_id": lead, "index": round(index)}

    return routes
