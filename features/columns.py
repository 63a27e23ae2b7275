"""Arrow columns read as numbers, texts or moments, by the rules of ``features.reading``, fast where types fit."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from data.errors import SchemaError
from data.tables import TIME
from features.reading import read_moment, read_number, read_text

Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.int32]


@dataclass(frozen=True)
class Texts:
    """A text column: the codes (n) of its ``levels``, which are sorted by code point; -1 where null."""

    codes: Codes
    levels: tuple[str, ...]

    def text(self, at: int) -> str | None:
        """The text at a position."""
        code = self.codes[at]
        return None if code < 0 else self.levels[code]

    def map(self, codes: dict[str, float], other: float) -> Floats:
        """A number for each level, as an array whose last entry, NaN, is that of the code -1."""
        return np.array([*(codes.get(level, other) for level in self.levels), np.nan], np.float64)


def column_of(table: pa.Table, name: str, what: str) -> pa.ChunkedArray:
    """The column of a table. Raises SchemaError when it is not there."""
    if name not in table.column_names:
        raise SchemaError(
            f"The {what} table has no column {name!r}, but a feature looks at it. Expected it among "
            f"{table.column_names}. Map the column in the contract, or take the feature out of the catalog."
        )
    return table[name]


def numbers_of(column: pa.ChunkedArray) -> Floats:
    """``read_number`` of each value."""
    kind = column.type
    if pa.types.is_boolean(kind):
        column, kind = column.cast(pa.int8()), pa.int8()
    if not (pa.types.is_integer(kind) or pa.types.is_floating(kind)):
        return _each(column, read_number)
    numbers: Floats = np.asarray(column.cast(pa.float64(), safe=False).to_numpy(), np.float64)
    numbers = np.add(numbers, 0.0, out=numbers if numbers.flags.writeable else None)
    numbers[~np.isfinite(numbers)] = np.nan
    return numbers


def moments_of(column: pa.ChunkedArray) -> Floats:
    """``read_moment`` of each value."""
    if not (pa.types.is_timestamp(column.type) and column.type.tz is not None):
        return _each(column, read_moment)
    whole = column.cast(TIME, safe=False).cast(pa.int64())
    return np.asarray(whole.cast(pa.float64(), safe=False).to_numpy(), np.float64)


def texts_of(column: pa.ChunkedArray) -> Texts:
    """``read_text`` of each value, as codes of the sorted levels."""
    indices, values = _encoded(column)
    texts = [read_text(value) for value in values]
    levels = sorted({text for text in texts if text is not None})
    code = {level: k for k, level in enumerate(levels)}
    ranks = np.array([*(-1 if text is None else code[text] for text in texts), -1], np.int32)
    return Texts(ranks[indices], tuple(levels))


def _each(column: pa.ChunkedArray, read: Callable[[object], float]) -> Floats:
    indices, values = _encoded(column)
    return np.array([*(read(value) for value in values), np.nan], np.float64)[indices]


def _encoded(column: pa.ChunkedArray) -> tuple[Codes, list[object]]:
    """The different values, and for each row which one; -1 where null."""
    if not pa.types.is_dictionary(column.type):
        column = pc.dictionary_encode(column)
    whole = column.unify_dictionaries().combine_chunks()
    if isinstance(whole, pa.ChunkedArray):
        if not whole.num_chunks:
            return np.empty(0, np.int32), []
        whole = whole.chunk(0)
    indices = pc.fill_null(whole.indices.cast(pa.int32()), -1).to_numpy(zero_copy_only=False)
    return np.asarray(indices), whole.dictionary.to_pylist()
