"""What lies in the outbox: dead letters, sending again, and clearing away what was delivered."""

import re
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, and_, bindparam, delete, exists, literal, null, select, tuple_, update

from data.clock import iso
from data.errors import ContractError
from serving.outbox.kinds import checked
from serving.outbox.subscribers import find
from serving.store.tables import deliveries, messages
from serving.store.upsert import insert_into

STATES = ("pending", "delivered", "dead")
_D = deliveries.c
_ID = re.compile(r"[0-9a-f-]{36}")
_AT_ONCE = 1_000
_LISTED = (
    select(
        _D.message_id,
        _D.state,
        _D.attempts,
        _D.due_at,
        _D.last_status,
        _D.last_error,
        _D.delivered_at,
        messages.c.kind,
        messages.c.lead_id,
        messages.c.made_at,
    )
    .join_from(deliveries, messages)
    .where(_D.subscriber == bindparam("name"), _D.state == bindparam("state"))
    .order_by(_D.due_at, _D.message_id)
    .limit(bindparam("count"))
)
_LATER = _LISTED.where(tuple_(_D.due_at, _D.message_id) > tuple_(bindparam("due_at"), bindparam("message_id")))


def listed(
    connection: Connection, name: str, state: str, count: int, after: tuple[int, str] | None = None
) -> list[dict[str, Any]]:
    """At most ``count`` deliveries of a subscriber in a state, by (due_at, message_id); those past ``after`` alone.

    Raises ContractError for an unknown subscriber or state.
    """
    find(connection, name)
    if state not in STATES:
        raise ContractError(f"{state[:40]!r} is no state of a delivery. Expected one of {', '.join(STATES)}.")
    asked: dict[str, Any] = {"name": name, "state": state, "count": count}
    if after is None:
        found = connection.execute(_LISTED, asked)
    else:
        found = connection.execute(_LATER, {**asked, "due_at": after[0], "message_id": after[1]})
    return [dict(row) for row in found.mappings()]


def cursor(row: dict[str, Any]) -> str:
    """The place of a listed delivery, as text."""
    return f"{row['due_at']}.{row['message_id']}"


def place(cursor: str) -> tuple[int, str] | None:
    """The place that a cursor names; None for "". Raises ContractError."""
    if not cursor:
        return None
    due_at, _, message_id = cursor.partition(".")
    if not (due_at.isascii() and due_at.isdecimal() and len(due_at) < 19 and _ID.fullmatch(message_id)):
        raise ContractError("The cursor is none of ours. Expected the one of the page before, unchanged.")
    return int(due_at), message_id


def requeue(connection: Connection, name: str, now: int, message_id: str | None = None) -> int:
    """Send the dead letters of a subscriber again, or one of them; returns how many. Raises ContractError."""
    find(connection, name)
    dead = and_(_D.subscriber == name, _D.state == "dead")
    if message_id is not None:
        dead = and_(dead, _D.message_id == message_id)
    fresh = {"state": "pending", "attempts": 0, "due_at": now, "claimed_until": None}
    known = message_id is None or _ID.fullmatch(message_id)
    count = connection.execute(update(deliveries).where(dead).values(fresh)).rowcount if known else 0
    if message_id is not None and not count:
        raise ContractError(f"Subscriber {name!r} has no dead letter {message_id[:80]!r}. Expected the id of one.")
    return count


def replay(connection: Connection, name: str, since: int, until: int, kinds: Sequence[str] = ()) -> int:
    """Tell a subscriber again what was made in [since, until), oldest first; returns how many messages.

    Each keeps its id. What is pending anyway stays as it is, what it never wanted stays untold. Raises ContractError.
    """
    subscriber = find(connection, name)
    if since >= until:
        raise ContractError(f"The range {iso(since)} to {iso(until)} is empty. Expected one that ends after it begins.")
    wanted = set(checked(kinds)) or set(subscriber.kinds)
    if subscriber.kinds and not wanted <= set(subscriber.kinds):
        other = min(wanted - set(subscriber.kinds))
        raise ContractError(f"Subscriber {name!r} is not told of {other}. Expected one of {list(subscriber.kinds)}.")
    made = select(
        messages.c.message_id,
        literal(name),
        literal("pending"),
        literal(0),
        messages.c.made_at,  # due since it was made: the oldest first
        null(),
        null(),
        null(),
        null(),
    ).where(messages.c.made_at >= since, messages.c.made_at < until)
    if wanted:
        made = made.where(messages.c.kind.in_(sorted(wanted)))
    statement = insert_into(connection, deliveries).from_select([column.name for column in deliveries.columns], made)
    fresh = {column: statement.excluded[column] for column in ("state", "attempts", "due_at", "claimed_until")}
    again = statement.on_conflict_do_update(
        index_elements=["message_id", "subscriber"], set_=fresh, where=_D.state != "pending"
    )
    return connection.execute(again, execution_options={"preserve_rowcount": True}).rowcount


def purge(connection: Connection, before: int) -> int:
    """Forget messages made before a moment that everybody has; returns how many, at most 1,000 a call."""
    waiting = exists(select(1).where(_D.message_id == messages.c.message_id, _D.state != "delivered"))
    old = select(messages.c.message_id).where(messages.c.made_at < before, ~waiting)
    old = old.order_by(messages.c.made_at).limit(_AT_ONCE).with_for_update(of=messages, skip_locked=True)
    ids = list(connection.execute(old).scalars())
    if ids:
        connection.execute(delete(deliveries).where(_D.message_id.in_(ids)))
        connection.execute(delete(messages).where(messages.c.message_id.in_(ids)))
    return len(ids)
