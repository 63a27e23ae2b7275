"""The physical floor: what no engine can do without, by DuckDB and NumPy, each part timed by itself.

    scan           every column needed, decoded (but for the two keys, which the sort reads)
    sort           events by lead_id and occurred_at, from the file; only the last one is kept
    sort_coded     the same order but for that of the leads: ids are looked up in the leads file, their numbers sorted
    sort_integers  the same where lead_id has been replaced by its number beforehand: nobody gets that from a CRM
    write          a fresh matrix of rows x 97 float32, every cell written once

The floor is scan + sort + write; two stricter ones have sort_coded and sort_integers in place of sort.
"""

from dataclasses import dataclass
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from benchmarks.feature_child import timed
from benchmarks.feature_market import ROW_GROUP

FEATURES = 97
KEYS = "keys.parquet"
FLOORS = {"floor": "sort", "coded_floor": "sort_coded", "integer_floor": "sort_integers"}
"""The three floors by the sort that each has."""

EVENTS = """SELECT bit_xor(epoch_us(known_at)), sum(value), count(nullif(kind, '')), count(nullif(actor, '')),
    count(nullif(item, '')), count(nullif(channel, '')) FROM read_parquet('{0}/events.parquet')"""
SPINE = "SELECT count(nullif(lead_id, '')), bit_xor(epoch_us(cutoff)) FROM read_parquet('{0}/spine.parquet')"
LEADS = """SELECT count(nullif(lead_id, '')), bit_xor(epoch_us(created_at)), count(nullif(industry, '')),
    sum(employees) FROM read_parquet('{0}/leads.parquet')"""
SORT = """SELECT last(lead_id), epoch_us(last(occurred_at))
    FROM (SELECT lead_id, occurred_at FROM read_parquet('{0}/{1}') ORDER BY lead_id, occurred_at)"""
SORT_CODED = """SELECT last(number), epoch_us(last(occurred_at)) FROM (
    SELECT number, occurred_at FROM read_parquet('{0}/events.parquet') JOIN (
        SELECT lead_id, row_number() OVER () AS number FROM read_parquet('{0}/leads.parquet')
    ) USING (lead_id) ORDER BY number, occurred_at)"""


@dataclass(frozen=True)
class Floor:
    """CPU and wall seconds of each part."""

    parts: dict[str, dict[str, float]]


def compute(folder: Path, threads: int) -> Floor:
    """Measure each part once."""
    rows = pq.read_metadata(folder / "spine.parquet").num_rows
    with duckdb.connect(config={"threads": threads}) as connection:

        def ask(*queries: str) -> None:
            for query in queries:
                connection.sql(query).fetchall()

        work = {
            "scan": lambda: ask(*(query.format(folder) for query in (EVENTS, SPINE, LEADS))),
            "sort": lambda: ask(SORT.format(folder, "events.parquet")),
            "sort_coded": lambda: ask(SORT_CODED.format(folder)),
            "sort_integers": lambda: ask(SORT.format(folder, KEYS)),
            "write": lambda: np.empty((rows, FEATURES), np.float32).fill(1.0),
        }
        return Floor({name: timed(part)[1] for name, part in work.items()})


def write_keys(folder: Path) -> None:
    """The two key columns with leads as integers, in the order of the events file."""
    if (folder / KEYS).exists():
        return
    ids = pq.read_table(folder / "leads.parquet", columns=["lead_id"])["lead_id"]
    source = pq.ParquetFile(folder / "events.parquet")
    schema = pa.schema([("lead_id", pa.int32()), ("occurred_at", pa.timestamp("us", "UTC"))])
    with pq.ParquetWriter(folder / KEYS, schema, compression="zstd") as writer:
        for batch in source.iter_batches(ROW_GROUP, columns=["lead_id", "occurred_at"]):
            codes = pc.index_in(batch["lead_id"], value_set=ids)
            writer.write_table(pa.table([codes, batch["occurred_at"]], schema=schema), row_group_size=ROW_GROUP)
