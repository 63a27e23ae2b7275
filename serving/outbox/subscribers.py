"""Subscribers: who is told, where, of what, and the secret that signs it.

A secret is made here (``whsec_...``, 32 random bytes), shown once, and kept in the store, because signing needs it; or
it stays in an environment variable of the worker, and the store keeps the name of that variable alone.
"""

import base64
import json
import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import Connection, delete, func, select, update

from data.errors import ContractError
from serving.outbox.kinds import checked
from serving.store.tables import audit, deliveries, subscribers
from serving.store.upsert import insert_new

PLATFORMS = ("webhook", "hubspot", "marketo", "salesforce", "dynamics", "mautic")
PREFIX = "whsec_"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}")
_COUNTS = select(deliveries.c.subscriber, deliveries.c.state, func.count()).group_by(
    deliveries.c.subscriber, deliveries.c.state
)


class UnknownSubscriberError(ContractError):
    """There is no subscriber of that name."""


class SubscriberTakenError(ContractError):
    """There is a subscriber of that name already."""


@dataclass(frozen=True)
class Subscriber:
    """Somebody who is told. ``kinds`` empty: of everything. Its secret is in no printed form."""

    name: str
    platform: str
    url: str
    secret: str = field(repr=False)
    settings: Mapping[str, Any]
    kinds: tuple[str, ...]
    active: bool
    made_at: int
    stopped_because: str | None

    @property
    def state(self) -> str:
        """``active``, ``paused`` (its messages wait) or ``stopped`` (it gets none)."""
        return "active" if self.active else "stopped" if self.stopped_because else "paused"


def subscriber_of(row: Mapping[Any, Any]) -> Subscriber:
    """The value of a row of ``subscribers``."""
    settings, kinds = json.loads(row["settings"]), tuple(json.loads(row["kinds"]))
    return Subscriber(**{**row, "settings": settings, "kinds": kinds})


def new_subscriber(
    name: str,
    url: str,
    now: int,
    *,
    platform: str = "webhook",
    kinds: Sequence[str] = (),
    settings: Mapping[str, Any] | None = None,
    secret_env: str | None = None,
) -> Subscriber:
    """A checked subscriber, with a new secret unless ``secret_env`` says where it is. Raises ContractError."""
    if _NAME.fullmatch(name) is None:
        raise ContractError(
            f"{name[:80]!r} is no name for a subscriber. Expected 1 to 63 letters, digits, dots, dashes, underscores."
        )
    if platform not in PLATFORMS:
        raise ContractError(f"{platform[:80]!r} is no platform. Expected one of {', '.join(PLATFORMS)}.")
    kept = dict(settings or {})
    if secret_env is not None:
        if _VARIABLE.fullmatch(secret_env) is None:
            raise ContractError(f"{secret_env[:80]!r} is no name of an environment variable. Expected one.")
        kept["secret_env"] = secret_env
    secret = new_secret() if platform == "webhook" and secret_env is None else ""
    return Subscriber(name, platform, _url(url), secret, kept, tuple(checked(kinds)), True, now, None)


def new_secret() -> str:
    """A secret that nobody knows yet: 32 random bytes."""
    return PREFIX + base64.b64encode(secrets.token_bytes(32)).decode()


def add(connection: Connection, subscriber: Subscriber, by: str) -> None:
    """Remember a subscriber, and ``by`` whom it was added. Raises SubscriberTakenError."""
    row = {
        "name": subscriber.name,
        "platform": subscriber.platform,
        "url": subscriber.url,
        "secret": subscriber.secret,
        "settings": json.dumps(dict(subscriber.settings)),
        "kinds": json.dumps(list(subscriber.kinds)),
        "active": subscriber.active,
        "made_at": subscriber.made_at,
        "stopped_because": subscriber.stopped_because,
    }
    if not insert_new(connection, subscribers, [row]):
        raise SubscriberTakenError(
            f"There is a subscriber {subscriber.name!r} already. Choose another name, or remove that one first."
        )
    told = {"url": subscriber.url, "platform": subscriber.platform}
    note(connection, subscriber.made_at, "subscriber added", subscriber.name, by, told)


def find(connection: Connection, name: str) -> Subscriber:
    """The subscriber of that name. Raises UnknownSubscriberError."""
    wanted = select(subscribers).where(subscribers.c.name == name)
    row = connection.execute(wanted).mappings().one_or_none() if _NAME.fullmatch(name) else None
    if row is None:
        names = connection.execute(select(subscribers.c.name).order_by(subscribers.c.name).limit(20)).scalars()
        known = ", ".join(repr(known) for known in names) or "none"
        raise UnknownSubscriberError(f"There is no subscriber {name[:80]!r}. Known subscribers: {known}.")
    return subscriber_of(row)


def counted(connection: Connection, name: str) -> tuple[Subscriber, dict[str, int]]:
    """One subscriber with its number of deliveries by state. Raises UnknownSubscriberError."""
    subscriber = find(connection, name)
    found = connection.execute(_COUNTS.where(deliveries.c.subscriber == name))
    return subscriber, {state: count for _, state, count in found}


def every(connection: Connection) -> list[tuple[Subscriber, dict[str, int]]]:
    """All subscribers by name, each with its number of deliveries by state."""
    counts: dict[str, dict[str, int]] = {}
    for name, state, count in connection.execute(_COUNTS):
        counts.setdefault(name, {})[state] = count
    rows = connection.execute(select(subscribers).order_by(subscribers.c.name)).mappings()
    return [(one, counts.get(one.name, {})) for one in map(subscriber_of, rows)]


def pause(connection: Connection, name: str) -> None:
    """Deliver nothing to it until it is resumed; what is for it waits."""
    find(connection, name)
    values = {"active": False, "stopped_because": None}
    connection.execute(update(subscribers).where(subscribers.c.name == name).values(values))


def resume(connection: Connection, name: str) -> Subscriber:
    """Deliver to it again, what waited first; returns it as it was before."""
    before = find(connection, name)
    values = {"active": True, "stopped_because": None}
    connection.execute(update(subscribers).where(subscribers.c.name == name).values(values))
    return before


def remove(connection: Connection, name: str, now: int, by: str) -> int:
    """Forget it and its deliveries, and remember by whom; returns how many of them were still pending."""
    find(connection, name)
    connection.execute(select(subscribers.c.name).where(subscribers.c.name == name).with_for_update())
    waiting = select(func.count()).where(deliveries.c.subscriber == name, deliveries.c.state == "pending")
    count = connection.execute(waiting).scalar_one()
    connection.execute(delete(deliveries).where(deliveries.c.subscriber == name))
    connection.execute(delete(subscribers).where(subscribers.c.name == name))
    note(connection, now, "subscriber removed", name, by, {"pending": count})
    return count


def note(connection: Connection, at: int, action: str, subject: str, by: str, detail: dict[str, Any]) -> None:
    """Write a line of the audit trail."""
    row = {"at": at, "action": action, "subject": subject, "by": by, "detail": json.dumps(detail)}
    connection.execute(audit.insert(), [row])


def _url(text: str) -> str:
    try:
        parts = urlsplit(text)
        fine = parts.scheme in {"http", "https"} and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        fine = False
    if not fine or len(text) > 2_000 or not text.isascii() or " " in text or not text.isprintable():
        raise ContractError(f"{text[:80]!r} is no address to send to. Expected https://HOST/PATH.")
    if parts.username or parts.password:
        raise ContractError("The address holds a user or a password. Expected neither: what is sent is signed.")
    return text
