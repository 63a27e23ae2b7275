"""Deliveries as the store keeps them: which are due, who has claimed them, what became of them.

A claim is a lease: whoever dies with it loses it when it runs out, and somebody else delivers. Of one lead, a
subscriber is told in order: nothing is claimed while something older about that lead is pending.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

from sqlalchemy import BindParameter, Connection, Row, and_, bindparam, exists, or_, select, update

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
_OF_LEADS = select(messages.c.message_id, messages.c.lead_id, messages.c.made_at).where(
    messages.c.lead_id.in_(bindparam("leads", expanding=True))
)
_STATES = select(_D.message_id, _D.state, _D.due_at).where(
    _D.message_id.in_(bindparam("ids", expanding=True)), _D.subscriber == bindparam("name")
)
_PUT_OFF = (
    update(deliveries)
    .where(_D.message_id == bindparam("id"), _D.subscriber == bindparam("name"))
    .values(due_at=bindparam("later"))
)
_AT_ONCE = 16
_IDS_AT_ONCE = 10_000
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
        heads = _heads(connection, name, {row.lead_id for row in told.values()})
        chosen = [one for one in tries if heads[told[one].lead_id].message_id == one]
        put_off = _put_off(connection, name, [told[one] for one in tries if one not in chosen], heads, now)
        if chosen:
            rows = [told[one] for one in chosen[:count]]
            claims = [Claim(r.message_id, name, r.lead_id, r.kind, r.body, tries[r.message_id], until) for r in rows]
            _of(connection, claims, name, {"claimed_until": until})
            return claims
        if not put_off:
            break
    return []


@dataclass(frozen=True, order=True)
class _Head:
    """The oldest message about a lead that a subscriber has yet to be told."""

    made_at: int
    message_id: str
    due_at: int


def _heads(connection: Connection, name: str, leads: set[str]) -> dict[str, _Head]:
    """By lead. Each statement goes by a key, whatever a database thinks of the sizes of its tables."""
    of = {row.message_id: row for row in connection.execute(_OF_LEADS, {"leads": sorted(leads)})}
    heads: dict[str, _Head] = {}
    for ids in _batched(of, _IDS_AT_ONCE):
        for message_id, state, due_at in connection.execute(_STATES, {"ids": ids, "name": name}):
            row = of[message_id]
            head = _Head(row.made_at, message_id, due_at)
            if state == "pending" and (row.lead_id not in heads or head < heads[row.lead_id]):
                heads[row.lead_id] = head
    return heads


def _put_off(connection: Connection, name: str, rows: list[Row[Any]], heads: dict[str, _Head], now: int) -> bool:
    """Let messages wait until the oldest of their lead is due again; whether there are such.

    Those of which the oldest is on its way stay where they are: it arrives within seconds.
    """
    late = [(row.message_id, heads[row.lead_id].due_at) for row in rows if heads[row.lead_id].due_at > now]
    if late:
        connection.execute(_PUT_OFF, [{"id": one, "name": name, "later": due_at} for one, due_at in late])
    return bool(late)


def _batched(ids: Iterable[str], count: int) -> Iterator[list[str]]:
    """``ids`` in lists of at most ``count``."""
    left = iter(ids)
    while batch := list(islice(left, count)):
        yield batch


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
