"""What a lead itself has done lately: how many kinds of engagement, on how many days, and since when it is silent."""

from collections.abc import Iterable
from itertools import compress
from typing import NamedTuple, Protocol

from data.clock import DAY
from features.event_columns import EventColumns


class Engagement(Protocol):
    """What a policy looks at in an event; times in microseconds since 1970."""

    @property
    def kind(self) -> str:
        """What the lead did."""

    @property
    def occurred_at(self) -> int:
        """When it happened."""

    @property
    def known_at(self) -> int:
        """When we could have known it."""

    @property
    def actor(self) -> str:
        """Who did it: only what the lead did is engagement."""


class Evidence(NamedTuple):
    """On how many distinct UTC days a lead engaged, in how many distinct kinds, within the window of its policy.

    ``quiet_since`` (microseconds) is its last engagement of any age, or its creation when there was none.
    """

    kinds: int
    days: int
    quiet_since: int

    @classmethod
    def seen(cls, events: Iterable[Engagement], as_of: int, window: int, created_at: int) -> "Evidence":
        """The evidence of a lead's own events as known at ``as_of``; kinds and days no older than ``window``."""
        since = as_of - window
        kinds, times = _engagement(events, as_of)
        if not times or max(times) < since:
            return cls(0, 0, max(times, default=created_at))
        recent = [(kind, occurred_at) for kind, occurred_at in zip(kinds, times, strict=True) if occurred_at >= since]
        days = {occurred_at // DAY for _, occurred_at in recent}
        return cls(len({kind for kind, _ in recent}), len(days), max(times))


def _engagement(events: Iterable[Engagement], as_of: int) -> tuple[list[str], list[int]]:
    """The kinds and times of what a lead itself did, as known at a moment."""
    if isinstance(events, EventColumns):  # no event need be made for it
        seen = events.seen(as_of)
        own = [actor == "lead" for actor in seen.actors]
        return list(compress(seen.kinds, own)), list(compress(seen.occurred, own))
    # `in_window` of any reach, in place: a call for each of thousands of events costs more than the question.
    own_events = [
        event for event in events if event.actor == "lead" and event.occurred_at < as_of and event.known_at < as_of
    ]
    return [event.kind for event in own_events], [event.occurred_at for event in own_events]
