"""DuckDB as most write it: one join, ``count(*) FILTER``, ``count(DISTINCT)``, a window function for the gaps."""

from pathlib import Path

import duckdb
import pyarrow as pa

from benchmarks.peers.words import DAY, DECAYS, KINDS, TRENDS, WINDOWS, named, trend_factor

SUBJECTS = {
    "engagement": "engaged",
    **{kind: f"engaged AND kind = '{kind}'" for kind in KINDS},
    "sales_touch": "NOT engaged",
}


def compute(folder: Path, threads: int) -> pa.Table:
    """The answers as an Arrow table."""
    with duckdb.connect(config={"threads": threads}) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        return connection.sql(query(folder)).to_arrow_table()


def as_arrow(answer: pa.Table) -> pa.Table:
    """As it is."""
    return answer


def query(folder: Path) -> str:
    """One statement. Pairs of a row and an event that it sees; everything else is an aggregate over them."""
    return f"""
WITH rows AS (
    SELECT row_number() OVER () - 1 AS row, lead_id, cutoff FROM read_parquet('{folder}/spine.parquet')
), pairs AS (
    SELECT row, kind, actor, value, item, channel, occurred_at, known_at, actor <> 'sales' AS engaged,
        epoch_us(cutoff) - epoch_us(occurred_at) AS age
    FROM rows JOIN read_parquet('{folder}/events.parquet') USING (lead_id)
    WHERE occurred_at < cutoff AND known_at < cutoff
), spaced AS (
    SELECT *, (lag(age) OVER (PARTITION BY row, engaged ORDER BY age DESC) - age) / {DAY}::DOUBLE AS gap FROM pairs
), answers AS (
    SELECT row, {", ".join([*_counts(), *_recencies(), *_decays(), *_distinct(), *_values(), *_rhythm()])}
    FROM spaced GROUP BY row
)
SELECT rows.row, {", ".join(_outputs())},
    (epoch_us(cutoff) - epoch_us(created_at)) / {DAY}::DOUBLE AS tenure_days, industry, employees
FROM rows JOIN read_parquet('{folder}/leads.parquet') USING (lead_id) LEFT JOIN answers USING (row)
"""  # noqa: S608  # no text from outside


def _within(window: str) -> str:
    return f" AND age <= {WINDOWS[window]}" if window else ""


def _counts() -> list[str]:
    return [
        f"count(*) FILTER ({which}{_within(window)}) AS {named(f'{who}_count', window)}"
        for who, which in SUBJECTS.items()
        for window in WINDOWS
    ]


def _recencies() -> list[str]:
    latest = [f"min(age) FILTER ({which}) / {DAY}::DOUBLE AS {who}_days_since" for who, which in SUBJECTS.items()]
    return [*latest, f"max(age) FILTER (engaged) / {DAY}::DOUBLE AS engagement_days_since_first"]


def _decays() -> list[str]:
    return [
        f"sum(pow(2::DOUBLE, -age / {days * DAY}::DOUBLE)) FILTER ({SUBJECTS[who]}) AS {who}_decayed_{days}d"
        for who, days in DECAYS
    ]


def _distinct() -> list[str]:
    return [
        f"count(DISTINCT {column}) FILTER (engaged{_within(window)}) AS {named(f'distinct_{column}', window)}"
        for column in ("item", "kind")
        for window in ("30d", "")
    ]


def _values() -> list[str]:
    asked = {"sum": ("7d", "30d", "90d", ""), "max": ("30d", "90d", ""), "avg": ("90d", ""), "min": ("",)}
    return [
        f"{how}(value) FILTER (engaged{_within(window)}) AS {named(f'value_{how}', window)}"
        for how, windows in asked.items()
        for window in windows
    ]


def _rhythm() -> list[str]:
    """The gaps, and the first kind and channel by the total order of events."""
    order = "row(occurred_at, known_at, kind, actor, value, item, channel)"
    return [
        "avg(gap) FILTER (engaged) AS engagement_gap_mean",
        "CASE WHEN count(gap) FILTER (engaged) > 1 THEN stddev_pop(gap) FILTER (engaged) END AS engagement_gap_std",
        f"arg_min(kind, {order}) FILTER (engaged) AS first_kind",
        f"arg_min(channel, {order}) FILTER (engaged AND channel IS NOT NULL) AS first_channel",
    ]


def _outputs() -> list[str]:
    """Nothing is 0 for counts and sums, null for the rest; means by their name; trends from the counts."""
    zero = [named(f"{who}_count", window) for who in SUBJECTS for window in WINDOWS]
    zero += [f"{who}_decayed_{days}d" for who, days in DECAYS]
    zero += [named(f"distinct_{column}", window) for column in ("item", "kind") for window in ("30d", "")]
    zero += [named("value_sum", window) for window in ("7d", "30d", "90d", "")]
    same = [f"{who}_days_since" for who in SUBJECTS] + ["engagement_days_since_first", "value_min"]
    same += ["engagement_gap_mean", "engagement_gap_std", "first_kind", "first_channel"]
    same += [named("value_max", window) for window in ("30d", "90d", "")]
    means = ["value_avg_90d AS value_mean_90d", "value_avg AS value_mean"]
    trends = [
        f"{who}_count_{short} / nullif({who}_count_{long}, 0)::DOUBLE * {trend_factor(short, long)}::DOUBLE "
        f"AS {who}_trend_{short}_{long}"
        for who, short, long in TRENDS
    ]
    return [*(f"coalesce({name}, 0) AS {name}" for name in zero), *same, *means, *trends]
