"""Ids as row numbers of a table: a hash table of 64-bit hashes, read by several threads.

Texts are never compared. That is exact for the ids of the table, whose hashes are made sure to differ; an id that is
not there is mistaken for one that is with a chance of one in 2**64 for each id of the table.
"""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from features.buckets import Hashes, hash_ids
from features.compiled import compiled

Codes = npt.NDArray[np.int32]
_SLICE = 1 << 18


class Ids:
    """The different ids of a table, in its order."""

    def __init__(self, ids: pa.ChunkedArray) -> None:
        self._ids = ids
        hashes = np.concatenate([np.empty(0, np.uint64), *(hash_ids(chunk) for chunk in ids.chunks)])
        size = max(64, 1 << (2 * len(hashes)).bit_length())
        self._keys, self._rows = np.empty(size, np.uint64), np.full(size, -1, np.int32)
        self._differ = _enter(hashes, self._keys, self._rows)

    def __len__(self) -> int:
        return len(self._ids)

    def rows(self, wanted: pa.ChunkedArray, threads: int = 1) -> Codes:
        """(n,) The row of each wanted id, -1 where it is not there."""
        if not self._differ or wanted.null_count:
            found = pc.fill_null(pc.index_in(wanted.cast(pa.string()), value_set=self._ids), -1)
            return np.asarray(found.to_numpy(), np.int32)
        slices = [
            chunk.slice(start, _SLICE) for chunk in wanted.chunks for start in range(0, max(len(chunk), 1), _SLICE)
        ]
        with ThreadPoolExecutor(max(threads, 1)) as pool:
            return np.concatenate([np.empty(0, np.int32), *pool.map(self._find, slices)])

    def _find(self, part: pa.Array) -> Codes:
        if pa.types.is_dictionary(part.type):
            return self._find(part.dictionary).take(np.asarray(part.indices))
        out = np.empty(len(part), np.int32)
        _find(hash_ids(part), self._keys, self._rows, out)
        return out


@compiled
def _enter(hashes: Hashes, keys: Hashes, rows: Codes) -> bool:
    """Enter each hash and its row by open addressing; whether all differ. The tables' size is a power of two."""
    last = np.uint64(len(keys) - 1)
    for row in range(len(hashes)):
        slot = hashes[row] & last
        while rows[slot] >= 0:
            if keys[slot] == hashes[row]:
                return False
            slot = (slot + np.uint64(1)) & last
        keys[slot] = hashes[row]
        rows[slot] = row
    return True


@compiled
def _find(hashes: Hashes, keys: Hashes, rows: Codes, out: Codes) -> None:
    last = np.uint64(len(keys) - 1)
    for i in range(len(hashes)):
        slot = hashes[i] & last
        while rows[slot] >= 0 and keys[slot] != hashes[i]:
            slot = (slot + np.uint64(1)) & last
        out[i] = rows[slot]
