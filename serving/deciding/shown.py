"""Rows and scores in the words of the schemas."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from data.clock import iso
from models.states import DECISIONS
from serving.deciding.answers import moment
from serving.deciding.asking import Answer
from serving.deciding.explaining import Replay, Row
from serving.deciding.leads import Story
from serving.deciding.schemas import (
    CrossingOut,
    KeptScoreOut,
    LeadOut,
    PastScoreOut,
    ReasonOut,
    ReplayOut,
    StandingOut,
)
from serving.deciding.score_rows import reasons_text, score_row
from serving.live.loading import Loaded


def standing_out(row: Mapping[str, Any]) -> StandingOut:
    """A row of the work list: a standing with created_at and account_id of its lead."""
    return StandingOut(**_standing(row))


def lead_out(loaded: Loaded, story: Story, answer: Answer | None) -> LeadOut:
    """A lead with its score as of now; without ``answer`` with what was last seen in it."""
    row = {} if story.row is None else dict(story.row.__dict__)
    standing = _standing({**row, "created_at": story.lead["created_at"], "account_id": story.lead["account_id"]})
    scores: Sequence[Row] = story.scores
    told: dict[str, Any] = {"as_of": "", "horizons": {}, "reasons": [], "model_version": "", "bundle_id": ""}
    if answer is not None:
        now = score_row(answer.made, loaded)
        scores = [now, *(one for one in scores if one["score_id"] != now["score_id"])]
        standing |= {name: now[name] for name in ("readiness", "index", "score_id", "state", "decision")}
        standing |= {
            "decision_reason": now["decision_reason"],
            "state_since": iso(answer.since),
            "next_date": moment(now["next_at"]),
            "decided_at": iso(now["as_of"]),
        }
        told = {
            "as_of": iso(now["as_of"]),
            "horizon_days": now["horizon_days"],
            "horizons": answer.made.score.horizons,
            "reasons": _reasons(now["reasons"]),
            "model_version": now["model_version"],
            "bundle_id": now["bundle_id"],
        }
    states = [_crossing(one) for one in story.crossings]
    past = [past_score(one) for one in scores]
    return LeadOut(**standing, **told, attributes=story.attributes, states=states, scores=past)


def kept_score_out(row: Row, found: Replay) -> KeptScoreOut:
    """A score as it was told."""
    same = ("score_id", "lead_id", "cause", "readiness", "horizon_days", "base_rate", "index", "decision")
    more = ("decision_reason", "state", "events_used", "events_ignored", "inputs", "model_version", "bundle_id")
    reasons = [] if found.score is None else _reasons(reasons_text(found.score.reasons))
    readiness = None if found.score is None else found.score.readiness
    return KeptScoreOut(
        **{name: row[name] for name in (*same, *more)},
        as_of=iso(row["as_of"]),
        scored_at=iso(row["scored_at"]),
        next_date=moment(row["next_at"]),
        horizons=json.loads(row["horizons"]),
        reasons=_reasons(row["reasons"]),
        propensity=row["propensity"],
        replayed=ReplayOut(verdict=found.verdict, why=found.why, readiness=readiness, reasons=reasons),
    )


def past_score(row: Row) -> PastScoreOut:
    """A score in short."""
    names = ("score_id", "readiness", "index", "decision", "model_version", "cause")
    return PastScoreOut(**{name: row[name] for name in names}, as_of=iso(row["as_of"]))


def _standing(row: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a standing; a lead without one is not looked at yet."""
    state = row.get("state", "")
    return {
        "lead_id": row.get("lead_id", ""),
        "account_id": row["account_id"] or "",
        "created_at": iso(row["created_at"]),
        "state": state,
        "state_since": moment(row.get("since")),
        "decision": DECISIONS.get(state, ""),
        "decision_reason": row.get("reason", ""),
        "next_date": moment(row.get("next_at")),
        "last_touch": moment(row.get("touched_at")),
        "last_nurture": moment(row.get("nurtured_at")),
        "readiness": row.get("readiness"),
        "index": row.get("index"),
        "score_id": row.get("score_id") or "",
        "decided_at": moment(row.get("decided_at")),
        "propensity": row.get("propensity"),
    }


def _crossing(row: Row) -> CrossingOut:
    names = ("before", "after", "reason", "cause")
    told = {name: row[name] for name in names}
    return CrossingOut(at=iso(row["at"]), score_id=row["score_id"] or "", propensity=row["propensity"], **told)


def _reasons(text: str) -> list[ReasonOut]:
    return [
        ReasonOut(text=one["text"], push=one["push"], since=moment(one["since"]), until=moment(one["until"]))
        for one in json.loads(text)
    ]
