"""DuckDB by an expert: integer leads, disjoint buckets, eight counts packed in each HUGEINT sum.

What makes a SQL aggregate dear is the width of its state, so the 55 counts become ten sums: a lane is a 128-bit integer
with a field of 15 bits for each of eight counts, summed once for each bucket of age, and the windows are sums of
buckets. Decays need no power for each pair: ``2 ** (t / h)`` of the event times ``2 ** (-c / h)`` of the row. An item
is new to a row when the next event with the same item is not before the cutoff, and gaps come from the event before:
both are found once for each event, and anew for the few rows from which an event was still hidden (it had occurred, but
was not known).
"""

from pathlib import Path

import duckdb
import pyarrow as pa

from benchmarks.peers.words import CHANNELS, DAY, DECAYS, KINDS, ORIGIN, TRENDS, WINDOWS, named, trend_factor

BITS = 15
LANES = (KINDS[:8], (KINDS[8], "sales_touch", "numbers", "items"))
SALES = len(KINDS)
EVER = 1 << 62
SORTED = sorted(KINDS)


def compute(folder: Path, threads: int) -> pa.Table:
    """The answers as an Arrow table."""
    with duckdb.connect(config={"threads": threads}) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        return connection.sql(query(folder)).to_arrow_table()


def as_arrow(answer: pa.Table) -> pa.Table:
    """As it is."""
    return answer


def query(folder: Path) -> str:
    """One statement: events with what each needs to know, pairs, sums, and the few rows that need more."""
    return f"""
WITH people AS (
    SELECT lead_id, row_number() OVER () AS id, epoch_us(created_at) AS created, industry, employees
    FROM read_parquet('{folder}/leads.parquet')
), rows AS (
    SELECT row_number() OVER () - 1 AS row, id, epoch_us(cutoff) AS c, created, industry, employees
    FROM read_parquet('{folder}/spine.parquet') JOIN people USING (lead_id)
), raw AS (
    SELECT id, epoch_us(occurred_at) AS t, epoch_us(known_at) AS k, actor <> 'sales' AS engaged,
        kind, actor, value, item, channel
    FROM read_parquet('{folder}/events.parquet') JOIN people USING (lead_id)
), events AS MATERIALIZED (
    {_events()}
), pairs AS (
    SELECT row, events.*, {_bucket("c - t")} AS bucket, {_field("items", "next >= c")} AS fresh
    FROM rows JOIN events ON rows.id = events.id AND t < c AND k < c
), sums AS (
    SELECT row, {", ".join(_aggregates())} FROM pairs GROUP BY row
), hidden AS (
    SELECT DISTINCT row, rows.id, c FROM rows JOIN events ON rows.id = events.id AND t < c AND k >= c WHERE k > t
), again AS (
    {_again()}
), whole AS (
    SELECT rows.row, rows.c, created, industry, employees, {", ".join(_cumulated())}, sums.* EXCLUDE (row),
        again.row IS NOT NULL AS redone, again.square AS squares_again, items_30d AS items_30d_again,
        items AS items_again
    FROM rows LEFT JOIN sums USING (row) LEFT JOIN again USING (row)
), fields AS (
    SELECT *, {", ".join(_fields())} FROM whole
)
SELECT row, {", ".join(_outputs())} FROM fields
"""  # noqa: S608  # no text from outside


def _events() -> str:
    """One row for each event. ``first``: its place in the total order, its kind and its channel in one integer."""
    kind_code = _choice("kind", SORTED, len(SORTED))
    code = f"CASE WHEN engaged THEN {_choice('kind', KINDS, len(KINDS))} ELSE {SALES} END"
    place = f"(row_number() OVER later) * 128 + {kind_code} * 8 + {_choice('channel', CHANNELS, 7)}"
    lane = " ".join(f"WHEN '{kind}' THEN {1 << BITS * at}::HUGEINT" for at, kind in enumerate(LANES[0]))
    return f"""SELECT id, t, k, {code} AS code, item,
        CASE WHEN engaged THEN CASE kind {lane} ELSE 0::HUGEINT END ELSE 0::HUGEINT END AS lane0,
        {_field(KINDS[8], f"engaged AND kind = '{KINDS[8]}'")} + {_field("sales_touch", "NOT engaged")}
            + {_field("numbers", "engaged AND value IS NOT NULL")} AS lane1,
        CASE WHEN engaged THEN value END AS v,
        CASE WHEN engaged THEN pow(2::DOUBLE, (t - {ORIGIN}) / {7 * DAY}::DOUBLE) END AS z7,
        CASE WHEN engaged THEN pow(2::DOUBLE, (t - {ORIGIN}) / {30 * DAY}::DOUBLE) END AS z30,
        CASE WHEN engaged THEN {place} END AS first,
        CASE WHEN engaged THEN ((t - lag(t) OVER later) / {DAY}::DOUBLE) ** 2 END AS square,
        CASE WHEN engaged AND item IS NOT NULL
            THEN coalesce(lead(t) OVER (PARTITION BY id, engaged, item ORDER BY t), {EVER}) ELSE -1 END AS next
    FROM raw WINDOW later AS (PARTITION BY id, engaged ORDER BY t, k, kind, actor, value, item, channel)"""  # noqa: S608


