"""What each rule of the points is worth by itself: do leads with its points buy more often than leads without?

A row has a rule's points while at least half of what the rule gives is there: points that have faded below that do not
count. The lift is the rate of outcomes among the rows that have the points against the rate among those that do not;
its interval is the middle 95 % over bootstrap samples of leads, each with all its rows. It is what one sees by looking
at the rule alone: evidence, not a cause.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from models.points import part_names
from models.rules import PointsTable
from training.duel_play import Floats, Ints, Mask
from training.judge import lead_weights

DRAWS = 200
LEAST_OUTCOMES = 5
"""Fewer outcomes than these, on either side of a rule or expected there by the base rate, tell nothing."""

Verdict = Literal["helps", "none", "inverse", "too few", "never"]


@dataclass(frozen=True)
class RuleLift:
    """A rule's own lift: rows and leads that have its points, the rates with and without, and what it comes to.

    ``lift`` and ``interval`` are None where the rule never gives anything, or too few outcomes are there to tell.
    """

    id: str
    name: str
    points: float
    rows: int
    leads: int
    rate_with: float | None
    rate_without: float | None
    lift: float | None
    interval: tuple[float, float] | None
    verdict: Verdict


def rule_lifts(points: PointsTable, parts: Floats, won: Mask, lead: Ints, seed: int = 0) -> list[RuleLift]:
    """The lift of each rule; ``parts`` (n, rules) is what each gave at n rows, ``lead`` (n,) a code from 0."""
    names = part_names(points)
    full = [_full(rule.points, rule.max_points) for rule in points.rules] + [rule.points for rule in points.inactivity]
    titles = [rule.name or rule.id for rule in points.rules] + [
        name.replace("inactivity", "silent for") for name in names[len(points.rules) :]
    ]
    has = (np.abs(parts) >= np.abs(full) / 2) & (parts != 0)
    count = int(lead.max(initial=-1)) + 1
    with_rows, with_won = _by_lead(has, lead, count), _by_lead(has & won[:, None], lead, count)
    all_rows, all_won = np.bincount(lead, minlength=count), np.bincount(lead, won, count)
    base = float(won.mean()) if len(won) else 0.0
    some = []
    for draw in range(0, DRAWS, DRAWS // 10):
        weights = lead_weights(np.arange(count), DRAWS // 10, seed + draw).astype(np.float64)
        rows_with, won_with = weights @ with_rows, weights @ with_won
        rows_without, won_without = (weights @ all_rows)[:, None] - rows_with, (weights @ all_won)[:, None] - won_with
        some.append(_lift(rows_with, won_with, rows_without, won_without, base))
    drawn = np.concatenate(some)
    found = []
    for at, name in enumerate(names):
        rows, hits = int(has[:, at].sum()), float((has[:, at] & won).sum())
        others = (len(won) - rows, float(won.sum()) - hits)
        few = min(_told(rows, hits, won), _told(*others, won)) < LEAST_OUTCOMES
        lift = None if few else float(_lift(rows, hits, *others, base))
        low, high = np.quantile(drawn[:, at], (0.025, 0.975)).tolist() if len(drawn) and not few else (0.0, 0.0)
        found.append(
            RuleLift(
                name,
                titles[at],
                full[at],
                rows,
                int((with_rows[:, at] > 0).sum()),
                hits / rows if rows else None,
                others[1] / others[0] if others[0] else None,
                lift,
                None if lift is None else (low, high),
                "never" if not rows else "too few" if lift is None else _verdict(full[at], low, high),
            )
        )
    return found


def _full(points: float, most: float | None) -> float:
    """What a rule gives for one event, within its limit."""
    return points if most is None else float(np.clip(points, -most, most))


def _by_lead(values: Mask, lead: Ints, leads: int) -> Floats:
    """(leads, rules) how often each is true among the rows of each lead."""
    return np.column_stack([np.bincount(lead, column, leads) for column in values.T])


def _lift(
    rows: Floats | float, hits: Floats | float, rows_without: Floats | float, hits_without: Floats | float, base: float
) -> Floats:
    """The rate with against the rate without, each with one more row at the base rate, so that neither is ever 0."""
    return np.asarray((hits + base) / (rows + 1.0) * (rows_without + 1.0) / np.maximum(hits_without + base, 1e-12))


def _told(rows: float, hits: float, won: Mask) -> float:
    """The outcomes that a side has, or would have at the base rate: whichever says more."""
    return max(hits, rows * float(won.mean())) if rows else 0.0


def _verdict(points: float, low: float, high: float) -> Verdict:
    if low <= 1.0 <= high:
        return "none"
    return "helps" if (low > 1.0) == (points > 0) else "inverse"


def named(lifts: Sequence[RuleLift], verdict: Verdict) -> list[RuleLift]:
    """The rules of a verdict, those with the most rows first."""
    return sorted((one for one in lifts if one.verdict == verdict), key=lambda one: -one.rows)
