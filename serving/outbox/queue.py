"""Deliveries as the store keeps them: which are due, who has claimed them, what became of them.

A claim is a lease: whoever dies with it loses it when it runs out, and somebody else delivers. Of one lead, a
subscriber is told in order: nothing is claimed while something older about that lead is pending.
"""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import BindParameter, Connection, Row, and_, bindparam, exists, func, or_, select, tuple_, update

from data.clock import iso
from serving.outbox.schedule import Answer, Verdict
from serving.outbox.subscribers import Subscriber, subscriber_of
from serving.store.tables import deliveries, messages, subscribers

_NOW: BindParameter[int] = bindparam("now")
_D = deliveries.c
_FREE = and_(_D.state == "pending", _D.due_at <= _NOW, or_(_D.claimed_until.is_(None), _D.claimed_until <= _NOW))


_DUE = (
    select(subscribers)
    .where(
        subscribers.c.active,
        exists(select(1).where(_D.subscriber == subscribers.c.name, _FREE).correlate(subscribers)),
    )
    .order_by(subscribers.c.name)
)
_ACTIVE = select(subscribers.c.active).where(subscribers.c.name == bindparam("name"))
_CANDIDATES = (
    select(_D.message_id, _D.attempts)
    .where(_D.subscriber == bindparam("name"), _FREE)
    .order_by(_D.due_at)  # in the order of the index, so that nothing is sorted
    .limit(bindparam("count"))
    .with_for_update(skip_locked=True)
)
_MESSAGES = select(messages).where(messages.c.message_id.in_(bindparam("ids", expanding=True)))
_PENDING_OF = (
    select(messages.c.lead_id, _D.due_at)
    .join_from(messages, deliveries)
    .where(_D.subscriber == bindparam("name"), _D.state == "pending")
)
_OLDEST = (
    select(messages.c.lead_id, func.min(messages.c.made_at))
    .join_from(messages, deliveries)
    .where(
        messages.c.lead_id.in_(bindparam("leads", expanding=True)),
        _D.subscriber == bindparam("name"),
        _D.state == "pending",
    )
    .group_by(messages.c.lead_id)
)
_PUT_OFF = (
    update(deliveries)
    .where(_D.message_id == bindparam("id"), _D.subscriber == bindparam("name"))
    .values(due_at=bindparam("later"))
)
_AT_ONCE = 64
_ROUNDS = 8


@dataclass(frozen=True)
class Claim:
    """A delivery that is ours until ``until`` (microseconds); ``tries`` were made before."""

    message_id: str
    subscriber: str
    lead_id: str
    kind: str
    body: str
    tries: int
    until: int


def due(connection: Connection, now: int) -> list[Subscriber]:
    """The active subscribers for whom something is due at ``now`` (microseconds)."""
    return [subscriber_of(row) for row in connection.execute(_DUE, {"now": now}).mappings()]


def claim(connection: Connection, name: str, count: int, now: int, until: int) -> list[Claim]:
    """Claim at most ``count`` due deliveries of a subscriber until the moment ``until``; the longest due first.

    What has to wait for something older about its lead that is due later is put off until then, so that it is not found
    again and again. Few simple statements, none of which a database without statistics can plan badly.
    """
    if not connection.execute(_ACTIVE, {"name": name}).scalar():
        return []
    for _ in range(_ROUNDS):
        asked = {"name": name, "now": now, "count": _AT_ONCE + 4 * count}
        tries = dict(map(tuple, connection.execute(_CANDIDATES, asked)))
        if not tries:
            return []
        told = {row.message_id: row for row in connection.execute(_MESSAGES, {"ids": list(tries)})}
        oldest = _oldest(connection, name, {row.lead_id for row in told.values()})
        first = {told[one].lead_id: one for one in reversed(tries) if told[one].made_at <= oldest[told[one].lead_id]}
        chosen = [one for one in tries if first.get(told[one].lead_id) == one]
        put_off = _put_off(connection, name, [told[one] for one in tries if one not in chosen], oldest, now)
        if chosen:
            rows = [told[one] for one in chosen[:count]]
            claims = [Claim(r.message_id, name, r.lead_id, r.kind, r.body, tries[r.message_id], until) for r in rows]
            _of(connection, claims, name, {"claimed_until": until})
            return claims
        if not put_off:
            break
    return []


def _oldest(connection: Connection, name: str, leads: set[str]) -> dict[str, int]:
    """When the oldest message was made that the subscriber has yet to be told, by lead."""
    return dict(map(tuple, connection.execute(_OLDEST, {"name": name, "leads": sorted(leads)})))


def _put_off(connection: Connection, name: str, rows: list[Row[Any]], oldest: dict[str, int], now: int) -> bool:
    """Let messages wait until the oldest of their lead is due again; whether there are such.

    Those of which the oldest is on its way stay where they are: it arrives within seconds.
    """
    heads = {(row.lead_id, oldest[row.lead_id]) for row in rows}
    if not heads:
        return False
    of_heads = tuple_(messages.c.lead_id, messages.c.made_at).in_(sorted(heads))
    found = connection.execute(_PENDING_OF.where(of_heads, _D.due_at > now), {"name": name})
    later = dict(map(tuple, found))
    late = [row for row in rows if row.lead_id in later]
    if late:
        put_off = [{"id": row.message_id, "name": name, "later": later[row.lead_id]} for row in late]
        connection.execute(_PUT_OFF, put_off)
    return bool(late)


def release(connection: Connection, claims: list[Claim]) -> None:
    """Give back what was claimed and not tried."""
    for name in {claim.subscriber for claim in claims}:
        _of(connection, [claim for claim in claims if claim.subscriber == name], name, {"claimed_until": None})


def settle(connection: Connection, claimed: Claim, answer: Answer, verdict: Verdict, now: int) -> None:
    """Write down what became of a claim.

    What was delivered is delivered, whoever has the claim by now; any other outcome counts only while it is ours.
    """
    values = {
        "attempts": claimed.tries + 1,
        "claimed_until": None,
        "last_status": answer.status,
        "last_error": answer.error,
    }
    mine = and_(_D.message_id == claimed.message_id, _D.subscriber == claimed.subscriber)
    if verdict.state == "delivered":
        done = {**values, "state": "delivered", "delivered_at": now}
        connection.execute(update(deliveries).where(mine).values(done))
        return
    state = "dead" if verdict.state == "dead" else "pending"
    values |= {"state": state, "due_at": now if verdict.due_at is None else verdict.due_at}
    held = and_(mine, _D.state == "pending", _D.claimed_until == claimed.until)
    connection.execute(update(deliveries).where(held).values(values))
    if verdict.state == "stopped":
        because = f"it answered {answer.status} at {iso(now)}"
        stopped = {"active": False, "stopped_because": because}
        connection.execute(update(subscribers).where(subscribers.c.name == claimed.subscriber).values(stopped))


def _of(connection: Connection, claims: list[Claim], name: str, values: dict[str, int | None]) -> None:
    if claims:
        ids = [claim.message_id for claim in claims]
        mine = and_(_D.subscriber == name, _D.message_id.in_(ids))
        connection.execute(update(deliveries).where(mine, _D.state == "pending").values(values))
