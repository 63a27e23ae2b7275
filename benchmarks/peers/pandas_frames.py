"""pandas by an expert: categoricals, integer leads, one merge, narrow groupbys that are unstacked.

The merge keeps the order of rows and, within a row, of events; so events are put in their order once, and first events
and gaps need no further sorting. Counts, recencies and decays come from groups of (row, kind, bucket), not from one
mask for each feature. pandas alone: no loops in Python, no kernels of one's own in NumPy.
"""

# ruff: noqa: PD010  # groups are unstacked as they are: pivot_table would aggregate once more

from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.peers.words import DAY, DECAYS, KINDS, ORIGIN, TRENDS, WINDOWS, named, trend_factor

SUBJECTS = (*KINDS, "sales_touch")
SALES = len(KINDS)
BUCKETS = len(WINDOWS)
PLACE = {window: b for b, window in enumerate(WINDOWS)}


def compute(folder: Path, _threads: int) -> pd.DataFrame:
    """The answers as a frame, indexed by row. pandas has one thread, whatever is offered."""
    leads = _read(folder / "leads.parquet", ["industry"])
    leads["id"] = leads.index
    rows = _read(folder / "spine.parquet", []).merge(leads, on="lead_id")
    rows["c"], rows["created"] = _micros(rows["cutoff"]), _micros(rows["created_at"])
    rows["row"] = rows.index
    pairs = _pairs(rows[["row", "id", "c"]], _events(folder, leads))
    engaged = pairs[pairs["code"] < SALES]
    counts = _counts(pairs, len(rows))
    parts = [_named_counts(counts), _times(pairs, rows), _distinct(engaged, counts)]
    parts += [_values(engaged, len(rows)), _rhythm(engaged)]
    tenure = ((rows["c"] - rows["created"]) / DAY).rename("tenure_days")
    answer = pd.concat([*parts, tenure, rows[["industry", "employees"]]], axis=1)
    zero = [name for name in answer.columns if name.startswith(("distinct_", "value_sum")) or "_decayed_" in name]
    answer[zero] = answer[zero].fillna(0)
    return answer


def as_arrow(answer: pd.DataFrame) -> pa.Table:
    """The index as ``row``."""
    table = pa.Table.from_pandas(answer, preserve_index=False)
    return table.append_column("row", pa.array(answer.index.to_numpy()))


def _read(path: Path, categories: list[str]) -> pd.DataFrame:
    return pq.read_table(path, read_dictionary=categories).to_pandas()


def _micros(moments: pd.Series) -> pd.Series:
    return moments.dt.tz_localize(None).astype("datetime64[us]").astype("int64")


def _events(folder: Path, leads: pd.DataFrame) -> pd.DataFrame:
    """Events in their total order: only those that share their moment need more than the order of time."""
    events = _read(folder / "events.parquet", ["kind", "actor", "item", "channel"])
    events = events.drop(columns="event_id").merge(leads[["lead_id", "id"]], on="lead_id").drop(columns="lead_id")
    events["t"], events["k"] = _micros(events.pop("occurred_at")), _micros(events.pop("known_at"))
    codes = {kind: code for code, kind in enumerate(KINDS)}
    events["code"] = events["kind"].map(codes).astype("float64").fillna(SALES).astype("int64")
    events.loc[events["actor"] == "sales", "code"] = SALES
    events = events.sort_values("t", kind="stable", ignore_index=True)
    shared = events.duplicated(["id", "t"], keep=False)
    texts = {name: events.loc[shared, name].astype("str") for name in ("kind", "actor", "item", "channel")}
    order = ["t", "k", "kind", "actor", "value", "item", "channel"]
    ties = events[shared].assign(**texts).sort_values(order).index
    place = events.index.to_series()
    place[shared] = ties
    events = events.loc[place].reset_index(drop=True)
    age = events["t"] - ORIGIN
    return events.assign(z7=2.0 ** (age / (7 * DAY)), z30=2.0 ** (age / (30 * DAY)))


def _pairs(rows: pd.DataFrame, events: pd.DataFrame) -> pd.DataFrame:
    """A row and each event that it sees."""
    pairs = rows.merge(events, on="id")
    pairs = pairs[(pairs["t"] < pairs["c"]) & (pairs["k"] < pairs["c"])].copy()
    reach = [-1, *(reach for reach in WINDOWS.values() if reach), 1 << 62]
    pairs["bucket"] = pd.cut(pairs["c"] - pairs["t"], reach, labels=False)
    return pairs


