"""The body of a call as items: a JSON list, an object around a list, one object, or NDJSON."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from fastapi import Request
from pydantic import BaseModel, ValidationError

from serving.body import NDJSON, BadLine, media_type, read_json, read_lines
from serving.ingest.items import AccountItem, EventItem, Item, LeadItem, OutcomeItem, Placed, Rejected, Told
from serving.ingest.schemas import MAX_ITEMS, AccountTold, EventTold, LeadTold, OutcomeTold, TouchTold
from serving.problems import Refusal, sentences

M = TypeVar("M", bound=BaseModel)


@dataclass(frozen=True)
class Door(Generic[M]):
    """What is sent to one path: the name of the list, the schema of each thing, and the item that becomes of it."""

    name: str
    schema: type[M]
    item: Callable[[M], Item]

    def told(self, raw: Sequence[Any]) -> Told:
        """Each thing looked at by itself: what is wrong is rejected with its reason."""
        items, rejected = [], []
        for index, one in enumerate(raw):
            if isinstance(one, BadLine):
                rejected.append(Rejected(index, one.reason))
                continue
            try:
                items.append(Placed(index, self.item(self.schema.model_validate(one))))
            except ValidationError as error:
                rejected.append(Rejected(index, sentences(error)))
        return Told(items, rejected)

    async def read(self, request: Request, limit: int) -> list[Any]:
        """What a body holds, not looked at yet. Raises Refusal: 413 for more than 10,000 things, 422 for none."""
        if media_type(request.scope) in NDJSON:
            return await read_lines(request, limit, MAX_ITEMS)
        raw = await read_json(request, limit)
        if isinstance(raw, dict):
            raw = self._within(raw) if self.name in raw else [raw]
        if not isinstance(raw, list):
            raise Refusal(
                422,
                "invalid-request",
                f"The body is {_kind(raw)}. Expected a list, or an object with {self.name!r}: wrap it in one.",
            )
        if len(raw) > MAX_ITEMS:
            raise Refusal(
                413, "content-too-large", f"There are {len(raw):,} {self.name}. Send {MAX_ITEMS:,} at a time."
            )
        return raw

    def _within(self, raw: dict[str, Any]) -> Any:
        further = [name for name in raw if name != self.name]
        if further:
            raise Refusal(
                422,
                "invalid-request",
                f"Unknown field {further[0][:60]} beside {self.name!r}. Remove it, or send a list.",
            )
        return raw[self.name]


def _kind(raw: Any) -> str:
    return {str: "a text", bool: "true or false", type(None): "null"}.get(type(raw), "a number or an object")


def event_item(told: EventTold) -> EventItem:
    """The item of an event or a touch."""
    return EventItem(
        lead_id=told.lead_id,
        kind=told.kind,
        occurred_at=told.occurred_at,
        known_at=told.known_at,
        event_id=told.event_id,
        actor=told.actor,
        value=told.value,
        item=told.item,
        extra=told.model_extra or {},
        given_back=told.given_back,
    )


def _outcome_item(told: OutcomeTold) -> OutcomeItem:
    return OutcomeItem(
        lead_id=told.lead_id,
        kind=told.kind,
        occurred_at=told.occurred_at,
        known_at=told.known_at,
        outcome_id=told.outcome_id,
        value=told.value,
    )


def _lead_item(told: LeadTold) -> LeadItem:
    return LeadItem(
        lead_id=told.lead_id,
        created_at=told.created_at,
        account_id=told.account_id,
        attributes=told.attributes,
        known_at=told.known_at,
    )


def _account_item(told: AccountTold) -> AccountItem:
    return AccountItem(account_id=told.account_id, attributes=told.attributes, known_at=told.known_at)


EVENTS = Door("events", EventTold, event_item)
TOUCHES = Door("touches", TouchTold, event_item)
OUTCOMES = Door("outcomes", OutcomeTold, _outcome_item)
LEADS = Door("leads", LeadTold, _lead_item)
ACCOUNTS = Door("accounts", AccountTold, _account_item)
