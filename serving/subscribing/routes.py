"""``/v1/subscribers``: who is told, and what became of what they were told."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Annotated, TypeVar

from fastapi import APIRouter, Depends, Query, Request
from sqlalchemy import Connection

from data.clock import HOUR, wall_clock
from data.errors import ContractError
from serving.access import require
from serving.body import parse, read_json
from serving.keys import Caller
from serving.outbox import backlog, signing, subscribers
from serving.outbox.subscribers import SubscriberTakenError, UnknownSubscriberError
from serving.problems import Refusal, documented
from serving.service import Service, ServiceDep
from serving.subscribing.pinging import ping
from serving.subscribing.schemas import (
    CountOut,
    DeliveriesOut,
    PingOut,
    ReplayIn,
    RequeueIn,
    SubscriberIn,
    SubscriberMadeOut,
    SubscriberOut,
    SubscribersOut,
    delivery_out,
    subscriber_out,
)

T = TypeVar("T")
Admin = Annotated[Caller, Depends(require("admin"))]
BODIES = (SubscriberIn, ReplayIn, RequeueIn)
"""The bodies that are read by hand, for the OpenAPI document."""
_READ = documented(401, 403, 404, 422, 500, 503)
_WRITE = documented(400, 401, 403, 404, 409, 413, 415, 422, 500, 503)
routes = APIRouter(prefix="/v1/subscribers", tags=["subscribers"])


def _body(name: str) -> dict[str, object]:
    content = {"application/json": {"schema": {"$ref": f"#/components/schemas/{name}"}}}
    return {"requestBody": {"required": True, "content": content}}


@contextmanager
def _refusing() -> Iterator[None]:
    """What a caller got wrong, as an answer."""
    try:
        yield
    except UnknownSubscriberError as error:
        raise Refusal(404, "no-such-subscriber", str(error)) from None
    except SubscriberTakenError as error:
        raise Refusal(409, "subscriber-exists", str(error)) from None
    except ContractError as error:
        raise Refusal(422, "invalid-request", str(error)) from None


async def _read(service: Service, question: Callable[[Connection], T]) -> T:
    with _refusing():
        return await service.store.aread(question)


async def _write(service: Service, change: Callable[[Connection], T]) -> T:
    with _refusing():
        return await service.store.awrite(change)


@routes.get("", name="subscribers", summary="All subscribers", responses=documented(401, 403, 500, 503))
async def listed(service: ServiceDep, _: Admin) -> SubscribersOut:
    """Who is told, of what, and how many of its messages are pending, delivered and dead."""
    found = await _read(service, subscribers.every)
    return SubscribersOut(subscribers=[subscriber_out(one, counts) for one, counts in found])


@routes.post(
    "",
    name="addSubscriber",
    summary="Add a subscriber",
    status_code=201,
    responses=_WRITE,
    openapi_extra=_body("SubscriberIn"),
)
async def add(request: Request, service: ServiceDep, caller: Admin) -> SubscriberMadeOut:
    """Tell somebody of crossings from now on. The secret in the answer is shown this once."""
    asked = parse(SubscriberIn, await read_json(request, service.settings.max_body_bytes))
    with _refusing():
        made = subscribers.new_subscriber(
            asked.name,
            asked.url,
            wall_clock(),
            platform=asked.platform,
            kinds=asked.kinds,
            settings=asked.settings,
            secret_env=asked.secret_env or None,
        )
    await _write(service, lambda connection: subscribers.add(connection, made, caller.name))
    return SubscriberMadeOut(**subscriber_out(made, {}).model_dump(), secret=made.secret)


@routes.get("/{name}", name="subscriber", summary="One subscriber", responses=_READ)
async def one(name: str, service: ServiceDep, _: Admin) -> SubscriberOut:
    """A subscriber, and how many of its messages are pending, delivered and dead."""
    return subscriber_out(*await _read(service, lambda connection: subscribers.counted(connection, name)))


@routes.delete("/{name}", name="removeSubscriber", summary="Remove a subscriber", responses=_READ)
async def remove(name: str, service: ServiceDep, caller: Admin) -> CountOut:
    """Forget a subscriber and its deliveries; ``count`` says how many were still pending."""
    return CountOut(count=await _write(service, lambda c: subscribers.remove(c, name, wall_clock(), caller.name)))


@routes.post("/{name}/pause", name="pauseSubscriber", summary="Pause a subscriber", responses=_READ)
async def pause(name: str, service: ServiceDep, _: Admin) -> SubscriberOut:
    """Send it nothing until it is resumed; its messages wait."""
    await _write(service, lambda connection: subscribers.pause(connection, name))
    return await one(name, service, _)


@routes.post("/{name}/resume", name="resumeSubscriber", summary="Resume a subscriber", responses=_READ)
async def resume(name: str, service: ServiceDep, _: Admin) -> SubscriberOut:
    """Send to it again, what waited first. What was made while it was stopped is sent by a replay."""
    await _write(service, lambda connection: subscribers.resume(connection, name))
    return await one(name, service, _)


@routes.post("/{name}/rotate", name="rotateSecret", summary="Exchange the signing secret", responses=_READ)
async def rotate(
    name: str,
    service: ServiceDep,
    caller: Admin,
    keep_hours: Annotated[float, Query(ge=0, le=720, description="So long the secret before signs too.")] = 24.0,
) -> SubscriberMadeOut:
    """Make a new secret, which is shown this once. Meanwhile messages carry the signatures of both."""
    now, keep = wall_clock(), round(keep_hours * HOUR)
    made = await _write(service, lambda connection: signing.rotate(connection, name, now, keep, caller.name))
    told = subscriber_out(*await _read(service, lambda connection: subscribers.counted(connection, name)))
    return SubscriberMadeOut(**told.model_dump(), secret=made.secret)


@routes.post("/{name}/test", name="testSubscriber", summary="Send a signed ping", responses=_READ)
async def test(name: str, service: ServiceDep, _: Admin) -> PingOut:
    """Send one signed message of kind readiness.ping now, and say what was answered."""
    subscriber = await _read(service, lambda connection: subscribers.find(connection, name))
    with _refusing():
        answer = await ping(subscriber, os.environ)
    return PingOut(delivered=answer.delivered, status=answer.status or 0, error=answer.error or "")


@routes.post(
    "/{name}/replay",
    name="replaySubscriber",
    summary="Tell a range again",
    responses=_WRITE,
    openapi_extra=_body("ReplayIn"),
)
async def replay(name: str, request: Request, service: ServiceDep, _: Admin) -> CountOut:
    """Send what was made in a range again, oldest first, with the ids that it had."""
    asked = parse(ReplayIn, await read_json(request, service.settings.max_body_bytes))
    return CountOut(
        count=await _write(service, lambda c: backlog.replay(c, name, asked.since, asked.until, asked.kinds))
    )


@routes.get("/{name}/deliveries", name="deliveries", summary="Deliveries in a state", responses=_READ)
async def deliveries(
    name: str,
    service: ServiceDep,
    _: Admin,
    state: Annotated[str, Query(max_length=20, description="pending, delivered or dead.")] = "dead",
    limit: Annotated[int, Query(ge=1, le=1_000)] = 100,
    cursor: Annotated[str, Query(max_length=120, description="That of the page before.")] = "",
) -> DeliveriesOut:
    """The dead letters of a subscriber with the last answer to each, or its pending or delivered messages."""
    with _refusing():
        after = backlog.place(cursor)
    rows = await _read(service, lambda connection: backlog.listed(connection, name, state, limit, after))
    more = backlog.cursor(rows[-1]) if len(rows) == limit else ""
    return DeliveriesOut(deliveries=[delivery_out(row) for row in rows], cursor=more)


@routes.post(
    "/{name}/requeue",
    name="requeue",
    summary="Send dead letters again",
    responses=_WRITE,
    openapi_extra=_body("RequeueIn"),
)
async def requeue(name: str, request: Request, service: ServiceDep, _: Admin) -> CountOut:
    """Send one dead letter again, or all of them, with their tries counted anew."""
    asked = parse(RequeueIn, await read_json(request, service.settings.max_body_bytes))
    wanted = asked.message_id or None
    return CountOut(count=await _write(service, lambda c: backlog.requeue(c, name, wall_clock(), wanted)))
