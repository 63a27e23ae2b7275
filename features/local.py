"""Feed: fact tables on this machine. Leads are cut into ranges; threads turn each into a block and fill its rows."""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from data.history import History
from features.block import Matrix, fill
from features.custom import custom_values
from features.encode import Encoded, Events, encode, make_block, range_events
from features.feature import ACTORS
from features.feature_set import FeatureSet
from features.kernel import Ints
from features.lead import Event
from features.plan import make_plan
from features.vocabulary import Vocabulary, levels_key

if TYPE_CHECKING:
    import pandas as pd

EVENTS_OF_A_RANGE = 250_000
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
    plan = make_plan(feature_set)
    encoded = encode(history, spine, plan, vocabulary, threads)
    out = np.empty((len(spine), len(feature_set)), np.float32)
    count = buckets or max(threads, -(-len(encoded.event_order) // EVENTS_OF_A_RANGE))
    done = 0

    def work(bounds: tuple[int, int]) -> int:
        low, high = bounds
        start, events = range_events(encoded, low, high)
        fill(plan, make_block(encoded, low, high, start, events), out)
        if plan.customs:
            _fill_customs(encoded, low, high, start, events, out)
        return int(encoded.row_start[high] - encoded.row_start[low])

    with ThreadPoolExecutor(threads) as pool:
        for rows in pool.map(work, encoded.ranges(count)):
            done += rows
            if progress is not None:
                progress(done, len(spine))
    return FeatureTable(spine.select(["lead_id", "cutoff"]), out, feature_set, vocabulary)


def _fill_customs(encoded: Encoded, low: int, high: int, start: Ints, events: Events, out: Matrix) -> None:
    """The slow path: one Python call for each row and custom feature."""
    positions = [position for position, _ in encoded.plan.customs]
    customs = [custom for _, custom in encoded.plan.customs]
    for lead in range(low, high):
        rows = encoded.row_order[encoded.row_start[lead] : encoded.row_start[lead + 1]]
        if len(rows):
            own = [_event(encoded, events, k) for k in range(start[lead - low], start[lead - low + 1])]
            for row in rows:
                out[row, positions] = custom_values(customs, own, int(encoded.cutoffs[row]))


def _event(encoded: Encoded, events: Events, k: int) -> Event:
    """One event as plain values, null as None."""
    reals = {name: None if np.isnan(column[k]) else float(column[k]) for name, column in events.reals.items()}
    texts = {name: None if column[k] < 0 else encoded.levels[name][column[k]] for name, column in events.texts.items()}
    return Event(
        encoded.kinds[events.kind[k]],
        int(events.occurred[k]),
        int(events.known[k]),
        ACTORS[events.actor[k]],
        reals.pop("value"),
        texts.pop("item"),
        {**reals, **texts},
    )
