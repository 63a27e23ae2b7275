"""CloudEvents 1.0 as items: structured, batched, or binary with the attributes in ``ce-`` headers.

    readiness.event    data as in POST /v1/events
    readiness.touch    the same by sales; ``given_back`` returns the lead
    readiness.outcome  data as in POST /v1/outcomes
    readiness.lead     data as in PUT /v1/leads/{id}
    any other type     an event of that kind

Where the data does not say, ``subject`` is the lead, ``time`` when it happened, ``source`` and ``id`` together its id.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import unquote

import msgspec
from cloudevents.core.exceptions import CloudEventValidationError
from cloudevents.core.v1.event import CloudEvent

from data.clock import from_micros, to_micros
from data.naming import personal_reason
from features.feature import ACTORS
from serving.ingest.items import EventItem, Item, LeadItem, OutcomeItem, Placed, Rejected, Told
from serving.platforms.reading import ID_LENGTH, attributes, columns, identity, moment, number, text

_OURS = "readiness."
_NO_TIME = from_micros(0)
_EVENT = frozenset({"lead_id", "kind", "occurred_at", "known_at", "event_id", "actor", "value", "item", "given_back"})
_OUTCOME = frozenset({"lead_id", "kind", "occurred_at", "known_at", "outcome_id", "value"})
_LEAD = frozenset({"lead_id", "created_at", "account_id", "attributes", "known_at"})


def read_cloud_events(events: Sequence[object]) -> Told:
    """The items of events, in their order; one that is wrong is rejected with its index and reason."""
    items: list[Placed] = []
    rejected: list[Rejected] = []
    for index, told in enumerate(events):
        try:
            items.append(Placed(index, _item(_valid(told))))
        except ValueError as error:
            rejected.append(Rejected(index, str(error)))
    return Told(items, rejected)


def from_headers(headers: Mapping[str, str], data: object) -> dict[str, Any]:
    """A binary event in structured form: its attributes are in the headers, the body is its data."""
    told: dict[str, Any] = {
        name[3:]: unquote(value) for name, value in headers.items() if name.startswith("ce-") and len(name) > 3
    }
    return told if data is None else {**told, "data": data}


def _valid(told: object) -> CloudEvent:
    """The event, if its attributes are those of CloudEvents 1.0."""
    if not isinstance(told, dict):
        raise ValueError("It is not an object. Expected a CloudEvent.")  # noqa: TRY004 - a bad event
    missing = [name for name in ("specversion", "id", "source", "type") if name not in told]
    if missing:
        raise ValueError(f"It is no CloudEvent 1.0: {missing[0]} is missing. Add it.")
    found = {name: value for name, value in told.items() if name not in {"data", "data_base64"}}
    # The library gives an event without a time that of now: what is not said must stay not said.
    found["time"] = from_micros(moment("time", found["time"])) if found.get("time") is not None else _NO_TIME
    if "data_base64" in told:
        raise ValueError("Its data is binary (data_base64). Expected JSON: an object under data.")
    try:
        return CloudEvent(found, told.get("data"))
    except CloudEventValidationError as error:
        name, problems = next(iter(error.errors.items()))
        raise ValueError(f"It is no CloudEvent 1.0: {str(name)[:60]}: {str(problems[0])[:200]}.") from None


def _item(event: CloudEvent) -> Item:
    data = event.get_data()
    if data is not None and not isinstance(data, dict):
        raise ValueError("Its data is not an object. Expected one with named fields, or none.")
    told = dict(data or {})
    kind = event.get_type()
    known = _KINDS.get(kind)
    if known is not None:
        return known(event, told)
    if kind.startswith(_OURS):
        raise ValueError(f"type is {kind[:60]!r}. Expected {', '.join(_KINDS)}, or a type of your own.")
    return _foreign(event, told)


def _foreign(event: CloudEvent, told: dict[str, Any]) -> EventItem:
    """An event of a kind of somebody's own; what says who somebody is stays out."""
    more = {name: value for name, value in told.items() if name not in _EVENT and personal_reason(name) is None}
    item = told.get("item")
    return EventItem(
        lead_id=_lead(event, told),
        kind=identity("type", event.get_type()),
        occurred_at=_happened(event, told),
        event_id=_own_id(event),
        value=number("value", told.get("value")),
        item=None if isinstance(item, dict | list) else text("item", item),
        extra=columns(more),
    )


