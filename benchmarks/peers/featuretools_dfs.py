"""Featuretools: one calculation over a child table for each window, at every cutoff.

Featuretools has one clock, see ``one_clock``; with it, it knows the totals and extremes of all time. Features are
defined by hand, which spares the search of ``dfs`` and everything that was not asked for.
"""

import warnings
from pathlib import Path

import featuretools as ft
import pandas as pd
import pyarrow as pa

from benchmarks.peers.one_clock import SECOND, SUBJECTS, TOTALS, answers, events_of, rows_of, stamped
from benchmarks.peers.words import DECAYS, ORIGIN, WINDOWS


def compute(folder: Path, _threads: int) -> pd.DataFrame:
    """The answers as a frame, by one process."""
    rows, events = rows_of(folder), events_of(folder)
    store, features = _asked(rows, _marked(events))
    ask = pd.DataFrame({"id": rows["id"], "time": pd.to_datetime(rows["c"] - 1, unit="us"), "row": rows["row"]})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = ft.calculate_feature_matrix(features, store, cutoff_time=ask, n_jobs=1)
    found = found.sort_values("row").reset_index(drop=True)
    rows = rows.sort_values("row", ignore_index=True)
    totals = {w: found[[f"sum_{name}_{w}" for name in TOTALS]].set_axis(TOTALS, axis=1).fillna(0.0) for w in WINDOWS}
    extremes = found.drop(columns=[name for name in found.columns if name.startswith("sum_")])
    warm = [name for name in extremes.columns if name.startswith("warm_")]
    return answers(rows, totals, extremes.assign(**extremes[warm].fillna(0.0)))


def as_arrow(answer: pd.DataFrame) -> pa.Table:
    """As it is."""
    return pa.Table.from_pandas(answer, preserve_index=False)


def _marked(events: pd.DataFrame) -> pd.DataFrame:
    """Columns of their own for what is asked of some of the events only."""
    seconds = (events["t"] - ORIGIN) / SECOND
    latest = {f"latest_{who}": seconds.where(events[who] > 0) for who in SUBJECTS}
    of_kind = {who: 1.0 if who == "engagement" else events[who] for who, _ in DECAYS}
    warm = {f"warm_{who}_{days}": events[f"z{days}"] * of_kind[who] for who, days in DECAYS}
    return events.assign(**latest, **warm, earliest=seconds.where(events["sales_touch"] == 0))


def _asked(rows: pd.DataFrame, events: pd.DataFrame) -> tuple[ft.EntitySet, list[ft.Feature]]:
    """The tables with their clocks, and what is asked of them."""
    store = ft.EntitySet("market")
    store.add_dataframe(rows[["id"]].drop_duplicates(ignore_index=True), "leads", index="id")
    features = []
    extremes = [name for name in events.columns if name.startswith(("latest_", "warm_"))] + ["earliest", "number"]
    for window in WINDOWS:
        name = f"events_{window or 'ever'}"
        columns = list(TOTALS) if window else [*TOTALS, *extremes]
        table = events[["id", *columns]].reset_index(names="event")
        table["clock"] = pd.to_datetime(stamped(events, window), unit="us")
        types = dict.fromkeys(columns, "Double") | {"id": "Integer", "event": "Integer"}
        store.add_dataframe(table, name, index="event", time_index="clock", logical_types=types)
        store.add_relationship("leads", "id", name, "id")
        features += [_over(store, name, column, ft.primitives.Sum, f"sum_{column}_{window}") for column in TOTALS]
    return store, [*features, *_extremes(store, extremes)]


def _extremes(store: ft.EntitySet, columns: list[str]) -> list[ft.Feature]:
    how = {"latest": ft.primitives.Max, "warm": ft.primitives.Sum, "earliest": ft.primitives.Min}
    named = [name for name in columns if name != "number"]
    found = [_over(store, "events_ever", name, how[name.split("_")[0]], name) for name in named]
    found.append(_over(store, "events_ever", "number", ft.primitives.Max, "most"))
    return [*found, _over(store, "events_ever", "number", ft.primitives.Min, "least")]


def _over(store: ft.EntitySet, table: str, column: str, primitive: type, name: str) -> ft.Feature:
    base = ft.Feature(store[table].ww[column])
    return ft.Feature(base, parent_dataframe_name="leads", primitive=primitive).rename(name)
