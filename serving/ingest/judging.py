"""Whether an item can be stored: its two moments, the id that tells it apart, and the content that must not change.

``occurred_at`` may lie a few minutes ahead, for clocks differ; then it is also when we knew. What the sender does not
say of ``known_at`` is the moment of receipt, or ``occurred_at`` when a past is loaded (``backfill``).
"""

import hashlib
import math
from collections.abc import Iterable
from typing import NamedTuple

import msgspec

from data.clock import MINUTE, iso
from features.feature import ACTORS
from serving.ingest.items import AccountItem, EventItem, LeadItem, LinkItem, OutcomeItem
from serving.ingest.tally import Refused

AHEAD = 5 * MINUTE
"""So much may a sender's clock be ahead of ours."""
ID_LENGTH = 200
EVENT_ID_LENGTH = 255
OWN_ID = "sha256:"
"""How the ids begin that are made of the content, where the sender has none."""
_LAST = 84_006 * 24 * 60 * MINUTE  # 2200-01-01, as everywhere
_ENCODE = msgspec.json.Encoder(order="deterministic").encode


class When(NamedTuple):
    """When a call was received (microseconds), and whether it loads a past."""

    received_at: int
    backfill: bool = False


class News(NamedTuple):
    """An event or outcome that can be stored. ``lead_id`` may become another one than the item's, by a link."""

    place: int
    item: EventItem | OutcomeItem
    lead_id: str
    known_at: int
    id: str
    content: bytes


def judge_happening(place: int, item: EventItem | OutcomeItem, when: When) -> News:
    """The item with its moment of knowledge, id and content. Raises Refused."""
    known_at = known_of(item.occurred_at, item.known_at, when)
    content, given = _content(item)
    if given is not None and (given.startswith(OWN_ID) or not 0 < len(given) <= EVENT_ID_LENGTH):
        raise Refused(
            f"The id {given[:40]!r} has {len(given)} characters. Expected 1 to {EVENT_ID_LENGTH}, and not {OWN_ID}... "
            "at the beginning. Send another one, or none: the content then tells it apart."
        )
    digest = hashlib.sha256(content)
    return News(
        place,
        item,
        checked_id(item.lead_id, "lead_id"),
        known_at,
        f"{OWN_ID}{digest.hexdigest()}" if given is None else given,
        digest.digest()[:16],
    )


def known_of(occurred_at: int, known_at: int | None, when: When) -> int:
    """When something was known that happened at ``occurred_at``. Raises Refused for moments that cannot be."""
    _must_have_been(when, occurred_at=occurred_at, known_at=known_at)
    if known_at is not None and known_at < occurred_at:
        raise Refused("known_at is before occurred_at. Nothing can be known before it happens: mend one of them.")
    if known_at is None:
        known_at = occurred_at if when.backfill else when.received_at
    return max(known_at, occurred_at)


def _must_have_been(when: When, **moments: int | None) -> None:
    """Raises Refused for a moment that is no moment, or lies in the future."""
    for name, moment in moments.items():
        if moment is not None and not 0 <= moment < _LAST:
            raise Refused(f"{name} is outside the years 1970 to 2200. Check it.")
        if moment is not None and moment > when.received_at + AHEAD:
            raise Refused(
                f"{name} is {iso(moment)}, which is not yet: it is {iso(when.received_at)} here. Expected a moment at "
                "most 5 minutes ahead. Check the sender's clock and time zone, or send it again when it has happened."
            )


def judge_link(item: LinkItem, when: When) -> int:
    """When the link was known. Raises Refused."""
    checked_id(item.other_id, "other_id")
    checked_id(item.lead_id, "lead_id")
    _encoded(item)
    return known_of(item.said_at, item.known_at, when)


def judge_described(item: LeadItem | AccountItem, when: When) -> None:
    """Raises Refused for a lead or account whose id, moments, fields or values cannot be stored."""
    if isinstance(item, LeadItem):
        checked_id(item.lead_id, "lead_id")
        if item.account_id is not None:
            checked_id(item.account_id, "account_id")
        _must_have_been(when, created_at=item.created_at, said_at=item.said_at, known_at=item.known_at)
    else:
        checked_id(item.account_id, "account_id")
        _must_have_been(when, known_at=item.known_at)
    for name, value in item.attributes.items():
        checked_id(name, "an attribute's name")
        _finite(value, name)
    _encoded(item)


def checked_id(text: str, what: str) -> str:
    """``text``, if it can be an id. Raises Refused."""
    if not 0 < len(text) <= ID_LENGTH:
        raise Refused(f"{what} has {len(text):,} characters. Expected 1 to {ID_LENGTH}.")
    return text


def _content(item: EventItem | OutcomeItem) -> tuple[bytes, str | None]:
    """The canonical bytes of what was sent, and the id that the sender gave."""
    checked_id(item.kind, "kind")
    _finite(item.value, "value")
    if isinstance(item, OutcomeItem):
        return _encoded((*_common(item), "outcome")), item.outcome_id
    if item.actor not in ACTORS:
        raise Refused(f"actor is {item.actor[:40]!r}. Expected lead, marketing or sales.")
    for name, value in item.extra.items():
        checked_id(name, "a column's name")
        _finite(value, name)
    return _encoded((*_common(item), item.actor, item.item, item.extra, item.given_back)), item.event_id


def _common(item: EventItem | OutcomeItem) -> Iterable[object]:
    value = None if item.value is None else float(item.value)
    return item.lead_id, item.kind, item.occurred_at, item.known_at, value


def _finite(value: object, name: str) -> None:
    if isinstance(value, float) and not math.isfinite(value):
        raise Refused(f"{name[:60]} is {value}. Expected a finite number.")


def _encoded(value: object) -> bytes:
    """Canonical JSON. Raises Refused for text that no database and no JSON can hold."""
    try:
        encoded = _ENCODE(value)
    except UnicodeEncodeError:
        raise Refused("A text holds half of a surrogate pair, which is no character. Take it out.") from None
    if b"\\u0000" in encoded and b"\\u0000" in encoded.replace(b"\\\\", b""):
        raise Refused("A text holds a NUL character, which is not text. Take it out.")
    return encoded
