"""One plot: what each loop's model is worth on leads that nobody called, training by training."""

from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes

from benchmarks.unlearning_runs import LOOPS, RECORDED, Run

COLOURS = {"no exploration": "#1f6f8b", "a slice": "#d9a441", "chance alone": "#9a9a9a"}
PANELS = {"auc": "AUC against the truth", "excess": "excess log loss, thousandths", "list_gain": "deals its list adds"}


def write(path: Path, measured: list[Run]) -> None:
    """Draw the means over seeds, with bands of one standard error."""
    figure, places = plt.subplots(len(RECORDED), len(PANELS), figsize=(9.6, 5.2), sharex=True)
    for row, kind in zip(places, RECORDED, strict=True):
        for axes, (name, title) in zip(row, PANELS.items(), strict=True):
            _panel(axes, measured, kind, name)
            if kind == next(iter(RECORDED)):
                axes.set_title(title, fontsize=10, loc="left")
        row[0].set_ylabel(f"outcomes recorded\n{kind}", fontsize=9)
    for axes in places[-1]:
        axes.set_xlabel("training", fontsize=9)
    places[0][0].legend(frameon=False, fontsize=8)
    figure.tight_layout()
    figure.savefig(path, dpi=130, metadata={"Software": None})
    plt.close(figure)


def _panel(axes: Axes, measured: list[Run], kind: str, name: str) -> None:
    for loop in LOOPS:
        lines = np.array([[one[name] for one in run.loops[kind][loop].learned] for run in measured])
        mean, error = lines.mean(axis=0), lines.std(axis=0) / np.sqrt(max(len(lines) - 1, 1))
        steps = np.arange(lines.shape[1])
        axes.plot(steps, mean, color=COLOURS[loop], linewidth=1.6, label=loop)
        axes.fill_between(steps, mean - error, mean + error, color=COLOURS[loop], alpha=0.18, linewidth=0)
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(labelsize=8)
