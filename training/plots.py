"""The plots of a report as PNG: the same pictures in MLflow, in the HTML report and in a slide.

Each is drawn from the report alone and says its finding in its title. Colours are those of Okabe and Ito (2008), which
people with any colour vision tell apart; the served model is drawn heaviest. matplotlib's objects are used without
pyplot, so drawing changes no global state and any thread may draw.
"""

from collections.abc import Mapping
from io import BytesIO
from typing import Any, Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from training.figures import RIVALS, advantage, number
from training.wording import METRIC_NAMES, MODEL_NAMES, long_duration, percent, whole

Report = Mapping[str, Any]

COLOURS = {
    "prior": "#7f7f7f",
    "points": "#e69f00",
    "logistic": "#56b4e9",
    "gbm": "#009e73",
    "blend": "#0072b2",
    "ceiling": "#000000",
}
DASHES = {"prior": ":", "ceiling": "--"}
INK = "#1f2933"
SOFT = "#5a6570"
GRID = "#dfe3e8"
WIDTH, DOTS = 9.0, 150
COMPARED = ("auc", "average_precision", "log_loss", "lift_at_10")
DECILES = 10
TICKS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1.0)


def draw_plots(report: Report) -> dict[str, bytes]:
    """PNG bytes by file name: reliability, gains, lift, comparison at the primary horizon, and importance by group.

    What there is nothing to draw of (no row was judged, no importance) is not drawn.
    """
    drawn = {"importance.png": _importance(report)} if report["importance"] else {}
    if not report["horizons"][report["primary"]]["n"]:
        return drawn
    return drawn | {
        "reliability.png": _reliability(report),
        "gains.png": _gains(report),
        "lift.png": _lift(report),
        "comparison.png": _comparison(report),
    }


def _reliability(report: Report) -> bytes:
    curves, served = _curves(report)["reliability"], report["served"]
    told, came, n, low, high = (
        np.array([row[key] for row in curves[served]]) for key in ("predicted", "observed", "n", "low", "high")
    )
    figure, (axes,) = _panels(6.4)
    top = min(1.0, 1.1 * max(told.max(), high.max()))
    axes.plot([0, top], [0, top], color=COLOURS["prior"], ls="--", lw=1.5, label="told = came true")
    for model in _present(report, "points", "logistic", "gbm"):
        axes.plot(*_columns(curves[model]), color=COLOURS[model], lw=1.2, marker="o", ms=3, label=_named(report, model))
    axes.vlines(told, low, high, color=COLOURS[served], lw=2.5, alpha=0.6)
    axes.plot(told, came, color=COLOURS[served], marker="o", ms=7, lw=2.4, label=_named(report, served))
    _square_root(axes, top)
    axes.set_xlabel(f"told: readiness within {long_duration(report['primary'])} (low values drawn wider)")
    axes.set_ylabel("came true")
    _legend(axes, "upper left")
    size = whole(n.min()) if n.min() == n.max() else f"{whole(n.min())} to {whole(n.max())}"
    title = f"Told {percent(_mean(told, n))} on average, {percent(_mean(came, n))} came true"
    last = f"highest tenth: told {percent(told[-1])}, came true {percent(came[-1])}"
    return _png(figure, title, f"{last}; each dot is {size} rows, bars are 95 % intervals")


def _square_root(axes: Axes, top: float) -> None:
    """Both axes from 0 to ``top`` on a square-root scale: most leads have a low readiness, and they need room."""
    ticks = [0.0]
    for tick in TICKS:
        if tick <= top and np.sqrt(tick) - np.sqrt(ticks[-1]) > 0.08 * np.sqrt(top):
            ticks.append(tick)
    axes.set_xscale("function", functions=(_root, np.square))
    axes.set_yscale("function", functions=(_root, np.square))
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_ticks(ticks, [f"{100 * tick:g} %" for tick in ticks])
    axes.set(xlim=(0, top), ylim=(0, top))