def _choice(column: str, words: tuple[str, ...] | list[str], other: int) -> str:
    cases = " ".join(f"WHEN '{word}' THEN {code}" for code, word in enumerate(words))
    return f"(CASE {column} {cases} ELSE {other} END)"


def _field(name: str, condition: str) -> str:
    return f"CASE WHEN {condition} THEN {1 << BITS * LANES[1].index(name)}::HUGEINT ELSE 0::HUGEINT END"


def _bucket(age: str) -> str:
    cases = " ".join(f"WHEN {age} <= {reach} THEN {at}" for at, reach in enumerate(WINDOWS.values()) if reach)
    return f"CASE {cases} ELSE {len(WINDOWS) - 1} END"


def _aggregates() -> list[str]:
    """Sums and extremes of cases: cheaper here than FILTER, which splits every batch of pairs anew."""
    buckets = range(len(WINDOWS))
    wanted = [(f"lane0_{b}", "sum", "lane0", f"bucket = {b}") for b in buckets]
    wanted += [(f"lane1_{b}", "sum", "lane1 + fresh", f"bucket = {b}") for b in buckets]
    wanted += [(f"latest_{kind}", "max", "t", f"code = {code}") for code, kind in enumerate(KINDS)]
    wanted += [("latest_sales_touch", "max", "t", f"code = {SALES}"), ("earliest", "min", "t", f"code < {SALES}")]
    wanted += [(f"warm_{who}_{days}", "sum", f"z{days}", _only(who)) for who, days in DECAYS]
    wanted += [("sum_1", "sum", "v", "bucket <= 1"), *((f"sum_{b}", "sum", "v", f"bucket = {b}") for b in (2, 3, 4))]
    wanted += [("max_2", "max", "v", "bucket <= 2"), *((f"max_{b}", "max", "v", f"bucket = {b}") for b in (3, 4))]
    wanted += [("value_min", "min", "v", ""), ("squares", "sum", "square", ""), ("first", "min", "first", "")]
    return [
        f"{how}({f'CASE WHEN {condition} THEN {what} END' if condition else what}) AS {name}"
        for name, how, what, condition in wanted
    ]


def _only(who: str) -> str:
    return "" if who == "engagement" else f"code = {KINDS.index(who)}"


def _again() -> str:
    """Gaps and items of the rows from which something was hidden, from their own pairs."""
    engaged = f"code < {SALES}"
    return f"""SELECT row, sum((gap / {DAY}::DOUBLE) ** 2) AS square,
        count(DISTINCT item) FILTER (c - t <= {WINDOWS["30d"]}) AS items_30d, count(DISTINCT item) AS items
    FROM (
        SELECT row, c, t, item, t - lag(t) OVER (PARTITION BY row ORDER BY t) AS gap
        FROM hidden JOIN events ON hidden.id = events.id AND t < c AND k < c WHERE {engaged}
    ) GROUP BY row"""  # noqa: S608


def _cumulated() -> list[str]:
    """Lane sums of windows from those of buckets."""
    parts = [(lane, b, [f"coalesce(lane{lane}_{i}, 0)" for i in range(b + 1)]) for lane in (0, 1) for b in range(5)]
    return [f"{' + '.join(terms)} AS upto{lane}_{b}" for lane, b, terms in parts]


