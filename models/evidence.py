"""What a lead itself has done lately: how many kinds of engagement, on how many days, and since when it is silent."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

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


@dataclass(frozen=True)
class Evidence:
    """On how many distinct UTC days a lead engaged, in how many distinct kinds, within the window of its policy.

    ``quiet_since`` (microseconds) is its last engagement of any age, or its creation when there was none.
    """

    kinds: int
    days: int
    quiet_since: int

    @classmethod
    def seen(cls, events: Iterable[Engagement], as_of: int, window: int, created_at: int) -> "Evidence":
        """The evidence of a lead's own events as known at ``as_of``; kinds and days no older than ``window``."""
        own = [
            (kind, occurred_at)
            for actor, kind, occurred_at, known_at in _looked_at(events)
            # `in_window` of any reach, in place: a call for each of thousands of events costs more than the question.
            if actor == "lead" and occurred_at < as_of and known_at < as_of
        ]
        recent = [one for one in own if one[1] >= as_of - window]
        days = {occurred_at // DAY for _, occurred_at in recent}
        last = max([occurred_at for _, occurred_at in own], default=created_at)
        return cls(len({kind for kind, _ in recent}), len(days), last)


def _looked_at(events: Iterable[Engagement]) -> Iterable[tuple[str, str, int, int]]:
    if isinstance(events, EventColumns):  # no event need be made for it
        return zip(events.actors, events.kinds, events.occurred, events.known, strict=True)
    return ((event.actor, event.kind, event.occurred_at, event.known_at) for event in events)
