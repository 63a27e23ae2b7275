"""Learning a vocabulary from a history: only what was known before a moment."""

from collections.abc import Iterable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from data.history import History
from data.tables import TIME
from features.columns import Texts, column_of, texts_of
from features.context import LOGGED, Attribute
from features.feature import Feature
from features.vocabulary import Vocabulary, levels_key

MAX_LEVELS = 50
MIN_COUNT = 10


def learn(
    history: History,
    features: Iterable[Feature],
    upto: int,
    *,
    min_count: int = MIN_COUNT,
    max_levels: int = MAX_LEVELS,
) -> Vocabulary:
    """The levels of all category features, from what was known before ``upto`` (microseconds).

    A level is kept when at least ``min_count`` rows have it, and of these the ``max_levels`` most frequent. A column
    whose levels are all rarer keeps its most frequent one. Raises SchemaError for columns that are not there.
    """
    past = history.upto(upto)
    wanted = {key: feature for feature in features if (key := levels_key(feature)) is not None}
    return Vocabulary({key: _kept(_column(past, wanted[key]), min_count, max_levels) for key in sorted(wanted)})


def _column(past: History, feature: Feature) -> pa.ChunkedArray:
    """Where the levels of a feature are found."""
    column = getattr(feature, "column", "")
    if not isinstance(feature, Attribute):
        seen = pc.less(past.events["occurred_at"], pa.scalar(past.ends_at, TIME))
        return column_of(past.events, column, "events").filter(seen)
    table: pa.Table = getattr(past, feature.source)
    if feature.source in LOGGED:
        return table.filter(pc.equal(table["field"], column))["value"]
    return column_of(table, column, feature.source)


def _kept(column: pa.ChunkedArray, min_count: int, max_levels: int) -> tuple[str, ...]:
    texts = texts_of(column)
    counts = dict(zip(texts.levels, _counts(texts), strict=True))
    ranked = sorted(counts, key=lambda level: (-counts[level], level))[:max_levels]
    return tuple(level for level in ranked if counts[level] >= min_count) or tuple(ranked[:1])


def _counts(texts: Texts) -> list[int]:
    counts = np.bincount(texts.codes[texts.codes >= 0], minlength=len(texts.levels))
    return [int(count) for count in counts]