def _event(event: CloudEvent, told: dict[str, Any]) -> EventItem:
    actor = identity("actor", told.get("actor", "lead"))
    if actor not in ACTORS:
        raise ValueError(f"actor is {actor[:40]!r}. Expected lead, marketing or sales.")
    happened, known = _happened(event, told), _known(told)
    given = told.get("event_id")
    return EventItem(
        lead_id=_lead(event, told),
        kind=identity("kind", told.get("kind")),
        occurred_at=happened,
        known_at=_in_order(happened, known),
        event_id=_own_id(event) if given is None else identity("event_id", given),
        actor=actor,
        value=number("value", told.get("value")),
        item=text("item", told.get("item")),
        extra=columns({name: value for name, value in told.items() if name not in _EVENT}),
    )


def _touch(event: CloudEvent, told: dict[str, Any]) -> EventItem:
    made = _event(event, {**told, "actor": "sales"})
    back = told.get("given_back", False)
    if not isinstance(back, bool):
        raise ValueError("given_back is not true or false. Send one of the two, or leave it out.")  # noqa: TRY004
    return msgspec.structs.replace(made, given_back=back)


def _outcome(event: CloudEvent, told: dict[str, Any]) -> OutcomeItem:
    _only(told, _OUTCOME)
    happened, given = _happened(event, told), told.get("outcome_id")
    return OutcomeItem(
        lead_id=_lead(event, told),
        kind=identity("kind", told.get("kind")),
        occurred_at=happened,
        known_at=_in_order(happened, _known(told)),
        outcome_id=_own_id(event) if given is None else identity("outcome_id", given),
        value=number("value", told.get("value")),
    )


def _described(event: CloudEvent, told: dict[str, Any]) -> LeadItem:
    _only(told, _LEAD)
    said = told.get("attributes") or {}
    if not isinstance(said, dict):
        raise ValueError("attributes is not an object. Expected named values.")  # noqa: TRY004
    created, account = told.get("created_at"), told.get("account_id")
    time = _time(event)
    return LeadItem(
        lead_id=_lead(event, told),
        created_at=None if created is None else moment("created_at", created),
        account_id=None if account is None else identity("account_id", account),
        attributes=attributes(said),
        known_at=_known(told),
        said_at=time,
    )


def _only(told: dict[str, Any], names: frozenset[str]) -> None:
    unknown = sorted(set(told) - names)
    if unknown:
        raise ValueError(f"Unknown field {unknown[0][:60]!r}. Expected {', '.join(sorted(names))}.")


def _lead(event: CloudEvent, told: dict[str, Any]) -> str:
    return identity("lead_id (or subject)", told.get("lead_id", event.get_subject()))


def _happened(event: CloudEvent, told: dict[str, Any]) -> int:
    if told.get("occurred_at") is not None:
        return moment("occurred_at", told["occurred_at"])
    time = _time(event)
    if time is None:
        raise ValueError("occurred_at (or time) is missing. Expected a time such as 2026-01-31T09:30:00Z.")
    return time


def _time(event: CloudEvent) -> int | None:
    """``time`` in microseconds; None where the event has none."""
    time = event.get_time()
    return None if time is None or time == _NO_TIME else to_micros(time)


def _known(told: dict[str, Any]) -> int | None:
    return None if told.get("known_at") is None else moment("known_at", told["known_at"])


def _in_order(happened: int, known: int | None) -> int | None:
    if known is not None and known < happened:
        raise ValueError("known_at is before occurred_at. An event cannot be known before it happens.")
    return known


def _own_id(event: CloudEvent) -> str:
    """``source`` and ``id`` tell an event apart; too long, their hash does."""
    whole = f"{event.get_source()} {event.get_id()}"
    if len(whole) <= ID_LENGTH and "\x00" not in whole:
        return whole
    return f"ce:{hashlib.sha256(whole.encode('utf-8', 'surrogatepass')).hexdigest()}"


_KINDS: dict[str, Callable[[CloudEvent, dict[str, Any]], Item]] = {
    "readiness.event": _event,
    "readiness.touch": _touch,
    "readiness.outcome": _outcome,
    "readiness.lead": _described,
}
