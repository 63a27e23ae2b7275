"""What became of every row of an export: a row is used, or left out for one reason, and nothing is lost."""

from collections import defaultdict

import polars as pl

from data.sources.raw import SOURCE_ROW, SOURCE_TABLE, Part

_PLACE = [SOURCE_TABLE, SOURCE_ROW]


class Books:
    """The account of one import, by fact table and by table of the export."""

    def __init__(self) -> None:
        self._read: defaultdict[str, dict[str, int]] = defaultdict(dict)
        self._left: defaultdict[str, list[pl.DataFrame]] = defaultdict(list)
        self.looked_up: dict[str, int] = {}
        """Tables that only connect others, and how many rows they have."""

    @property
    def tables(self) -> set[str]:
        """Every table that was read."""
        return {*self.looked_up, *(table for tables in self._read.values() for table in tables)}

    def opened(self, fact: str | None, table: str, rows: int) -> None:
        """``rows`` of ``table`` are to become ``fact``; None where the table is only looked up in."""
        if fact is None:
            self.looked_up[table] = rows
        else:
            self._read[fact][table] = rows

    def leave(self, fact: str, frame: pl.DataFrame, out: pl.Expr, reason: str | pl.Expr) -> pl.DataFrame:
        """``frame`` without the rows of which ``out`` is true; for each of them the reason is kept."""
        told = frame.select(pl.col(_PLACE), out.fill_null(value=False).alias("out"), _text(reason).alias("reason"))
        if told["out"].any():
            self._left[fact].append(told.filter("out").drop("out"))
        return frame.filter(~told["out"])

    def parts(self, fact: str, made: pl.DataFrame) -> tuple[Part, ...]:
        """The account of ``fact``, of which the rows ``made`` were made; a row left out twice has the first reason."""
        used = made.group_by(SOURCE_TABLE).agg(pl.col(SOURCE_ROW).n_unique(), pl.len())
        found = {str(table): (used_rows, rows) for table, used_rows, rows in used.iter_rows()}
        left = self._reasons(fact, made)
        return tuple(
            Part(table, read, *found.get(table, (0, 0)), left_out=left.get(table, {}))
            for table, read in self._read[fact].items()
        )

    def _reasons(self, fact: str, made: pl.DataFrame) -> dict[str, dict[str, int]]:
        if not self._left[fact]:
            return {}
        told = pl.concat(self._left[fact]).unique(_PLACE, keep="first", maintain_order=True)
        told = told.join(made.select(_PLACE).unique(), on=_PLACE, how="anti")
        counts = told.group_by(SOURCE_TABLE, "reason").len().sort("len", "reason", descending=[True, False])
        found: defaultdict[str, dict[str, int]] = defaultdict(dict)
        for table, reason, count in counts.iter_rows():
            found[str(table)][reason] = count
        return found


def _text(reason: str | pl.Expr) -> pl.Expr:
    return pl.lit(reason) if isinstance(reason, str) else reason
