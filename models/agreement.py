"""What people agree on: hand-offs a week, and what each number of them would have meant (``training.agreement``).

The curve travels in the bundle's report. A capacity that a person agreed on gets the threshold that the curve of the
bundle in use has for it, so that it stays agreed when the model changes.
"""

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from data.errors import ContractError
from models.bundle import Bundle
from models.policy import Policy
from models.thresholds import exit_for


@dataclass(frozen=True)
class Told:
    """What a week brings at a threshold, with the middle 95 % of bootstrap samples (``intervals``, by name).

    ``hand_offs``, ``wins`` and ``premature`` calls a week; ``caught`` is a share of all wins.
    """

    hand_offs: float
    wins: float
    premature: float
    caught: float
    intervals: Mapping[str, tuple[float, float]]

    @classmethod
    def of(cls, told: Mapping[str, Any]) -> "Told":
        """As the report has it. Raises KeyError, TypeError or ValueError for another form."""
        hand_offs, wins, premature = (float(told[name]) for name in ("hand_offs", "wins", "premature"))
        intervals = {str(name): (float(low), float(high)) for name, (low, high) in told["intervals"].items()}
        return cls(hand_offs, wins, premature, float(told["caught"]), intervals)


@dataclass(frozen=True)
class Choice:
    """A capacity (hand-offs a week), its threshold and chance to explore, and what it would have meant.

    ``points``: the same for the customer's points at the same capacity, and ``more_wins`` a week than by them; None
    where there are no points.
    """

    per_week: float
    threshold: float
    explore_chance: float
    told: Told
    points: Told | None
    more_wins: float | None

    @classmethod
    def of(cls, told: Mapping[str, Any]) -> "Choice":
        """As the report has it."""
        points = Told.of(told["points"]) if told.get("points") else None
        more = float(told["more_wins"]) if points else None
        per_week, threshold, chance = (float(told[name]) for name in ("per_week", "threshold", "explore_chance"))
        return cls(per_week, threshold, chance, Told.of(told), points, more)


@dataclass(frozen=True)
class Curve:
    """The choices in the order of their capacity, and the rows they were judged on.

    ``wins`` of ``leads`` within ``horizon`` (such as ``90d``), over ``weeks``; ``share`` of all rows were used. ``own``
    is what the bundle's own threshold would have meant.
    """

    choices: tuple[Choice, ...]
    own: Told
    horizon: str
    weeks: float
    leads: int
    wins: int
    share: float

    @property
    def lowest(self) -> float:
        """The smallest capacity that can be agreed on."""
        return self.choices[0].per_week

    def at(self, capacity: float) -> Choice:
        """The choice for a capacity: the largest that is not above it, so that no more is handed off than agreed.

        Below the lowest, the lowest.
        """
        place = bisect_right([choice.per_week for choice in self.choices], capacity)
        return self.choices[max(place - 1, 0)]


def curve_of(bundle: Bundle) -> Curve | None:
    """The curve of a bundle; None: it was trained without one (before there were any, or nothing had matured)."""
    found = bundle.report.get("agreement")
    if not found:
        return None
    try:
        choices = tuple(Choice.of(one) for one in found["choices"])
        counts = float(found["weeks"]), int(found["leads"]), int(found["wins"]), float(found["share"])
        curve = Curve(choices, Told.of(found["own"]), str(found["horizon"]), *counts)
    except (KeyError, TypeError, ValueError, AttributeError):
        return None
    rising = [choice.per_week for choice in choices]
    return curve if choices and rising == sorted(rising) else None


def policy_at(bundle: Bundle, capacity: float) -> Policy:
    """The bundle's policy with the thresholds of a capacity; its own where it has no curve.

    Raises ContractError for a capacity that is none.
    """
    if not 0.0 < capacity < float("inf"):
        raise ContractError(f"A capacity of {capacity:g} hand-offs a week is none. Expected a number above 0.")
    curve = curve_of(bundle)
    if curve is None:
        return bundle.policy
    choice = curve.at(capacity)
    return replace(
        bundle.policy,
        threshold=choice.threshold,
        exit_below=exit_for(choice.threshold),
        explore_chance=choice.explore_chance,
        capacity_per_week=capacity,
    )
