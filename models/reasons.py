"""Why a readiness is what it is: contributions told as dated evidence.

Contributions (models.model, ``explain``) are grouped by the question that their features answer. The largest pushes
come first. Each is told from the lead's own facts, through the feature of the group that pushes most; groups that tell
the same are one reason. A push is how much the group moves the model's log-odds away from its base; it is no statement
of cause and effect.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from features.feature import Feature, OverEvents
from features.feature_set import FeatureSet
from features.lead import LeadHistory
from models import numerics
from models.facts import Facts, facts_of
from models.telling import NOTHING, Told, subjects, tell

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


class _Feature(NamedTuple):
    """How one feature is told: its sentence, whether that needs the number, whether it is about engagement."""

    feature: Feature
    tell: Callable[[Feature, Facts], Told]
    reads: bool
    engaged: bool


class _Said(NamedTuple):
    """A reason to be."""

    text: str
    group: str
    push: float
    since: int | None
    until: int | None


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
        return tuple([Reason(*r) for r in order if abs(r.push) >= LEAST_PUSH or r.text == NOTHING][:count])


class _Groups:
    """The features by question; where there was no engagement all questions about it are one."""

    def __init__(self, feature_set: FeatureSet, *, silent: bool) -> None:
        groups: dict[str, list[Feature]] = {}
        group_of = []
        self._features = [_told_how(feature) for feature in feature_set]
        for one, group in zip(self._features, feature_set.groups, strict=True):
            question = "engagement" if silent and one.engaged else group
            group_of.append(question)
            groups.setdefault(question, []).append(one.feature)
        place_of = {group: k for k, group in enumerate(groups)}
        kin_of = _kin(list(groups.values()))
        self._group_of = np.array([place_of[group] for group in group_of], np.int64)
        self._kin_of = np.array(kin_of, np.int64)
        self._by_kin: dict[int, list[tuple[int, str]]] = {}
        for kin, (name, place) in zip(kin_of, place_of.items(), strict=True):
            self._by_kin.setdefault(kin, []).append((place, name))

    def told(self, row: npt.NDArray[np.float32], pushes: Floats, facts: Facts, count: int) -> list[_Said]:
        """The ``count`` largest reasons, in no order and with others.

        Only groups of the same kin can say the same and so be merged into one. The kin are told by how much they could
        push at the most, until none that is left could come among the first ``count``.
        """
        sums, loudest, most = (found.tolist() for found in numerics.loudest(pushes, self._group_of, self._kin_of))
        found: list[_Said] = []
        for kin in sorted(self._by_kin, key=lambda kin: -most[kin]):
            if len(found) >= count and sorted([abs(one.push) for one in found])[-count] > most[kin] * _ABOVE:
                break
            found += _merged(
                [
                    self._said(name, loudest[place], sums[place], row, facts)
                    for place, name in self._by_kin[kin]
                    if sums[place] != 0.0 or facts.silent  # what adds nothing changes no sum and has no say
                ]
            )
        return found

    def _said(self, group: str, position: int, push: float, row: npt.NDArray[np.float32], facts: Facts) -> _Said:
        """The group told through the feature at ``position``, which pushes most in its direction."""
        one = self._features[position]
        if facts.silent and one.engaged:
            told = _NOTHING
        else:
            told = one.tell(one.feature, replace(facts, value=float(row[position])) if one.reads else facts)
        return _Said(told.text, group, push, told.since, told.until)


_NOTHING = Told(NOTHING)
_ABOVE = 1.0 + 1e-9
"""Sums in another order differ by their rounding."""


def _told_how(feature: Feature) -> _Feature:
    sentence = tell.dispatch(type(feature))
    engaged = isinstance(feature, OverEvents) and feature.actor != "sales"
    return _Feature(feature, sentence, sentence is tell.dispatch(object), engaged)


def _kin(groups: Sequence[Sequence[Feature]]) -> list[int]:
    """A number for each group; groups that could ever say the same have the same, all from 0 without a gap."""
    kin = list(range(len(groups)))
    first: dict[object, int] = {}
    for k, members in enumerate(groups):
        for subject in {subject for feature in members for subject in subjects(feature)}:
            other = kin[first.setdefault(subject, k)]
            kin = [other if one == kin[k] else one for one in kin]
    number = {one: k for k, one in enumerate(dict.fromkeys(kin))}
    return [number[one] for one in kin]


def _merged(reasons: Sequence[_Said]) -> Sequence[_Said]:
    """Reasons that say the same are one; it keeps the group of the larger push."""
    if len({one.text for one in reasons}) == len(reasons):
        return reasons
    found: dict[str, _Said] = {}
    for reason in sorted(reasons, key=lambda one: (-abs(one.push), one.group)):
        known = found.get(reason.text)
        found[reason.text] = reason if known is None else known._replace(push=known.push + reason.push)
    return list(found.values())
