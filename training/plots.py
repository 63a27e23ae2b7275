"""The plots of a contest as PNG: the same pictures in MLflow, in the HTML report and in a slide.

Each is drawn from the report alone and says its finding in its title.
"""

from collections.abc import Callable, Collection, Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from training.drawing import COLOURS, INK, SOFT, Report, legend, line, named, panels, percents, png
from training.figures import RIVALS, advantage, number
from training.group_plots import capacity_plot, groups_plot, horizons_plot
from training.time_plots import curve_plot, folds_plot, level_plot
from training.wording import METRIC_NAMES, MODEL_NAMES, PARTS, long_duration, percent, whole

COMPARED = ("auc", "average_precision", "log_loss", "lift_at_10")
DECILES = 10
TICKS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1.0)


def draw_plots(report: Report, only: Collection[str] | None = None) -> dict[str, bytes]:
    """PNG bytes by file name, of a trial's report or a backtest's result; ``only`` those names, None: all.

    What there is nothing to draw of (no row was judged, no importance, no fold) is not drawn, and no picture of the
    contest where too few won to tell.
    """
    over_time = report.get("backtest") or report
    draw: dict[str, Callable[[], bytes | None]] = {
        "importance.png": lambda: _importance(report) if report.get("importance") else None,
        "folds.png": lambda: folds_plot(report, over_time.get("folds", [])),
        "level.png": lambda: level_plot(report),
        "learning_curve.png": lambda: curve_plot(report, over_time.get("curve")),
    }
    primary = report["horizons"][report["primary"]]
    tells = report.get("expectation", {"auc": 0.5})["auc"] is not None
    if tells and primary["n"] and primary["models"]:
        ages = [report["ages"]] if "ages" in report else []
        draw |= {
            "reliability.png": lambda: _reliability(report),
            "gains.png": lambda: _gains(report),
            "lift.png": lambda: _lift(report),
            "comparison.png": lambda: _comparison(report),
            "capacity.png": lambda: capacity_plot(report),
            "horizons.png": lambda: horizons_plot(report),
            "segments.png": lambda: groups_plot(report, report.get("segments", []), "One kind of lead beside another"),
            "ages.png": lambda: groups_plot(report, ages, "Young leads and old ones"),
        }
    drawn = {name: picture() for name, picture in draw.items() if only is None or name in only}
    return {name: picture for name, picture in drawn.items() if picture is not None}


def _reliability(report: Report) -> bytes:
    curves, served = _curves(report)["reliability"], report["served"]
    told, came, n, low, high = (
        np.array([row[key] for row in curves[served]]) for key in ("predicted", "observed", "n", "low", "high")
    )
    figure, (axes,) = panels(6.4)
    top = min(1.0, 1.1 * max(told.max(), high.max()))
    axes.plot([0, top], [0, top], color=COLOURS["prior"], ls="--", lw=1.5, label="told = came true")
    for model in _present(report, "points", "odoo", "logistic", "gbm"):
        axes.plot(*_columns(curves[model]), color=COLOURS[model], lw=1.2, marker="o", ms=3, label=named(report, model))
    axes.vlines(told, low, high, color=COLOURS[served], lw=2.5, alpha=0.6)
    axes.plot(told, came, color=COLOURS[served], marker="o", ms=7, lw=2.4, label=named(report, served))
    _square_root(axes, top)
    axes.set_xlabel(f"told: readiness within {long_duration(report['primary'])} (low values drawn wider)")
    axes.set_ylabel("came true")
    legend(axes, "upper left")
    for said, true, rows in zip(told, came, n, strict=True):
        axes.annotate(whole(true * rows), (said, true), (7, -12), textcoords="offset points", fontsize=8, color=SOFT)
    size = whole(n.min()) if n.min() == n.max() else f"{whole(n.min())} to {whole(n.max())}"
    title = f"Told {percent(_mean(told, n))} on average, {percent(_mean(came, n))} came true"
    last = f"readiest {PARTS.get(len(told), 'group')}: told {percent(told[-1])}, came true {percent(came[-1])}"
    return png(figure, title, f"{last}; each dot is {size} rows, the number how many of them won")


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
    figure, (axes,) = panels(5.6)
    axes.plot([0, 1], [0, 1], color=COLOURS["prior"], ls=":", lw=1.5, label="at random")
    for model in _ranked(report):
        contacted, captured = curves[model]["contacted"], curves[model]["captured"]
        axes.plot(contacted, captured, label=named(report, model), **line(report, model))
    axes.set(xlim=(0, 1), ylim=(0, 1.02), xlabel="leads called, highest readiness first", ylabel="outcomes among them")
    percents(axes.xaxis, axes.yaxis)
    legend(axes, "lower right")
    at = {model: float(np.interp(0.2, curve["contacted"], curve["captured"])) for model, curve in curves.items()}
    axes.plot([0.2], [at[report["served"]]], marker="o", ms=9, color=COLOURS[report["served"]])
    rivals = [f"{MODEL_NAMES[model]} {percent(at[model])}" for model in _present(report, *RIVALS[1:])]
    title = f"Calling the top 20 % reaches {percent(at[report['served']])} of the outcomes"
    return png(figure, title, f"within {long_duration(report['primary'])}; by rivals: {', '.join(rivals)}")


