"""A score that was told: what another model is asked about in the shadow."""

from dataclasses import dataclass
from typing import Protocol

from features.lead import LeadHistory
from models.bundle import Bundle
from models.states import Standing


@dataclass(frozen=True, eq=False, slots=True)
class Told:
    """The score ``score_id`` of a lead as known at ``as_of`` (microseconds), by ``bundle``.

    ``standing`` is where the lead stood before it; None: nobody had looked. ``stored``: the lead is one of the store,
    and ``lead`` holds what the features of ``bundle`` read of it; otherwise it was sent along, whole.
    """

    score_id: str
    lead: LeadHistory
    as_of: int
    standing: Standing | None
    bundle: Bundle
    stored: bool


class Beside(Protocol):
    """Whoever hears of told scores. Never waits and never raises."""

    def __call__(self, told: Told) -> None:
        """Hear of one."""
