"""Loops that learn from what they let happen: whom each calls, when it learns again, and what it wrote down."""

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from benchmarks.policy_callers import REST, spine_of
from benchmarks.unlearning_learner import EVERY, Learned, learned
from data.contract import Contract
from data.simulation.loop import Seen
from data.simulation.states import Floats, Micros
from models.lots import lot_of_week


@dataclass(frozen=True)
class Call:
    """The calls of one week: the moment, the leads, the readiness that was told, and with which chance each was."""

    moment: int
    leads: Micros
    told: Floats
    propensity: Floats


@dataclass
class Loop:
    """One way to choose: ``share`` of the calls goes to chance (1: all of them), the rest to the readiest.

    ``called_only``: outcomes are recorded of called leads only. ``models`` are those learned so far, the first of them
    before the loop began; ``calls`` what was written down.
    """

    contract: Contract
    capacity: int
    share: float
    seed: int
    trainings: int
    models: list[Learned]
    called_only: bool
    calls: list[Call] = field(default_factory=list)
    began: int | None = None

    def __call__(self, seen: Seen) -> Micros:
        """The leads to call this week; every four weeks it learns first."""
        self.began = seen.moment if self.began is None else self.began
        due = (seen.moment - self.began) // EVERY
        if len(self.models) <= min(due, self.trainings):
            self.models.append(learned(self.contract, seen.history, seen.moment, called_only=self.called_only))
        able = seen.open[seen.called[seen.open] <= seen.moment - REST]
        told = self.models[-1].predict(seen.history, spine_of(seen, able))
        chosen, propensity = self._chosen(seen, able, told)
        self.calls.append(Call(seen.moment, able[chosen], told[chosen], propensity))
        return able[chosen]

    def _chosen(self, seen: Seen, able: Micros, told: Floats) -> tuple[Micros, Floats]:
        """The places of those chosen: the readiest, and of the others whom the lot of the week falls on."""
        best = round((1.0 - self.share) * self.capacity)
        order = np.lexsort((able, -told))
        sure, others = order[:best], order[best:]
        chance = min(1.0, self.share * self.capacity / max(len(others), 1))
        drawn = others[self._lots(seen, able[others]) < chance]
        return np.concatenate([sure, drawn]), np.repeat([1.0, chance], [len(sure), len(drawn)])

    def _lots(self, seen: Seen, leads: Micros) -> Floats:
        ids: Iterable[str] = seen.history.leads["lead_id"].take(leads).to_pylist()
        return np.array([lot_of_week(self.seed, one, seen.moment) for one in ids])
