"""A fingerprint of the facts: the same for the same rows in any order, another one when a single cell changes."""

import hashlib

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from data.history import History
from data.tables import SCHEMAS

Words = npt.NDArray[np.uint64]


def fingerprint(history: History) -> str:
    """The sha256, in hex, over what each table's rows add up to, their columns and the end of the history.

    Every cell becomes 64 bits, every row mixes its cells, and a table is the sum and the exclusive or of its rows: no
    order is left. It tells data sets apart; it is no seal against somebody who wants two to look alike.
    """
    text = hashlib.sha256(f"ends_at={history.ends_at}".encode())
    for name in SCHEMAS:
        table = getattr(history, name)
        columns = sorted(table.column_names)
        rows = _rows(table, columns)
        total, mixed = int(rows.sum(dtype=np.uint64)), int(np.bitwise_xor.reduce(rows)) if len(rows) else 0
        text.update(f"{name} {columns} {len(rows)} {total:016x} {mixed:016x}".encode())
    return text.hexdigest()


def _rows(table: pa.Table, columns: list[str]) -> Words:
    rows = np.zeros(len(table), np.uint64)
    for name in columns:
        rows = _mix(rows * np.uint64(0x9E3779B97F4A7C15) + _cells(table[name].combine_chunks()))
    return rows


def _cells(column: pa.Array) -> Words:
    """64 bits for each cell; a null has its own."""
    if pa.types.is_string(column.type):
        encoded = column.dictionary_encode()
        words = [hashlib.blake2b(str(word).encode(), digest_size=8).digest() for word in encoded.dictionary.to_pylist()]
        levels = np.frombuffer(b"".join(words), np.uint64) if words else np.zeros(1, np.uint64)
        cells = levels[np.asarray(pc.fill_null(encoded.indices, 0))]
    elif pa.types.is_timestamp(column.type):
        cells = np.asarray(pc.fill_null(column.cast(pa.int64()), 0)).view(np.uint64)
    else:
        cells = np.asarray(pc.fill_null(column.cast(pa.float64()), 0.0)).view(np.uint64)
    nulls = np.asarray(pc.is_null(column).to_numpy(zero_copy_only=False))
    return np.where(nulls, np.uint64(0xA0761D6478BD642F), _mix(cells))


def _mix(words: Words) -> Words:
    """The finaliser of SplitMix64 (Steele, Lea, Flood, OOPSLA 2014): every bit of the input moves every bit."""
    words = (words ^ (words >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    words = (words ^ (words >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray(words ^ (words >> np.uint64(31)), np.uint64)
