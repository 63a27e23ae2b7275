"""A crossing as a CloudEvent 1.0, written to the outbox in the transaction that made it.

    type                       the lead                                               from
    readiness.lead.ready       is sales' to call                                      any state
    readiness.lead.cooled      is no longer ready                                     ready
    readiness.lead.nurture     is marketing's again                                   recycled, let go
    readiness.lead.working     was taken up by sales                                  any open state
    readiness.lead.recycled    rests: sales gave it back or said nothing              nurture, ready, working
    readiness.lead.let_go      was silent for long and is not ready                   nurture
    readiness.lead.won         has the outcome that the contract asks about           any
    readiness.lead.lost        was closed without it                                  any

``data`` holds lead_id, previous_state, state, reason (one sentence), cause, at, next_date, propensity (the chance with
which the policy handed off: below 1 it explored; null for all other crossings), and of the score behind it,
where there is one (else null): score_id, p, horizon_days, horizons, index, model_version, bundle_id, as_of, reasons.
Moments are ISO 8601, UTC. The id is a UUID of the transition, so that the same crossing told twice is one message.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent
from sqlalchemy import Connection, or_, select

from data.clock import from_micros, iso, wall_clock
from models.reasons import Reason
from models.scorer import Score
from models.states import Transition
from serving.outbox.kinds import kind_of, wants
from serving.store.tables import deliveries, messages, subscribers
from serving.store.upsert import insert_new

_IDS = uuid5(NAMESPACE_URL, "urn:readiness:messages")
_FORMAT = JSONFormat()
_SUBSCRIBED = select(subscribers.c.name, subscribers.c.kinds).where(
    or_(subscribers.c.active, subscribers.c.stopped_because.is_(None))
)
_SUBSCRIBED = _SUBSCRIBED.with_for_update(read=True, key_share=True)  # nobody is removed until we are done


@dataclass(frozen=True)
class Crossing:
    """A transition of a lead as others are told of it.

    ``transition_id`` names it for ever. ``next_at`` is that of the new standing (microseconds). ``score`` is what
    moved it, ``score_id`` its row, ``horizon_days`` the primary horizon; None, "" and None where a word moved it.
    """

    transition_id: str
    lead_id: str
    transition: Transition
    cause: str
    product: str
    next_at: int | None = None
    score: Score | None = None
    score_id: str | None = None
    model_version: str = ""
    horizon_days: float | None = None


def crossings(connection: Connection, crossed: Sequence[Crossing], now: int | None = None) -> list[str]:
    """Write a message for each, and a delivery for each subscriber that wants it; returns the message ids.

    A message that is there already is left as it is. A paused subscriber's deliveries wait; a stopped one gets none.
    ``now`` is the wall clock in microseconds (default: this moment); the order of ``crossed`` is that of delivery.
    """
    if not crossed:
        return []
    made_at = wall_clock() if now is None else now
    rows = [_row(one, made_at + position) for position, one in enumerate(crossed)]
    queue(connection, rows)
    return [row["message_id"] for row in rows]


def queue(connection: Connection, rows: Sequence[dict[str, Any]]) -> None:
    """Write rows of ``messages``, and for each new one a delivery for each subscriber that wants it."""
    new = {message_id for (message_id,) in insert_new(connection, messages, rows)}
    wanted = [(name, json.loads(kinds)) for name, kinds in connection.execute(_SUBSCRIBED)]
    insert_new(
        connection,
        deliveries,
        [
            pending(row["message_id"], name, row["made_at"])
            for row in rows
            if row["message_id"] in new
            for name, kinds in wanted
            if wants(kinds, row["kind"])
        ],
    )


def pending(message_id: str, subscriber: str, due_at: int) -> dict[str, Any]:
    """The row of a delivery that nobody has tried yet."""
    return {
        "message_id": message_id,
        "subscriber": subscriber,
        "state": "pending",
        "attempts": 0,
        "due_at": due_at,
        "claimed_until": None,
        "last_status": None,
        "last_error": None,
        "delivered_at": None,
    }


def _row(crossing: Crossing, made_at: int) -> dict[str, Any]:
    kind = kind_of(crossing.transition.before, crossing.transition.after)
    message_id = str(uuid5(_IDS, f"{crossing.product}\n{crossing.transition_id}"))
    body = _FORMAT.write(_event(crossing, kind, message_id)).decode()
    return {
        "message_id": message_id,
        "kind": kind,
        "lead_id": crossing.lead_id,
        "made_at": made_at,
        "body": body,
    }


def _event(crossing: Crossing, kind: str, message_id: str) -> CloudEvent:
    attributes = {
        "id": message_id,
        "source": f"/readiness/{crossing.product}",
        "type": kind,
        "subject": crossing.lead_id,
        "time": from_micros(crossing.transition.at),
        "datacontenttype": "application/json",
    }
    return CloudEvent(attributes, _told(crossing))


def _told(crossing: Crossing) -> dict[str, Any]:
    transition, score = crossing.transition, crossing.score
    return {
        "lead_id": crossing.lead_id,
        "previous_state": transition.before,
        "state": transition.after,
        "reason": transition.reason,
        "cause": crossing.cause,
        "at": iso(transition.at),
        "next_date": _moment(crossing.next_at),
        "propensity": transition.propensity,
        "score_id": crossing.score_id,
        "p": score.readiness if score else None,
        "horizon_days": crossing.horizon_days,
        "horizons": dict(score.horizons) if score else None,
        "index": score.index if score else None,
        "model_version": crossing.model_version,
        "bundle_id": score.bundle_id if score else None,
        "as_of": _moment(score.as_of if score else None),
        "reasons": [_reason(reason) for reason in score.reasons] if score else [],
    }


def _reason(reason: Reason) -> dict[str, Any]:
    return {"text": reason.text, "push": reason.push, "since": _moment(reason.since), "until": _moment(reason.until)}


def _moment(microseconds: int | None) -> str | None:
    return None if microseconds is None else iso(microseconds)
