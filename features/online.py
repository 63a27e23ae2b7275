"""Feed: one lead's own events. The same plans and the same kernel as for tables; only NumPy and numba are imported."""

import numpy as np

from features.block import Block, Matrix
from features.custom import custom_values
from features.event_columns import EventColumns
from features.feature_set import FeatureSet
from features.lead import Event, LeadHistory
from features.moments import read_moments
from features.own_block import OwnBlocks
from features.own_order import as_read, each_once
from features.plan import Plan, make_plans
from features.vocabulary import Vocabulary


class OnlineEngine:
    """Features of one lead at one cutoff, equal to the table's to the last bit.

    Made once for a feature set and its vocabulary; ``row`` keeps nothing between calls, so threads may share it.
    """

    def __init__(self, feature_set: FeatureSet, vocabulary: Vocabulary) -> None:
        self._width = len(feature_set)
        self._makers = [OwnBlocks(plan, vocabulary) for plan in make_plans(feature_set)]

    def warm(self) -> None:
        """Load or compile all that is compiled here, so that the first lead does not wait for it."""
        read_moments(["1970-01-01T00:00:00Z"])
        self.row(LeadHistory("", 0, events=(Event("", 0, 0),)), 1)

    def row(self, lead: LeadHistory, cutoff: int) -> Matrix:
        """The features (f,) of ``lead`` as of ``cutoff`` (microseconds since 1970). Raises SchemaError."""
        row: Matrix = self.rows(lead, cutoff)[0]
        return row

    def rows(self, lead: LeadHistory, cutoff: int) -> Matrix:
        """The same as the one row of a matrix (1, f)."""
        out = np.empty((1, self._width), np.float32)
        for maker in self._makers:
            events = _events_of(maker.plan, lead)
            maker.row(lead, events, cutoff, out)
            if maker.plan.customs:
                customs = [custom for _, custom in maker.plan.customs]
                seen = as_read(maker.ordered(events), maker.plan.reals, maker.plan.texts)
                out[0, [column for column, _ in maker.plan.customs]] = custom_values(customs, seen, cutoff)
        return out

    def blocks(self, lead: LeadHistory, cutoff: int) -> list[tuple[Plan, Block]]:
        """The arrays that the kernel, or the fold, reads for one lead and one row, plan by plan."""
        return [
            (maker.plan, maker.block(lead, maker.ordered(_events_of(maker.plan, lead)), cutoff))
            for maker in self._makers
        ]


def _events_of(plan: Plan, lead: LeadHistory) -> EventColumns:
    """The events that a plan looks at, each once: the lead's own, or with those of the other leads of its account."""
    events = lead.events
    if plan.per == "lead" and isinstance(events, EventColumns) and events.different() == len(events.kinds):
        return events  # as nearly all come
    if plan.per == "account":
        own = (event._replace(known_at=max(event.known_at, lead.created_at)) for event in lead.events)
        events = (*own, *lead.account_events)
    return each_once(EventColumns.of(events))
