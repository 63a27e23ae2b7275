"""Feed: tables that live on Spark (extra ``spark``). It brings the rows of a bucket together, the kernel does the rest.

``cogroup().applyInArrow`` takes two sides: the events, and everything else about the same leads as tagged rows. Which
bucket a lead is in is Spark's own hash, since no result depends on it. Accounts are few: they are collected once and
sent along. Arrow is what crosses between Spark and Python; pandas is not used.
"""

import math
from collections.abc import Callable, Mapping
from functools import reduce
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from data.facts import conformed
from data.history import History
from data.spine import SPINE
from data.tables import TIME, empty
from features.draw import EVENTS_OF_A_SAMPLE, SLICES
from features.feature_set import FeatureSet
from features.partition import OF_ACCOUNTS, make_bucket, spans_accounts
from features.spark_session import arrow_only

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

Work = Callable[[History, pa.Table], pa.Table]
"""What is done to a bucket: its history and the rows listed for it become a table. It is pickled to the workers."""

SIDE = ("leads", "outcomes", "changes", "spine")
"""The tables of the second side."""
EVENTS_OF_A_BUCKET = 1_000_000
BUCKET = "readiness_bucket"


def on_buckets(
    tables: "Mapping[str, DataFrame]",
    ends_at: int,
    work: Work,
    answer: pa.Schema,
    *,
    feature_set: FeatureSet | None = None,
    buckets: int | None = None,
) -> "DataFrame":
    """``work`` done to every bucket of ``tables`` (leads, events, outcomes; changes, accounts, spine where there are).

    ``answer`` is the schema of the table that ``work`` makes; categories come as texts, and its metadata goes with the
    first column. ``buckets``: two for each core and one for each million events, unless it is given. ``ends_at`` is the
    end of the history, in microseconds. The frame is lazy: nothing runs before it is written or collected.
    """
    session = tables["leads"].sparkSession
    cores, events = session.sparkContext.defaultParallelism, tables["events"].count()
    count = buckets or max(2 * cores, -(-events // EVENTS_OF_A_BUCKET))
    accounts = _of_accounts(tables)
    plain = spark_form(answer)

    def of_bucket(others: pa.Table, events: pa.Table) -> pa.Table:
        parts = {name: _untagged(others, name) for name in SIDE if name in others.column_names}
        parts["events"] = conformed("events", events.drop_columns([BUCKET]))
        bucket, listed = make_bucket(parts, accounts, ends_at)
        return work(bucket, listed).cast(plain)

    keyed = _keyed(tables, feature_set, count)
    others = reduce(
        lambda left, right: left.unionByName(right, allowMissingColumns=True),
        [_tagged(keyed[name], name) for name in SIDE if name in keyed],
    )
    with arrow_only():
        grouped = others.groupBy(BUCKET).cogroup(keyed["events"].groupBy(BUCKET))
        return grouped.applyInArrow(of_bucket, _struct(plain))


def sample(
    tables: "Mapping[str, DataFrame]", ends_at: int, *, seed: int = 0, most: int = EVENTS_OF_A_SAMPLE
) -> tuple[History, float]:
    """(history, share): all facts of a seeded draw of leads, and the share of the leads that it is; 1 where all fit.

    At most about ``most`` events come to the driver: from these it learns definitions and levels.
    """
    functions = _functions()
    share = math.ceil(SLICES * min(1.0, most / max(tables["events"].count(), 1))) / SLICES
    slice_of = functions.pmod(functions.xxhash64(functions.col("lead_id"), functions.lit(seed)), functions.lit(SLICES))
    drawn = {
        name: conformed(name, (table if share == 1 else table.filter(slice_of < share * SLICES)).toArrow())
        for name, table in tables.items()
        if name not in OF_ACCOUNTS
    }
    accounts = _of_accounts(tables)
    return make_bucket(drawn, accounts, ends_at)[0], share


def _of_accounts(tables: "Mapping[str, DataFrame]") -> dict[str, pa.Table]:
    return {name: conformed(name, tables[name].toArrow()) if name in tables else empty(name) for name in OF_ACCOUNTS}


def _keyed(tables: "Mapping[str, DataFrame]", feature_set: FeatureSet | None, count: int) -> "dict[str, DataFrame]":
    """The tables that are cut by lead, each with its bucket."""
    functions = _functions()

    def bucket(key: "Column") -> Any:
        return functions.pmod(functions.xxhash64(key), functions.lit(count)).cast("int")

    cut = {name: table for name, table in tables.items() if name not in OF_ACCOUNTS}
    if not spans_accounts(feature_set):
        return {name: table.withColumn(BUCKET, bucket(functions.col("lead_id"))) for name, table in cut.items()}
    key = functions.coalesce(functions.col("account_id"), functions.col("lead_id"))
    keys = tables["leads"].select("lead_id", bucket(key).alias("key"))
    # a column of its own for each table: Spark would not know the sides of the cogroup apart by a shared one
    return {
        name: table.join(keys, "lead_id").withColumn(BUCKET, functions.col("key") + 0).drop("key")
        for name, table in cut.items()
    }


def _tagged(table: "DataFrame", name: str) -> "DataFrame":
    """Every row as one value under the table's own name."""
    functions = _functions()
    columns = [functions.col(f"`{c.replace('`', '``')}`") for c in table.columns if c != BUCKET]  # names may have dots
    return table.select(BUCKET, functions.struct(*columns).alias(name))


def _untagged(others: pa.Table, name: str) -> pa.Table:
    """The rows of one table out of the tagged ones."""
    column = others[name].combine_chunks()
    rows = column.drop_null()
    chunk = rows.chunk(0) if isinstance(rows, pa.ChunkedArray) else rows
    table = pa.table(chunk.flatten(), names=[field.name for field in chunk.type])
    return table.cast(SPINE) if name == "spine" else conformed(name, table)


def _functions() -> Any:
    from pyspark.sql import functions  # noqa: PLC0415 - an extra

    return functions


def spark_form(schema: pa.Schema) -> pa.Schema:
    """``schema`` as Spark can hold it: categories are texts."""
    fields = [field.with_type(pa.string()) if pa.types.is_dictionary(field.type) else field for field in schema]
    return pa.schema(fields, schema.metadata)


def _struct(schema: pa.Schema) -> Any:
    """Spark's type of an Arrow schema; the metadata of the schema becomes that of its first field."""
    from pyspark.sql import types  # noqa: PLC0415 - an extra

    known = {
        pa.string(): types.StringType(),
        pa.float32(): types.FloatType(),
        pa.float64(): types.DoubleType(),
        pa.int32(): types.IntegerType(),
        pa.int64(): types.LongType(),
        TIME: types.TimestampType(),
    }
    said = {key.decode(): value.decode() for key, value in (schema.metadata or {}).items()}
    fields = [types.StructField(field.name, known[field.type], nullable=True) for field in schema]
    fields[0].metadata = said
    return types.StructType(fields)
