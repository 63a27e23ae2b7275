"""Feed: a Dask cluster (extra ``dask``). Pieces are cut on the workers, buckets computed there, results written there.

Through the client and the scheduler pass names of files, counts and one copy of what is done to each bucket; no facts.
The folders of the facts, of the scratch files and of the results must be seen by every worker under the same address.
A task that a lost worker had begun is done again by another one, from files that are still there.
"""

import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import fs

from data.errors import ContractError
from data.facts import Facts, storage
from data.history import History
from features.draw import EVENTS_OF_A_SAMPLE, draw
from features.feature_set import FeatureSet
from features.shuffle import Shuffled, Split, new_folder, remove_folder, remove_if_empty, shuffled, splits

if TYPE_CHECKING:
    from distributed import Client, Future

T = TypeVar("T")
Work = Callable[[History, pa.Table], pa.Table]
"""What is done to a bucket: its history and the rows listed for it become a table. It is pickled once."""
Progress = Callable[[str, float], None]

EVENTS_OF_A_BUCKET = 1_000_000
LOST = 10
"""So many workers of a cluster started here may be lost under one task before it is given up."""


@contextmanager
def connect(address: str | None, workers: int = 0) -> Iterator["Client"]:
    """A client of the cluster at ``address``; without one, of a cluster of worker processes on this machine.

    Raises ContractError when Dask is not installed or nothing answers at the address.
    """
    distributed = _dask()
    if address is None:
        with (
            distributed.LocalCluster(
                n_workers=workers or None,
                threads_per_worker=1,
                host="127.0.0.1",
                dashboard_address="127.0.0.1:0",
                silence_logs=50,
            ) as cluster,
            distributed.Client(cluster, set_as_default=False) as client,
        ):
            yield client
        return
    try:
        client = distributed.Client(address, timeout=30, set_as_default=False)
    except (OSError, TimeoutError, ValueError) as error:
        raise ContractError(
            f"No Dask scheduler answers at {address!r} ({error}). Expected its address, such as tcp://10.0.0.1:8786. "
            "Start one with `dask scheduler`, or leave --scheduler out to use this machine."
        ) from None
    with client:
        yield client


def _dask() -> Any:
    try:
        import dask  # noqa: PLC0415 - an extra
        import distributed  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise ContractError(
            f"The Dask engine is not installed ({error}). Install it with: pip install 'readiness[dask]'"
        ) from None
    dask.config.set({"distributed.scheduler.allowed-failures": LOST})
    return distributed


@contextmanager
def cut(
    client: "Client",
    facts: Facts,
    scratch: str,
    *,
    feature_set: FeatureSet | None = None,
    buckets: int | None = None,
    listed: pa.Table | None = None,
    progress: Progress | None = None,
) -> Iterator[Shuffled]:
    """``facts``, and the rows ``listed`` (lead_id, cutoff), cut into buckets under ``scratch``, removed in the end.

    ``feature_set`` says what must be computed together; ``buckets``: at least one for each thread of the cluster and
    for each million events, unless it is given.
    """
    root = f"{scratch.rstrip('/')}/cut-{secrets.token_hex(6)}"
    count = buckets or max(_threads(client), -(-facts.rows("events") // EVENTS_OF_A_BUCKET))
    new_folder(root)
    try:
        planned = splits(facts, root, count, feature_set)
        for _ in each(client, [client.submit(split, pure=False) for split in planned], "cutting the facts", progress):
            pass
        yield shuffled(facts, planned, listed, root, count, feature_set)
    finally:
        remove_folder(root)
        remove_if_empty(scratch)


def sample(
    client: "Client",
    facts: Facts,
    *,
    seed: int = 0,
    feature_set: FeatureSet | None = None,
    most: int = EVENTS_OF_A_SAMPLE,
    progress: Progress | None = None,
) -> tuple[History, float]:
    """(history, share): all facts of a seeded draw of leads, and the share of the leads that it is; 1 where all fit.

    At most about ``most`` events come to the client: from these it learns definitions, levels and settings.
    """
    drawn = draw(facts, seed=seed, feature_set=feature_set, most=most)
    tasks = [client.submit(_drawn, piece, drawn.chosen, pure=False) for piece in drawn.pieces]
    return drawn.united(each(client, tasks, "drawing a sample of the leads", progress)), drawn.share


def _drawn(split: Split, chosen: tuple[int, ...]) -> tuple[str, pa.Table]:
    return split.name, split.drawn(chosen)


@dataclass(frozen=True)
class Part:
    """One file of a result: its name, its rows, and the summary that the work made of it."""

    file: str
    rows: int


def write_parts(
    client: "Client", cut_facts: Shuffled, work: Work, out: str, label: str, progress: Progress | None = None
) -> list[Part]:
    """``work`` done to every bucket, each written to ``out`` as ``part-NNNNN.parquet``; the parts, by name.

    A part appears whole or not at all. Raises what ``work`` raises, and ContractError when workers keep dying.
    """
    new_folder(out)
    shared = client.submit(_same, work, pure=False)
    tasks = [
        client.submit(_write_part, cut_facts, number, shared, out, pure=False) for number in range(cut_facts.count)
    ]
    parts = sorted(each(client, tasks, label, progress), key=lambda part: part.file)
    _sweep(out)
    return parts


def _sweep(out: str) -> None:
    """Remove what lost workers had begun to write."""
    system, folder = storage(out)
    for entry in system.get_file_info(fs.FileSelector(folder)):
        if entry.base_name.startswith(".part-"):
            system.delete_file(entry.path)


def each(
    client: "Client", tasks: "Sequence[Future[Any]]", label: str, progress: Progress | None = None
) -> Iterator[Any]:
    """The results of ``tasks`` as they come. On the first error the others are called off."""
    distributed = _dask()
    try:
        for done, task in enumerate(distributed.as_completed(tasks, loop=client.loop), 1):
            yield _result(task)
            if progress is not None:
                progress(label, done / len(tasks))
    except BaseException:
        client.cancel(list(tasks))
        raise


def _result(task: "Future[Any]") -> Any:
    distributed = _dask()
    try:
        return task.result()
    except distributed.KilledWorker as error:
        raise ContractError(
            f"A task was given up because the workers that took it kept dying ({error}). Expected it to fit their "
            "memory. Use more --buckets, or workers with more memory."
        ) from None


def _same(work: Work) -> Work:
    """``work`` as a task of its own: every worker gets one copy, and a lost one is made again."""
    return work


def _write_part(cut_facts: Shuffled, number: int, work: Work, out: str) -> Part:
    table = work(*cut_facts.bucket(number))
    return write_part(table, out, f"part-{number:05d}.parquet")


def write_part(table: pa.Table, out: str, file: str) -> Part:
    """Write one part. Several that write it at once all write the same."""
    system, folder = storage(out)
    fresh = f"{folder}/.{file}.{secrets.token_hex(4)}"
    with system.open_output_stream(fresh) as sink:
        pq.write_table(table, sink, compression="zstd")
    system.move(fresh, f"{folder}/{file}")
    return Part(file, len(table))


def _threads(client: "Client") -> int:
    return max(1, int(sum(client.ncores().values())))
