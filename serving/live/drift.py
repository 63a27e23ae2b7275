"""Whether what is asked still looks like what the model was made for: counts of the latest answers.

PSI, the population stability index of credit scoring, compares how readiness spreads over the tenths of the bundle's
reference rows: 0 is the same, above 0.25 is usually taken for another population.
"""

import math
from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from itertools import count
from types import MappingProxyType

from features.event_columns import EventColumns
from features.lead import Event
from features.reading import read_text
from models.scorer import Score
from serving.lots import Lots

LATEST = 20_000
"""Beyond so many answers the older ones count half."""
EVERY = 8
"""One answer in so many is looked at for what the model does not know."""


class _Share:
    """What was known and what was not, counted."""

    def __init__(self) -> None:
        self._all = 0
        self._unknown = 0

    def count(self, known: Iterable[bool]) -> None:
        """Count each of them."""
        for one in known:
            self._all += 1
            self._unknown += not one

    @property
    def unknown(self) -> float:
        """The share of what was not known; NaN when nothing was counted."""
        return self._unknown / self._all if self._all else math.nan


class Drift:
    """Counts for one loaded bundle. Threads may share it.

    ``deciles`` part the reference rows' readiness in tenths (empty: no PSI), ``kinds`` are the kinds of events that the
    model was trained on and ``levels`` those values of attributes that it tells apart (empty: nothing counts as
    unknown).
    """

    def __init__(
        self,
        deciles: tuple[float, ...] = (),
        kinds: Iterable[str] = (),
        levels: Mapping[str, Iterable[str]] = MappingProxyType({}),
    ) -> None:
        self._deciles = deciles
        self._kinds = frozenset(kinds)
        self._levels = {name: frozenset(known) for name, known in levels.items()}
        self._bins = [0.0] * (len(deciles) + 1)
        self._sum = 0.0
        self._count = 0.0
        self._kinds_seen = _Share()
        self._levels_seen = _Share()
        self._states: dict[str, int] = {}
        self._uncounted: Lots[tuple[float, str]] = Lots(self._count_answers)
        self._turns = count(1)

    def seen(
        self, score: Score, events: Sequence[Event] = (), attributes: Mapping[str, object] = MappingProxyType({})
    ) -> None:
        """Count an answer about a lead with these events and attributes."""
        self._uncounted.add((score.readiness, score.state))
        if next(self._turns) % EVERY:
            return
        if self._kinds:
            self._kinds_seen.count(kind in self._kinds for kind in set(EventColumns.of(events).kinds))
        told = ((known, read_text(attributes.get(name))) for name, known in self._levels.items())
        self._levels_seen.count(text in known for known, text in told if text is not None)

    def _count_answers(self, answers: Iterable[tuple[float, str]]) -> None:
        for readiness, state in answers:
            self._bins[bisect_right(self._deciles, readiness)] += 1.0
            self._sum += readiness
            self._count += 1.0
            self._states[state] = self._states.get(state, 0) + 1
            if self._count > LATEST:
                self._bins = [one / 2.0 for one in self._bins]
                self._sum, self._count = self._sum / 2.0, self._count / 2.0

    @property
    def states(self) -> dict[str, int]:
        """How many answers there were in each state."""
        with self._uncounted.counted():
            return dict(self._states)

    @property
    def mean(self) -> float:
        """The mean readiness of the latest answers; NaN when there was none."""
        with self._uncounted.counted():
            return self._sum / self._count if self._count else math.nan

    @property
    def unknown(self) -> float:
        """Of the kinds of events of a lead the share that the model was not trained on; NaN when none was looked at."""
        return self._kinds_seen.unknown

    @property
    def unknown_levels(self) -> float:
        """Of the values of leads' categories the share that the model has no level for; NaN when none was looked at."""
        return self._levels_seen.unknown

    @property
    def psi(self) -> float:
        """The population stability index of the latest answers; NaN without a reference or without answers."""
        with self._uncounted.counted():
            bins, answers = list(self._bins), self._count
        if not self._deciles or not answers:
            return math.nan
        even, total = 1.0 / len(bins), 0.0
        for found in bins:
            share = (found + 0.5) / (answers + 0.5 * len(bins))
            total += (share - even) * math.log(share / even)
        return total
