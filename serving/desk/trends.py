"""How readiness went lately, and why it is what it is, for the leads of one page."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, and_, func, select

from data.clock import DAY
from serving.desk.drawing import Frame
from serving.store.tables import scores

BACK = 28 * DAY
WEEK = 7 * DAY
_WIDE, _HIGH, _EDGE = 96.0, 36.0, 4.0
_MOST = 20_000


@dataclass(frozen=True)
class Trend:
    """The line of a lead's readiness in the last four weeks, where it ends, and by how much it moved in the last one.

    ``change`` is None where nothing was told a week ago.
    """

    line: str
    last: tuple[float, float]
    change: float | None


@dataclass(frozen=True)
class Why:
    """Reasons as they were told last (sentences), and when (microseconds)."""

    texts: tuple[str, ...]
    at: int


def trends(connection: Connection, readiness: Mapping[str, float], now: int) -> dict[str, Trend]:
    """The trend of each lead that has a readiness now; one scale for all."""
    told: dict[str, list[tuple[int, float]]] = {lead_id: [] for lead_id in readiness}
    for lead_id, as_of, value in connection.execute(
        select(scores.c.lead_id, scores.c.as_of, scores.c.readiness)
        .where(scores.c.lead_id.in_(list(readiness)), scores.c.as_of > now - BACK, scores.c.cause != "payload")
        .order_by(scores.c.lead_id, scores.c.as_of)
        .limit(_MOST)
    ):
        told[lead_id].append((as_of, value))
    top = max([*readiness.values(), *(value for line in told.values() for _, value in line)], default=1.0)
    frame = Frame(_EDGE, _WIDE - _EDGE, _EDGE, _HIGH - _EDGE, (now - BACK, now), (0.0, max(top, 1e-9)))
    return {lead_id: _trend(frame, told[lead_id], value, now) for lead_id, value in readiness.items()}


def _trend(frame: Frame, line: Sequence[tuple[int, float]], value: float, now: int) -> Trend:
    before = [one for at, one in line if at <= now - WEEK]
    points = [(float(at), one) for at, one in [*line, (now, value)]]
    last = frame.across(now), frame.up(value)
    return Trend(frame.line(points), last, value - before[-1] if before else None)


def reasons(connection: Connection, lead_ids: Sequence[str]) -> dict[str, Why]:
    """The reasons told last of each lead, where any were."""
    place = func.row_number().over(partition_by=scores.c.lead_id, order_by=scores.c.as_of.desc())
    told = and_(scores.c.lead_id.in_(list(lead_ids)), scores.c.reasons != "[]", scores.c.cause != "payload")
    newest = select(scores.c.lead_id, scores.c.as_of, scores.c.reasons, place.label("place")).where(told).subquery()
    statement = select(newest.c.lead_id, newest.c.as_of, newest.c.reasons).where(newest.c.place == 1)
    return {lead_id: Why(texts_of(text), as_of) for lead_id, as_of, text in connection.execute(statement)}


def texts_of(reasons: str) -> tuple[str, ...]:
    """The sentences of reasons as the store keeps them."""
    found: list[dict[str, Any]] = json.loads(reasons)
    return tuple(str(one["text"]) for one in found)
