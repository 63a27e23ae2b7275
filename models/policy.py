"""When sales is asked to call: a readiness that sales agreed to, and enough evidence behind it.

One download is never enough, whatever the number says: a hand-off needs several kinds of engagement on several days.
The threshold comes from what sales can work, not from an arbitrary cut.
"""

import json
import math
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from typing import Literal, Protocol

import numpy as np
import numpy.typing as npt

from data.clock import DAY, WEEK, in_window
from data.errors import BundleError, ContractError

Decision = Literal["hand off", "nurture"]


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
    """On how many distinct UTC days a lead engaged, in how many distinct kinds."""

    kinds: int
    days: int

    @classmethod
    def seen(cls, events: Iterable[Engagement], as_of: int, window: int) -> "Evidence":
        """The evidence of a lead's own events as known at ``as_of``, no older than ``window`` (microseconds)."""
        found = [e for e in events if e.actor == "lead" and in_window(e.occurred_at, e.known_at, as_of, window)]
        return cls(len({e.kind for e in found}), len({e.occurred_at // DAY for e in found}))


@dataclass(frozen=True)
class Policy:
    """The agreed rule.

    ``threshold`` is a readiness within [0, 1] on the primary horizon, ``evidence_window`` microseconds,
    ``capacity_per_week`` the hand-offs a week that the threshold was made for (None: it was given).
    """

    threshold: float
    min_kinds: int = 2
    min_days: int = 2
    evidence_window: int = 90 * DAY
    capacity_per_week: float | None = None

    def __post_init__(self) -> None:
        if not 0.0 <= self.threshold <= 1.0 or self.min_kinds < 0 or self.min_days < 0 or self.evidence_window <= 0:
            raise ContractError(
                f"{self} is no policy. Expected a threshold within [0, 1], counts from 0 and a window above 0. "
                "Correct [policy] and train again."
            )

    def decide(self, readiness: float, evidence: Evidence) -> tuple[Decision, str]:
        """What to do with a lead, and the sentence that says why."""
        if not readiness >= self.threshold:
            return "nurture", f"readiness {_percents(readiness, self.threshold, 'is below the agreed')}"
        if evidence.kinds < self.min_kinds or evidence.days < self.min_days:
            return "nurture", f"{self._told(evidence)}: the contract asks for {self._asked(evidence)}"
        return "hand off", (
            f"readiness {_percents(readiness, self.threshold, 'is at or above the agreed')}; {self._told(evidence)}"
        )

    def _asked(self, evidence: Evidence) -> str:
        """What is missing, such as ``2 kinds on 2 days``."""
        kinds = f"{self.min_kinds} kind{'s' * (self.min_kinds != 1)}" if evidence.kinds < self.min_kinds else ""
        days = f"{self.min_days} day{'s' * (self.min_days != 1)}" if evidence.days < self.min_days else ""
        within = f" within {self.evidence_window / DAY:g} days"
        return " on ".join(part for part in (kinds, days) if part) + within

    def _told(self, evidence: Evidence) -> str:
        """What was seen, such as ``2 kinds of engagement on one day``."""
        if not evidence.days:
            return f"no engagement within {self.evidence_window / DAY:g} days"
        kinds = "one kind" if evidence.kinds == 1 else f"{evidence.kinds} kinds"
        days = "one day" if evidence.days == 1 else f"{evidence.days} days"
        return f"{kinds} of engagement on {days}"

    def to_json(self) -> bytes:
        """The policy as JSON."""
        return json.dumps(asdict(self), indent=1, allow_nan=False).encode()

    @classmethod
    def from_json(cls, text: bytes) -> "Policy":
        """The policy of ``to_json``. Raises BundleError when it is not one."""
        try:
            found = json.loads(text)
            if set(found) != {field.name for field in fields(cls)}:
                raise ValueError(f"its keys are {sorted(found)}")
            capacity = found["capacity_per_week"]
            counts = (int(found["min_kinds"]), int(found["min_days"]), int(found["evidence_window"]))
            return cls(float(found["threshold"]), *counts, None if capacity is None else float(capacity))
        except (ValueError, TypeError, ContractError) as error:
            raise BundleError(f"policy.json is no policy: {error}. Take the bundle from its registry again.") from None


def _percents(readiness: float, threshold: float, relation: str) -> str:
    """Both as per cent, with as many digits as it takes for the sentence to be true to the eye."""
    one, other = "", ""
    for digits in range(16):
        one, other = f"{100 * readiness:.{digits}f}", f"{100 * threshold:.{digits}f}"
        told_apart = one != other or readiness == threshold
        if told_apart and (float(other) > 0 or threshold == 0):
            break
    return f"{one} % {relation} {other} %"


def threshold_for_capacity(
    scores: npt.NDArray[np.float64],
    cutoffs: npt.NDArray[np.int64],
    leads: npt.NDArray[np.generic],
    capacity_per_week: float,
    eligible: npt.NDArray[np.bool_] | None = None,
) -> float:
    """The lowest threshold that hands off no more leads a week than sales can work.

    The n rows are periodic cutoffs (microseconds) of held-out leads (any ids) with their readiness; a lead is handed
    off once, at its first row at or above the threshold. Leads that are already above it at the first cutoff are the
    backlog from before and do not count, unless there is one cutoff only: then the ``capacity`` best are it. Rows that
    are not ``eligible`` (too little evidence) cannot be handed off. Returns a readiness within [0, 1]; 1 when even
    the highest score is too many. Raises ContractError without rows.
    """
    if not len(scores):
        raise ContractError("No held-out rows to set a threshold by. Widen [backtest], or bring more history.")
    values = np.asarray(scores, np.float64) if eligible is None else np.where(eligible, scores, -np.inf)
    _, codes = np.unique(leads, return_inverse=True)
    best = np.full(int(codes.max()) + 1, -np.inf)
    np.maximum.at(best, codes, values)
    start, end = int(cutoffs.min()), int(cutoffs.max())
    before = np.full(len(best), -np.inf)
    if end > start:
        first = cutoffs == start
        np.maximum.at(before, codes[first], values[first])
    return _lowest(best, before, capacity_per_week * max((end - start) / WEEK, 1.0))


def _lowest(best: npt.NDArray[np.float64], before: npt.NDArray[np.float64], allowed: float) -> float:
    """Going down, the last threshold t before more than ``allowed`` leads have ``before < t <= best``."""
    rising = best > before
    candidates = np.unique(best[rising & np.isfinite(best)])[::-1]
    if not len(candidates):
        return 1.0
    reached = np.searchsorted(np.sort(best[rising]), candidates, "left")
    backlog = np.searchsorted(np.sort(before[rising]), candidates, "left")
    # `reached` counts leads whose best is below t, `backlog` those that were below t at the start.
    handed_off = backlog - reached
    too_many = np.flatnonzero(handed_off > allowed)
    last = len(candidates) if not len(too_many) else int(too_many[0])
    return float(candidates[last - 1]) if last else min(1.0, math.nextafter(float(candidates[0]), 2.0))
