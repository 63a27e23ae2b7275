"""Tables as they were read: their columns, their values, and which of them mean what to us.

Nothing is converted or rejected here; ``check`` does both, and shows rejected rows as they came.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import pyarrow as pa

from data.cells import Meaning
from data.tables import SCHEMAS, extra_columns

SOURCE_TABLE, SOURCE_ROW = "source_table", "source_row"
"""Where an importer makes one fact table of several tables: the columns that say where each row comes from."""


@dataclass(frozen=True)
class Part:
    """What became of the rows of one table of an export: ``read == used + sum of left_out``, always."""

    origin: str
    read: int
    used: int
    """Rows of which at least one row of the fact table was made."""
    made: int
    """Rows of the fact table that were made of them; a meeting with two leads makes two."""
    left_out: Mapping[str, int] = field(default_factory=dict)
    """By reason."""


@dataclass(frozen=True)
class RawTable:
    """One fact table as its source has it, only the columns that are asked for and the rows that are selected."""

    rows: pa.Table
    """Under their names, of any type."""
    columns: dict[str, str]
    """Our column = theirs, for each fixed column that the source has; two of ours may share one of theirs."""
    attributes: tuple[str, ...] = ()
    """The further columns (theirs) to take along."""
    origin: str = "memory"
    """The file or table, for messages."""
    kind: str | None = None
    """The kind of every row, where no column says it."""
    kinds: dict[str, str] = field(default_factory=dict)
    """Their kind = ours."""
    meanings: dict[str, Meaning] = field(default_factory=dict)
    """What text columns (theirs) may hold."""
    not_selected: int = 0
    """Rows of the source that ``where`` left out."""
    numbers: pa.Array | None = None
    """The number of each row in its source, from 1 (int64). None: the rows are all there, in order."""
    shifts: pa.Array | None = None
    """Microseconds to add to the times of each row (int64), where the order of rows stands for time."""

    parts: tuple[Part, ...] = ()
    """The account of each table of which an importer made this one."""
    notes: tuple[str, ...] = ()
    """What had to be assumed, and what was not there."""
    broken: pa.Array | None = None
    """For each row why its source could not even be taken apart (string), null for all others."""
    shown: tuple[str, ...] = ()
    """Further columns that an example of a bad row should show."""

    def place(self, row: int) -> str:
        """Where the row at position ``row`` is in the source: ``row 3``, or ``row 3 of email_event.csv``."""
        if self.parts:
            table, number = (self.rows[name][row].as_py() for name in (SOURCE_TABLE, SOURCE_ROW))
            return f"row {number} of {table}"
        return f"row {row + 1 if self.numbers is None else self.numbers[row].as_py()}"


RawTables = Mapping[str, RawTable]
"""By the name of the fact table: ``leads`` and ``outcomes`` always, the others where the source has them."""


def raw_table(name: str, rows: pa.Table, origin: str = "memory") -> RawTable:
    """A table whose columns already bear our names; every further column is taken along."""
    columns = {column: column for column in SCHEMAS[name].names if column in rows.column_names}
    return RawTable(rows, columns, tuple(extra_columns(name, rows)), origin)
