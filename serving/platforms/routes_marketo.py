"""Marketo's flow step and webhook over HTTP."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse

from data.clock import wall_clock
from serving.access import require
from serving.body import json_value, read_body, read_json
from serving.deciding.routes import RecorderDep
from serving.platforms import marketo, marketo_service
from serving.platforms.asking import score_of
from serving.platforms.callbacks import keep_chunk
from serving.platforms.doors import public_url
from serving.platforms.reading import identity
from serving.platforms.settings import PlatformSettings
from serving.problems import Refusal, documented
from serving.service import ServiceDep

_SCORES = Annotated[object, Depends(require("score"))]
_LOADING = "The model is being loaded: leads are accepted, and answered as soon as it is there."
_DRAWN: dict[int | str, dict[str, Any]] = {200: {"content": {"image/svg+xml": {"schema": {"type": "string"}}}}}
_ICON: dict[str, Any] = {
    "summary": "An icon",
    "description": "What Marketo shows beside the flow step, as SVG.",
    "response_class": Response,
    "responses": _DRAWN,
}
_ERRORS = documented(400, 401, 403, 404, 408, 413, 415, 503)


def _body(example: dict[str, Any]) -> dict[str, Any]:
    content = {"schema": {"type": "object"}, "examples": {"one": {"value": example}}}
    return {"requestBody": {"required": True, "content": {"application/json": content}}}


_SUBMISSION = {
    "batchid": "9e7d",
    "campaignId": 1001,
    "callbackUrl": "https://mkto-gateway.adobe.io/callback",
    "token": "one-time",
    "apiCallBackKey": "key",
    "context": {"subscription": {"munchkinId": "AAA-999-ZZZ"}},
    "objectData": [{"objectType": "lead", "objectContext": {"id": 1_000_000}, "flowStepContext": {"horizon": "90d"}}],
}


def marketo_routes(settings: PlatformSettings) -> APIRouter:
    """The doors for Marketo, as these settings open them."""
    routes = APIRouter(prefix="/v1/marketo", tags=["platforms"])
    _install(routes, settings)
    _watch(routes)

    @routes.post(
        "/submitAsyncAction",
        name="marketoSubmit",
        summary="Leads of Marketo's flow step",
        description="Accepted when it is durable; the scores are sent to callbackUrl. The same batch and lead are "
        "answered once.",
        status_code=201,
        responses=_ERRORS,
        openapi_extra=_body(_SUBMISSION),
    )
    async def submit(request: Request, service: ServiceDep, _: _SCORES) -> JSONResponse:
        """Keep a chunk of leads that are to be scored."""
        told = await read_json(request, service.settings.max_body_bytes)
        try:
            chunk = marketo.read_chunk(told, settings.marketo_callback_hosts)
        except ValueError as error:
            raise Refusal(400, "invalid-request", str(error)) from None
        now = wall_clock()
        new = await service.store.awrite(lambda connection: keep_chunk(connection, chunk, now))
        return JSONResponse({"accepted": len(chunk.people), "new": new}, 201)

    @routes.post(
        "/webhook",
        name="marketoWebhook",
        summary="A webhook of Marketo",
        description='A payload such as {"lead_id": {{lead.Id}}}; a flat answer, to be mapped to fields.',
        responses=_ERRORS,
        openapi_extra=_body({"lead_id": 1_000_000}),
    )
    async def webhook(request: Request, service: ServiceDep, recorder: RecorderDep, _: _SCORES) -> dict[str, Any]:
        """Score one lead at once."""
        # Marketo's own content type is whatever its user chose: the body has to be JSON, that is all.
        told = json_value(await read_body(request.scope, request.receive, service.settings.max_body_bytes))
        try:
            lead = identity("lead_id", told.get("lead_id") if isinstance(told, dict) else None)
        except ValueError as error:
            raise Refusal(400, "invalid-request", str(error)) from None
        score = await score_of(service.store, recorder, service.loaded, lead)
        if isinstance(score, str):
            raise Refusal(404, "no-score", score)
        return marketo.flat(score)

    return routes


def _install(routes: APIRouter, settings: PlatformSettings) -> None:
    """What is read when the flow step is installed; none of it speaks of the model, so it is open to anybody."""

    def base(request: Request) -> str:
        return f"{public_url(request, settings)}/v1/marketo"

    @routes.get(
        "/openapi.json",
        name="marketoOpenapi",
        summary="The document by which the flow step is installed",
        description="OpenAPI 3.0.1 as Marketo reads it: give its address to Marketo's service providers.",
    )
    async def openapi(request: Request) -> dict[str, Any]:
        return marketo_service.openapi(base(request), settings.support)

    @routes.get(
        "/getServiceDefinition",
        name="marketoDefinition",
        summary="What the flow step takes and gives back",
        description="The definition of the flow step: its attributes, and the fields that it fills.",
    )
    async def definition(request: Request) -> dict[str, Any]:
        return marketo_service.service_definition(base(request), settings.support)

    @routes.get("/serviceIcon", name="marketoServiceIcon", **_ICON)
    @routes.get("/brandIcon", name="marketoBrandIcon", **_ICON)
    async def icon() -> Response:
        return Response(marketo_service.BRAND_ICON, media_type="image/svg+xml")

    @routes.get(
        "/providerInstructions",
        name="marketoInstructions",
        summary="How to set the flow step up",
        description="A page that Marketo shows to whoever installs the flow step.",
        response_class=HTMLResponse,
    )
    async def instructions() -> HTMLResponse:
        return HTMLResponse(marketo_service.INSTRUCTIONS)


def _watch(routes: APIRouter) -> None:
    """What speaks of the model in use."""

    @routes.get(
        "/status",
        name="marketoStatus",
        summary="How the service is",
        description="What Marketo asks every night: the version that answers, and what is wrong.",
        responses=documented(401, 403),
    )
    async def status(service: ServiceDep, _: _SCORES) -> dict[str, list[str]]:
        loaded = service.loaded_if_any
        told = [] if loaded is None else [f"model version {loaded.version or 'of no registry'}"]
        return {"info": told, "warnings": [_LOADING] if loaded is None else [], "errors": []}

    @routes.post(
        "/getPicklist",
        name="marketoPicklist",
        summary="The choices of the flow step",
        description="The values from which a marketer chooses, such as the horizons.",
        responses=_ERRORS,
        openapi_extra=_body({"name": "horizon", "type": "flow"}),
    )
    async def picklist(request: Request, service: ServiceDep, _: _SCORES) -> dict[str, Any]:
        told = await read_json(request, service.settings.max_body_bytes)
        try:
            return marketo_service.picklist(told, service.loaded.bundle.horizon_names)
        except ValueError as error:
            raise Refusal(400, "invalid-request", str(error)) from None
