"""Where a verb computes: on this machine, on a Dask cluster or on Spark; and where its facts come from."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated, Any, Literal, Protocol

import typer

if TYPE_CHECKING:
    import pyarrow as pa
    from distributed import Client
    from pyspark.sql import SparkSession

    from data.contract import Contract
    from data.facts import Facts
    from data.history import History
    from features.feature_set import FeatureSet
    from serving.commands.terminal import Report

Name = Literal["local", "dask", "spark"]
Engines = Annotated[
    Name, typer.Option("--engine", help="Where to compute: on this machine, on a Dask cluster, or on Spark.")
]
Scheduler = Annotated[
    str | None,
    typer.Option("--scheduler", help="The Dask scheduler's address or the Spark master; default: this machine's own."),
]
Buckets = Annotated[
    int | None, typer.Option("--buckets", min=1, help="Into how many buckets of leads the facts are cut.")
]
FactsAt = Annotated[
    str | None,
    typer.Option("--facts", help="Facts as `readiness check --output` wrote them, a folder or an address."),
]

Work = Callable[["History", "pa.Table"], "pa.Table"]


@dataclass(frozen=True)
class Place:
    """An engine, where it is, and where the facts for it are; ``scratch`` is seen by all of its workers."""

    engine: Name
    scheduler: str | None
    buckets: int | None
    contract: "Contract"
    facts: str | None

    def history(self) -> "History":
        """The facts in memory: those of ``--facts``, or the checked source of the contract."""
        from data.check import check
        from data.facts import open_facts

        if self.facts is None:
            return check(self.contract).history
        return open_facts(self.facts, self.contract.source.history_end).history()

    @contextmanager
    def folder(self) -> "Iterator[Facts]":
        """The facts as a folder that workers can read: that of ``--facts``, or the checked source, written for now."""
        from data.facts import write_facts
        from data.sources.stored_facts import write_stored

        if self.facts is not None:
            yield self._given(self.facts)
            return
        self.contract.state_folder.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=self.contract.state_folder, prefix="facts-") as scratch:
            if self.contract.source.kind == "store":
                yield write_stored(self.contract, Path(scratch))
            else:
                yield write_facts(self.history(), Path(scratch))

    def _given(self, facts: str) -> "Facts":
        from data.errors import SchemaError
        from data.facts import Facts, open_facts

        ends_at = self.contract.source.history_end
        if not facts.startswith("table:"):
            return open_facts(facts, ends_at)
        if self.engine != "spark" or ends_at is None:
            raise SchemaError(
                f"--facts {facts} names tables of Spark's catalog. Expected --engine spark, and history_end in "
                "[source], because tables do not say where the history ends."
            )
        return Facts(facts, ends_at, ())

    @property
    def in_memory(self) -> bool:
        """Whether everything is done in memory: on this machine, unless the facts may be of any size."""
        return self.engine == "local" and self.facts is None and self.contract.source.kind != "store"

    @property
    def scratch(self) -> str:
        """Where pieces are cut: beside the facts of ``--facts``, else in the state folder of the contract."""
        from data.facts import as_seen_elsewhere

        beside = f"{self.facts.rstrip('/')}.scratch" if self.facts else str(self.contract.state_folder / "scratch")
        return as_seen_elsewhere(beside)


class Engine(Protocol):
    """A cluster that is there, or this machine with its disk: what the verbs ask of all alike."""

    def sample(self, facts: "Facts", seed: int) -> "History":
        """All facts of as many leads as fit one machine, to learn definitions and levels from."""

    def write(self, facts: "Facts", job: "Job", output: str, progress: "Report") -> None:
        """The job done to every bucket of ``facts``, its tables written to ``output``.

        A name that ends in .parquet or .csv becomes one file, any other a folder of part files.
        """


@dataclass(frozen=True)
class Job:
    """What is done to a bucket, the schema of the table that it makes, and the rows that were listed by a file."""

    label: str
    work: Work
    schema: "pa.Schema"
    feature_set: "FeatureSet"
    listed: "pa.Table | None" = None


@contextmanager
def connected(place: Place) -> Iterator[Engine]:
    """The cluster of ``place``, or this machine. Raises ContractError when an extra is missing or nothing answers."""
    if place.engine == "local":
        yield _Local(place)
    elif place.engine == "spark":
        from features import spark_session

        with spark_session.connect(place.scheduler) as session:
            yield _Spark(session, place)
    else:
        from features import dask_feed

        with dask_feed.connect(place.scheduler) as client:
            yield _Dask(client, place)


@dataclass(frozen=True)
class _Local:
    place: Place

    def sample(self, facts: "Facts", seed: int) -> "History":
        from features.spill import sample

        return sample(facts, seed=seed)

    def write(self, facts: "Facts", job: Job, output: str, progress: "Report") -> None:
        from features.spill import write_buckets

        write_buckets(
            facts,
            job.work,
            Path(output),
            job.label,
            feature_set=job.feature_set,
            listed=job.listed,
            threads=self.place.contract.model.threads,
            buckets=self.place.buckets,
            progress=progress,
        )


@dataclass(frozen=True)
class _Dask:
    client: "Client"
    place: Place

    def sample(self, facts: "Facts", seed: int) -> "History":
        from features.dask_feed import sample

        return sample(self.client, facts, seed=seed)[0]

    def write(self, facts: "Facts", job: Job, output: str, progress: "Report") -> None:
        from features.dask_feed import cut, write_parts

        more: dict[str, Any] = {"feature_set": job.feature_set, "buckets": self.place.buckets, "listed": job.listed}
        with cut(self.client, facts, self.place.scratch, progress=progress, **more) as cut_facts, _parts(output) as out:
            write_parts(self.client, cut_facts, job.work, out, job.label, progress)


@dataclass(frozen=True)
class _Spark:
    session: "SparkSession"
    place: Place

    def sample(self, facts: "Facts", seed: int) -> "History":
        from features.spark_feed import sample
        from features.spark_session import read_tables

        return sample(read_tables(self.session, facts.root), facts.ends_at, seed=seed)[0]

    def write(self, facts: "Facts", job: Job, output: str, progress: "Report") -> None:
        import pyarrow.parquet as pq

        from features.spark_feed import on_buckets
        from features.spark_session import read_tables, write_parts

        progress(f"{job.label} on Spark", 0.0)
        more: dict[str, Any] = {"feature_set": job.feature_set, "buckets": self.place.buckets}
        with TemporaryDirectory() as scratch, _parts(output) as out:
            tables = read_tables(self.session, facts.root)
            if job.listed is not None:
                pq.write_table(job.listed, f"{scratch}/spine.parquet")
                tables["spine"] = self.session.read.parquet(f"{scratch}/spine.parquet")
            frame = on_buckets(tables, facts.ends_at, job.work, job.schema, **more)
            write_parts(frame, out)


@contextmanager
def _parts(output: str) -> Iterator[str]:
    """A folder to write part files to: ``output`` itself, or one whose parts then become the single file ``output``."""
    from data.facts import as_seen_elsewhere
    from features.tables import SINGLE, read_tables, write_tables

    if not output.endswith(SINGLE):
        yield as_seen_elsewhere(output)
        return
    with TemporaryDirectory(dir=Path(output).absolute().parent, prefix=".parts-") as folder:
        yield folder
        write_tables(read_tables(folder), output)


def must_be_new(output: str) -> None:
    """Raises ContractError when ``output`` is a folder with something in it: old parts would mix with new ones."""
    from pyarrow import fs

    from data.errors import ContractError
    from data.facts import storage

    system, path = storage(output)
    found = system.get_file_info(path)
    if found.type == fs.FileType.Directory and system.get_file_info(fs.FileSelector(path)):
        raise ContractError(f"--output {output} is a folder with something in it. Choose another one, or empty it.")


def bundle_files(contract: Path, state_folder: Path, version: str, bundle: Path | None) -> tuple[Path, str | None]:
    """(folder, number): that of ``--bundle`` without a number, or that of a version in the registry with its own."""
    from serving.commands.fetching import fetch

    if bundle is not None:
        return bundle, None
    fetched = fetch(contract, version, state_folder)
    return Path(fetched["folder"]), str(fetched["number"])
