"""What is asked and answered about subscribers. Moments are ISO 8601, UTC; what there is not is ""."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from data.clock import iso
from serving.outbox.kinds import KINDS
from serving.outbox.subscribers import PLATFORMS, Subscriber
from serving.schemas import Moment

_Name = Annotated[str, Field(max_length=63, description="Letters, digits, dots, dashes, underscores.")]
_Kind = Annotated[str, Field(max_length=80, examples=[KINDS[0]])]


class _In(BaseModel):
    model_config = ConfigDict(extra="forbid")


class SubscriberIn(_In):
    """Somebody who is to be told."""

    name: _Name
    url: str = Field(max_length=2_000, description="Where messages go; for a platform its base address.")
    platform: str = Field("webhook", max_length=20, description=f"One of {', '.join(PLATFORMS)}.")
    kinds: list[_Kind] = Field([], max_length=len(KINDS), description="Which messages; none: all.")
    settings: dict[str, Any] = Field({}, max_length=50, description="What a platform needs; never a secret itself.")
    secret_env: str = Field("", max_length=128, description="The environment variable that holds the signing secret.")


class ReplayIn(_In):
    """Which messages are told again: those made from ``since`` to before ``until``."""

    since: Moment
    until: Moment
    kinds: list[_Kind] = Field([], max_length=len(KINDS))


class RequeueIn(_In):
    """Which dead letter is sent again; none: all of them."""

    message_id: str = Field("", max_length=80)


class SubscriberOut(BaseModel):
    """A subscriber and how many deliveries it has in each state."""

    name: str
    platform: str
    url: str
    kinds: list[str]
    state: str = Field(description="active; paused: messages wait; stopped: it answered 410 and gets none.")
    stopped_because: str
    made_at: str
    pending: int
    delivered: int
    dead: int


class SubscriberMadeOut(SubscriberOut):
    """A new subscriber, with its secret: this is the only time that it is shown."""

    secret: str = Field(description="whsec_...; empty where it is in the environment, or not needed.")


class SubscribersOut(BaseModel):
    """All subscribers, by name."""

    subscribers: list[SubscriberOut]


class DeliveryOut(BaseModel):
    """A message on its way to a subscriber."""

    message_id: str
    kind: str
    lead_id: str
    state: str
    attempts: int
    made_at: str
    due_at: str
    delivered_at: str
    last_status: int = Field(description="The last HTTP status; 0: there was no answer yet.")
    last_error: str


class DeliveriesOut(BaseModel):
    """A page of deliveries; ``cursor`` leads to the next one, "" on the last."""

    deliveries: list[DeliveryOut]
    cursor: str


class CountOut(BaseModel):
    """How many messages that concerned."""

    count: int


class PingOut(BaseModel):
    """What a subscriber answered to a signed ping."""

    delivered: bool
    status: int = Field(description="The HTTP status; 0: there was no answer.")
    error: str


def subscriber_out(one: Subscriber, counts: dict[str, int]) -> SubscriberOut:
    """A subscriber as it is shown: without its secret and its settings."""
    return SubscriberOut(
        name=one.name,
        platform=one.platform,
        url=one.url,
        kinds=list(one.kinds),
        state=one.state,
        stopped_because=one.stopped_because or "",
        made_at=iso(one.made_at),
        pending=counts.get("pending", 0),
        delivered=counts.get("delivered", 0),
        dead=counts.get("dead", 0),
    )


def delivery_out(row: dict[str, Any]) -> DeliveryOut:
    """A row of ``serving.outbox.backlog.listed``."""
    delivered_at = row["delivered_at"]
    return DeliveryOut(
        message_id=row["message_id"],
        kind=row["kind"],
        lead_id=row["lead_id"],
        state=row["state"],
        attempts=row["attempts"],
        made_at=iso(row["made_at"]),
        due_at=iso(row["due_at"]),
        delivered_at="" if delivered_at is None else iso(delivered_at),
        last_status=row["last_status"] or 0,
        last_error=row["last_error"] or "",
    )
