"""Reliability as lived, as PNG: what was told against what came true, with intervals."""

from collections.abc import Mapping
from typing import Any

from training.drawing import CAME, COLOURS, INK, legend, panels, percents, png
from training.watching.ledger import primary_of
from training.wording import long_duration, percent

NAME = "lived.png"
MOST_VERSIONS = 3


def draw_lived(body: Mapping[str, Any]) -> bytes | None:
    """The latest versions at the primary horizon; None where nothing has matured."""
    found = primary_of(body["ledger"], body["horizon"])[:MOST_VERSIONS]
    if not found:
        return None
    figure, (axes,) = panels(5.2)
    most = max(max(one["told"], one["happened_high"]) for entry in found for one in entry["bins"])
    axes.plot([0, most], [0, most], color=INK, lw=1, ls="--")
    for entry, colour in zip(found, (COLOURS["blend"], CAME, COLOURS["prior"]), strict=False):
        told, came = ([one[key] for one in entry["bins"]] for key in ("told", "happened"))
        low, high = ([one[f"happened_{end}"] for one in entry["bins"]] for end in ("low", "high"))
        axes.vlines(told, low, high, color=colour, alpha=0.4)
        axes.plot(told, came, color=colour, lw=2.4, marker="o", ms=5, label=f"version {entry['version']}")
    axes.set_xlim(0.0, 1.1 * max(one["told"] for entry in found for one in entry["bins"]))
    percents(axes.xaxis, axes.yaxis)
    axes.set_xlabel("told", color=INK)
    axes.set_ylabel("came true", color=INK)
    legend(axes, "upper left")
    first = found[0]
    title = f"{percent(first['happened'])} came true within {long_duration(first['horizon'])}"
    return png(figure, title, f"version {first['version']} told {percent(first['told'])} on average; bars: 95 %")