def _gains(report: Report) -> bytes:
    curves = _curves(report)["gains"]
    figure, (axes,) = _panels(5.6)
    axes.plot([0, 1], [0, 1], color=COLOURS["prior"], ls=":", lw=1.5, label="at random")
    for model in _ranked(report):
        contacted, captured = curves[model]["contacted"], curves[model]["captured"]
        axes.plot(contacted, captured, label=_named(report, model), **_line(report, model))
    axes.set(xlim=(0, 1), ylim=(0, 1.02), xlabel="leads called, highest readiness first", ylabel="outcomes among them")
    _percents(axes.xaxis, axes.yaxis)
    _legend(axes, "lower right")
    at = {model: float(np.interp(0.2, curve["contacted"], curve["captured"])) for model, curve in curves.items()}
    axes.plot([0.2], [at[report["served"]]], marker="o", ms=9, color=COLOURS[report["served"]])
    rivals = [f"{MODEL_NAMES[model]} {percent(at[model])}" for model in _present(report, "points", "logistic", "gbm")]
    title = f"Calling the top 20 % reaches {percent(at[report['served']])} of the outcomes"
    return _png(figure, title, f"within {long_duration(report['primary'])}; by rivals: {', '.join(rivals)}")


def _lift(report: Report) -> bytes:
    models = [report["served"], *_present(report, "points", "logistic")]
    figure, (axes,) = _panels(5.2)
    width, middle = 0.8 / len(models), (len(models) - 1) / 2
    for position, model in enumerate(models):
        at = np.arange(DECILES) + (position - middle) * width
        axes.bar(at, _decile_lift(report, model), width=0.94 * width, color=COLOURS[model], label=_named(report, model))
    axes.axhline(1, color=INK, lw=1.2, ls="--")
    axes.annotate("average", (DECILES - 0.5, 1), ha="right", va="bottom", color=INK)
    axes.set_xticks(range(DECILES), ["top", *(str(i) for i in range(2, DECILES)), "last"])
    axes.grid(axis="x", visible=False)
    axes.set(xlabel="tenths of the leads, by readiness", ylabel="outcomes against the average")
    _legend(axes, "upper right")
    best = _decile_lift(report, report["served"])[0]
    told = {model: _decile_lift(report, model)[0] for model in models[1:]}
    rivals = ", ".join(f"{MODEL_NAMES[model]} {lift:.1f}" for model, lift in told.items())
    return _png(figure, f"The top tenth converts {best:.1f} times as often as the average", f"top tenth by {rivals}")


def _comparison(report: Report) -> bytes:
    part = report["horizons"][report["primary"]]
    models = [*reversed(part["models"])]
    figure, panels = _panels(4.2, len(COMPARED))
    for axes, metric in zip(panels, COMPARED, strict=True):
        for row, model in enumerate(models):
            _dot(axes, row, part["models"][model], metric, report, model)
        axes.set_title(METRIC_NAMES[metric], fontsize=11, color=INK)
        axes.set_xlabel("less is better" if metric == "log_loss" else "more is better", fontsize=9)
        axes.margins(x=0.12, y=0.1)
        axes.locator_params(axis="x", nbins=3)
        axes.grid(axis="y", visible=False)
    panels[0].set_yticks(range(len(models)), [_named(report, model) for model in models])
    rows = f"all on the same {whole(part['n'])} later rows with {whole(part['outcomes'])} outcomes"
    return _png(figure, _verdict(report), f"{rows} within {long_duration(report['primary'])}; 95 % intervals")


def _verdict(report: Report) -> str:
    """One sentence: the served model's log loss against that of its best rival."""
    gains = {rival: advantage(report, report["primary"], rival) for rival in RIVALS}
    known = {rival: gain for rival, gain in gains.items() if gain is not None}
    served = MODEL_NAMES[report["served"]].capitalize()
    if not known:
        return f"{served}: no rival to compare with"
    rival = min(known, key=lambda name: known[name])
    side = "below" if known[rival] >= 0 else "above"
    return f"{served}: log loss {abs(known[rival]):.1f} % {side} the best rival's ({MODEL_NAMES[rival]})"


def _importance(report: Report) -> bytes:
    groups: dict[str, float] = {}
    for row in report["importance"]:
        groups[row["group"]] = groups.get(row["group"], 0.0) + row["mean_abs_push"]
    ranked = sorted(groups.items(), key=lambda pair: pair[1])[-12:]
    figure, (axes,) = _panels(1.4 + 0.38 * len(ranked))
    names, pushes = [name for name, _ in ranked], [push for _, push in ranked]
    axes.barh(names, pushes, color=COLOURS["blend"], height=0.7)
    for row, push in enumerate(pushes):
        axes.annotate(f" {push:.2f}", (push, row), va="center", color=INK)
    axes.grid(axis="y", visible=False)
    axes.margins(x=0.1)
    axes.set_xlabel("mean absolute push on the log-odds")
    share = pushes[-1] / max(sum(groups.values()), 1e-12)
    return _png(
        figure, f"What moves readiness most: {names[-1]}", f"{percent(share)} of all pushes; evidence, not causes"
    )


