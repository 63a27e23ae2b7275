"""The doors for messages of platforms: Segment, RudderStack, Mautic, CloudEvents."""

from collections.abc import Callable
from typing import Any

from fastapi import APIRouter, Request, Response

from serving.beside import beside
from serving.body import json_value, media_type
from serving.ingest.erasing import fold
from serving.ingest.items import EraseItem, Told
from serving.ingest.schemas import RejectedOut, TakenOut
from serving.ingest.storing import store_told
from serving.keys import Caller
from serving.platforms.cloud_events import from_headers, read_cloud_events
from serving.platforms.doors import enter, may_erase
from serving.platforms.mautic import read_mautic
from serving.platforms.settings import PlatformSettings
from serving.platforms.spec import Words, read_spec
from serving.problems import Refusal, documented
from serving.service import Service, ServiceDep

MAX_MESSAGES = 10_000
_BESIDE = 100
_ERRORS = documented(400, 401, 403, 404, 408, 413, 415, 422, 503, 507)
_KEYED: list[dict[str, list[str]]] = [{"bearer": []}, {"apiKey": []}]
BATCH = "application/cloudevents-batch+json"
EVENT = "application/cloudevents+json"


def _body(description: str, example: Any, *media: str) -> dict[str, Any]:
    content = {
        name: {"schema": {"description": description}, "examples": {"one": {"value": example}}} for name in media
    }
    return {"security": _KEYED, "requestBody": {"required": True, "content": content}}


_MESSAGE = {
    "type": "track",
    "userId": "L-1042",
    "event": "Demo Requested",
    "messageId": "m-1",
    "timestamp": "2026-01-31T09:30:00Z",
    "properties": {"value": 12.5},
}
_CLOUD_EVENT = {
    "specversion": "1.0",
    "id": "1",
    "source": "/web",
    "type": "readiness.event",
    "subject": "L-1042",
    "time": "2026-01-31T09:30:00Z",
    "data": {"kind": "pricing_view", "value": 48},
}
_MAUTIC = {"mautic.page_on_hit": [{"hit": {"id": 1, "lead": {"id": 47}}, "timestamp": "2026-01-31T09:30:00+00:00"}]}


