"""Plots over time: one fold after the other, and more outcomes after few."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.ticker import FuncFormatter, NullFormatter

from data.clock import WEEK, iso
from training.drawing import CAME, COLOURS, SOFT, Report, legend, legend_above, panels, percents, png, span
from training.figures import number
from training.levels import LATELY, MONTH
from training.wording import MODEL_NAMES, day, percent, whole


def folds_plot(report: Report, folds: list[Mapping[str, Any]]) -> bytes | None:
    """Told, come true and AUC from fold to fold; None with a single fold."""
    if len(folds) < 2:
        return None
    figure, (chance, order) = panels(4.2, 2, shared=False)
    at = np.arange(len(folds))
    told, came = [fold["told"] for fold in folds], [fold["rate"] for fold in folds]
    before = [fold["learned"]["train_rate"] for fold in folds]
    chance.plot(at, told, color=COLOURS["blend"], marker="D", ms=7, lw=2, label="told")
    chance.plot(at, came, color=CAME, marker="o", ms=7, lw=2, label="came true")
    known = [(place, rate) for place, rate in zip(at, before, strict=True) if rate is not None]
    chance.plot(*zip(*known, strict=True), color=COLOURS["prior"], ls=":", lw=1.5, label="rate learned from")
    percents(chance.yaxis)
    chance.set_ylim(0, 1.15 * max([*told, *came, *(rate for _, rate in known)]))
    legend_above(chance)
    shown = [model for model in ("points", report["served"]) if any(model in fold["models"] for fold in folds)]
    for shift, model in zip((-0.06, 0.06), shown, strict=False):
        judged = [(place, fold["models"][model]) for place, fold in zip(at, folds, strict=True) if fold["models"]]
        for place, figures in judged:
            bounds = figures["intervals"]["auc"]
            span(order, place + shift, bounds, COLOURS[model], upright=True, heavy=model == report["served"])
        places, values = [place + shift for place, _ in judged], [number(figures, "auc") for _, figures in judged]
        order.plot(places, values, color=COLOURS[model], marker="o", ms=6, lw=1.5, label=MODEL_NAMES[model])
    order.axhline(0.5, color=COLOURS["prior"], ls=":", lw=1.2)
    order.set_ylabel("AUC")
    if shown:
        legend_above(order)
    else:
        order.annotate("too few wins to judge by", (0.5, 0.6), xycoords="axes fraction", ha="center", color=SOFT)
    for axes in (chance, order):
        axes.set_xticks(at, [_month(fold["from"]) for fold in folds])
        axes.set_xlim(-0.4, len(folds) - 0.6)
    gaps = [abs(one - other) for one, other in zip(told, came, strict=True)]
    worst = int(np.argmax(gaps))
    title = f"Over time the share that wins moved from {percent(min(came))} to {percent(max(came))}"
    below = (
        f"each model learned before its date; furthest off from {day(folds[worst]['from'])} on: told "
        f"{percent(told[worst])}, came true {percent(came[worst])}"
    )
    return png(figure, title, below)


def level_plot(report: Report) -> bytes | None:
    """Month by month the outcomes that came beside those that were told; None where no level was found."""
    level = (report.get("refit") or report).get("level")
    if level is None:
        return None
    figure, (axes,) = panels(4.2)
    came, told = np.array(level["came"]), np.array(level["told"])
    ends = [level["until"] - back * MONTH for back in range(len(came))][::-1]
    at, noise = np.arange(len(came)), 2 * np.sqrt(told)
    axes.fill_between(at, np.maximum(told - noise, 0), told + noise, color=COLOURS["prior"], alpha=0.2, lw=0)
    axes.plot(at, told, color=COLOURS["blend"], marker="D", ms=6, lw=2, label="told, before it follows the level")
    axes.plot(at, came, color=CAME, marker="o", ms=7, lw=2, label="came true")
    axes.set_ylim(0, 1.15 * max(*came, *(told + noise)))
    axes.set_ylabel("outcomes in four weeks")
    every = -(-len(at) // 8)
    axes.set_xticks(at[::-every], [_month(iso(end)) for end in ends[::-every]])
    legend_above(axes)
    title = f"Of late {whole(came[-LATELY:].sum())} outcomes came where {whole(told[-LATELY:].sum())} were told"
    told_so = f"every answer follows ({level['shift']:+.2f} in log-odds)"
    below = f"the last {LATELY * MONTH // WEEK} weeks; {told_so}; grey: what chance alone makes of what was told"
    return png(figure, title, below)


def _month(moment: str) -> str:
    return day(moment).replace(" ", "\n", 1)


def curve_plot(report: Report, curve: Mapping[str, Any] | None) -> bytes | None:
    """The AUC against the wins learned from, and the law carried on; None where no curve was made."""
    if not curve or len(curve["points"]) < 2:
        return None
    figure, (axes,) = panels(4.4)
    colour = COLOURS[report["served"]]
    points, ahead = curve["points"], [] if curve["silent"] else curve["ahead"]
    wins = [point["wins"] for point in points]
    for point in points:
        span(axes, point["wins"], point["interval"], colour, upright=True, heavy=False)
    axes.plot(wins, [point["auc"] for point in points], color=colour, marker="o", ms=8, ls="none", label="measured")
    if ahead:
        law, reach = curve["law"], np.geomspace(wins[0], ahead[-1]["wins"], 60)
        axes.plot(reach, law["a"] - law["b"] * reach ** -law["c"], color=colour, lw=2, label="law fitted to it")
        axes.fill_between(
            [each["wins"] for each in ahead],
            [each["interval"][0] for each in ahead],
            [each["interval"][1] for each in ahead],
            color=colour,
            alpha=0.15,
            lw=0,
            label="95 % of the laws",
        )
        axes.plot(
            [each["wins"] for each in ahead],
            [each["auc"] for each in ahead],
            color=colour,
            marker="o",
            ms=8,
            mfc="white",
            ls="none",
            label="expected",
        )
    axes.set_xscale("log")
    ticks = [*wins, *(each["wins"] for each in ahead)]
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _place: whole(value)))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set_xticks(_apart(ticks))
    axes.set(xlabel="wins learned from (logarithmic)", ylabel="AUC")
    legend(axes, "lower right")
    if ahead:
        title = f"With {whole(ahead[1]['wins'])} wins the AUC would be about {ahead[1]['auc']:.2f}"
        below = f"today there are {whole(ahead[0]['wins'])} wins, expected AUC {ahead[0]['auc']:.2f}"
    else:
        title = f"{whole(wins[-1])} wins gave an AUC of {points[-1]['auc']:.2f}"
        below = "what more would give cannot be said"
    return png(figure, title, f"{below}; judged on {whole(curve['judged_wins'])} later wins, bars are 95 % intervals")


def _apart(ticks: list[float]) -> list[float]:
    """The ticks that do not run into the one before."""
    kept: list[float] = []
    for tick in sorted(ticks):
        if not kept or tick / kept[-1] > 1.25:
            kept.append(tick)
    return kept
