"""The endpoints."""

from typing import Annotated, Any, cast

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import PlainTextResponse
from msgspec.json import encode
from sqlalchemy import Connection, select

from models.reasons import REASONS
from models.scorer import Score
from serving import hot
from serving.access import require
from serving.beside import beside
from serving.body import parse, read_json
from serving.deciding.payloads import made_of
from serving.deciding.score_rows import Made
from serving.metrics import MEDIA_TYPE, Metrics
from serving.problems import documented
from serving.schemas import LeadsRaw, ModelOut, ReadyOut, ScoreOut, ScoresOut, StatusOut
from serving.scoring import Asked, model_card, score_many
from serving.service import ServiceDep

open_routes = APIRouter(tags=["state"])
keyed_routes = APIRouter(prefix="/v1", tags=["readiness"])


Reasons = Annotated[int, Query(ge=0, le=REASONS, description="How many reasons are wanted; 0 spares their cost.")]


def _body(schema: str, example: dict[str, Any]) -> dict[str, Any]:
    """The description of a body that is read by hand."""
    content = {"schema": {"$ref": f"#/components/schemas/{schema}"}, "examples": {"one": {"value": example}}}
    return {"requestBody": {"required": True, "content": {"application/json": content}}}


_LEAD = {
    "lead_id": "L-1042",
    "created_at": "2026-01-05T08:00:00Z",
    "as_of": "2026-01-31T09:30:00Z",
    "attributes": {"industry": "software", "employees": 250},
    "events": [
        {"kind": "asset_download", "occurred_at": "2026-01-05T08:00:00Z", "item": "white-paper"},
        {"kind": "pricing_view", "occurred_at": "2026-01-29T14:12:00Z", "value": 48},
    ],
}


@keyed_routes.post(
    "/score",
    name="score",
    dependencies=[Depends(require("score"))],
    summary="Score one lead",
    description="One lead with its events in, one flat answer out. The lead is not kept; with a store the answer is, "
    "and the header `x-score-id` names it for `GET /v1/scores/{score_id}`. Reasons cost as much as the score: leave "
    "them out where nobody reads them.",
    responses=documented(400, 401, 403, 408, 413, 415, 422, 500, 503),
    openapi_extra=_body("LeadIn", _LEAD),
)
async def score(request: Request, reasons: Reasons = REASONS) -> ScoreOut:
    """Score one lead. This describes it; the gate answers it before the framework comes to it."""
    del reasons
    answered: Any = await hot.score(request.scope, request.receive)
    return cast("ScoreOut", answered)


@keyed_routes.post(
    "/scores",
    name="scoreMany",
    dependencies=[Depends(require("score"))],
    summary="Score many leads",
    description="Up to 1,000 leads with their events. A lead that is wrong is refused with its reason; the others are "
    "answered, in the order of the request. The leads are not kept; with a store the answers are.",
    responses=documented(400, 401, 403, 408, 413, 415, 422, 500, 503),
    openapi_extra=_body("LeadsIn", {"leads": [_LEAD]}),
)
async def scores(request: Request, service: ServiceDep) -> ScoresOut:
    """Score many leads, beside the event loop."""
    raw = parse(LeadsRaw, await read_json(request, service.settings.max_body_bytes))
    loaded, kept = service.loaded, list[tuple[Asked, Made]]()

    def keep(asked: Asked, score: Score, flat: dict[str, Any], lead: Any) -> None:
        kept.append((asked, made_of(score, flat, encode(lead, order="deterministic"))))

    told = await beside(score_many, loaded, raw.leads, keep if service.settings.store else None)
    for asked, made in kept:
        await request.state.recorder.add(made, loaded)
        loaded.told(made.score_id, asked.history, asked.as_of, asked.standing, stored=False)
    return told


@keyed_routes.get(
    "/model",
    name="modelCard",
    dependencies=[Depends(require("score"))],
    summary="The version card",
    description="Which model answers, what it was made from, and how it did on later rows.",
    responses=documented(401, 403, 500, 503),
)
async def model(service: ServiceDep) -> ModelOut:
    """The card of the bundle in use."""
    return model_card(service.loaded)


@open_routes.get(
    "/healthz", name="health", summary="Is the process alive", description="Always 200 while the process answers."
)
async def healthz() -> StatusOut:
    """The process is alive."""
    return StatusOut(status="alive")


@open_routes.get(
    "/readyz",
    name="ready",
    summary="Can leads be scored",
    description="200 when a model is loaded and the store answers; 503 until then. `detail` says when the bundle that "
    "was deployed last was refused and the one before it answers.",
    responses=documented(503),
)
async def readyz(service: ServiceDep, response: Response) -> ReadyOut:
    """The bundle is loaded and warm, the store answers."""
    _ = service.loaded
    if service.settings.store is not None:
        await service.store.aread(_nothing)
    response.headers["cache-control"] = "no-store"
    return ReadyOut(status="ready", detail=service.model.trouble)


def _nothing(connection: Connection) -> None:
    connection.execute(select(1))


@open_routes.get(
    "/metrics",
    name="metrics",
    dependencies=[Depends(require("read"))],
    summary="Metrics for Prometheus",
    description="Requests, model, work that waits and drift, in Prometheus' text format. Needs the scope read.",
    response_class=PlainTextResponse,
    responses=documented(401, 403, 500, 503),
)
async def metrics(request: Request) -> Response:
    """The exposition."""
    found: Metrics = request.state.metrics
    return Response(await beside(found.text), media_type=MEDIA_TYPE)
