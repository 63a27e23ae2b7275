"""Why a readiness is what it is: contributions told as dated evidence.

Contributions (models.model, ``explain``) are grouped by the question that their features answer. The largest pushes
come first. Each is told from the lead's own facts, through the feature of the group that pushes most; groups that tell
the same are one reason. A push is how much the group moves the model's log-odds away from its base; it is no statement
of cause and effect.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from features.feature import Feature, OverEvents
from features.feature_set import FeatureSet
from features.lead import LeadHistory
from models.facts import Facts, facts_of
from models.telling import NOTHING, Told, tell

Floats = npt.NDArray[np.float64]
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


def reasons_for(
    feature_set: FeatureSet,
    row: npt.NDArray[np.float32],
    pushes: Floats,
    lead: LeadHistory,
    as_of: int,
    count: int,
) -> tuple[Reason, ...]:
    """The ``count`` largest reasons of a ``row`` (F,) with contributions ``pushes`` (F + 1,; the last is the base).

    A lead without engagement is told so first: its other reasons are what is known of it otherwise.
    """
    facts = facts_of(lead, as_of)
    groups = _groups(feature_set, silent=facts.silent)
    merged = _merged([_told(group, members, row, pushes, facts) for group, members in groups.items()])
    order = sorted(merged, key=lambda r: (facts.silent and r.text != NOTHING, -abs(r.push), r.text))
    return tuple(r for r in order if abs(r.push) >= LEAST_PUSH or r.text == NOTHING)[:count]


_Member = tuple[int, Feature]


def _groups(feature_set: FeatureSet, *, silent: bool) -> dict[str, list[_Member]]:
    """Positions and features by question; where there was no engagement all questions about it are one."""
    found: dict[str, list[_Member]] = {}
    for position, (feature, group) in enumerate(zip(feature_set, feature_set.groups, strict=True)):
        question = "engagement" if silent and _is_engagement(feature) else group
        found.setdefault(question, []).append((position, feature))
    return found


def _told(group: str, members: Sequence[_Member], row: npt.NDArray[np.float32], pushes: Floats, facts: Facts) -> Reason:
    push = 0.0
    for position, _ in members:
        push += float(pushes[position])
    along = [member for member in members if pushes[member[0]] * push > 0] or list(members)
    position, feature = max(along, key=lambda member: (abs(pushes[member[0]]), -member[0]))
    said = _told_now(feature, replace(facts, value=float(row[position])))
    return Reason(said.text, group, push, said.since, said.until)


def _told_now(feature: Feature, facts: Facts) -> Told:
    return Told(NOTHING) if facts.silent and _is_engagement(feature) else tell(feature, facts)


def _is_engagement(feature: Feature) -> bool:
    return isinstance(feature, OverEvents) and feature.actor != "sales"


def _merged(reasons: Sequence[Reason]) -> list[Reason]:
    """Reasons that say the same are one; it keeps the group of the larger push."""
    found: dict[str, Reason] = {}
    for reason in sorted(reasons, key=lambda one: (-abs(one.push), one.group)):
        known = found.get(reason.text)
        found[reason.text] = reason if known is None else replace(known, push=known.push + reason.push)
    return list(found.values())
