"""A seeded draw of leads with all their facts, few enough for the memory: settings and levels are learned there."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from data.facts import Facts, united
from data.history import History
from features.feature_set import FeatureSet
from features.partition import make_bucket
from features.shuffle import Split, of_accounts, splits

EVENTS_OF_A_SAMPLE = 2_000_000
SLICES = 1_000
"""The leads are drawn by the thousandth."""


@dataclass(frozen=True)
class Draw:
    """Which slices of the leads are drawn, and the pieces of the facts in which they are looked for."""

    facts: Facts
    chosen: tuple[int, ...]
    pieces: list[Split]

    @property
    def share(self) -> float:
        """The share of the leads that is drawn; 1 is all of them."""
        return len(self.chosen) / SLICES

    def united(self, found: Iterable[tuple[str, pa.Table]]) -> History:
        """The facts of the leads drawn, from what was found in each piece: the name of its table, and the rows."""
        tables: dict[str, list[pa.Table]] = {}
        for name, table in found:
            tables.setdefault(name, []).append(table)
        whole = {name: united(name, parts) for name, parts in tables.items()}
        return make_bucket(whole, of_accounts(self.facts), self.facts.ends_at)[0]


def draw(facts: Facts, *, seed: int = 0, feature_set: FeatureSet | None = None, most: int = EVENTS_OF_A_SAMPLE) -> Draw:
    """A draw of leads with about ``most`` events; of all leads where these are no more."""
    share = min(1.0, most / max(facts.rows("events"), 1))
    chosen = np.random.default_rng(seed).permutation(SLICES)[: math.ceil(share * SLICES)].tolist()
    return Draw(facts, tuple(sorted(chosen)), splits(facts, "", SLICES, feature_set))