def _counts(pairs: pd.DataFrame, rows: int) -> dict[str, pd.DataFrame]:
    """For each subject a frame with the counts of the windows; the columns are places of windows."""
    slots = pairs["code"] * BUCKETS + pairs["bucket"]
    wide = slots.groupby([pairs["row"], slots]).size().unstack(fill_value=0)
    wide = wide.reindex(index=range(rows), columns=range(len(SUBJECTS) * BUCKETS), fill_value=0)
    counts = {}
    for code, who in enumerate(SUBJECTS):
        own = wide[[code * BUCKETS + b for b in range(BUCKETS)]]
        counts[who] = own.set_axis(range(BUCKETS), axis=1).cumsum(axis=1)
    counts["engagement"] = sum(counts[kind] for kind in KINDS)
    return counts


def _named_counts(counts: dict[str, pd.DataFrame]) -> pd.DataFrame:
    columns = {named(f"{who}_count", w): of[b] for who, of in counts.items() for w, b in PLACE.items()}
    for who, short, long in TRENDS:
        ratio = counts[who][PLACE[short]] / counts[who][PLACE[long]]
        columns[f"{who}_trend_{short}_{long}"] = ratio * trend_factor(short, long)
    return pd.DataFrame(columns)


def _times(pairs: pd.DataFrame, rows: pd.DataFrame) -> pd.DataFrame:
    """Recencies and decayed sums."""
    by_kind = pairs.groupby(["row", "code"])
    cutoff = rows["c"]
    latest = by_kind["t"].max().unstack().reindex(columns=range(len(SUBJECTS)))
    columns = {f"{who}_days_since": (cutoff - latest[code]) / DAY for code, who in enumerate(SUBJECTS)}
    columns["engagement_days_since"] = (cutoff - latest[list(range(SALES))].max(axis=1)) / DAY
    sums = by_kind[["z7", "z30"]].sum().unstack()
    for who, days in DECAYS:
        own = sums[f"z{days}"].reindex(columns=range(SALES))
        warm = own.sum(axis=1) if who == "engagement" else own[KINDS.index(who)]
        columns[f"{who}_decayed_{days}d"] = warm * 2.0 ** ((ORIGIN - cutoff) / (days * DAY))
    return pd.DataFrame(columns)


def _distinct(engaged: pd.DataFrame, counts: dict[str, pd.DataFrame]) -> pd.DataFrame:
    columns = {}
    items = engaged.loc[engaged["item"].notna(), ["row", "item", "bucket"]]
    for window in ("30d", ""):
        fresh = items[items["bucket"] <= PLACE[window]].drop_duplicates(["row", "item"])
        columns[named("distinct_item", window)] = fresh.groupby("row").size()
        kinds = sum((counts[kind][PLACE[window]] > 0).astype("int64") for kind in KINDS)
        columns[named("distinct_kind", window)] = kinds
    return pd.DataFrame(columns)


def _values(engaged: pd.DataFrame, rows: int) -> pd.DataFrame:
    """Sums, largest, smallest and means of the value by window."""
    wide = engaged.groupby(["row", "bucket"])["value"].agg(["sum", "max", "min", "count"]).unstack()
    wide = wide.reindex(index=range(rows))
    total, count = (wide[how].fillna(0).cumsum(axis=1) for how in ("sum", "count"))
    most = wide["max"].T.cummax().ffill().T
    columns = {named("value_sum", w): total[PLACE[w]] for w in ("7d", "30d", "90d", "")}
    columns |= {named("value_max", w): most[PLACE[w]] for w in ("30d", "90d", "")}
    columns |= {named("value_mean", w): total[PLACE[w]] / count[PLACE[w]] for w in ("90d", "")}
    columns["value_min"] = wide["min"].min(axis=1)
    return pd.DataFrame(columns)


def _rhythm(engaged: pd.DataFrame) -> pd.DataFrame:
    """Gaps, what came first, and how long ago."""
    first = engaged.drop_duplicates("row").set_index("row")
    gaps = (engaged["t"] - engaged.groupby("row")["t"].shift()) / DAY
    spread = gaps.groupby(engaged["row"]).agg(["count", "mean"])
    spread["std"] = gaps.groupby(engaged["row"]).std(ddof=0)
    return pd.DataFrame(
        {
            "engagement_gap_mean": spread["mean"],
            "engagement_gap_std": spread["std"].where(spread["count"] > 1),
            "first_kind": first["kind"],
            "first_channel": first["channel"],
            "engagement_days_since_first": (first["c"] - first["t"]) / DAY,
        }
    )