def _lift(report: Report) -> bytes:
    models = [report["served"], *_present(report, "points", "logistic")]
    figure, (axes,) = panels(5.2)
    width, middle = 0.8 / len(models), (len(models) - 1) / 2
    for position, model in enumerate(models):
        at = np.arange(DECILES) + (position - middle) * width
        axes.bar(at, _decile_lift(report, model), width=0.94 * width, color=COLOURS[model], label=named(report, model))
    axes.axhline(1, color=INK, lw=1.2, ls="--")
    axes.annotate("average", (DECILES - 0.5, 1), ha="right", va="bottom", color=INK)
    axes.set_xticks(range(DECILES), ["top", *(str(i) for i in range(2, DECILES)), "last"])
    axes.grid(axis="x", visible=False)
    axes.set(xlabel="tenths of the leads, by readiness", ylabel="outcomes against the average")
    legend(axes, "upper right")
    best = _decile_lift(report, report["served"])[0]
    told = {model: _decile_lift(report, model)[0] for model in models[1:]}
    rivals = ", ".join(f"{MODEL_NAMES[model]} {lift:.1f}" for model, lift in told.items())
    return png(figure, f"The top tenth converts {best:.1f} times as often as the average", f"top tenth by {rivals}")


def _comparison(report: Report) -> bytes:
    part = report["horizons"][report["primary"]]
    models = [*reversed(part["models"])]
    figure, columns = panels(4.2, len(COMPARED))
    for axes, metric in zip(columns, COMPARED, strict=True):
        for row, model in enumerate(models):
            _dot(axes, row, part["models"][model], metric, report, model)
        axes.set_title(METRIC_NAMES[metric], fontsize=11, color=INK)
        axes.set_xlabel("less is better" if metric == "log_loss" else "more is better", fontsize=9)
        axes.margins(x=0.12, y=0.1)
        axes.locator_params(axis="x", nbins=3)
        axes.grid(axis="y", visible=False)
    columns[0].set_yticks(range(len(models)), [named(report, model) for model in models])
    rows = f"all on the same {whole(part['n'])} later rows with {whole(part['outcomes'])} outcomes"
    return png(figure, _verdict(report), f"{rows} within {long_duration(report['primary'])}; 95 % intervals")


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
    figure, (axes,) = panels(1.4 + 0.38 * len(ranked))
    names, pushes = [name for name, _ in ranked], [push for _, push in ranked]
    axes.barh(names, pushes, color=COLOURS["blend"], height=0.7)
    for row, push in enumerate(pushes):
        axes.annotate(f" {push:.2f}", (push, row), va="center", color=INK)
    axes.grid(axis="y", visible=False)
    axes.margins(x=0.1)
    axes.set_xlabel("mean absolute push on the log-odds")
    share = pushes[-1] / max(sum(groups.values()), 1e-12)
    return png(
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


def _columns(rows: list[dict[str, float]]) -> tuple[list[float], list[float]]:
    return [row["predicted"] for row in rows], [row["observed"] for row in rows]


def _mean(values: Any, weights: Any) -> float:
    return float(np.average(values, weights=weights))
