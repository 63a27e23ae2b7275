"""Odoo's predictive lead scoring: naive Bayes on a table of frequencies, as a rival.

As in addons/crm/models/crm_lead.py (odoo/odoo, read at 0015f11c). Every closed lead adds 1 to the won or the lost count
of each value that its fields have; a value that was ever seen starts at 0.1 in both. Teams are apart; a lead whose
team has no frequencies is scored by the sums over all teams. A won lead counts for every stage, a lost one for its
stage and those before. The score of a lead is ``100 * w / (w + l)`` with ``w = P(won) * product(n_won / total_won)``
over its fields, ``l`` likewise, rounded to two decimals and kept within 0.01 and 99.99; totals are the sums of a
field's counts, for the stage the counts of the first stage, which are the prior as well. Values that were never seen
and fields without a value are skipped. Where no lead has closed there is no score.

Odoo knows no numbers, no time and no censoring: numeric fields must be cut into classes, and open leads do not count.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

START = 0.1
"""Where the counts of a value begin that is seen for the first time."""
LOWEST, HIGHEST = 0.01, 99.99
LEAST_TAGGED = 50.0
"""A tag with fewer closed leads than this (0.1 + 0.1 included) is not used."""
NONE = -1
"""The code of a missing value."""


@dataclass(frozen=True, eq=False)
class ClosedLeads:
    """n leads as codes: ``fields`` (n, F) a code of each field's value, NONE where missing; ``won`` (n,).

    ``stage`` (n,) is the place of each lead's stage in the pipeline, from 0, of ``stages`` in all; without stages all
    are in one. ``team`` (n,) is a code, NONE without a team. ``tags`` (n, T) says which tags a lead has.
    """

    fields: Ints
    won: Mask
    stage: Ints | None = None
    stages: int = 1
    team: Ints | None = None
    tags: Mask | None = None


@dataclass(frozen=True, eq=False)
class _Frequencies:
    """Won and lost counts (values, 2): of each field by code, of each stage, of each tag; 0 for what was never seen."""

    fields: tuple[Floats, ...]
    stage: Floats
    tags: Floats

    @classmethod
    def of(cls, leads: ClosedLeads, rows: Ints, sizes: Sequence[int]) -> "_Frequencies":
        won = leads.won[rows]
        fields = tuple(_counts(leads.fields[rows, at], won, size) for at, size in enumerate(sizes))
        stage = np.zeros(len(rows), np.int64) if leads.stage is None else leads.stage[rows]
        reached = np.where(won, leads.stages - 1, stage)[:, None] >= np.arange(leads.stages)
        tags = _sums(np.zeros((len(rows), 0), bool) if leads.tags is None else leads.tags[rows], won)
        # rare tags are left out of the totals too
        often = tags.sum(axis=1, keepdims=True) >= LEAST_TAGGED
        return cls(fields, _sums(reached, won), np.where(often, tags, 0.0))

    def __add__(self, other: "_Frequencies") -> "_Frequencies":
        fields = tuple(one + two for one, two in zip(self.fields, other.fields, strict=True))
        return _Frequencies(fields, self.stage + other.stage, self.tags + other.tags)

    def log_odds(self, leads: ClosedLeads, rows: Ints) -> Floats:
        """log(w / l) of the leads ``rows`` of ``leads``; NaN where there is no score."""
        prior = self.stage[0]
        if not prior.all():
            return np.full(len(rows), np.nan)
        total = np.full(len(rows), np.log(prior[0] / prior[1]))
        for at, counts in enumerate(self.fields):
            total += _log_ratios(counts, counts.sum(axis=0))[leads.fields[rows, at]]
        if leads.stage is not None:
            total += _log_ratios(self.stage, prior)[leads.stage[rows]]
        if leads.tags is not None:
            total += leads.tags[rows] @ _log_ratios(self.tags, self.tags.sum(axis=0))[:-1]
        return total


def _counts(codes: Ints, won: Mask, size: int) -> Floats:
    known = codes != NONE
    counts = np.stack([np.bincount(codes[known], side[known], size) for side in (won, ~won)], axis=1)
    return counts + START * counts.any(axis=1, keepdims=True)


def _sums(has: Mask, won: Mask) -> Floats:
    counts = np.stack([has[won].sum(axis=0), has[~won].sum(axis=0)], axis=1).astype(np.float64)
    return counts + START * counts.any(axis=1, keepdims=True)


def _log_ratios(counts: Floats, totals: Floats) -> Floats:
    """(values + 1,) what each value adds to log(w / l); 0 for values never seen, and for NONE at the end."""
    out = np.zeros(len(counts) + 1)
    seen = np.flatnonzero(counts.all(axis=1))
    if len(seen) and totals.all():
        out[seen] = np.log(counts[seen, 0] / totals[0]) - np.log(counts[seen, 1] / totals[1])
    return out


class PredictiveScore:
    """The frequency tables of some closed leads, and the scores that Odoo gives by them."""

    def __init__(self, closed: ClosedLeads, sizes: Sequence[int] | None = None) -> None:
        """Count the frequencies; ``sizes`` are the numbers of codes of each field, default those that are seen."""
        highest = closed.fields.max(axis=0, initial=NONE) + 1
        self._sizes = [*map(int, highest)] if sizes is None else [*sizes]
        team = np.full(len(closed.won), NONE) if closed.team is None else closed.team
        self._of_team: Mapping[int, _Frequencies] = {
            int(one): _Frequencies.of(closed, np.flatnonzero(team == one), self._sizes) for one in np.unique(team)
        }
        tables = [*self._of_team.values()] or [_Frequencies.of(closed, np.empty(0, np.int64), self._sizes)]
        self._all = sum(tables[1:], start=tables[0])

    def log_odds(self, leads: ClosedLeads) -> Floats:
        """(n,) log(w / l) before rounding; NaN where Odoo gives no score. ``won`` of ``leads`` is not looked at."""
        fields = np.where(leads.fields < self._sizes, leads.fields, NONE)
        known = ClosedLeads(fields, leads.won, leads.stage, leads.stages, leads.team, leads.tags)
        team = np.full(len(fields), NONE) if leads.team is None else leads.team
        out = np.full(len(fields), np.nan)
        for one in np.unique(team):
            rows = np.flatnonzero(team == one)
            table = self._all if one == NONE else self._of_team.get(int(one), self._all)
            out[rows] = table.log_odds(known, rows)
        return out

    def __call__(self, leads: ClosedLeads) -> Floats:
        """(n,) the score as Odoo shows it, per cent with two decimals."""
        share = 1.0 / (1.0 + np.exp(-self.log_odds(leads)))
        return np.clip(np.round(100.0 * share, 2), LOWEST, HIGHEST)


def codes_of(values: Sequence[str | None], levels: dict[str, int]) -> Ints:
    """The code of each value, NONE where missing; ``levels`` learns values that it does not have yet."""
    return np.array([NONE if value is None else levels.setdefault(value, len(levels)) for value in values], np.int64)
