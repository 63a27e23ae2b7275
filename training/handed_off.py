"""What came of hand-offs, version by version: as they are, and weighed by the chance that each had."""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Protocol

import numpy as np
import pyarrow as pa

from data.clock import format_duration
from data.contract import Contract
from data.history import History
from data.labels import label
from data.spine import SPINE
from data.tables import TIME
from training.judge import judge
from training.weighted import Weighed, judge_weighted


class HandOff(Protocol):
    """A lead handed off ``at`` a moment (microseconds), and what ``version`` told of it then, by name of horizon."""

    @property
    def lead_id(self) -> str:
        """The lead."""

    @property
    def at(self) -> int:
        """When."""

    @property
    def propensity(self) -> float:
        """With which chance."""

    @property
    def version(self) -> str:
        """Who told."""

    @property
    def shadow(self) -> bool:
        """Whether it told nobody."""

    @property
    def horizons(self) -> dict[str, float]:
        """What it told."""


@dataclass(frozen=True)
class Entry:
    """A version on the hand-offs of its time whose primary horizon has passed.

    ``made``: hand-offs there were; ``matured`` of them are judged, ``wins`` had the outcome. ``plain``: their figures
    as they are; ``weighed``: as of all that could have been handed off. Both None where nothing has matured.
    """

    version: str
    shadow: bool
    made: int
    matured: int
    wins: int
    plain: dict[str, float] | None
    weighed: Weighed | None

    def to_dict(self) -> dict[str, Any]:
        """The entry for machines; what is no number is None."""
        told: dict[str, Any] = _numbers(asdict(self))
        return told


def _numbers(told: Any) -> Any:
    if isinstance(told, dict):
        return {name: _numbers(one) for name, one in told.items()}
    if isinstance(told, list):
        return [_numbers(one) for one in told]
    return None if isinstance(told, float) and not math.isfinite(told) else told


def judged(contract: Contract, history: History, made: Sequence[HandOff]) -> list[Entry]:
    """An entry for each version, those that told first, by what was known at the end of ``history``."""
    known = set(history.leads["lead_id"].to_pylist())
    name = format_duration(contract.ready.primary)
    found: dict[tuple[bool, str], list[HandOff]] = {}
    for one in made:
        if one.lead_id in known and name in one.horizons:
            found.setdefault((one.shadow, one.version), []).append(one)
    return [_entry(contract, history, version, shadow, rows) for (shadow, version), rows in sorted(found.items())]


def _entry(contract: Contract, history: History, version: str, shadow: bool, made: list[HandOff]) -> Entry:
    primary, name = contract.ready.primary, format_duration(contract.ready.primary)
    ids, at = pa.array([one.lead_id for one in made], pa.string()), pa.array([one.at for one in made], TIME)
    labels = label(history, pa.table([ids, at], schema=SPINE), contract.ready)
    ripe = np.flatnonzero(labels.matured(primary))
    outcome = labels.outcome(primary)[ripe]
    if not len(ripe):
        return Entry(version, shadow, len(made), 0, 0, None, None)
    score = np.array([made[row].horizons[name] for row in ripe])
    propensity = np.array([made[row].propensity for row in ripe])
    leads = np.array([made[row].lead_id for row in ripe])
    weighed = judge_weighted(outcome, score, propensity, leads, seed=contract.model.seed)
    return Entry(version, shadow, len(made), len(ripe), int(outcome.sum()), judge(outcome, score), weighed)
