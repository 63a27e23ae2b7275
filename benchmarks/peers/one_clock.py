"""Two clocks for tools that have one: events stamped anew, so that a count by occurrence is a difference of two totals.

An event is seen at cutoff *c* in a window *w* when ``known < c`` and not ``occurred < c - w``. So what is seen in the
window is what has become known before *c*, less what was both known and older than the window: the first is a total
over events stamped ``known``, the second one over the same events stamped ``max(known, occurred + w)``. Sums and counts
can be taken so; the largest value of a window, distinct values of a window, and what needs the order of occurrence (gap
spread, first kind) cannot. Only pandas of whatever version the tool bears is used here.
"""

from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq

from benchmarks.peers.words import DAY, DECAYS, KINDS, ORIGIN, TRENDS, WINDOWS, named, trend_factor

SECOND = 1_000_000
SUBJECTS = (*KINDS, "sales_touch")
TOTALS = (*SUBJECTS, "value", "numbers")
"""Columns of indicators and numbers that are summed; nothing is 0."""


def rows_of(folder: Path) -> pd.DataFrame:
    """The spine with ``row``, ``id`` (the place of the lead) and ``c``, ``created`` (microseconds)."""
    leads = pq.read_table(folder / "leads.parquet").to_pandas()
    leads["id"] = range(len(leads))
    rows = pq.read_table(folder / "spine.parquet").to_pandas()
    rows["row"] = range(len(rows))
    rows = rows.merge(leads, on="lead_id").sort_values("row", ignore_index=True)
    return rows.assign(c=micros(rows["cutoff"]), created=micros(rows["created_at"]))


def events_of(folder: Path) -> pd.DataFrame:
    """Events with ``id``, ``t`` and ``k`` (microseconds), the columns of ``TOTALS`` and the decayed weights."""
    leads = pq.read_table(folder / "leads.parquet", columns=["lead_id"]).to_pandas()
    events = pq.read_table(folder / "events.parquet").to_pandas()
    events = events.merge(leads.assign(id=range(len(leads))), on="lead_id")
    events = events.assign(t=micros(events["occurred_at"]), k=micros(events["known_at"]))
    engaged = events["actor"] != "sales"
    for kind in KINDS:
        events[kind] = (engaged & (events["kind"] == kind)).astype("float64")
    events["sales_touch"] = (~engaged).astype("float64")
    events["number"] = events["value"].where(engaged)
    events["value"], events["numbers"] = events["number"].fillna(0.0), events["number"].notna().astype("float64")
    for days in (7, 30):
        events[f"z{days}"] = (2.0 ** ((events["t"] - ORIGIN) / (days * DAY))).where(engaged, 0.0)
    return events


def micros(moments: pd.Series) -> pd.Series:
    """Microseconds since 1970, whatever the unit of the column."""
    return moments.dt.tz_convert(None).astype("datetime64[us]").astype("int64")


def stamped(events: pd.DataFrame, window: str) -> pd.Series:
    """The one clock of a window (microseconds); that of all time is when events became known."""
    reach = WINDOWS[window]
    return events["k"].where(events["k"] >= events["t"] + reach, events["t"] + reach) if reach else events["k"]


def answers(rows: pd.DataFrame, totals: dict[str, pd.DataFrame], extremes: pd.DataFrame) -> pd.DataFrame:
    """The features out of totals by window (columns ``TOTALS``) and extremes of all time, all in the order of rows.

    ``extremes``: ``latest_KIND``, ``earliest`` (seconds after ORIGIN), ``most``, ``least``, ``warm_KIND_DAYS``.
    """
    seen = {w: totals[""] - of if w else of for w, of in totals.items()}
    for of in seen.values():
        of["engagement"] = sum(of[kind] for kind in KINDS)
    columns = {named(f"{who}_count", w): of[who] for w, of in seen.items() for who in ("engagement", *SUBJECTS)}
    for who, short, long in TRENDS:
        columns[f"{who}_trend_{short}_{long}"] = seen[short][who] / seen[long][who] * trend_factor(short, long)
    columns |= {named("value_sum", w): seen[w]["value"] for w in ("7d", "30d", "90d", "")}
    columns |= {named("value_mean", w): seen[w]["value"] / seen[w]["numbers"] for w in ("90d", "")}
    columns |= {"value_max": extremes["most"], "value_min": extremes["least"]}
    columns |= _times(rows, seen[""]["engagement"], extremes)
    tenure = (rows["c"] - rows["created"]) / DAY
    return pd.DataFrame({"tenure_days": tenure, **columns}).join(rows[["row", "industry", "employees"]])


def _times(rows: pd.DataFrame, count: pd.Series, extremes: pd.DataFrame) -> dict[str, pd.Series]:
    now = (rows["c"] - ORIGIN) / SECOND
    day = DAY / SECOND
    newest = extremes[[f"latest_{kind}" for kind in KINDS]].max(axis=1)
    columns = {f"{who}_days_since": (now - extremes[f"latest_{who}"]) / day for who in SUBJECTS}
    columns["engagement_days_since"] = (now - newest) / day
    columns["engagement_days_since_first"] = (now - extremes["earliest"]) / day
    columns["engagement_gap_mean"] = ((newest - extremes["earliest"]) / day / (count - 1)).where(count > 1)
    for who, days in DECAYS:
        columns[f"{who}_decayed_{days}d"] = extremes[f"warm_{who}_{days}"] * 2.0 ** (
            (ORIGIN - rows["c"]) / (days * DAY)
        )
    return columns
