"""Rows of the same bucket brought together through storage, with Arrow's own types from end to end.

A split reads one piece of a table and writes one Arrow file whose record batch *k* holds the rows of bucket *k*; a
gathering reads batch *k* of every file. So a file is written once for each piece, not for each piece and bucket, nobody
holds more than a piece or a bucket, and what a lost machine had done is done again from files that are still there.
"""

import secrets
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import pyarrow as pa
from pyarrow import fs, ipc

from data.facts import Facts, Piece, storage, united
from data.history import History
from data.spine import SPINE
from features.feature_set import FeatureSet
from features.partition import OF_ACCOUNTS, Keys, make_bucket

TABLES = ("leads", "events", "outcomes", "changes", "spine")
"""The tables that are cut by lead. Accounts are few: every bucket reads them whole and keeps its own."""
ROWS_OF_A_PIECE = 1 << 20


@dataclass(frozen=True)
class Split:
    """One piece to be cut: a row of ``facts``'s table ``name``, and the file under ``root`` that it becomes."""

    facts: Facts
    name: str
    piece: Piece
    file: str
    root: str
    count: int
    feature_set: FeatureSet | None

    def __call__(self) -> str:
        """Cut the piece; the name of the table. The same file comes out however often it is done."""
        keys = _keys(self.facts, self.count, self.feature_set)
        write_split(self.facts.read(self.name, self.piece), keys, self.root, self.file)
        return self.name

    def drawn(self, chosen: tuple[int, ...]) -> pa.Table:
        """The rows of the piece that are in the ``chosen`` buckets; nothing is written."""
        table = self.facts.read(self.name, self.piece)
        if len(chosen) == self.count:
            return table
        buckets = _keys(self.facts, self.count, self.feature_set).buckets(table["lead_id"])
        return table.filter(pa.array(np.isin(buckets, chosen)))


@dataclass(frozen=True)
class Shuffled:
    """Facts cut into ``count`` buckets under ``root``: the files (table, file) and whether rows are listed."""

    facts: Facts
    root: str
    count: int
    files: tuple[tuple[str, str], ...]

    def bucket(self, number: int) -> tuple[History, pa.Table]:
        """(history, listed rows) of one bucket."""
        names = {name for name, _ in self.files}
        tables = {
            name: united(name, [_batch(self.root, file, number) for of, file in self.files if of == name])
            for name in names
        }
        return make_bucket(tables, of_accounts(self.facts), self.facts.ends_at)


def splits(facts: Facts, root: str, count: int, feature_set: FeatureSet | None) -> list[Split]:
    """What has to be cut to have ``facts`` in ``count`` buckets under ``root``."""
    found = []
    for name in TABLES:
        for number, piece in enumerate(facts.pieces(name, ROWS_OF_A_PIECE)):
            found.append(Split(facts, name, piece, f"{name}-{number:06d}.arrow", root, count, feature_set))
    return found


def shuffled(
    facts: Facts, cut: list[Split], listed: pa.Table | None, root: str, count: int, feature_set: FeatureSet | None
) -> Shuffled:
    """The facts after every split of ``cut`` was done; ``listed`` rows (lead_id, cutoff) are cut here."""
    files = [(split.name, split.file) for split in cut]
    if listed is not None:
        write_split(listed.select(SPINE.names), _keys(facts, count, feature_set), root, "spine.arrow")
        files.append(("spine", "spine.arrow"))
    return Shuffled(facts, root, count, tuple(files))


def write_split(table: pa.Table, keys: Keys, root: str, file: str) -> None:
    """Write the rows of ``table``, one record batch for each bucket. The file appears whole or not at all."""
    buckets = keys.buckets(table["lead_id"])
    ordered = table.take(pa.array(np.argsort(buckets, kind="stable"))).combine_chunks()
    ends = np.cumsum(np.bincount(buckets, minlength=keys.count)).tolist()
    system, folder = storage(root)
    fresh = f"{folder}/.{file}.{secrets.token_hex(4)}"
    options = ipc.IpcWriteOptions(compression="lz4")
    with system.open_output_stream(fresh) as sink, ipc.new_file(sink, table.schema, options=options) as writer:
        for batch in _batches(ordered, ends):
            writer.write_batch(batch)
    system.move(fresh, f"{folder}/{file}")


def _batches(ordered: pa.Table, ends: list[int]) -> Iterator[pa.RecordBatch]:
    for start, end in zip([0, *ends[:-1]], ends, strict=True):
        found = ordered.slice(start, end - start).combine_chunks().to_batches()
        yield found[0] if found else pa.RecordBatch.from_pylist([], ordered.schema)


def _batch(root: str, file: str, number: int) -> pa.Table:
    system, folder = storage(root)
    with system.open_input_file(f"{folder}/{file}") as opened:
        return pa.Table.from_batches([ipc.open_file(opened).get_batch(number)])


@lru_cache(maxsize=2)
def of_accounts(facts: Facts) -> dict[str, pa.Table]:
    """The tables of accounts, whole."""
    return {name: facts.table(name) for name in OF_ACCOUNTS}


@lru_cache(maxsize=2)
def _keys(facts: Facts, count: int, feature_set: FeatureSet | None) -> Keys:
    return Keys.of(count, feature_set, lambda: facts.table("leads").select(["lead_id", "account_id"]))


def new_folder(root: str) -> None:
    """Make the folder ``root`` (a path or an address) and those above it."""
    system, path = storage(root)
    system.create_dir(path, recursive=True)


def remove_folder(root: str) -> None:
    """Remove the folder ``root`` and all in it; nothing happens where it is not there."""
    system, path = storage(root)
    if system.get_file_info(path).type == fs.FileType.Directory:
        system.delete_dir(path)


def remove_if_empty(root: str) -> None:
    """Remove the folder ``root`` on this machine unless somebody else has put something there."""
    if "://" not in root:
        with suppress(OSError):
            Path(root).rmdir()
