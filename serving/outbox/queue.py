"""Deliveries as the store keeps them: which are due, who has claimed them, what became of them.

A claim is a lease: whoever dies with it loses it when it runs out, and somebody else delivers. Of one lead, a
subscriber is told in order: nothing is claimed while something older about that lead is pending.
"""

from dataclasses import dataclass

from sqlalchemy import BindParameter, Connection, Exists, and_, bindparam, exists, or_, select, tuple_, update

from data.clock import iso
from serving.outbox.schedule import Answer, Verdict
from serving.outbox.subscribers import Subscriber, subscriber_of
from serving.store.tables import deliveries, messages, subscribers

_NOW: BindParameter[int] = bindparam("now")
_D = deliveries.c
_FREE = and_(_D.state == "pending", _D.due_at <= _NOW, or_(_D.claimed_until.is_(None), _D.claimed_until <= _NOW))


def _something_older() -> Exists:
    """Whether the same subscriber has yet to be told something older about the same lead.

    One question within the other, so that both databases go by the lead and not through all that is pending.
    """
    before, untold = messages.alias("before"), deliveries.alias("untold")
    is_untold = exists(
        select(1)
        .where(
            untold.c.message_id == before.c.message_id,
            untold.c.subscriber == _D.subscriber,
            untold.c.state == "pending",
        )
        .correlate(before, deliveries)
    )
    return exists(
        select(1)
        .where(
            before.c.lead_id == messages.c.lead_id,
            tuple_(before.c.made_at, before.c.message_id) < tuple_(messages.c.made_at, messages.c.message_id),
            is_untold,
        )
        .correlate(messages, deliveries)
    )


_DUE = (
    select(subscribers)
    .where(
        subscribers.c.active,
        exists(select(1).where(_D.subscriber == subscribers.c.name, _FREE).correlate(subscribers)),
    )
    .order_by(subscribers.c.name)
)
_CLAIMABLE = (
    select(_D.message_id, _D.attempts, messages.c.lead_id, messages.c.kind, messages.c.body)
    .join_from(deliveries, messages)
    .join(subscribers, subscribers.c.name == _D.subscriber)
    .where(_D.subscriber == bindparam("name"), subscribers.c.active, _FREE, ~_something_older())
    .order_by(_D.due_at, _D.message_id)
    .limit(bindparam("count"))
    .with_for_update(of=deliveries, skip_locked=True)
)


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
    """Claim at most ``count`` due deliveries of a subscriber until the moment ``until``; the longest due first."""
    rows = connection.execute(_CLAIMABLE, {"name": name, "count": count, "now": now}).all()
    claims = [Claim(row[0], name, row[2], row[3], row[4], row[1], until) for row in rows]
    _of(connection, claims, name, {"claimed_until": until})
    return claims


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
