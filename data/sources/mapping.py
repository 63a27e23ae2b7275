"""From their tables to ours: which columns are read, which rows are selected, when the order of rows is time."""

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Protocol

import numpy as np
import polars as pl
import pyarrow as pa

from data.cells import Meaning, texts
from data.errors import ContractError, SchemaError
from data.source_section import TableMapping
from data.sources.raw import RawTable
from data.tables import SCHEMAS
from data.times import read_times

REQUIRED = {
    "leads": ("lead_id", "created_at"),
    "events": ("lead_id", "kind", "occurred_at"),
    "outcomes": ("lead_id", "kind", "occurred_at"),
    "changes": ("lead_id", "field", "value", "known_at"),
    "accounts": ("account_id",),
    "account_changes": ("account_id", "field", "value", "known_at"),
}
"""The columns that a source must have; the others have a meaning when they are absent."""
CLOCK = {
    "leads": "created_at",
    **dict.fromkeys(("events", "outcomes"), "occurred_at"),
    **dict.fromkeys(("changes", "account_changes"), "known_at"),
}
"""The time whose ties ``tie_step`` breaks."""
_TRUE, _FALSE = {"true", "t", "yes", "1"}, {"false", "f", "no", "0"}


class Opened(Protocol):
    """A table of a source, opened but not yet read."""

    @property
    def origin(self) -> str:
        """The file or table, for messages."""

    @property
    def names(self) -> list[str]:
        """Its columns."""

    @property
    def ordered(self) -> bool:
        """Whether the order of its rows means something."""

    def read(self, columns: list[str]) -> tuple[pa.Table, dict[str, Meaning]]:
        """These columns of every row, and what its text columns may hold."""


@dataclass(frozen=True)
class Wanted:
    """What is read from one table."""

    columns: dict[str, str]
    attributes: tuple[str, ...]
    filters: tuple[str, ...]

    @property
    def names(self) -> list[str]:
        """Every column (theirs) once."""
        return list(dict.fromkeys([*self.columns.values(), *self.attributes, *self.filters]))


def map_table(name: str, mapping: TableMapping, opened: Opened, zone: str | None) -> RawTable:
    """One fact table out of an opened one. Raises SchemaError and ContractError, one sentence for each finding."""
    wanted = choose(name, mapping, opened)
    rows, meanings = opened.read(wanted.names)
    shifts = _shifts(name, mapping, opened, rows, wanted.columns, zone)
    numbers = None
    read = rows.num_rows
    if mapping.where:
        chosen = selected(rows, mapping)
        numbers = pa.array(np.flatnonzero(chosen) + 1)
        rows = rows.filter(chosen)
        shifts = None if shifts is None else shifts.filter(chosen)
    return RawTable(
        rows=rows,
        columns=wanted.columns,
        attributes=wanted.attributes,
        origin=opened.origin,
        kind=mapping.kind,
        kinds=mapping.kinds,
        meanings={column: meaning for column, meaning in meanings.items() if column in rows.column_names},
        not_selected=read - rows.num_rows,
        numbers=numbers,
        shifts=shifts,
    )


def choose(name: str, mapping: TableMapping, opened: Opened) -> Wanted:
    """Which columns to read. Raises ContractError for a column we do not know, SchemaError for one they do not have."""
    _check_keys(name, mapping)
    columns: dict[str, str] = {}
    for ours in SCHEMAS[name].names:
        theirs = mapping.columns.get(ours, ours)
        if ours == "kind" and mapping.kind is not None:
            continue
        if theirs in opened.names:
            columns[ours] = theirs
        elif ours in mapping.columns or ours in REQUIRED[name]:
            raise SchemaError(_no_column(name, ours, theirs, opened))
    attributes = mapping.attributes or ()
    filters = tuple(mapping.where)
    for column in (*attributes, *filters):
        if column not in opened.names:
            raise SchemaError(_no_column(name, None, column, opened))
    return Wanted(columns, attributes, filters)


def _check_keys(name: str, mapping: TableMapping) -> None:
    fixed = SCHEMAS[name].names
    for ours in mapping.columns:
        if ours not in fixed:
            raise ContractError(
                f"[source.{name}.columns] names {ours!r}, which {name} do not have.{_hint(ours, fixed)} "
                f"Expected some of {', '.join(fixed)}; further columns belong in attributes."
            )
    if mapping.kind is not None and "kind" in mapping.columns:
        raise ContractError(f"[source.{name}] gives both kind and columns.kind. Keep one of them.")
    if mapping.attributes and name in {"outcomes", "changes"}:
        raise ContractError(f"[source.{name}] has attributes, but {name} take none. Remove the key.")
    clash = [column for column in mapping.attributes or () if column in fixed]
    if clash:
        raise ContractError(
            f"[source.{name}] attributes has {clash[0]!r}, a column of its own. Take it out; it is read anyway."
        )


def _no_column(name: str, ours: str | None, theirs: str, opened: Opened) -> str:
    role = "" if ours is None or ours == theirs else f" for {ours}"
    fix = f"Name it in [source.{name}.columns]." if ours else f"Mend [source.{name}]."
    found = f"{opened.origin} has no column {theirs!r}{role}.{_hint(theirs, opened.names)}"
    return f"{found} It has {listed(opened.names)}. {fix}"


def _hint(word: str, known: Iterable[str]) -> str:
    by_lower = {text.lower(): text for text in known}
    near = get_close_matches(word.lower(), by_lower, n=1)
    return f" Did you mean {by_lower[near[0]]!r}?" if near else ""


def listed(names: Iterable[str], most: int = 12) -> str:
    """The first few names, and how many more there are."""
    names = list(names)
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return (", ".join(names[:most]) or "nothing") + more


def selected(rows: pa.Table, mapping: TableMapping) -> np.ndarray:
    """Which rows have the values of ``where``, as a boolean array; an empty cell is never selected."""
    chosen = np.ones(rows.num_rows, dtype=bool)
    for column, wanted in mapping.where.items():
        cells = pl.Series(column, rows[column])
        options = wanted if isinstance(wanted, list) else [wanted]
        match = pl.Series(column, [False]).new_from_index(0, len(cells))
        for option in options:
            match = match | _equal(cells, option).fill_null(value=False)
        chosen &= match.to_numpy()
    return chosen


def _equal(cells: pl.Series, value: str | float) -> pl.Series:
    """Cells that say ``value``, whatever the type in which their source keeps it."""
    if isinstance(value, bool):
        return texts(cells).str.to_lowercase().is_in(list(_TRUE if value else _FALSE))
    if isinstance(value, str):
        return texts(cells) == value
    return cells.cast(pl.Float64, strict=False) == float(value)


def _shifts(
    name: str, mapping: TableMapping, opened: Opened, rows: pa.Table, columns: dict[str, str], zone: str | None
) -> pa.Array | None:
    """How much later each row of equal time is put: the count of such rows before it, times ``tie_step``."""
    if not mapping.tie_step:
        return None
    if not opened.ordered or name not in CLOCK:
        raise ContractError(f"[source.{name}] has a tie_step, but {opened.origin} has no order of rows. Remove it.")
    at = read_times(pl.Series("at", rows[columns[CLOCK[name]]]), zone).at
    before = pl.DataFrame({"at": at}).select(pl.int_range(pl.len()).over("at")).to_series()
    return pa.array((before * mapping.tie_step).to_numpy())
