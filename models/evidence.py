"""What a lead itself has done lately: how many kinds of engagement, on how many days, and since when it is silent."""

from collections.abc import Iterable
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
        kinds: set[str] = set()
        days: set[int] = set()
        latest: int | None = None
        if isinstance(events, EventColumns):  # no event need be made for it
            told = events.seen(as_of)
            known: Iterable[tuple[str, str, int]] = zip(told.actors, told.kinds, told.occurred, strict=True)
        else:
            known = _known(events, as_of)
        for actor, kind, occurred_at in known:
            if actor == "lead":
                if occurred_at >= since:
                    kinds.add(kind)
                    days.add(occurred_at // DAY)
                if latest is None or occurred_at > latest:
                    latest = occurred_at
        return cls(len(kinds), len(days), created_at if latest is None else latest)


def _known(events: Iterable[Engagement], as_of: int) -> Iterable[tuple[str, str, int]]:
    """Actor, kind and time of each event that is known at a moment."""
    # `in_window` of any reach, in place: a call for each of thousands of events costs more than the question.
    return (
        (event.actor, event.kind, event.occurred_at)
        for event in events
        if event.occurred_at < as_of and event.known_at < as_of
    )
