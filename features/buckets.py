"""Buckets of ids: a stable 64-bit hash of their text, the same in every feed, on every machine and in every version.

What is of one key goes to one bucket, so that a bucket can be computed alone. The hash reads the UTF-8 bytes eight at
a time, little end first, and stirs each word by a multiplication and a shift; the end is the finaliser of SplitMix64
(Steele, Lea, Flood, OOPSLA 2014). It spreads ids evenly; it is no seal against somebody who chooses them.
"""

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from data.errors import SchemaError
from features.compiled import compiled

Hashes = npt.NDArray[np.uint64]
Buckets = npt.NDArray[np.int32]
Offsets = npt.NDArray[Any]

MOST_BUCKETS = 2**31 - 1


def bucket_of(ids: pa.ChunkedArray | pa.Array, count: int) -> Buckets:
    """The bucket (n,), from 0 to ``count`` - 1, of each id. Raises SchemaError for nulls and for what is no text."""
    if not 0 < count <= MOST_BUCKETS:
        raise SchemaError(f"{count} buckets were asked for. Expected 1 to {MOST_BUCKETS}.")
    chunks = ids.chunks if isinstance(ids, pa.ChunkedArray) else [ids]
    return np.concatenate([np.empty(0, np.int32), *(_buckets(hash_ids(chunk), count) for chunk in chunks)])


def bucket_of_text(text: str, count: int) -> int:
    """The bucket of one id, equal to that of ``bucket_of``."""
    return int(bucket_of(pa.array([text], pa.string()), count)[0])


def hash_ids(ids: pa.Array) -> Hashes:
    """The hash (n,) of each text of a string, large string or dictionary array. Raises SchemaError otherwise."""
    if pa.types.is_dictionary(ids.type) or pa.types.is_string_view(ids.type):
        ids = ids.cast(pa.large_string())
    if not (pa.types.is_string(ids.type) or pa.types.is_large_string(ids.type)) or ids.null_count:
        found = f"{ids.null_count} are null" if ids.null_count else f"they are {ids.type}"
        raise SchemaError(f"Of {len(ids)} ids {found}. Expected a text for each: read the table through `check`.")
    _, ends, text = ids.buffers()
    if not len(ids):
        return np.empty(0, np.uint64)
    width = np.dtype(np.int32 if pa.types.is_string(ids.type) else np.int64)
    offsets = np.frombuffer(ends, width)[ids.offset : ids.offset + len(ids) + 1]
    letters = np.frombuffer(text or b"", np.uint8)
    for array in (letters, offsets):
        array.setflags(write=False)  # some buffers could be written, which would be another compilation
    hashes = np.empty(len(ids), np.uint64)
    _hash_all(letters, offsets, hashes)
    return hashes


@compiled
def _hash_all(text: npt.NDArray[np.uint8], offsets: Offsets, out: Hashes) -> None:
    """The hash of each text between its offsets."""
    for i in range(len(out)):
        start, length = np.uint64(offsets[i]), np.uint64(offsets[i + 1] - offsets[i])
        state = length * np.uint64(0x9E3779B97F4A7C15)
        for word in range(length >> np.uint64(3)):
            at = start + (np.uint64(word) << np.uint64(3))
            read = np.uint64(0)
            for byte in range(8):  # unrolled to one load
                read |= np.uint64(text[at + np.uint64(byte)]) << np.uint64(8 * byte)
            state = (state ^ read) * np.uint64(0xBF58476D1CE4E5B9)
            state ^= state >> np.uint64(32)
        rest = np.uint64(0)
        for byte in range(length & np.uint64(7)):
            at = start + (length & ~np.uint64(7)) + np.uint64(byte)
            rest |= np.uint64(text[at]) << np.uint64(8 * byte)
        state ^= rest
        state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        out[i] = state ^ (state >> np.uint64(31))


def _buckets(hashes: Hashes, count: int) -> Buckets:
    """The upper half of each hash, scaled to ``count``."""
    half = np.uint64(32)
    return (((hashes >> half) * np.uint64(count)) >> half).astype(np.int32)