def _fields() -> list[str]:
    """Every packed count as a number, and the counts of all engagement."""
    mask = (1 << BITS) - 1
    unpacked = [
        f"((upto{lane}_{b} >> {BITS * at}) & {mask})::INTEGER AS n_{name}_{b}"
        for lane, names in enumerate(LANES)
        for at, name in enumerate(names)
        for b in range(5)
        if name not in ("numbers", "items") or (name, b) in {("numbers", 3), ("numbers", 4), ("items", 2), ("items", 4)}
    ]
    return [*unpacked, *(f"{' + '.join(f'n_{kind}_{b}' for kind in KINDS)} AS n_engagement_{b}" for b in range(5))]


def _outputs() -> list[str]:
    place = {window: b for b, window in enumerate(WINDOWS)}
    subjects = ("engagement", *KINDS, "sales_touch")
    latest = {who: f"latest_{who}" for who in (*KINDS, "sales_touch")}
    latest["engagement"] = f"greatest({', '.join(f'latest_{kind}' for kind in KINDS)})"
    outputs = [f"n_{who}_{b} AS {named(f'{who}_count', window)}" for who in subjects for window, b in place.items()]
    outputs += [f"(c - {moment}) / {DAY}::DOUBLE AS {who}_days_since" for who, moment in latest.items()]
    outputs += [
        f"coalesce(warm_{who}_{days} * pow(2::DOUBLE, ({ORIGIN} - c) / {days * DAY}::DOUBLE), 0) "
        f"AS {who}_decayed_{days}d"
        for who, days in DECAYS
    ]
    outputs += [
        f"n_{who}_{place[short]} / nullif(n_{who}_{place[long]}, 0)::DOUBLE * {trend_factor(short, long)}::DOUBLE "
        f"AS {who}_trend_{short}_{long}"
        for who, short, long in TRENDS
    ]
    return [*outputs, *_distinct(), *_values(), *_rhythm()]


def _distinct() -> list[str]:
    kinds = {b: " + ".join(f"(n_{kind}_{b} > 0)::INTEGER" for kind in KINDS) for b in (2, 4)}
    return [
        "CASE WHEN redone THEN items_30d_again ELSE n_items_2 END AS distinct_item_30d",
        "CASE WHEN redone THEN items_again ELSE n_items_4 END AS distinct_item",
        f"{kinds[2]} AS distinct_kind_30d",
        f"{kinds[4]} AS distinct_kind",
    ]


def _values() -> list[str]:
    sums = {b: " + ".join(f"coalesce(sum_{i}, 0)" for i in range(1, b + 1)) for b in range(1, 5)}
    named_sums = zip(("value_sum_7d", "value_sum_30d", "value_sum_90d", "value_sum"), sums.values(), strict=True)
    return [
        *(f"{total} AS {name}" for name, total in named_sums),
        "max_2 AS value_max_30d",
        "greatest(max_2, max_3) AS value_max_90d",
        "greatest(max_2, max_3, max_4) AS value_max",
        "value_min",
        f"({sums[3]}) / nullif(n_numbers_3, 0) AS value_mean_90d",
        f"({sums[4]}) / nullif(n_numbers_4, 0) AS value_mean",
    ]


def _rhythm() -> list[str]:
    """Gaps from first, last and squares; what came first; what needs no event."""
    newest = f"greatest({', '.join(f'latest_{kind}' for kind in KINDS)})"
    mean = f"(({newest} - earliest) / {DAY}::DOUBLE / (n_engagement_4 - 1))"
    squares = "CASE WHEN redone THEN squares_again ELSE squares END"
    spread = f"sqrt(greatest({squares} / (n_engagement_4 - 1) - {mean} ** 2, 0))"
    kinds, channels = ", ".join(f"'{kind}'" for kind in SORTED), ", ".join(f"'{channel}'" for channel in CHANNELS)
    return [
        f"CASE WHEN n_engagement_4 > 1 THEN {mean} END AS engagement_gap_mean",
        f"CASE WHEN n_engagement_4 > 2 THEN {spread} END AS engagement_gap_std",
        f"[{kinds}][(first >> 3) % 16 + 1] AS first_kind",
        f"[{channels}][first % 8 + 1] AS first_channel",
        f"(c - earliest) / {DAY}::DOUBLE AS engagement_days_since_first",
        f"(c - created) / {DAY}::DOUBLE AS tenure_days",
        "industry",
        "employees",
    ]
