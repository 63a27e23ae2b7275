"""Bad rows as their source has them, and the account of why they are bad."""

import polars as pl
import pyarrow as pa

from data.cells import texts
from data.prepare import cells
from data.report import PartReport, Rejection
from data.rules import REASONS
from data.sources.raw import SOURCE_TABLE, RawTable

_WIDTH = 60
"""How much of a cell an example shows, in characters."""


def rejected_rows(raw: RawTable, bad: pl.DataFrame) -> pa.Table:
    """The bad rows (``row``, ``reason``) in the order of the source: every column as text, ``reason`` as the last."""
    bad = bad.sort("row")
    rows = _rows(raw, bad["row"])
    names = ["reason of the source" if name == "reason" else name for name in rows]
    arrays = [column.to_arrow(compat_level=pl.CompatLevel.oldest()).cast(pa.string()) for column in rows.values()]
    return pa.table([*arrays, pa.array(bad["reason"].to_list(), pa.string())], names=[*names, "reason"])


def rejections(raw: RawTable, bad: pl.DataFrame) -> tuple[Rejection, ...]:
    """The bad rows by reason, in the order in which the rules are asked."""
    counts = bad.group_by("reason").agg(pl.len().alias("count"), pl.col("row").min().alias("first"))
    order = {reason: place for place, reason in enumerate(REASONS.values())}
    found = sorted(counts.iter_rows(), key=lambda row: (order.get(row[0], len(order)), row[0]))
    return tuple(Rejection(reason, count, _example(raw, first)) for reason, count, first in found)


def part_reports(raw: RawTable, bad: pl.DataFrame) -> tuple[PartReport, ...]:
    """The account of each table of an export; none where a fact table is one table of its source."""
    if not raw.parts:
        return ()
    tables = pl.Series(raw.rows[SOURCE_TABLE]).gather(bad["row"])
    counts = dict(tables.value_counts().iter_rows())
    return tuple(
        PartReport(part.origin, part.read, part.used, part.made, counts.get(part.origin, 0), dict(part.left_out))
        for part in raw.parts
    )


def _rows(raw: RawTable, positions: pl.Series) -> dict[str, pl.Series]:
    """Some rows of a raw table as text under their own names."""
    part = raw.rows.take(positions.to_arrow())
    return {name: texts(cells(part, name)) for name in part.column_names}


def _example(raw: RawTable, row: int) -> str:
    found = _rows(raw, pl.Series([row]))
    names = dict.fromkeys([*raw.columns.values(), *raw.shown])
    shown = [f"{name}={(found[name][0] or '')[:_WIDTH]}" for name in names if found[name][0] or name not in raw.shown]
    return f"{raw.place(row)}: {', '.join(shown)}"
