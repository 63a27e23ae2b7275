"""Crossings written once, in the transaction of their cause, and told to whoever subscribed."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from sqlalchemy import Connection

from data.clock import DAY
from models.scorer import Score
from models.states import Transition
from serving.deciding.rules import Rules
from serving.outbox.messages import Crossing, crossings
from serving.store.tables import transitions
from serving.store.upsert import insert_new

NEWS = DAY
"""What happened longer ago than this when it is written is history: it is kept, and nobody is told."""
_IDS = uuid5(NAMESPACE_URL, "urn:readiness:transitions")


@dataclass(frozen=True)
class Crossed:
    """A lead that moved: its transition, when it is due next, and the score behind it, if there was one."""

    lead_id: str
    transition: Transition
    cause: str
    next_at: int | None
    score: Score | None = None
    score_id: str | None = None

    @property
    def transition_id(self) -> str:
        """The same for the same crossing, so that it cannot be written twice."""
        one = self.transition
        return str(uuid5(_IDS, f"{one.at}\n{one.before}\n{one.after}\n{self.lead_id}"))


def write_crossings(connection: Connection, rules: Rules, crossed: Sequence[Crossed], now: int) -> None:
    """Write transitions in their order, and a message for each that is news at ``now`` (microseconds)."""
    if not crossed:
        return
    new = {key for (key,) in insert_new(connection, transitions, [_row(one) for one in crossed])}
    news = [one for one in crossed if one.transition_id in new and one.transition.at > now - NEWS]
    crossings(connection, list(_told(rules, news)), now)


def _told(rules: Rules, crossed: Iterable[Crossed]) -> Iterable[Crossing]:
    for one in crossed:
        yield Crossing(
            transition_id=one.transition_id,
            lead_id=one.lead_id,
            transition=one.transition,
            cause=one.cause,
            product=rules.product,
            next_at=one.next_at,
            score=one.score,
            score_id=one.score_id,
            model_version=rules.model_version if one.score else "",
            horizon_days=rules.horizon_days if one.score else None,
        )


def _row(one: Crossed) -> dict[str, Any]:
    return {
        "transition_id": one.transition_id,
        "lead_id": one.lead_id,
        "at": one.transition.at,
        "before": one.transition.before,
        "after": one.transition.after,
        "reason": one.transition.reason,
        "cause": one.cause,
        "score_id": one.score_id,
        "propensity": one.transition.propensity,
    }
