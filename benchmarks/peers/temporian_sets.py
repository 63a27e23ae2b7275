"""Temporian: running sums, maxima and minima of one event set for each window, sampled at the cutoffs.

Temporian has one clock, see ``one_clock``; it knows neither distinct counts nor, with two clocks, the extremes of a
window. It reads whole seconds, so cutoffs are asked half a second before, which makes its ``<=`` a ``<``.
"""

from pathlib import Path

import pandas as pd
import pyarrow as pa
import temporian as tp

from benchmarks.peers.one_clock import SECOND, SUBJECTS, TOTALS, answers, events_of, rows_of, stamped
from benchmarks.peers.words import DECAYS, ORIGIN, WINDOWS

EVER = 1e11
"""A window longer than any history, in seconds."""


def compute(folder: Path, _threads: int) -> pd.DataFrame:
    """The answers as a frame; Temporian has one thread."""
    rows = rows_of(folder).sort_values(["id", "c"], ignore_index=True)
    events = events_of(folder)
    ask = pd.DataFrame({"id": rows["id"], "timestamp": (rows["c"] - ORIGIN) / SECOND - 0.5})
    sampling = tp.from_pandas(ask, indexes=["id"])
    totals = {w: _sampled(_set(events, w, list(TOTALS)).cumsum(sampling), rows).fillna(0.0) for w in WINDOWS}
    return answers(rows, totals, _extremes(events, sampling, rows))


def as_arrow(answer: pd.DataFrame) -> pa.Table:
    """As it is."""
    return pa.Table.from_pandas(answer, preserve_index=False)


def _set(events: pd.DataFrame, window: str, columns: list[str]) -> tp.EventSet:
    clock = (stamped(events, window) - ORIGIN) / SECOND
    return tp.from_pandas(events[["id", *columns]].assign(timestamp=clock), indexes=["id"])


def _sampled(found: tp.EventSet, rows: pd.DataFrame) -> pd.DataFrame:
    """In the order of ``rows``: both are sorted by lead and time."""
    frame = tp.to_pandas(found, timestamp_to_datetime=False).sort_values(["id", "timestamp"], ignore_index=True)
    if not (frame["id"] == rows["id"]).all():
        raise ValueError(f"Temporian returned {len(frame)} rows that are not the {len(rows)} asked for.")
    return frame.drop(columns=["id", "timestamp"])


def _extremes(events: pd.DataFrame, sampling: tp.EventSet, rows: pd.DataFrame) -> pd.DataFrame:
    seconds = (events["t"] - ORIGIN) / SECOND
    latest = {f"latest_{who}": seconds.where(events[who] > 0) for who in SUBJECTS}
    latest["most"] = events["number"]
    earliest = {"earliest": seconds.where(events["sales_touch"] == 0), "least": events["number"]}
    of_kind = {who: 1.0 if who == "engagement" else events[who] for who, _ in DECAYS}
    warm = {f"warm_{who}_{days}": events[f"z{days}"] * of_kind[who] for who, days in DECAYS}
    marked = events[["id", "k", "t"]].assign(**latest, **earliest, **warm)
    most = _set(marked, "", list(latest)).moving_max(EVER, sampling)
    least = _set(marked, "", list(earliest)).moving_min(EVER, sampling)
    sums = _set(marked, "", list(warm)).cumsum(sampling)
    found = [_sampled(most, rows), _sampled(least, rows), _sampled(sums, rows).fillna(0.0)]
    return pd.concat(found, axis=1)
