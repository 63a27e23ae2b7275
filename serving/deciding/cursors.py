"""Where a page ends, as an opaque text that the next request brings back."""

import base64
import json
from typing import Any

from serving.problems import Refusal


def cursor(of: str, place: list[Any]) -> str:
    """The text for the ``place`` of the last entry of a page; ``of`` names the list and its order."""
    return base64.urlsafe_b64encode(json.dumps([of, *place]).encode()).decode().rstrip("=")


def place(text: str, of: str, types: tuple[type, ...]) -> list[Any]:
    """The place in a cursor of this list. Raises Refusal (422) for any other text."""
    try:
        found = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except (ValueError, RecursionError):
        raise _refused(text) from None
    right = isinstance(found, list) and len(found) == len(types) + 1 and found[0] == of
    if not right or not all(type(one) is kind for one, kind in zip(found[1:], types, strict=True)):
        raise _refused(text)
    return list(found[1:])


def _refused(text: str) -> Refusal:
    return Refusal(
        422,
        "invalid-request",
        f"cursor: {text[:40]!r} is none of this list. Send the next_cursor of the page before, with the same filters, "
        "or none for the first page.",
    )
