"""Polars by an expert: lazy, the streaming engine, integer leads, packed counts, two steps of aggregation.

A wide group_by over all pairs of a row and an event is what costs, so the pairs are summed into narrow groups first, by
(row, bucket of age) and by (row, kind), and the wide aggregates run over these few. Counts are packed, four fields of
15 bits in an Int64. As in ``duckdb_packed``: decays are ``2 ** (t / h)`` of the event times ``2 ** (-c / h)`` of the
row, an item counts when its next event is not before the cutoff, gaps come from the event before, and rows from which
an event was hidden are asked again.
"""

from pathlib import Path

import polars as pl
import pyarrow as pa
from polars import col

from benchmarks.peers.polars_outputs import BITS, BUCKETS, FIELDS, SALES, SORTED, outputs, power
from benchmarks.peers.words import CHANNELS, DAY, DECAYS, KINDS, ORIGIN, WINDOWS


def compute(folder: Path, threads: int) -> pl.DataFrame:
    """The answers as a frame. POLARS_MAX_THREADS must have been set before Polars was imported."""
    if pl.thread_pool_size() != threads:
        raise ValueError(f"Polars has {pl.thread_pool_size()} threads. Expected {threads}: set POLARS_MAX_THREADS.")
    return answers(folder)


def as_arrow(answer: pl.DataFrame) -> pa.Table:
    """As Polars gives it."""
    return answer.to_arrow()


def answers(folder: Path) -> pl.DataFrame:
    """Events and pairs are used more than once, so each is collected once."""
    people = pl.scan_parquet(folder / "leads.parquet").with_row_index("id")
    people = people.select("lead_id", "id", "industry", "employees", created=_micros("created_at"))
    rows = pl.scan_parquet(folder / "spine.parquet").with_row_index("row").join(people, on="lead_id")
    rows = _collected(rows.select("row", "id", "created", "industry", "employees", c=_micros("cutoff")))
    asked = rows.select("row", "id", "c")
    raw = pl.scan_parquet(folder / "events.parquet").join(people.select("lead_id", "id"), on="lead_id")
    events = _collected(_events(raw))
    pairs = _collected(_pairs(asked, events))
    whole = rows.join(_by_bucket(pairs), on="row", how="left").join(_by_kind(pairs), on="row", how="left")
    return outputs(whole.join(_again(asked, events), on="row", how="left")).collect(engine="streaming")


def _collected(query: pl.LazyFrame) -> pl.LazyFrame:
    return query.collect(engine="streaming").lazy()


def _micros(column: str) -> pl.Expr:
    return col(column).dt.epoch("us")


def _code(column: str, words: tuple[str, ...] | list[str]) -> pl.Expr:
    codes = {word: code for code, word in enumerate(words)}
    return col(column).replace_strict(codes, default=len(words), return_dtype=pl.Int64)


def _events(events: pl.LazyFrame) -> pl.LazyFrame:
    """One row for each event, with what a pair needs of it. ``first``: its place in the total order, kind, channel."""
    events = events.select(
        *("id", "kind", "actor", "item", "channel"),
        whose=col("id") * 2 + (col("actor") != "sales"),
        thing=col("item").cast(pl.Categorical).to_physical(),
        t=_micros("occurred_at"),
        k=_micros("known_at"),
        engaged=col("actor") != "sales",
        value=pl.when(col("actor") != "sales").then("value"),
    )
    events = events.with_columns(
        code=pl.when("engaged").then(_code("kind", KINDS)).otherwise(SALES).cast(pl.UInt32),
        before=col("t").shift(1).over("whose", order_by="t"),
        after=col("t").shift(-1).over("whose", order_by="t"),
        next=col("t").shift(-1).over(col("whose").cast(pl.UInt64) * (1 << 32) + col("thing"), order_by="t"),
    )
    events = _collected(events)
    place = ((col("t") - ORIGIN) * 32 + col("rank")) * 128 + _code("kind", SORTED) * 8 + _code("channel", CHANNELS)
    events = pl.concat([*_ties(events)]).with_columns(
        first=pl.when("engaged").then(place),
        square=pl.when("engaged").then(((col("t") - col("before")) / DAY) ** 2),
        next=pl.when(col("engaged") & col("item").is_not_null()).then(col("next").fill_null(1 << 62)).otherwise(-1),
        z7=pl.when("engaged").then(power((col("t") - ORIGIN) / (7 * DAY))),
        z30=pl.when("engaged").then(power((col("t") - ORIGIN) / (30 * DAY))),
        **_lanes(),
    )
    return events.drop("whose", "thing", "kind", "actor", "channel", "before", "after", "rank")


