"""A score as the store keeps it, and back: all that its answer said."""

import os
from dataclasses import dataclass
from typing import Any

from msgspec.json import Encoder
from sqlalchemy import Connection, bindparam, select

from data.clock import DAY
from data.store.tables import leads
from models.reasons import Reason
from models.scorer import Score
from serving.deciding.statements import QuickInsert
from serving.live.loading import Loaded
from serving.store.tables import scores

_ENCODE = Encoder().encode
_WRITE = QuickInsert(scores)
_THERE = (
    select(leads.c.lead_id)
    .where(leads.c.lead_id.in_(bindparam("lead_ids", expanding=True)))
    .order_by(leads.c.lead_id)
    .with_for_update(read=True, key_share=True)
)


@dataclass(frozen=True)
class Made:
    """A score, and how it came about.

    ``inputs`` is the SHA-256 of what was scored, ``scored_at`` the wall clock in microseconds, ``cause`` one of lead,
    payload, event, night, model, policy, job.
    """

    score_id: str
    score: Score
    inputs: str
    used: int
    ignored: int
    scored_at: int
    cause: str
    job_id: str | None = None


def new_id(moment: int) -> str:
    """A UUID of version 7: those of later moments (microseconds) sort after it, which keeps an index compact."""
    random = int.from_bytes(os.urandom(10), "big")
    number = (moment // 1_000 << 80) | random
    number = number & ~(0xF << 76) | 7 << 76
    text = f"{number & ~(0b11 << 62) | 0b10 << 62:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def score_row(made: Made, loaded: Loaded) -> dict[str, Any]:
    """The row of a score by the bundle in use."""
    score = made.score
    return {
        "score_id": made.score_id,
        "lead_id": score.lead_id,
        "as_of": score.as_of,
        "scored_at": made.scored_at,
        "readiness": score.readiness,
        "horizons": json_text(score.horizons),
        "index": score.index,
        "decision": score.decision,
        "decision_reason": score.decision_reason,
        "state": score.state,
        "next_at": score.next_at,
        "reasons": reasons_text(score.reasons),
        "events_used": made.used,
        "events_ignored": made.ignored,
        "horizon_days": loaded.bundle.model.primary / DAY,
        "base_rate": loaded.base_rate,
        "inputs": made.inputs,
        "model_version": loaded.version,
        "bundle_id": score.bundle_id,
        "cause": made.cause,
        "job_id": made.job_id,
        "propensity": score.propensity,
    }


def reasons_text(reasons: tuple[Reason, ...]) -> str:
    """The reasons as JSON: text, push in log-odds, and the moments that it speaks of."""
    return json_text([{"text": one.text, "push": one.push, "since": one.since, "until": one.until} for one in reasons])


def json_text(value: object) -> str:
    """JSON as the store keeps it: the same value, the same text."""
    return _ENCODE(value).decode()


def write_scores_of_leads(connection: Connection, rows: list[dict[str, Any]]) -> None:
    """``write_scores`` for stored leads: of one that was erased since it was read nothing is kept."""
    ids = sorted({row["lead_id"] for row in rows})
    if ids:
        there = set(connection.execute(_THERE, {"lead_ids": ids}).scalars())
        write_scores(connection, [row for row in rows if row["lead_id"] in there])


def write_scores(connection: Connection, rows: list[dict[str, Any]]) -> None:
    """Write score rows; one that is there already is left as it is."""
    if rows:
        _WRITE(connection, rows)
