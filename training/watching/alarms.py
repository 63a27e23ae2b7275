"""What is alarming: so many false alarms a year, shared out over the looks and over what is looked for.

Each look asks each family (drift, silent sources and so on) many questions at once; within a family the p-values are
adjusted for how many there are (Benjamini and Hochberg, 1995), so that in a world where nothing changes a family is
wrong with at most its own share of the year's budget. An alarm that stands ends only when its p-value is well above
that level, however small it has become, or one at the edge would come and go night by night.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from scipy.stats import false_discovery_control

KINDS = (
    "silent-source",
    "new-kind",
    "new-level",
    "drift",
    "base-rate",
    "calibration",
    "never-contacted",
    "replay",
)
CERTAIN = ("replay",)
"""Kinds that chance cannot raise."""
NIGHTS = 365
STAYS = 10.0
"""An alarm that stands ends when its adjusted p-value is above so many times the level."""

Key = tuple[str, str]


@dataclass(frozen=True)
class Alarm:
    """One plain sentence, what kind it is of, whom it is about, and since when (microseconds) it stands."""

    kind: str
    subject: str
    text: str
    since: int

    @property
    def key(self) -> Key:
        """What makes it the same alarm the next night."""
        return self.kind, self.subject

    def to_dict(self) -> dict[str, Any]:
        """The alarm for machines."""
        return asdict(self)


@dataclass(frozen=True)
class Finding:
    """What might be alarming, how surprising it would be if nothing had changed, and the sentence to say.

    ``matters``: whether it is large enough to be told, however sure it is.
    """

    subject: str
    p: float
    text: str
    matters: bool = True


@dataclass(frozen=True)
class Budget:
    """The level of each family at each look; ``before``: the alarms of the last look, with since when they stand."""

    per_year: float
    at: int
    before: Mapping[Key, int]

    @property
    def level(self) -> float:
        """The p-value below which a family raises an alarm, at one of the year's nightly looks."""
        return self.per_year / NIGHTS / (len(KINDS) - len(CERTAIN))

    def alarms(self, kind: str, found: Sequence[Finding]) -> list[Alarm]:
        """Those of one family's findings that are alarming."""
        raised = []
        for one, p in zip(found, adjusted(found), strict=True):
            stood = self.before.get((kind, one.subject))
            if stood is None and one.matters and p <= self.level:
                raised.append(Alarm(kind, one.subject, one.text, self.at))
            elif stood is not None and p <= self.level * STAYS:
                raised.append(Alarm(kind, one.subject, one.text, stood))
        return raised


def adjusted(found: Sequence[Finding]) -> list[float]:
    """The p-values of one family, adjusted for how many there are."""
    if not found:
        return []
    return [float(p) for p in false_discovery_control(np.clip([one.p for one in found], 0.0, 1.0))]


def standing(body: Mapping[str, Any] | None) -> dict[Key, int]:
    """The alarms of an earlier look (``Watched.to_dict``), with since when they stand; none where there was none."""
    told = [] if body is None else body["alarms"]
    return {(one["kind"], one["subject"]): int(one["since"]) for one in told}
