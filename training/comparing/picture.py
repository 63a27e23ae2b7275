"""Calibration of two versions side by side, as PNG."""

from collections.abc import Mapping
from typing import Any

from training.drawing import COLOURS, INK, legend, panels, percents, png
from training.wording import long_duration, percent

COLOUR = {"a": COLOURS["prior"], "b": COLOURS["blend"]}


def draw_calibration(result: Mapping[str, Any]) -> bytes | None:
    """What both told against what came true, at the primary horizon; None where nothing could be judged."""
    if result["judged"] is None:
        return None
    part = result["judged"]["horizons"][result["primary"]]
    figure, (axes,) = panels(5.2)
    curves = {side: part["calibration"][side]["reliability"] for side in ("a", "b")}
    most = max((max(one["predicted"], one["high"]) for curve in curves.values() for one in curve), default=1.0)
    axes.plot([0, most], [0, most], color=INK, lw=1, ls="--")
    for side, curve in curves.items():
        told, came = [one["predicted"] for one in curve], [one["observed"] for one in curve]
        axes.vlines(told, [one["low"] for one in curve], [one["high"] for one in curve], color=COLOUR[side], alpha=0.4)
        axes.plot(told, came, color=COLOUR[side], lw=2.4, marker="o", ms=5, label=result[side]["name"])
    percents(axes.xaxis, axes.yaxis)
    axes.set_xlabel("told", color=INK)
    axes.set_ylabel("came true", color=INK)
    legend(axes, "upper left")
    told_by = ", ".join(f"{result[side]['name']} {percent(part['calibration'][side]['told'])}" for side in ("a", "b"))
    title = f"{percent(part['rate'])} came true within {long_duration(result['primary'])}"
    return png(figure, title, f"told on average: {told_by}; on the dashed line as many as was told")
