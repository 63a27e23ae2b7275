"""Why a readiness is what it is: contributions told as dated evidence.

Contributions (models.model, ``explain``) are grouped by the question that their features answer. The largest pushes
come first. Each is told from the lead's own facts, through the feature of the group that pushes most; groups that tell
the same are one reason. A push is how much the group moves the model's log-odds away from its base; it is no statement
of cause and effect.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from features.feature import Feature, OverEvents
from features.feature_set import FeatureSet
from features.lead import LeadHistory
from models.facts import Facts, facts_of
from models.telling import NOTHING, Told, reads_value, subjects, tell

Floats = npt.NDArray[np.float64]
REASONS = 3
"""So many are told, unless fewer are asked for."""
LEAST_PUSH = 1e-6
"""Log-odds below which a group has no say."""


@dataclass(frozen=True)
class Reason:
    """A piece of evidence and its push in log-odds; ``since`` and ``until`` (microseconds) where it has dates."""

    text: str
    group: str
    push: float
    since: int | None = None
    until: int | None = None


class _Member(NamedTuple):
    position: int
    feature: Feature


class Teller:
    """Tells the reasons of one feature set. Keeps nothing between calls; threads may share it."""

    def __init__(self, feature_set: FeatureSet) -> None:
        self._spoken = _Groups(feature_set, silent=False)
        self._silent = _Groups(feature_set, silent=True)

    def reasons(
        self, row: npt.NDArray[np.float32], pushes: Floats, lead: LeadHistory, as_of: int, count: int
    ) -> tuple[Reason, ...]:
        """The ``count`` largest reasons of a ``row`` (F,) with contributions ``pushes`` (F + 1,; the last is the base).

        A lead without engagement is told so first: its other reasons are what is known of it otherwise.
        """
        if count <= 0:
            return ()
        facts = facts_of(lead, as_of)
        silent = facts.silent
        told = (self._silent if silent else self._spoken).told(row, pushes, facts, len(row) if silent else count)
        order = sorted(told, key=lambda r: (silent and r.text != NOTHING, -abs(r.push), r.text))
        return tuple(r for r in order if abs(r.push) >= LEAST_PUSH or r.text == NOTHING)[:count]


class _Groups:
    """The features by question; where there was no engagement all questions about it are one."""

    def __init__(self, feature_set: FeatureSet, *, silent: bool) -> None:
        groups: dict[str, list[_Member]] = {}
        for position, (feature, group) in enumerate(zip(feature_set, feature_set.groups, strict=True)):
            question = "engagement" if silent and _is_engagement(feature) else group
            groups.setdefault(question, []).append(_Member(position, feature))
        place_of = {group: k for k, group in enumerate(groups)}
        of_feature = {member.position: place_of[group] for group, members in groups.items() for member in members}
        self._group_of = np.array([of_feature[position] for position in range(len(feature_set))], np.int64)
        self._kin_of = np.array(_kin(list(groups.values())), np.int64)
        self._by_kin: dict[int, list[tuple[int, str, list[_Member]]]] = {}
        for place, (kin, (name, members)) in enumerate(zip(self._kin_of.tolist(), groups.items(), strict=True)):
            self._by_kin.setdefault(kin, []).append((place, name, members))

    def told(self, row: npt.NDArray[np.float32], pushes: Floats, facts: Facts, count: int) -> list[Reason]:
        """The ``count`` largest reasons, in no order and with others.

        Only groups of the same kin can say the same and so be merged into one. The kin are told by how much they could
        push at the most, until none that is left could come among the first ``count``.
        """
        of_group = np.bincount(self._group_of, pushes[:-1], len(self._kin_of))  # adds in the order of the features
        most = np.bincount(self._kin_of, np.abs(of_group))
        plain, sums = pushes.tolist(), of_group.tolist()
        found: list[Reason] = []
        for kin in sorted(self._by_kin, key=lambda kin: -most[kin]):
            enough = len(found) >= count and sorted(abs(reason.push) for reason in found)[-count] > most[kin] * _ABOVE
            if enough:
                break
            found += _merged(
                [
                    _told(name, members, sums[place], row, plain, facts)
                    for place, name, members in self._by_kin[kin]
                    if sums[place] != 0.0 or facts.silent  # what adds nothing changes no sum and has no say
                ]
            )
        return found


_ABOVE = 1.0 + 1e-9
"""Sums in another order differ by their rounding."""


def _kin(groups: Sequence[Sequence[_Member]]) -> list[int]:
    """A number for each group; groups that could ever say the same have the same."""
    kin = list(range(len(groups)))
    first: dict[object, int] = {}
    for k, members in enumerate(groups):
        for subject in {subject for member in members for subject in subjects(member.feature)}:
            other = kin[first.setdefault(subject, k)]
            kin = [other if one == kin[k] else one for one in kin]
    return kin


def _told(
    group: str,
    members: Sequence[_Member],
    push: float,
    row: npt.NDArray[np.float32],
    pushes: Sequence[float],
    facts: Facts,
) -> Reason:
    """The group told through the feature that pushes most in its direction; among equals the first."""
    best, most = members[0], -1.0
    for member in members:
        own = pushes[member.position]
        if own * push > 0 and abs(own) > most:
            best, most = member, abs(own)
    if most < 0:  # nothing pushes that way: the group's push is 0, or too small for a product
        best = max(members, key=lambda member: (abs(pushes[member.position]), -member.position))
    said = _told_now(best.feature, float(row[best.position]), facts)
    return Reason(said.text, group, push, said.since, said.until)


def _told_now(feature: Feature, value: float, facts: Facts) -> Told:
    if facts.silent and _is_engagement(feature):
        return Told(NOTHING)
    return tell(feature, replace(facts, value=value) if reads_value(feature) else facts)


def _is_engagement(feature: Feature) -> bool:
    return isinstance(feature, OverEvents) and feature.actor != "sales"


def _merged(reasons: Sequence[Reason]) -> list[Reason]:
    """Reasons that say the same are one; it keeps the group of the larger push."""
    found: dict[str, Reason] = {}
    for reason in sorted(reasons, key=lambda one: (-abs(one.push), one.group)):
        known = found.get(reason.text)
        found[reason.text] = reason if known is None else replace(known, push=known.push + reason.push)
    return list(found.values())
