"""A signed ping: whether a subscriber can be reached, and takes what is signed with its secret."""

from collections.abc import Mapping
from typing import Any
from uuid import uuid4

from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent

from data.clock import from_micros, wall_clock
from data.errors import ContractError
from serving.egress import Egress, from_environment
from serving.outbox.kinds import PING
from serving.outbox.schedule import Answer
from serving.outbox.signing import secrets_of
from serving.outbox.subscribers import Subscriber
from serving.outbox.webhooks import post_webhook


async def ping(subscriber: Subscriber, environment: Mapping[str, str]) -> Answer:
    """Send one message of kind ``readiness.ping``; it is kept nowhere. Raises ContractError for a platform."""
    if subscriber.platform != "webhook":
        raise ContractError(
            f"Subscriber {subscriber.name!r} is a {subscriber.platform}, which has no ping: every request would change "
            "a record there. Expected a webhook. Look at its deliveries instead."
        )
    now, message_id = wall_clock(), str(uuid4())
    attributes: dict[str, Any] = {"id": message_id, "source": "/readiness", "type": PING, "time": from_micros(now)}
    event = CloudEvent({**attributes, "datacontenttype": "application/json"}, {"subscriber": subscriber.name})
    secrets, body = secrets_of(subscriber, environment, now), JSONFormat().write(event).decode()
    egress = Egress(from_environment(environment))
    try:
        return await post_webhook(egress, subscriber.url, secrets, message_id, body, now)
    finally:
        await egress.aclose()
