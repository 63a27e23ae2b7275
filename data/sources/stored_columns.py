"""Rows of the service's store as Arrow columns: moments as times, JSON objects opened into columns of one type each.

A further column is a number where every value of it is a number, a time where all of a sample are times with a zone,
and text otherwise. An empty text is null, as everywhere.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import polars as pl
import pyarrow as pa
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from data.tables import SCHEMAS, TIME
from data.times import GOOD, read_times

Kind = Literal["number", "text", "time"]
_TYPES: Mapping[Kind, pa.DataType] = {"number": pa.float64(), "text": pa.string(), "time": TIME}
_SAMPLE = 100
_NUMBERS = {"integer", "real", "true", "false", "number", "boolean"}
OWN_ID = "sha256:"
"""How the event ids begin that the store made itself: the source has none."""


def kinds_of(connection: sa.Connection, table: sa.Table, column: str, fixed: Sequence[str]) -> dict[str, Kind]:
    """The names within the JSON objects of ``column``, in order, and what each becomes; ``fixed`` ones are left out."""
    cell = table.c[column]
    if connection.dialect.name == "postgresql":
        each = sa.func.jsonb_each(sa.cast(cell, JSONB)).table_valued("key", "value").lateral()
        kind: sa.ColumnElement[str] = sa.func.jsonb_typeof(each.c.value)
    else:
        each = sa.func.json_each(cell).table_valued("key", "type")
        kind = each.c.type
    rows = sa.select(each.c.key, kind).select_from(table).join(each, sa.true()).where(cell.is_not(None)).distinct()
    found: dict[str, set[str]] = {}
    for name, type_ in connection.execute(rows):
        if name not in fixed:
            found.setdefault(name, set()).add(type_)
    return {name: "number" if found[name] - {"null"} <= _NUMBERS else "text" for name in sorted(found)}


def timed(connection: sa.Connection, log: sa.Table, kinds: dict[str, Kind]) -> dict[str, Kind]:
    """``kinds`` with those texts made times whose logged values are times."""
    found = dict(kinds)
    for name, kind in kinds.items():
        if kind == "text":
            sample = sa.select(log.c.value).where(log.c.field == name, log.c.value.is_not(None)).distinct()
            values = pl.Series("value", connection.execute(sample.limit(_SAMPLE)).scalars().all(), pl.String)
            if len(values) and (read_times(values, None).found == GOOD).all():
                found[name] = "time"
    return found


def schema_of(name: str, kinds: Mapping[str, Kind]) -> pa.Schema:
    """The columns of a fact table, the further ones last."""
    return pa.schema([*SCHEMAS[name], *(pa.field(further, _TYPES[kind]) for further, kind in kinds.items())])


def arrow(
    name: str, columns: Mapping[str, Sequence[Any]], told: Sequence[str | None], kinds: Mapping[str, Kind]
) -> pa.Table:
    """One batch: the fixed ``columns`` as the database has them, and ``told``, the JSON of the further ones."""
    arrays = [_fixed(field, columns[field.name]) for field in SCHEMAS[name]]
    objects = [None if text is None else json.loads(text) for text in told] if kinds else []
    for further, kind in kinds.items():
        arrays.append(_further([None if one is None else one.get(further) for one in objects], kind))
    return pa.Table.from_arrays(arrays, schema=schema_of(name, kinds))


def _fixed(field: pa.Field, values: Sequence[Any]) -> pa.Array:
    if field.type == TIME:
        return pa.array(values, pa.int64()).cast(TIME)
    if field.name == "event_id":
        values = [None if value.startswith(OWN_ID) else value for value in values]
    return pa.array([value or None for value in values] if field.type == pa.string() else values, field.type)


def _further(values: Sequence[Any], kind: Kind) -> pa.Array:
    if kind == "number":
        return pa.array([None if value is None else float(value) for value in values], pa.float64())
    texts = [_text(value) for value in values]
    if kind == "text":
        return pa.array(texts, pa.string())
    times = read_times(pl.Series("time", texts, pl.String), None).at
    return times.to_arrow().cast(TIME)


def _text(value: Any) -> str | None:
    """A value as text, whole numbers without a point."""
    if value is None or isinstance(value, str):
        return value or None
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(int(value)) if value == int(value) else repr(float(value))
