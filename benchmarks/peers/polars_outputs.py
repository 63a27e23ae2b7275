"""The last step of ``polars_streaming``: sums and extremes of each row, unpacked and named."""

import math

import polars as pl
from polars import col

from benchmarks.peers.words import CHANNELS, DAY, DECAYS, KINDS, ORIGIN, TRENDS, WINDOWS, named, trend_factor

BITS = 15
SALES = len(KINDS)
FIELDS = (*KINDS, "sales_touch", "numbers", "items")
BUCKETS = len(WINDOWS)
PLACE = {window: b for b, window in enumerate(WINDOWS)}
SORTED = sorted(KINDS)


def power(exponent: pl.Expr) -> pl.Expr:
    """Two to the power of it."""
    return (exponent * math.log(2)).exp()


def outputs(whole: pl.LazyFrame) -> pl.LazyFrame:
    """``row`` and a column for each feature."""
    counted = whole.with_columns(
        _field(name, b).alias(f"n_{name}_{b}") for name in FIELDS for b in range(BUCKETS)
    ).with_columns(
        pl.sum_horizontal(f"n_{kind}_{b}" for kind in KINDS).alias(f"n_engagement_{b}") for b in range(BUCKETS)
    )
    return counted.select("row", *_counts(), *_times(), *_distinct(), *_values(), *_rhythm())


def _field(name: str, b: int) -> pl.Expr:
    """A packed count, as a number; nothing is 0."""
    at = FIELDS.index(name)
    return (col(f"lane{at // 4}_{b}").fill_null(0) // (1 << BITS * (at % 4)) % (1 << BITS)).cast(pl.Int32)


def _counts() -> list[pl.Expr]:
    subjects = ("engagement", *KINDS, "sales_touch")
    counts = [col(f"n_{who}_{b}").alias(named(f"{who}_count", w)) for who in subjects for w, b in PLACE.items()]
    for who, short, long in TRENDS:
        of_short, of_long = col(f"n_{who}_{PLACE[short]}"), col(f"n_{who}_{PLACE[long]}")
        ratio = pl.when(of_long > 0).then(of_short / of_long * trend_factor(short, long))
        counts.append(ratio.alias(f"{who}_trend_{short}_{long}"))
    return counts


def _times() -> list[pl.Expr]:
    times = [
        ((col("c") - col(f"latest_{who}")) / DAY).alias(f"{who}_days_since")
        for who in ("engagement", *KINDS, "sales_touch")
    ]
    warm = [
        (col(f"warm_{who}_{days}").fill_null(0) * power((ORIGIN - col("c")) / (days * DAY))).alias(
            f"{who}_decayed_{days}d"
        )
        for who, days in DECAYS
    ]
    first = ((col("c") - col("earliest")) / DAY).alias("engagement_days_since_first")
    return [*times, *warm, first, ((col("c") - col("created")) / DAY).alias("tenure_days")]


def _distinct() -> list[pl.Expr]:
    redone = col("items_again").is_not_null()
    answers = [
        pl.when(redone).then("items_30d_again").otherwise(f"n_items_{PLACE['30d']}").alias("distinct_item_30d"),
        pl.when(redone).then("items_again").otherwise(f"n_items_{PLACE['']}").alias("distinct_item"),
    ]
    for window in ("30d", ""):
        kinds = pl.sum_horizontal((col(f"n_{kind}_{PLACE[window]}") > 0).cast(pl.Int32) for kind in KINDS)
        answers.append(kinds.alias(named("distinct_kind", window)))
    return answers


def _values() -> list[pl.Expr]:
    sums = [col(f"total_{PLACE[w]}").fill_null(0).alias(named("value_sum", w)) for w in ("7d", "30d", "90d", "")]
    most = [col(f"most_{PLACE[w]}").alias(named("value_max", w)) for w in ("30d", "90d", "")]
    means = [
        pl.when(col(f"n_numbers_{b}") > 0).then(col(f"total_{b}") / col(f"n_numbers_{b}")).alias(name)
        for name, b in (("value_mean_90d", PLACE["90d"]), ("value_mean", PLACE[""]))
    ]
    return [*sums, *most, *means, col("least").alias("value_min")]


def _rhythm() -> list[pl.Expr]:
    """Gaps from first, last and squares; what came first; attributes."""
    gaps = col(f"n_engagement_{PLACE['']}") - 1
    mean = (col("latest_engagement") - col("earliest")) / DAY / gaps
    squares = pl.coalesce("squares_again", "square")
    spread = (squares / gaps - mean**2).clip(lower_bound=0).sqrt()
    kind, channel = col("first") // 8 % 16, col("first") % 8
    return [
        pl.when(gaps > 0).then(mean).alias("engagement_gap_mean"),
        pl.when(gaps > 1).then(spread).alias("engagement_gap_std"),
        kind.replace_strict(dict(enumerate(SORTED)), default=None, return_dtype=pl.Enum(SORTED)).alias("first_kind"),
        channel.replace_strict(dict(enumerate(CHANNELS)), default=None, return_dtype=pl.Enum(CHANNELS)).alias(
            "first_channel"
        ),
        col("industry"),
        col("employees"),
    ]
