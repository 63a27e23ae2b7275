"""Flat operations for form builders, above all Salesforce's External Services, and the document that describes them."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request

from serving.access import require
from serving.body import parse, read_json
from serving.deciding.routes import RecorderDep
from serving.ingest.items import EventItem, Item, OutcomeItem, Placed, Told
from serving.ingest.storing import store_told
from serving.keys import Caller
from serving.platforms.asking import score_of
from serving.platforms.doors import public_url
from serving.platforms.flat import FlatLeadIn, FlatOutcomeIn, FlatScoreOut, FlatTakenOut, FlatTouchIn
from serving.platforms.openapi30 import down_convert
from serving.platforms.settings import PlatformSettings
from serving.problems import Refusal, documented
from serving.service import Service, ServiceDep

OPERATIONS = ("scoreLead", "recordTouch", "recordOutcome")
_ERRORS = documented(400, 401, 403, 404, 408, 413, 415, 422, 503, 507)


def _body(schema: str) -> dict[str, Any]:
    content = {"application/json": {"schema": {"$ref": f"#/components/schemas/{schema}"}}}
    return {"requestBody": {"required": True, "content": content}}


def salesforce_routes(settings: PlatformSettings) -> APIRouter:
    """The doors for Salesforce, as these settings open them."""
    routes = APIRouter(prefix="/v1/salesforce", tags=["platforms"])

    @routes.get("/openapi.json", name="salesforceOpenapi", summary="These operations as OpenAPI 3.0.3")
    async def document(request: Request) -> dict[str, Any]:
        """The document for External Services."""
        return down_convert(request.app.openapi(), OPERATIONS, public_url(request, settings))

    @routes.post(
        "/score",
        name="scoreLead",
        summary="Score a lead",
        description="How ready a stored lead is now, and why: one level, nothing null.",
        responses=_ERRORS,
        openapi_extra=_body("FlatLeadIn"),
    )
    async def score(
        request: Request, service: ServiceDep, recorder: RecorderDep, _: Annotated[object, Depends(require("score"))]
    ) -> FlatScoreOut:
        """Score a lead."""
        lead = parse(FlatLeadIn, await read_json(request, service.settings.max_body_bytes))
        told = await score_of(service.store, recorder, service.loaded, lead.lead_id)
        if isinstance(told, str):
            raise Refusal(404, "no-score", told)
        found = {name: told[name] for name in FlatScoreOut.model_fields}
        return FlatScoreOut(**{**found, "index": round(float(told["index"]))})

    @routes.post(
        "/touch",
        name="recordTouch",
        summary="Record what sales did",
        description="A call, a meeting. An open lead is then sales'; given_back returns it.",
        responses=_ERRORS,
        openapi_extra=_body("FlatTouchIn"),
    )
    async def touch(
        request: Request, service: ServiceDep, caller: Annotated[Caller, Depends(require("ingest"))]
    ) -> FlatTakenOut:
        """Record a touch."""
        told = parse(FlatTouchIn, await read_json(request, service.settings.max_body_bytes))
        item = EventItem(
            lead_id=told.lead_id,
            kind=told.kind,
            occurred_at=told.occurred_at,
            actor="sales",
            given_back=told.given_back,
        )
        return await _take(service, caller, item)

    @routes.post(
        "/outcome",
        name="recordOutcome",
        summary="Record an outcome",
        description="Opportunity, won, lost. An outcome that the contract calls terminal closes the lead.",
        responses=_ERRORS,
        openapi_extra=_body("FlatOutcomeIn"),
    )
    async def outcome(
        request: Request, service: ServiceDep, caller: Annotated[Caller, Depends(require("ingest"))]
    ) -> FlatTakenOut:
        """Record an outcome."""
        told = parse(FlatOutcomeIn, await read_json(request, service.settings.max_body_bytes))
        item = OutcomeItem(lead_id=told.lead_id, kind=told.kind, occurred_at=told.occurred_at, value=told.value)
        return await _take(service, caller, item)

    return routes


async def _take(service: Service, caller: Caller, item: Item) -> FlatTakenOut:
    told = Told([Placed(0, item)])
    taken = await store_told(service.store, told, loaded=service.loaded_if_any, by=caller.name)
    if taken.refused:
        raise Refusal(422, "invalid-request", taken.refused[0].reason)
    return FlatTakenOut(taken=taken.taken, duplicates=taken.duplicates)
