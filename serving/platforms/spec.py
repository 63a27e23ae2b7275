"""Segment and RudderStack: identify, track, page, screen, group, alias and delete messages as items.

The same message means the same here and in a file that ``data.sources.messages`` reads: one reading of its cells, one
name for each attribute. What a visitor did before saying who it is waits until the message that says so.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from data.naming import personal_reason
from data.sources.spoken import Message, read_message, traits_of
from serving.ingest.items import (
    AccountItem,
    EraseItem,
    EventItem,
    Item,
    LeadItem,
    LinkItem,
    OutcomeItem,
    Placed,
    Rejected,
    Told,
    VisitItem,
)
from serving.platforms.reading import attributes, identity, later, moment, number, text

_TYPES = ("identify", "track", "page", "screen", "group", "alias", "delete")


@dataclass(frozen=True)
class Words:
    """What the contract says about messages, and whether their sender may erase.

    ``outcomes``: which track events are which outcome. ``traits``: those that are wanted (None: any that does not say
    who somebody is).
    """

    outcomes: Mapping[str, str] = field(default_factory=dict)
    traits: frozenset[str] | None = None
    may_erase: bool = False

    def wants(self, trait: str) -> bool:
        """Whether a trait is kept."""
        return personal_reason(trait) is None if self.traits is None else trait in self.traits


def read_spec(messages: Sequence[object], words: Words) -> Told:
    """The items of messages, in their order; a message that is wrong is rejected with its index and reason."""
    items: list[Placed] = []
    rejected: list[Rejected] = []
    for index, told in enumerate(messages):
        try:
            items += [Placed(index, item) for item in _items(index, told, words)]
        except ValueError as error:
            rejected.append(Rejected(index, str(error)))
    return Told(items, rejected)


def _items(index: int, told: object, words: Words) -> list[Item]:
    message = read_message(index, told)
    if message.broken or not isinstance(told, dict):
        raise ValueError(f"{message.broken}. Expected an object with a type: {', '.join(_TYPES)}.")
    if message.type == "delete":
        return [_erasure(message, words)]
    if message.type not in _TYPES:
        raise ValueError(f"type is {str(message.type)[:40]!r}. Expected one of {', '.join(_TYPES)}.")
    if message.user is None and message.anonymous is None:
        raise ValueError("It has neither userId nor anonymousId. Send one of them.")
    at = moment("timestamp", message.at)
    known = later(at, None if message.received is None else moment("receivedAt", message.received))
    return [*_links(message, at, known), *_facts(message, told, words, at, known)]


def _erasure(message: Message, words: Words) -> EraseItem:
    if not words.may_erase:
        raise ValueError("An erasure needs a key with the scope admin. Send it with such a key.")
    return EraseItem(lead_id=identity("userId", message.user))


def _links(message: Message, at: int, known: int | None) -> list[Item]:
    """Who the visitor is, where the message says so. One that identifies itself without a user id is a lead itself."""
    other, lead = message.anonymous, message.user
    if message.type == "identify" and lead is None:
        lead = other
    if other is None or lead is None or (other == lead and message.user is not None):
        return []
    return [
        LinkItem(other_id=identity("anonymousId", other), lead_id=identity("userId", lead), said_at=at, known_at=known)
    ]


def _facts(message: Message, told: dict[str, Any], words: Words, at: int, known: int | None) -> list[Item]:
    if message.type == "identify":
        lead = identity("userId", message.user or message.anonymous)
        traits = {name: value for name, value in attributes(traits_of(told)).items() if words.wants(name)}
        return [LeadItem(lead_id=lead, attributes=traits, known_at=known, said_at=at)]
    if message.type == "group":
        return _group(message, told, at, known)
    if message.type == "alias":
        previous, user = identity("previousId", message.previous), identity("userId", message.user)
        if previous == user:
            raise ValueError("previousId is the userId. Expected another one.")
        return [LinkItem(other_id=previous, lead_id=user, said_at=at, known_at=known)]
    event = _event(message, words, at, known)
    return [event if message.user is not None else VisitItem(event=event)]


def _group(message: Message, told: dict[str, Any], at: int, known: int | None) -> list[Item]:
    group = identity("groupId", message.group)
    traits = attributes(traits_of(told)).items()
    described = {f"account_{name}": value for name, value in traits if personal_reason(name) is None}
    account = AccountItem(account_id=group, attributes=described, known_at=known)
    if message.user is None:
        return [account]
    lead = identity("userId", message.user)
    return [account, LeadItem(lead_id=lead, account_id=group, known_at=known, said_at=at, keep_account=True)]


def _event(message: Message, words: Words, at: int, known: int | None) -> EventItem | OutcomeItem:
    lead = identity("userId", message.user or message.anonymous)
    kind = identity("event", message.name)
    own = None if message.id is None else identity("messageId", message.id)
    value = number("value", message.value)
    if message.type == "track" and kind in words.outcomes:
        meant = words.outcomes[kind]
        return OutcomeItem(lead_id=lead, kind=meant, occurred_at=at, known_at=known, outcome_id=own, value=value)
    item = text("item", message.item)
    return EventItem(lead_id=lead, kind=kind, occurred_at=at, known_at=known, event_id=own, value=value, item=item)
