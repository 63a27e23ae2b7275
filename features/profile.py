"""What a history has to offer: kinds with their counts, event columns, attributes with their types."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, cast

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from data.history import History
from data.tables import TIME, extra_columns
from features.columns import texts_of
from features.context import Attribute, Source
from features.reading import read_number

Type = Literal["number", "category", "time"]

FEW = 50
"""A text attribute with more levels than this, most of them seen once, is a name or a number of something."""


@dataclass(frozen=True)
class Profile:
    """Counts of engagement events and of sales touches by kind; event columns; attributes.

    ``numbers``: number columns of engagement events and how many events have one. ``texts``: text columns and how many
    different values they have. Columns that are always null are left out.
    """

    kinds: Mapping[str, int]
    touches: Mapping[str, int]
    numbers: Mapping[str, int]
    texts: Mapping[str, int]
    attributes: tuple[Attribute, ...]
    span: int = 0
    """How long there have been leads, in microseconds."""
    items: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    """For each kind of engagement: how often each item occurs, the most frequent first."""


def profile(history: History, upto: int) -> Profile:
    """What was there before ``upto`` (microseconds).

    Whether an attribute's changes are logged is asked of the whole history: a field that changes later may have been
    filled in later too, so its column in the leads table must not be believed.
    """
    past = history.upto(upto)
    sales = pc.equal(past.events["actor"], "sales")
    engagement = past.events.filter(pc.invert(sales))
    return Profile(
        kinds=_counts(engagement["kind"]),
        touches=_counts(past.events.filter(sales)["kind"]),
        numbers=_numbers(engagement),
        texts=_texts(engagement),
        attributes=(
            *_attributes(history, past, "leads", "changes"),
            *_attributes(history, past, "accounts", "account_changes"),
        ),
        span=_span(past),
        items=_items(engagement),
    )


def _span(past: History) -> int:
    first = pc.min(past.leads["created_at"]).cast(pa.int64()).as_py()
    return 0 if first is None else past.ends_at - int(first)


def _counts(column: pa.ChunkedArray) -> dict[str, int]:
    """How often each text occurs, the most frequent first, equal ones by text."""
    counted = {entry["values"]: entry["counts"] for entry in pc.value_counts(column).to_pylist()}
    return dict(sorted(counted.items(), key=lambda entry: (-entry[1], entry[0])))


def _items(engagement: pa.Table) -> dict[str, dict[str, int]]:
    named = engagement.select(["kind", "item"]).filter(pc.is_valid(engagement["item"]))
    counted = named.group_by(["kind", "item"]).aggregate([([], "count_all")]).to_pylist()
    found: dict[str, dict[str, int]] = {}
    for entry in sorted(counted, key=lambda entry: (-entry["count_all"], entry["kind"], entry["item"])):
        found.setdefault(entry["kind"], {})[entry["item"]] = entry["count_all"]
    return found


def _numbers(events: pa.Table) -> dict[str, int]:
    extra = [name for name in extra_columns("events", events) if pa.types.is_floating(events.schema.field(name).type)]
    filled = {name: len(events) - events[name].null_count for name in ("value", *sorted(extra))}
    return {name: count for name, count in filled.items() if count}


def _texts(events: pa.Table) -> dict[str, int]:
    extra = [name for name in extra_columns("events", events) if pa.types.is_string(events.schema.field(name).type)]
    different = {name: len(texts_of(events[name]).levels) for name in ("item", *sorted(extra))}
    return {name: count for name, count in different.items() if count}


def _attributes(history: History, past: History, table: str, log: str) -> list[Attribute]:
    """The attributes of leads or accounts: of the table where no changes of a field are logged, else of the log."""
    rows, changes = getattr(past, table), getattr(past, log)
    logged = set(_counts(getattr(history, log)["field"]))
    columns = {name: rows[name] for name in extra_columns(table, rows)}
    found = [_attribute(name, columns[name], table) for name in columns if name not in logged]
    for name in sorted(logged):
        values = changes.filter(pc.equal(changes["field"], name))["value"]
        of_column = _type(columns[name]) if name in columns else _type_of_texts(values)
        found.append(_attribute(name, values, log, of_column))
    return [attribute for attribute in found if attribute is not None]


def _attribute(
    name: str,
    values: pa.ChunkedArray,
    source: str,
    kind: Type | None = None,
) -> Attribute | None:
    """The attribute, unless nothing is known of it yet or it is an identifier."""
    kind = kind or _type(values)
    if len(values) == values.null_count or (kind == "category" and _is_identifier(values)):
        return None
    return Attribute(column=name, type=kind, source=cast("Source", source))


def _type(values: pa.ChunkedArray) -> Type:
    if values.type == TIME or pa.types.is_timestamp(values.type):
        return "time"
    number = pa.types.is_floating(values.type) or pa.types.is_integer(values.type) or pa.types.is_boolean(values.type)
    return "number" if number else "category"


def _type_of_texts(values: pa.ChunkedArray) -> Type:
    """Numbers when all texts are numbers."""
    levels = texts_of(values).levels
    return "number" if levels and not np.isnan([read_number(level) for level in levels]).any() else "category"


def _is_identifier(values: pa.ChunkedArray) -> bool:
    levels = len(texts_of(values).levels)
    return levels > FEW and 2 * levels > len(values) - values.null_count
