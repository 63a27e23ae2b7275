"""The house style of every plot: one width, one palette, the finding as the title; PNG bytes out.

Colours are those of Okabe and Ito (2008), which people with any colour vision tell apart; the served model is drawn
heaviest. matplotlib's objects are used without pyplot, so drawing changes no global state and any thread may draw.
"""

from collections.abc import Mapping, Sequence
from io import BytesIO
from typing import Any, Literal

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from training.wording import MODEL_NAMES

Report = Mapping[str, Any]

COLOURS = {
    "random": "#b3b3b3",
    "prior": "#7f7f7f",
    "points": "#e69f00",
    "odoo": "#cc79a7",
    "logistic": "#56b4e9",
    "gbm": "#009e73",
    "blend": "#0072b2",
    "ceiling": "#000000",
}
DASHES = {"prior": ":", "ceiling": "--"}
CAME = "#d55e00"
"""What came true, beside what was told."""
INK = "#1f2933"
SOFT = "#5a6570"
GRID = "#dfe3e8"
WIDTH, DOTS = 9.0, 150


def named(report: Report, model: str) -> str:
    """The model as a legend names it."""
    return f"{MODEL_NAMES.get(model, model)}{' (served)' if model == report['served'] else ''}"


def line(report: Report, model: str) -> dict[str, Any]:
    """How the model's curve is drawn."""
    served = model == report["served"]
    return {"color": COLOURS[model], "ls": DASHES.get(model, "-"), "lw": 3.0 if served else 1.6}


def percents(*every_axis: Any) -> None:
    """Per cent on these axes."""
    for axis in every_axis:
        axis.set_major_formatter(PercentFormatter(1.0, symbol=" %"))


def legend(axes: Axes, place: Literal["upper left", "upper right", "lower right", "lower left", "best"]) -> None:
    """The legend, without a frame."""
    axes.legend(loc=place, frameon=False, fontsize=10, labelcolor=INK)


def legend_above(axes: Axes) -> None:
    """The legend in one line above the axes, where nothing that is drawn can lie beneath it."""
    axes.legend(
        loc="lower left",
        bbox_to_anchor=(0.0, 1.0),
        ncols=4,
        frameon=False,
        fontsize=9,
        labelcolor=INK,
        columnspacing=1.2,
        handletextpad=0.4,
        borderaxespad=0.2,
    )


def span(axes: Axes, at: float, bounds: Sequence[float | None], colour: str, *, upright: bool, heavy: bool) -> None:
    """The bar of an interval at ``at``, upright or lying; none where there is no interval."""
    low, high = bounds
    if low is not None and high is not None:
        (axes.vlines if upright else axes.hlines)(at, low, high, color=colour, lw=3 if heavy else 2, alpha=0.7)


def panels(height: float, columns: int = 1, *, shared: bool = True) -> tuple[Figure, list[Axes]]:
    """An empty figure in the house style and its axes, from left to right; ``shared``: one vertical axis for all."""
    figure = Figure(figsize=(WIDTH, height), dpi=DOTS, facecolor="white")
    found = [*figure.subplots(1, columns, squeeze=False, sharey=columns > 1 and shared).flat]
    for axes in found:
        axes.grid(color=GRID, lw=0.8)
        axes.set_axisbelow(True)
        axes.spines[["top", "right"]].set_visible(False)
        axes.spines[["left", "bottom"]].set_color("#9aa5b1")
        axes.tick_params(colors=INK, labelsize=10)
    return figure, found


def png(figure: Figure, title: str, below: str) -> bytes:
    """The figure with its finding on top, as PNG bytes that depend on the figures alone."""
    height = figure.get_figheight()
    figure.text(0.01, 1 - 0.1 / height, title, va="top", fontsize=15, fontweight="bold", color=INK)
    figure.text(0.01, 1 - 0.42 / height, below, va="top", fontsize=11, color=SOFT)
    figure.set_layout_engine("constrained", rect=(0.0, 0.0, 1.0, 1.0 - 0.75 / height))
    out = BytesIO()
    # `savefig` would draw twice
    FigureCanvasAgg(figure).print_png(out, metadata={"Software": None})  # type: ignore[no-untyped-call]
    return out.getvalue()