def event_routes(settings: PlatformSettings) -> APIRouter:
    """The doors, as these settings open them."""
    routes = APIRouter(prefix="/v1", tags=["platforms"])

    async def spoken(request: Request, service: Service, platform: str) -> TakenOut:
        caller, body = await enter(request, service, settings, platform, "ingest")
        sent = _messages(json_value(body))
        meant = words(service, settings, caller)
        return await _store(service, caller, await _read(len(sent), lambda: read_spec(sent, meant)))

    @routes.post(
        "/segment",
        name="segment",
        summary="Messages of Segment",
        description="One message or a batch: identify, track, page, screen, group, alias; delete with a key of scope "
        "admin. With READINESS_SEGMENT_SECRET the X-Signature is checked too.",
        responses=_ERRORS,
        openapi_extra=_body("A message, or a list of messages.", _MESSAGE, "application/json"),
    )
    async def segment(request: Request, service: ServiceDep) -> TakenOut:
        """Take messages of Segment."""
        return await spoken(request, service, "segment")

    @routes.post(
        "/rudderstack",
        name="rudderstack",
        summary="Messages of RudderStack",
        description="As from Segment.",
        responses=_ERRORS,
        openapi_extra=_body("A message, or a list of messages.", _MESSAGE, "application/json"),
    )
    async def rudderstack(request: Request, service: ServiceDep) -> TakenOut:
        """Take messages of RudderStack."""
        return await spoken(request, service, "rudderstack")

    @routes.post(
        "/mautic",
        name="mautic",
        summary="Webhooks of Mautic",
        description="A webhook with a list of entries for each event. Let in by its Webhook-Signature, once "
        "READINESS_MAUTIC_SECRET is set, or by a key.",
        responses=_ERRORS,
        openapi_extra=_body("Lists of entries by event.", _MAUTIC, "application/json"),
    )
    async def mautic(request: Request, service: ServiceDep) -> TakenOut:
        """Take a webhook of Mautic."""
        caller, body = await enter(request, service, settings, "mautic", "ingest")
        told = json_value(body)
        if not isinstance(told, dict):
            raise Refusal(422, "invalid-request", "The body is not an object. Expected a webhook of Mautic.")
        meant = Words(may_erase=may_erase(caller))
        return await _store(service, caller, await _read(len(body) // 1_000, lambda: read_mautic(told, meant)))

    @routes.post(
        "/cloudevents",
        name="cloudEvents",
        summary="CloudEvents",
        description="CloudEvents 1.0: structured, a batch, or binary with the attributes in ce- headers.",
        responses=_ERRORS,
        openapi_extra=_body("An event, a list of events, or its data.", _CLOUD_EVENT, EVENT, BATCH, "application/json"),
    )
    async def cloud_events(request: Request, service: ServiceDep) -> TakenOut:
        """Take CloudEvents."""
        caller, body = await enter(request, service, settings, "cloudevents", "ingest")
        sent = _events(request, body)
        return await _store(service, caller, await _read(len(sent), lambda: read_cloud_events(sent)))

    routes.add_api_route("/cloudevents", _handshake, methods=["OPTIONS"], include_in_schema=False)
    return routes


def words(service: Service, settings: PlatformSettings, caller: Caller) -> Words:
    """What messages of Segment and RudderStack mean: as the contract of the model in use says, and the settings.

    Where nothing is live yet: as the contract says that the service was started with. Raises Refusal (503) while a
    model is being loaded: an outcome might be taken for an event.
    """
    given = service.settings.source if service.model.awaited else None
    source = service.loaded.bundle.contract.source if given is None else given
    spoken = source.kind in {"segment", "rudderstack"}
    told = {name: kind for kind in ("lost", "won") for name in getattr(source, kind) if spoken}
    traits = frozenset(source.attributes) if spoken and source.attributes is not None else None
    return Words({**told, **settings.outcomes}, traits, may_erase(caller))


async def _read(count: int, read: Callable[[], Told]) -> Told:
    """What was sent as items; of many things beside the event loop, so that others are answered meanwhile."""
    return read() if count <= _BESIDE else await beside(read)


async def _store(service: Service, caller: Caller, told: Told) -> TakenOut:
    if len(told.items) > 4 * MAX_MESSAGES:
        raise _too_many(len(told.items))
    found = await store_told(service.store, told, loaded=service.loaded_if_any, by=caller.name)
    if any(isinstance(placed.item, EraseItem) for placed in told.items):
        await fold(service.store)
    refused = [RejectedOut(position=one.index, reason=one.reason) for one in found.refused]
    return TakenOut(taken=found.taken, duplicates=found.duplicates, refused=refused)


def _messages(told: Any) -> list[Any]:
    """A batch as it is, one message as a batch of one; also Segment's and RudderStack's ``{"batch": [...]}``."""
    if isinstance(told, dict) and isinstance(told.get("batch"), list) and "type" not in told:
        told = told["batch"]
    found = told if isinstance(told, list) else [told]
    if len(found) > MAX_MESSAGES:
        raise _too_many(len(found))
    return found


def _events(request: Request, body: bytes) -> list[Any]:
    """The events of a request in any of the three modes. Raises Refusal: 415 for another type of body."""
    media = media_type(request.scope)
    if media in {EVENT, BATCH}:
        return _messages_of(media, json_value(body))
    if "ce-specversion" not in request.headers:
        raise Refusal(
            415,
            "unsupported-media-type",
            f"The body is {media[:80]!r} and there are no ce- headers. Send {EVENT}, {BATCH}, or the attributes of the "
            "event as ce- headers.",
        )
    if body and media != "application/json" and not media.endswith("+json"):
        raise Refusal(415, "unsupported-media-type", f"The data is {media[:80]!r}. Send it as application/json.")
    return [from_headers(request.headers, json_value(body) if body else None)]


def _messages_of(media: str, told: Any) -> list[Any]:
    if (media == BATCH) != isinstance(told, list):
        expected = "a list of events" if media == BATCH else "one event"
        raise Refusal(400, "not-cloudevents", f"The body is not what {media} says. Expected {expected}.")
    found: list[Any] = told if isinstance(told, list) else [told]
    if len(found) > MAX_MESSAGES:
        raise _too_many(len(found))
    return found


def _too_many(count: int) -> Refusal:
    return Refusal(413, "content-too-large", f"The body has {count:,} messages. Send {MAX_MESSAGES:,} at a time.")


async def _handshake(request: Request) -> Response:
    """The webhook profile of CloudEvents: who asks may send, and is let in by its key when it does."""
    headers = {"allow": "OPTIONS, POST"}
    origin = request.headers.get("webhook-request-origin")
    if origin:
        headers["webhook-allowed-origin"] = origin[:253]
        rate = request.headers.get("webhook-request-rate", "")
        headers["webhook-allowed-rate"] = rate if rate.isascii() and rate.isdecimal() and len(rate) < 10 else "*"
    return Response(status_code=200, headers=headers)
