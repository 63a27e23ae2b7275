"""Feed: more facts than memory holds. Parquet to Parquet on this machine, one hash bucket of leads at a time.

The facts are cut into buckets on disk (``features.shuffle``); then each bucket is worked on alone, a few side by side,
and written out in order. Memory holds a piece or a bucket for each thread, whatever the size of the whole.
"""

import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

import pyarrow as pa

from data.facts import Facts
from data.history import History
from features.draw import EVENTS_OF_A_SAMPLE, draw
from features.feature_set import FeatureSet
from features.shuffle import Shuffled, shuffled, splits
from features.tables import write_tables

EVENTS_OF_A_BUCKET = 1_000_000
"""A bucket of so many events takes a few hundred megabytes while it is computed."""

Work = Callable[[History, pa.Table], pa.Table]
"""What is done to a bucket: its history and the rows listed for it become a table."""
Progress = Callable[[str, float], None]
T = TypeVar("T")


def write_buckets(
    facts: Facts,
    work: Work,
    output: Path,
    label: str,
    *,
    feature_set: FeatureSet | None = None,
    listed: pa.Table | None = None,
    threads: int = 0,
    buckets: int | None = None,
    progress: Progress | None = None,
) -> None:
    """Write the tables that ``work`` makes of the buckets of ``facts`` to ``output``: a file, or a folder of parts.

    ``listed`` are rows (lead_id, cutoff) for ``work``; a ``spine`` among the tables of ``facts`` is listed too, never
    held as a whole. ``feature_set`` says what must be computed together. ``threads``: 0 means all cores. ``buckets``:
    one for each million events, unless it is given. Scratch files lie beside the output and are removed in the end.
    """
    threads = threads or os.cpu_count() or 1
    count = buckets or max(threads, -(-facts.rows("events") // EVENTS_OF_A_BUCKET))
    tell = progress or (lambda _what, _share: None)
    output.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=output.parent, prefix=".spill-") as root, ThreadPoolExecutor(threads) as pool:
        cuts = splits(facts, root, count, feature_set)
        for _ in _told(_in_order(pool, cuts, threads), len(cuts), "cutting the facts", tell):
            pass
        cut = shuffled(facts, cuts, listed, root, count, feature_set)
        tasks = [partial(_worked, cut, number, work) for number in range(count)]
        write_tables(_told(_in_order(pool, tasks, threads), count, label, tell), str(output))


def sample(
    facts: Facts, *, seed: int = 0, feature_set: FeatureSet | None = None, most: int = EVENTS_OF_A_SAMPLE
) -> History:
    """All facts of a seeded draw of leads, with about ``most`` events; of all leads where these are no more."""
    drawn = draw(facts, seed=seed, feature_set=feature_set, most=most)
    return drawn.united((piece.name, piece.drawn(drawn.chosen)) for piece in drawn.pieces)


def _worked(cut: Shuffled, number: int, work: Work) -> pa.Table:
    return work(*cut.bucket(number))


def _told(results: Iterator[T], count: int, label: str, tell: Progress) -> Iterator[T]:
    for done, result in enumerate(results, 1):
        yield result
        tell(label, done / count)


def _in_order(pool: ThreadPoolExecutor, tasks: Iterable[Callable[[], T]], ahead: int) -> Iterator[T]:
    """The results of ``tasks``; at most ``ahead`` are under way or waiting, so that memory stays bounded."""
    running: list[Future[T]] = []
    for task in tasks:
        running.append(pool.submit(task))
        if len(running) >= ahead:
            yield running.pop(0).result()
    for future in running:
        yield future.result()