def _ties(events: pl.LazyFrame) -> tuple[pl.LazyFrame, pl.LazyFrame]:
    """Events that are alone at their time, and the few others, ranked by what settles equal times."""
    shared = col("t").eq_missing(col("before")) | col("t").eq_missing(col("after"))
    order = ["k", "kind", "actor", "value", "item", "channel"]
    rank = pl.int_range(pl.len()).over("whose", "t", order_by=order, nulls_last=True)
    alone = events.filter(~shared).with_columns(rank=pl.lit(0, pl.Int64))
    return alone, events.filter(shared).with_columns(rank=rank.cast(pl.Int64))


def _lanes() -> dict[str, pl.Expr]:
    """Three integers of four fields; whether the item is new differs by row and is added later."""
    fields = [*(col("code") == code for code in range(SALES + 1)), col("value").is_not_null()]
    shifted = [field.cast(pl.Int64) * (1 << BITS * (at % 4)) for at, field in enumerate(fields)]
    return {f"lane{lane}": pl.sum_horizontal(shifted[4 * lane : 4 * lane + 4]) for lane in range(3)}


def _pairs(rows: pl.LazyFrame, events: pl.LazyFrame) -> pl.LazyFrame:
    """A row and each event that it sees."""
    pairs = rows.join(events.drop("item"), on="id").filter((col("t") < col("c")) & (col("k") < col("c")))
    age = col("c") - col("t")
    bucket = pl.sum_horizontal([(age > reach).cast(pl.UInt32) for reach in WINDOWS.values() if reach])
    return pairs.select(
        *("t", "value", "z7", "z30", "first", "square", "lane0", "lane1"),
        lane2=col("lane2") + (col("next") >= col("c")).cast(pl.Int64) * (1 << BITS * 3),
        by_bucket=col("row") * BUCKETS + bucket,
        by_kind=col("row") * (SALES + 1) + col("code"),
    )


def _by_bucket(pairs: pl.LazyFrame) -> pl.LazyFrame:
    """Packed counts and values by row: windows are sums of buckets."""
    lanes = [f"lane{lane}" for lane in range(3)]
    narrow = pairs.group_by("by_bucket").agg(
        *(col(lane).sum() for lane in lanes),
        col("value").sum().alias("total"),
        col("value").max().alias("most"),
        col("value").min().alias("least"),
        col("first").min(),
        col("square").sum(),
    )
    bucket = col("by_bucket") % BUCKETS
    return narrow.group_by(row=col("by_bucket") // BUCKETS).agg(
        *(pl.when(bucket <= b).then(lane).sum().alias(f"{lane}_{b}") for lane in lanes for b in range(BUCKETS)),
        *(pl.when(bucket <= b).then("total").sum().alias(f"total_{b}") for b in range(1, BUCKETS)),
        *(pl.when(bucket <= b).then("most").max().alias(f"most_{b}") for b in range(2, BUCKETS)),
        col("least").min(),
        col("first").min(),
        col("square").sum(),
    )


def _by_kind(pairs: pl.LazyFrame) -> pl.LazyFrame:
    """The latest and earliest moments and the decayed sums by row."""
    narrow = pairs.group_by("by_kind").agg(
        col("t").max().alias("latest"), col("t").min().alias("earliest"), col("z7").sum(), col("z30").sum()
    )
    code = col("by_kind") % (SALES + 1)
    decays = {f"warm_{who}_{days}": _of(code, who, f"z{days}").sum() for who, days in DECAYS}
    return narrow.group_by(row=col("by_kind") // (SALES + 1)).agg(
        *(
            pl.when(code == at).then("latest").max().alias(f"latest_{who}")
            for at, who in enumerate(FIELDS[: SALES + 1])
        ),
        pl.when(code < SALES).then("latest").max().alias("latest_engagement"),
        pl.when(code < SALES).then("earliest").min().alias("earliest"),
        **decays,
    )


def _of(code: pl.Expr, who: str, column: str) -> pl.Expr:
    return col(column) if who == "engagement" else pl.when(code == KINDS.index(who)).then(column)


def _again(rows: pl.LazyFrame, events: pl.LazyFrame) -> pl.LazyFrame:
    """Gaps and items of the rows from which an event was hidden, from their own pairs."""
    late = events.filter(col("k") > col("t")).select("id", "t", "k")
    hidden = rows.join(late, on="id").filter((col("t") < col("c")) & (col("k") >= col("c"))).select("row").unique()
    seen = rows.join(hidden, on="row", how="semi").join(
        events.filter(col("code") < SALES).select("id", "t", "k", "item"), on="id"
    )
    seen = seen.filter((col("t") < col("c")) & (col("k") < col("c")))
    recent = col("c") - col("t") <= WINDOWS["30d"]
    return seen.group_by("row").agg(
        squares_again=((col("t").sort().diff() / DAY) ** 2).sum(),
        items_again=col("item").drop_nulls().n_unique(),
        items_30d_again=col("item").filter(recent).drop_nulls().n_unique(),
    )
