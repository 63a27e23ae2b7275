"""Two plots: CPU time by peer, and how cost grows."""

from pathlib import Path
from typing import Any, Literal

import matplotlib as mpl

mpl.use("Agg")

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter, NullLocator

OURS, THEIRS = "#1f6f8b", "#b8b8b8"
Rows = list[dict[str, Any]]


def write(folder: Path, rows: dict[str, Rows]) -> dict[str, str]:
    """Write what there are rows for; the file names by part."""
    plots = {}
    if len(rows.get("peers", [])) > 1:
        plots["peers"] = _save(_peers(rows["peers"]), folder / "speed-peers.png")
    growing = [name for name in ("floor", "features", "cutoffs") if len(rows.get(name, [])) > 1]
    if growing:
        figure, places = plt.subplots(1, len(growing), figsize=(3.6 * len(growing), 3), squeeze=False)
        for axes, name in zip(places[0], growing, strict=True):
            _growth(axes, name, rows[name])
        plots[growing[-1]] = _save(figure, folder / "speed-growth.png")
    return plots


def _save(figure: plt.Figure, path: Path) -> str:
    figure.tight_layout()
    figure.savefig(path, dpi=150, metadata={"Software": None})
    plt.close(figure)
    return path.name


def _plain(axes: Axes) -> None:
    axes.spines[["top", "right"]].set_visible(False)


def _log(axes: Axes, which: Literal["x", "y"]) -> None:
    """Powers of ten are labelled, upwards twos and fives too, in plain numbers."""
    axes.set(**{f"{which}scale": "log"})
    axis = axes.xaxis if which == "x" else axes.yaxis
    axis.set_major_locator(LogLocator(subs=(1,) if which == "x" else (1, 2, 5)))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,g}"))
    axis.set_minor_formatter(NullFormatter())


def _short(count: float) -> str:
    for size, letter in ((1e6, "M"), (1e3, "k")):
        if count >= size:
            return f"{count / size:.3g} {letter}"
    return f"{count:.3g}"


def _span(seconds: float) -> str:
    if seconds >= 3_600:
        return f"{seconds / 3_600:,.1f} h"
    return f"{seconds:.2f} s" if seconds < 10 else f"{seconds:,.0f} s"


def _peers(rows: Rows) -> plt.Figure:
    """Bars of CPU seconds on one scale; what ran on a slice stands at what the whole would take."""
    seconds = [row["cpu_s"] * row.get("scaled", 1) for row in rows]
    figure, axes = plt.subplots(figsize=(7.2, 0.42 * len(rows) + 1))
    names = [row["engine"] + (" (scaled)" if "scaled" in row else "") for row in rows]
    axes.barh(names, seconds, color=[OURS] + [THEIRS] * (len(rows) - 1))
    for place, value in enumerate(seconds):
        axes.text(value, place, f" {_span(value)}", va="center")
    if max(seconds) > 100 * min(seconds):
        _log(axes, "x")
        axes.set_xlim(min(seconds) / 2, max(seconds) * 4)
    else:
        axes.set_xlim(0, max(seconds) * 1.12)
    axes.set_xlabel(f"CPU seconds for {rows[0]['rows']:,} rows of {rows[0]['features']} features")
    axes.invert_yaxis()
    _plain(axes)
    return figure


def _growth(axes: Axes, name: str, rows: Rows) -> None:
    across = {"floor": "events", "features": "features", "cutoffs": "cutoffs"}[name]
    places = [row[across] for row in rows]
    axes.plot(places, [row["cpu_s"] for row in rows], "o-", color=OURS, label="Readiness")
    if name == "floor":
        axes.plot(places, [row["floor_cpu_s"] for row in rows], "o--", color=THEIRS, label="floor")
        axes.legend(frameon=False)
    if name != "features":
        _log(axes, "y")
        axes.set_xscale("log")
        axes.xaxis.set_minor_locator(NullLocator())
        axes.set_xticks(places, [_short(place) for place in places])
    else:
        axes.set_ylim(0, 1.1 * max(row["cpu_s"] for row in rows))
    axes.set_xlabel({"cutoffs": "cutoffs a lead"}.get(across, across))
    axes.set_ylabel("CPU seconds")
    _plain(axes)
