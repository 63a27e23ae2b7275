"""One plot: what the same calls bring, by who chooses them."""

from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes

from benchmarks.policy_report import Interval, gained, over
from benchmarks.policy_runs import Run

OURS, TRUTH, THEIRS = "#1f6f8b", "#d9a441", "#b8b8b8"
SHOWN = {
    "random": THEIRS,
    "points": THEIRS,
    "model": OURS,
    "model, shortest horizon": OURS,
    "model, agreed policy": OURS,
    "exact readiness": TRUTH,
    "exact gain": TRUTH,
}
"""The policies of the plot, from the top, and their colours."""


def write(path: Path, runs: list[Run]) -> None:
    """Draw the means over seeds with their intervals."""
    panels = {
        "more deals won\nthan when nobody calls": {name: gained(runs, name) for name in SHOWN},
        "leads lost\nto a premature call": {name: over(runs, name, lambda tally: tally["lost"]) for name in SHOWN},
        "ready leads\nnever called": {name: over(runs, name, lambda tally: tally["missed"]) for name in SHOWN},
    }
    figure, places = plt.subplots(1, 3, figsize=(9.6, 3.1), sharey=True)
    for axes, (title, found) in zip(places, panels.items(), strict=True):
        _panel(axes, title, found)
    places[0].invert_yaxis()
    figure.tight_layout(w_pad=2.0)
    figure.savefig(path, dpi=130, metadata={"Software": None})
    plt.close(figure)


def _panel(axes: Axes, title: str, found: dict[str, Interval]) -> None:
    names = list(found)
    means = [mean for mean, _, _ in found.values()]
    axes.barh(names, means, color=[SHOWN[name] for name in names], height=0.68)
    for place, (mean, low, high) in enumerate(found.values()):
        axes.plot([low, high], [place, place], color="#333333", linewidth=1.2, solid_capstyle="butt")
        axes.text(np.nanmax([mean, high, 0.0]), place, f"  {mean:.0f}", va="center", fontsize=9)
    axes.set_title(title, fontsize=10, loc="left")
    ends = np.array(list(found.values()))
    axes.set_xlim(min(0.0, float(np.nanmin(ends))), 1.18 * max(1.0, float(np.nanmax(ends))))
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.tick_params(axis="y", length=0)
    axes.set_xticks([])
    axes.spines["bottom"].set_visible(False)
