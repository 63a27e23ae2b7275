"""The scores of a job, page by page, each a flat line."""

import json
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, bindparam, select

from data.clock import iso
from models.reasons import REASONS
from serving.deciding.answers import moment
from serving.deciding.cursors import cursor, place
from serving.store.tables import scores

_PAGE = select(scores).where(scores.c.job_id == bindparam("job_id")).order_by(scores.c.lead_id)


def page(connection: Connection, job_id: str, limit: int, after: str = "") -> tuple[list[dict[str, Any]], str]:
    """The next ``limit`` answers by lead, and the cursor of the page after them. Raises Refusal for a foreign one."""
    statement = _PAGE.limit(limit + 1)
    if after:
        (last,) = place(after, job_id, (str,))
        statement = statement.where(scores.c.lead_id > last)
    rows = connection.execute(statement, {"job_id": job_id}).mappings().all()
    following = cursor(job_id, [rows[limit - 1]["lead_id"]]) if len(rows) > limit else ""
    return [_line(row) for row in rows[:limit]], following


def _line(row: Mapping[Any, Any]) -> dict[str, Any]:
    names = ("lead_id", "readiness", "horizon_days", "base_rate", "index", "decision", "decision_reason", "state")
    more = ("events_used", "events_ignored", "model_version", "bundle_id", "score_id")
    told = [one["text"] for one in json.loads(row["reasons"])][:REASONS]
    told += [""] * (REASONS - len(told))
    return {
        **{name: row[name] for name in names},
        "as_of": iso(row["as_of"]),
        "next_date": moment(row["next_at"]),
        **{f"reason_{place}": text for place, text in enumerate(told, 1)},
        **{name: row[name] for name in more},
        "horizons": json.loads(row["horizons"]),
    }