def _dot(axes: Axes, row: int, figures: Mapping[str, Any], metric: str, report: Report, model: str) -> None:
    """One model's figure and interval in a panel of the comparison."""
    low, high = figures.get("intervals", {}).get(metric, (None, None))
    if low is not None and high is not None:
        axes.hlines(row, low, high, color=COLOURS[model], lw=3 if model == report["served"] else 2)
    mark = "D" if model == report["served"] else "o"
    axes.plot([number(figures, metric)], [row], marker=mark, ms=7, color=COLOURS[model], ls="none")


def _decile_lift(report: Report, model: str) -> list[float]:
    curve = _curves(report)["gains"][model]
    reached = np.interp(np.linspace(0, 1, DECILES + 1), curve["contacted"], curve["captured"])
    return [float(lift) for lift in np.diff(reached) * DECILES]


def _root(values: Any) -> Any:
    return np.sqrt(np.maximum(values, 0.0))


def _present(report: Report, *models: str) -> list[str]:
    """Those of ``models`` that the report has curves for, without the served one."""
    return [model for model in models if model in _curves(report)["gains"] and model != report["served"]]


def _curves(report: Report) -> Mapping[str, Any]:
    found: Mapping[str, Any] = report["curves"][report["primary"]]
    return found


def _ranked(report: Report) -> list[str]:
    """The models that rank leads at all, the served one last so that it is drawn on top."""
    return sorted((m for m in _curves(report)["gains"] if m != "prior"), key=lambda model: model == report["served"])


def _named(report: Report, model: str) -> str:
    return f"{MODEL_NAMES.get(model, model)}{' (served)' if model == report['served'] else ''}"


def _line(report: Report, model: str) -> dict[str, Any]:
    served = model == report["served"]
    return {"color": COLOURS[model], "ls": DASHES.get(model, "-"), "lw": 3.0 if served else 1.6}


def _columns(rows: list[dict[str, float]]) -> tuple[list[float], list[float]]:
    return [row["predicted"] for row in rows], [row["observed"] for row in rows]


def _mean(values: Any, weights: Any) -> float:
    return float(np.average(values, weights=weights))


def _percents(*every_axis: Any) -> None:
    for axis in every_axis:
        axis.set_major_formatter(PercentFormatter(1.0, symbol=" %"))


def _legend(axes: Axes, place: Literal["upper left", "upper right", "lower right"]) -> None:
    axes.legend(loc=place, frameon=False, fontsize=10, labelcolor=INK)


def _panels(height: float, columns: int = 1) -> tuple[Figure, list[Axes]]:
    """An empty figure in the house style and its axes, from left to right."""
    figure = Figure(figsize=(WIDTH, height), dpi=DOTS, facecolor="white")
    panels = [*figure.subplots(1, columns, squeeze=False, sharey=columns > 1).flat]
    for axes in panels:
        axes.grid(color=GRID, lw=0.8)
        axes.set_axisbelow(True)
        axes.spines[["top", "right"]].set_visible(False)
        axes.spines[["left", "bottom"]].set_color("#9aa5b1")
        axes.tick_params(colors=INK, labelsize=10)
    return figure, panels


def _png(figure: Figure, title: str, below: str) -> bytes:
    """The figure with its finding on top, as PNG bytes that depend on the figures alone."""
    height = figure.get_figheight()
    figure.text(0.01, 1 - 0.1 / height, title, va="top", fontsize=15, fontweight="bold", color=INK)
    figure.text(0.01, 1 - 0.42 / height, below, va="top", fontsize=11, color=SOFT)
    figure.set_layout_engine("constrained", rect=(0.0, 0.0, 1.0, 1.0 - 0.75 / height))
    FigureCanvasAgg(figure)
    out = BytesIO()
    figure.savefig(out, format="png", metadata={"Software": None})
    return out.getvalue()
