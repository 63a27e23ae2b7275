"""Feed: more facts than memory holds. Parquet to Parquet on this machine, one hash bucket of leads at a time.

The facts and the spine are cut into buckets on disk (``features.shuffle``); then each bucket is computed alone, a few
side by side, and written out in order. Memory holds a piece or a bucket for each thread, whatever the size of the whole.
"""

import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

import pyarrow as pa

from data.facts import Facts
from features.feature_set import FeatureSet
from features.partition import FeatureWork, Rows
from features.shuffle import Shuffled, shuffled, splits
from features.tables import write_tables
from features.vocabulary import Vocabulary

EVENTS_OF_A_BUCKET = 1_000_000
"""A bucket of so many events takes a few hundred megabytes while it is computed."""

Progress = Callable[[str, float], None]
T = TypeVar("T")


def compute_files(
    facts: Facts,
    rows: Rows,
    feature_set: FeatureSet,
    vocabulary: Vocabulary,
    output: Path,
    *,
    listed: pa.Table | None = None,
    threads: int = 0,
    buckets: int | None = None,
    progress: Progress | None = None,
) -> None:
    """Write the features of ``rows`` over ``facts`` to ``output``, a Parquet file or a folder of part files.

    Rows stand by bucket, in each by lead_id and cutoff. ``listed`` are rows (lead_id, cutoff) to choose from; a ``spine``
    among the tables of ``facts`` is listed too, and never held as a whole. ``threads``: 0 means all cores; ``buckets``:
    one for each million events, unless it is given. Scratch files lie beside the output and are removed in the end.
    Raises SchemaError for facts that do not fit the features.
    """
    threads = threads or os.cpu_count() or 1
    count = buckets or max(threads, -(-facts.rows("events") // EVENTS_OF_A_BUCKET))
    tell = progress or (lambda _what, _share: None)
    work = FeatureWork(feature_set, vocabulary, rows)
    output.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=output.parent, prefix=".spill-") as root, ThreadPoolExecutor(threads) as pool:
        cuts = splits(facts, root, count, feature_set)
        for done, _ in enumerate(_in_order(pool, cuts, threads), 1):
            tell("cutting the facts", done / len(cuts))
        cut = shuffled(facts, cuts, listed, root, count, feature_set)
        tables = _in_order(pool, [_Bucket(cut, number, work) for number in range(count)], threads)
        write_tables(_told(tables, count, tell), str(output))


class _Bucket:
    """One bucket, to be computed when its turn comes."""

    def __init__(self, cut: Shuffled, number: int, work: FeatureWork) -> None:
        self._cut, self._number, self._work = cut, number, work

    def __call__(self) -> pa.Table:
        return self._work(*self._cut.bucket(self._number))


def _told(tables: Iterator[pa.Table], count: int, tell: Progress) -> Iterator[pa.Table]:
    for done, table in enumerate(tables, 1):
        tell("computing features", done / count)
        yield table


def _in_order(pool: ThreadPoolExecutor, tasks: Iterable[Callable[[], T]], ahead: int) -> Iterator[T]:
    """The results of ``tasks``; at most ``ahead`` are under way or waiting, so that memory stays bounded."""
    running: list[Future[T]] = []
    for task in tasks:
        running.append(pool.submit(task))
        if len(running) >= ahead:
            yield running.pop(0).result()
    for future in running:
        yield future.result()
