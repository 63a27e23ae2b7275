"""The doors of ingest: events, touches, outcomes, leads and accounts in; a lead out when it wants to be forgotten."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request

from data.clock import wall_clock
from serving.access import require
from serving.body import NDJSON, parse, read_json
from serving.deciding.routes import RecorderDep
from serving.ingest.erasing import erase, fold
from serving.ingest.items import Placed, Rejected, Told
from serving.ingest.reading import ACCOUNTS, EVENTS, LEADS, OUTCOMES, TOUCHES, Door
from serving.ingest.schemas import (
    AccountDescribed,
    AccountTold,
    ErasedOut,
    LeadDescribed,
    LeadTold,
    RejectedOut,
    TakenOut,
)
from serving.ingest.storing import store_raw, store_told
from serving.ingest.tally import Taken
from serving.keys import Caller
from serving.problems import Refusal, documented
from serving.service import Service, ServiceDep

routes = APIRouter(prefix="/v1", tags=["ingest"])

CallerDep = Annotated[Caller, Depends(require("ingest"))]
Backfill = Annotated[
    bool, Query(description="A past is loaded: what does not say when it was known was known when it happened.")
]
_ERRORS = documented(400, 401, 403, 404, 408, 413, 415, 422, 500, 503, 507)
_EVENT = {"lead_id": "L-1042", "kind": "pricing_view", "occurred_at": "2026-01-29T14:12:00Z", "event_id": "e-1"}
_TOUCH = {"lead_id": "L-1042", "kind": "call", "occurred_at": "2026-01-30T09:00:00Z", "given_back": True}
_OUTCOME = {"lead_id": "L-1042", "kind": "won", "occurred_at": "2026-02-10T12:00:00Z", "value": 4200}
_LEAD = {
    "created_at": "2026-01-05T08:00:00Z",
    "account_id": "A-17",
    "attributes": {"industry": "software", "employees": 250},
}


def _bodies(schema: str, name: str, example: dict[str, Any]) -> dict[str, Any]:
    """The description of a body of many things: a list, an object around it, one thing, or a line for each."""
    one = {"$ref": f"#/components/schemas/{schema}"}
    many = {"type": "array", "items": one, "maxItems": 10_000}
    wrapped = {"type": "object", "properties": {name: many}, "required": [name], "additionalProperties": False}
    json = {"schema": {"anyOf": [wrapped, many, one]}, "examples": {"many": {"value": {name: [example]}}}}
    lines = {"schema": {"type": "string", "description": "One JSON object a line."}}
    return {"requestBody": {"required": True, "content": {"application/json": json, NDJSON[0]: lines}}}


def _body(schema: str, example: dict[str, Any]) -> dict[str, Any]:
    content = {"schema": {"$ref": f"#/components/schemas/{schema}"}, "examples": {"one": {"value": example}}}
    return {"requestBody": {"required": True, "content": {"application/json": content}}}


def _answer(taken: Taken) -> TakenOut:
    refused = [RejectedOut(position=one.index, reason=one.reason) for one in taken.refused]
    return TakenOut(taken=taken.taken, duplicates=taken.duplicates, refused=refused)


async def _many(door: Door[Any], request: Request, service: Service, caller: Caller, *, backfill: bool) -> TakenOut:
    store = service.store
    raw = await door.read(request, service.settings.max_body_bytes)
    return _answer(await store_raw(store, door, raw, backfill=backfill, loaded=service.loaded_if_any, by=caller.name))


async def _one(door: Door[Any], told: Any, service: Service, caller: Caller) -> TakenOut:
    """One thing, whose refusal is the refusal of the call."""
    taken = await store_told(
        service.store, Told([Placed(0, door.item(told))]), loaded=service.loaded_if_any, by=caller.name
    )
    if taken.refused:
        first: Rejected = taken.refused[0]
        raise Refusal(422, "invalid-request", first.reason)
    return _answer(taken)


@routes.post(
    "/events",
    name="sendEvents",
    summary="Events of leads",
    description="Up to 10,000 events a call. Each counts once, by its `event_id` or its content; one that is wrong is "
    "refused with its reason, the others are taken. 200 means that what was taken is durable. Late and out-of-order "
    "events are fine.",
    responses=_ERRORS,
    openapi_extra=_bodies("EventTold", "events", _EVENT),
)
async def send_events(
    request: Request, service: ServiceDep, caller: CallerDep, *, backfill: Backfill = False
) -> TakenOut:
    """Events."""
    return await _many(EVENTS, request, service, caller, backfill=backfill)


@routes.post(
    "/touches",
    name="sendTouches",
    summary="What sales did",
    description="Calls, meetings and the like: events whose actor is sales. A touch on an open lead means that sales "
    "has taken it up; `given_back` returns it.",
    responses=_ERRORS,
    openapi_extra=_bodies("TouchTold", "touches", _TOUCH),
)
async def send_touches(
    request: Request, service: ServiceDep, caller: CallerDep, *, backfill: Backfill = False
) -> TakenOut:
    """Touches."""
    return await _many(TOUCHES, request, service, caller, backfill=backfill)


@routes.post(
    "/outcomes",
    name="sendOutcomes",
    summary="What sales recorded",
    description="Opportunities, won, lost. An outcome that the contract calls terminal closes the lead.",
    responses=_ERRORS,
    openapi_extra=_bodies("OutcomeTold", "outcomes", _OUTCOME),
)
async def send_outcomes(
    request: Request, service: ServiceDep, caller: CallerDep, *, backfill: Backfill = False
) -> TakenOut:
    """Outcomes."""
    return await _many(OUTCOMES, request, service, caller, backfill=backfill)


@routes.post(
    "/leads",
    name="describeLeads",
    summary="What is known of many leads",
    description="Like `PUT /v1/leads/{lead_id}` for up to 10,000 of them.",
    responses=_ERRORS,
    openapi_extra=_bodies("LeadTold", "leads", {"lead_id": "L-1042", **_LEAD}),
)
async def describe_leads(
    request: Request, service: ServiceDep, caller: CallerDep, *, backfill: Backfill = False
) -> TakenOut:
    """Leads."""
    return await _many(LEADS, request, service, caller, backfill=backfill)


@routes.post(
    "/accounts",
    name="describeAccounts",
    summary="What is known of many accounts",
    description="Like `PUT /v1/accounts/{account_id}` for up to 10,000 of them.",
    responses=_ERRORS,
    openapi_extra=_bodies("AccountTold", "accounts", {"account_id": "A-17", "attributes": {"tier": "gold"}}),
)
async def describe_accounts(
    request: Request, service: ServiceDep, caller: CallerDep, *, backfill: Backfill = False
) -> TakenOut:
    """Accounts."""
    return await _many(ACCOUNTS, request, service, caller, backfill=backfill)


@routes.put(
    "/leads/{lead_id:path}",
    name="describeLead",
    summary="What is known of a lead",
    description="Attributes that are not named stay as they are; a null takes one away. Every value is kept with the "
    "moment at which it was known, so that a model learns from what was known then.",
    responses=_ERRORS,
    openapi_extra=_body("LeadDescribed", _LEAD),
)
async def describe_lead(lead_id: str, request: Request, service: ServiceDep, caller: CallerDep) -> TakenOut:
    """A lead."""
    told = parse(LeadDescribed, await read_json(request, service.settings.max_body_bytes))
    known = {name: getattr(told, name) for name in told.model_fields_set}
    return await _one(LEADS, LeadTold.model_construct(lead_id=lead_id, **known), service, caller)


@routes.put(
    "/accounts/{account_id:path}",
    name="describeAccount",
    summary="What is known of an account",
    description="Like `PUT /v1/leads/{lead_id}`.",
    responses=_ERRORS,
    openapi_extra=_body("AccountDescribed", {"attributes": {"tier": "gold"}}),
)
async def describe_account(account_id: str, request: Request, service: ServiceDep, caller: CallerDep) -> TakenOut:
    """An account."""
    told = parse(AccountDescribed, await read_json(request, service.settings.max_body_bytes))
    known = {name: getattr(told, name) for name in told.model_fields_set}
    return await _one(ACCOUNTS, AccountTold.model_construct(account_id=account_id, **known), service, caller)


@routes.delete(
    "/leads/{lead_id:path}",
    name="eraseLead",
    summary="Forget a lead",
    description="Removes everything that names the lead, under every id that it was known by: events, attributes, "
    "outcomes, scores with their reasons, messages and what waits to be delivered. A line in the audit trail says that "
    "it was done, with a hash in place of the id. Safe to repeat: the second time 0 rows are gone. A later event of "
    "the same id starts a new lead.",
    responses=documented(401, 403, 404, 422, 500, 503, 507),
)
async def erase_lead(
    lead_id: str, service: ServiceDep, recorder: RecorderDep, caller: Annotated[Caller, Depends(require("admin"))]
) -> ErasedOut:
    """A lead."""
    await recorder.flush()  # a score that waits to be written would outlive its lead
    store, at = service.store, wall_clock()
    erased = await store.awrite(lambda connection: erase(connection, lead_id, caller.name, at))
    await fold(store)
    return ErasedOut(erased=erased.total, rows=erased.rows)
