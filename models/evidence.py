"""What a lead itself has done lately: how many kinds of engagement, on how many days, and since when it is silent."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from data.clock import DAY


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
        kinds, days, last, since = set(), set(), None, as_of - window
        for event in events:
            occurred_at = event.occurred_at
            # `in_window` of any reach, in place: a call for each of thousands of events costs more than the question.
            if event.actor == "lead" and occurred_at < as_of and event.known_at < as_of:
                if last is None or occurred_at > last:
                    last = occurred_at
                if occurred_at >= since:
                    kinds.add(event.kind)
                    days.add(occurred_at // DAY)
        return cls(len(kinds), len(days), created_at if last is None else last)
