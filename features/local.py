"""Feed: fact tables on this machine. Leads are cut into ranges; threads turn each into a block and fill its rows."""

import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from data.history import History
from features.block import Matrix, fill
from features.custom import custom_values
from features.encode import Encoded, encode, make_block
from features.events import Events
from features.feature import ACTORS
from features.feature_set import FeatureSet
from features.lead import Event
from features.plan import Plan, make_plans
from features.vocabulary import Vocabulary, levels_key

if TYPE_CHECKING:
    import pandas as pd

EVENTS_OF_A_RANGE = 65_536
"""So many events fit the cache of a core; more ranges than threads also even out the work."""


@dataclass(frozen=True)
class FeatureTable:
    """The answers to a feature set: ``spine`` (lead_id, cutoff; n rows) and ``matrix`` (n, features) in the same order.

    The matrix is C-ordered float32; null is NaN, a category is its code in the vocabulary.
    """

    spine: pa.Table
    matrix: Matrix
    feature_set: FeatureSet
    vocabulary: Vocabulary

    def to_arrow(self) -> pa.Table:
        """lead_id, cutoff and a column for each feature: float32 with nulls, categories as dictionaries of texts."""
        table = self.spine.select(["lead_id", "cutoff"])
        for position, feature in enumerate(self.feature_set):
            column = np.ascontiguousarray(self.matrix[:, position])
            missing = np.isnan(column)
            key = levels_key(feature)
            if key is None:
                table = table.append_column(feature.name, pa.array(column, pa.float32(), mask=missing))
            else:
                codes = pa.array(np.where(missing, 0, column).astype(np.int32), mask=missing)
                words = pa.array(self.vocabulary.words(key), pa.string())
                table = table.append_column(feature.name, pa.DictionaryArray.from_arrays(codes, words))
        return table

    def to_pandas(self) -> "pd.DataFrame":
        """``to_arrow`` as a pandas frame; categories are categoricals."""
        frame: pd.DataFrame = self.to_arrow().to_pandas()
        return frame


def compute(
    history: History,
    spine: pa.Table,
    feature_set: FeatureSet,
    vocabulary: Vocabulary,
    *,
    threads: int = 0,
    buckets: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> FeatureTable:
    """The features of ``spine`` (lead_id, cutoff), to the last bit the same for any order of rows and any threads.

    ``threads``: 0 means all cores. ``buckets``: into how many ranges the leads are cut; memory beyond the history and
    the result is that of one range for each thread. ``progress`` is told (rows done, rows) after each range.
    Raises SchemaError for unknown leads and for columns that are not there.
    """
    threads = threads or os.cpu_count() or 1
    plans = make_plans(feature_set)
    out = np.empty((len(spine), len(feature_set)), np.float32)
    rows = len(spine) * len(plans)
    done = 0
    for encoded in encode(history, spine, plans, vocabulary, threads):
        worker = _Worker(encoded, out)
        count = buckets or max(threads, -(-len(encoded.event_order) // EVENTS_OF_A_RANGE))
        with ThreadPoolExecutor(threads) as pool:
            for finished in pool.map(worker.work, encoded.ranges(count)):
                done += finished
                if progress is not None:
                    progress(done // len(plans), rows // len(plans))
    return FeatureTable(spine.select(["lead_id", "cutoff"]), out, feature_set, vocabulary)


class _Worker:
    """Fills the rows of ranges of entities; what a thread needs for itself is made once for each."""

    def __init__(self, encoded: Encoded, out: Matrix) -> None:
        self._encoded, self._out, self._own = encoded, out, threading.local()

    def work(self, bounds: tuple[int, int]) -> int:
        """Fill the rows of the entities from ``low`` to ``high``; returns how many they are."""
        encoded, (low, high) = self._encoded, bounds
        if not hasattr(self._own, "scratch"):
            self._own.scratch = encoded.scratch()
        fill(encoded.plan, make_block(encoded, low, high, self._own.scratch), self._out)
        if encoded.plan.customs:
            _fill_customs(encoded, low, high, self._out)
        return int(encoded.row_start[high] - encoded.row_start[low])


def _fill_customs(encoded: Encoded, low: int, high: int, out: Matrix) -> None:
    """The slow path: one Python call for each row and custom feature."""
    positions = [position for position, _ in encoded.plan.customs]
    customs = [custom for _, custom in encoded.plan.customs]
    start, order = encoded.event_start, encoded.event_order
    for lead in range(low, high):
        rows = encoded.row_order[encoded.row_start[lead] : encoded.row_start[lead + 1]]
        if len(rows):
            own = [_event(encoded.plan, encoded.events, at) for at in order[start[lead] : start[lead + 1]]]
            for row in rows:
                out[row, positions] = custom_values(customs, own, int(encoded.cutoffs[row]))


def _event(plan: Plan, events: Events, at: int) -> Event:
    """One event as plain values, null as None."""
    reals = {name: None if np.isnan(number := events.reals[name][at]) else float(number) for name in plan.reals}
    texts = {name: events.texts[name].text(at) for name in plan.texts}
    return Event(
        events.kind.levels[events.kind.codes[at]],
        int(events.occurred[at]),
        int(events.known[at]),
        ACTORS[events.actor[at]],
        reals.pop("value"),
        texts.pop("item"),
        {**reals, **texts},
    )
