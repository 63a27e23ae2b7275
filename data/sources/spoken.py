"""One message of Segment or RudderStack as columns of text: the one reading of files and of what arrives over HTTP."""

from typing import Any, NamedTuple

Scalar = str | int | float | bool

_EXACT = 2.0**53
_VALUES = ("revenue", "value", "total", "price", "amount")
_ITEMS = ("url", "path", "product_id", "sku", "form_id", "form_name", "name", "title", "item", "plan", "category")


class Message(NamedTuple):
    """One message. Every cell is text or null."""

    number: int
    type: str | None = None
    user: str | None = None
    anonymous: str | None = None
    previous: str | None = None
    group: str | None = None
    id: str | None = None
    name: str | None = None
    at: str | None = None
    received: str | None = None
    value: str | None = None
    item: str | None = None
    broken: str | None = None
    """Why it is no message."""
    line: str | None = None
    """What was there, where it is no message."""


def read_message(number: int, told: object) -> Message:
    """A JSON value as the message of that number; ``broken`` says why it is none."""
    if not isinstance(told, dict) or not isinstance(told.get("type"), str):
        return Message(number, broken="a message without a type" if isinstance(told, dict) else "not a JSON object")
    properties = _dict(told, "properties")
    page = _dict(_dict(told, "context"), "page")
    kind = told["type"].strip().lower()
    item = _first(properties, _ITEMS) or (_first(page, ("url", "path")) if kind in {"page", "screen"} else None)
    return Message(
        number=number,
        type=kind,
        user=text_of(told.get("userId")),
        anonymous=text_of(told.get("anonymousId")),
        previous=text_of(told.get("previousId")),
        group=text_of(told.get("groupId")),
        id=text_of(told.get("messageId")),
        name=text_of(told.get("event")) if kind == "track" else kind,
        at=_first(told, ("timestamp", "originalTimestamp", "sentAt", "receivedAt")),
        received=_first(told, ("receivedAt",)),
        value=_first(properties, _VALUES),
        item=item,
    )


def traits_of(told: dict[str, Any]) -> dict[str, Scalar | None]:
    """What an identify or group message says of somebody, by name; lists and objects are left out."""
    return {name: value for name, value in _dict(told, "traits").items() if not isinstance(value, dict | list)}


def text_of(value: object) -> str | None:
    """A scalar as text, a whole number without ``.0``; an empty one, a list or an object is none."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer() and abs(value) < _EXACT:
        return str(int(value))
    return str(value).strip() or None if isinstance(value, str | int | float) else None


def _dict(told: dict[str, Any], name: str) -> dict[str, Any]:
    found = told.get(name)
    return found if isinstance(found, dict) else {}


def _first(told: dict[str, Any], names: tuple[str, ...]) -> str | None:
    return next((text for name in names if (text := text_of(told.get(name))) is not None), None)
