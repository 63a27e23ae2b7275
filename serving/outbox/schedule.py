"""What follows from an answer: delivered, again at a moment, dead, or stopped. Pure: no clock, no store.

    the subscriber answers                       what follows
    2xx                                          delivered
    410                                          the subscriber is stopped; the delivery waits until it is resumed
    408, 425, 429, 5xx, or nothing at all        again after 5 s, 5 min, 30 min, 2, 5, 10, 14, 20 and 24 h: ten tries
    any other status, redirections too; or the   again after 5 s and 5 min: three tries, as the same will not do later
    call may not be made
    after the last try                           dead: kept, shown, sent again when somebody says so

Each wait is drawn from 100 to 120 % of its length, so that many do not return at once; a Retry-After that asks for more
is respected up to 24 h. The waits are those of the Standard Webhooks specification.
"""

from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Literal

from data.clock import DAY, HOUR, MINUTE, SECOND, to_micros

WAITS = (5 * SECOND, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 5 * HOUR, 10 * HOUR, 14 * HOUR, 20 * HOUR, DAY)
REFUSED_TRIES = 3
_LATER = {408, 425, 429}
_GONE = 410


@dataclass(frozen=True)
class Answer:
    """What a subscriber answered: its status, or None and why there is none; ``retry_after`` in microseconds.

    ``refused`` is a call that may not be made, or a message that does not fit: the same will not do later.
    """

    status: int | None
    error: str | None = None
    retry_after: int | None = None
    refused: bool = False

    @property
    def delivered(self) -> bool:
        """Whether it took the message."""
        return self.status is not None and 200 <= self.status < 300 and not self.refused

    @property
    def passing(self) -> bool:
        """Whether the same may well be taken later: the subscriber is busy, broken or not there."""
        return not self.refused and (self.status is None or self.status in _LATER or self.status >= 500)


@dataclass(frozen=True)
class Verdict:
    """What becomes of a delivery; ``due_at`` (microseconds) where it is tried again."""

    state: Literal["delivered", "again", "dead", "stopped"]
    due_at: int | None = None


@dataclass(frozen=True)
class Schedule:
    """How long to wait after each failed try (microseconds), and how many tries a refusal gets."""

    waits: tuple[int, ...] = WAITS
    refused_tries: int = REFUSED_TRIES

    def verdict(self, tries: int, answer: Answer, now: int, draw: float) -> Verdict:
        """What follows from ``answer`` to the ``tries``-th try at ``now``; ``draw`` is uniform within [0, 1)."""
        if answer.delivered:
            return Verdict("delivered")
        if answer.status == _GONE:
            return Verdict("stopped")
        last = len(self.waits) + 1 if answer.passing else min(self.refused_tries, len(self.waits) + 1)
        if tries >= last:
            return Verdict("dead")
        asked = min(answer.retry_after or 0, DAY)
        wait = max(self.waits[tries - 1], asked)
        return Verdict("again", now + round(wait * (1 + 0.2 * draw)))


def retry_after(header: str | None, now: int) -> int | None:
    """Microseconds that a Retry-After asks for: seconds, or a date; None where it cannot be read."""
    text = (header or "").strip()
    if text.isascii() and text.isdecimal():
        return int(text[:9]) * SECOND
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    return max(0, to_micros(moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - now)
