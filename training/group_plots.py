"""Plots of what sales meets: the call list, the horizons, and one kind of lead beside another."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from training.drawing import CAME, COLOURS, INK, Report, legend_above, line, named, panels, percents, png, span
from training.figures import number
from training.summary import readiest
from training.wording import MODEL_NAMES, long_duration, percent, whole

IN_ORDER = ("random", "points", "odoo", "logistic", "gbm", "blend")
"""The call lists, from the bottom to the top of the picture."""
LONGEST_NAME = 34


def capacity_plot(report: Report) -> bytes | None:
    """How many wins each model's call list catches; None where no call was made or nobody won."""
    found = report.get("capacity")
    if not found or not found["wins"]:
        return None
    models = [model for model in IN_ORDER if model in found["models"]]
    figure, (bars, curve) = panels(1.8 + 0.5 * len(models), 2, shared=False)
    for row, model in enumerate(models):
        told = found["models"][model]
        bars.barh(row, told["caught"], color=COLOURS[model], height=0.62)
        low, high = told["intervals"]["caught"]
        span(bars, row, (low, high), INK, upright=False, heavy=False)
        edge = max(told["caught"], high or 0.0)
        bars.annotate(f" {whole(told['caught'])} ({percent(told['capture'])})", (edge, row), va="center", color=INK)
        reached = [share / found["wins"] for share in (0.0, *told["curve"])]
        curve.plot([0.0, *found["capacities"]], reached, **line(report, model), label=_list_name(report, model))
    bars.set_yticks(range(len(models)), [_list_name(report, model) for model in models])
    bars.grid(axis="y", visible=False)
    bars.margins(x=0.3)
    bars.set_xlabel(f"caught, of {whole(found['wins'])}")
    curve.axvline(found["per_week"], color=INK, lw=1.0, ls="--")
    curve.set(xlim=(0, found["capacities"][-1]), ylim=(0, None), xlabel="calls a week", ylabel="share caught")
    percents(curve.yaxis)
    ours, chance = found["models"][report["served"]], found["models"]["random"]
    title = f"Calling {readiest(found['per_week'])} a week catches {percent(ours['capture'])} of the wins"
    below = (
        f"{whole(ours['calls'])} calls in {whole(found['weeks'])} weeks; {percent(ours['precision'])} of them were "
        f"followed by one within {long_duration(report['primary'])}, at random {percent(chance['precision'])}"
    )
    return png(figure, title, below)


def _list_name(report: Report, model: str) -> str:
    return "in random order" if model == "random" else named(report, model)


def horizons_plot(report: Report) -> bytes | None:
    """Told and come true, and the AUC of the models, by horizon; None with one horizon or where nothing was judged."""
    judged = [name for name, part in report["horizons"].items() if part["n"] and part["models"]]
    if len(judged) < 2:
        return None
    figure, (chance, order) = panels(3.9, 2, shared=False)
    at = np.arange(len(judged))
    told, came = ([_told(report, name, key) for name in judged] for key in ("told", "rate"))
    chance.plot(at, told, color=COLOURS["blend"], marker="D", ms=7, label="told")
    chance.plot(at, came, color=CAME, marker="o", ms=7, label="came true")
    percents(chance.yaxis)
    chance.set_ylim(0, 1.15 * max([*told, *came, 1e-9]))
    legend_above(chance)
    shown = [m for m in IN_ORDER if m in report["horizons"][judged[0]]["models"]]
    for number_of, model in enumerate(shown):
        shift = (number_of - (len(shown) - 1) / 2) * 0.12
        found = [report["horizons"][name]["models"][model] for name in judged]
        for place, figures in zip(at, found, strict=True):
            span(order, place + shift, figures["intervals"]["auc"], COLOURS[model], upright=True, heavy=False)
        order.plot(
            at + shift,
            [number(f, "auc") for f in found],
            color=COLOURS[model],
            marker="o",
            ms=6,
            ls="none",
            label=MODEL_NAMES[model],
        )
    order.set_ylabel("AUC")
    legend_above(order)
    for axes in (chance, order):
        axes.set_xticks(at, [f"within {long_duration(name)}" for name in judged])
        axes.set_xlim(-0.5, len(judged) - 0.5)
    title = "One model answers for every horizon"
    return png(figure, title, "left: the mean readiness told, and what came true; right: AUC with 95 % intervals")


def _told(report: Report, horizon: str, key: str) -> float:
    return float(report["horizons"][horizon][key] or 0.0)


def groups_plot(report: Report, parts: Sequence[Mapping[str, Any]], title: str) -> bytes | None:
    """Told, come true and AUC of every group of ``parts`` (figures by segment); None where there is no group."""
    lines = [(part["name"], group) for part in parts for group in part["groups"] if group["n"]]
    if not lines:
        return None
    heads = [part["name"] for part in parts if any(group["n"] for group in part["groups"])]
    figure, (chance, order) = panels(1.7 + 0.33 * (len(lines) + len(heads)), 2)
    place, places, names, before = 0.0, [], [], None
    for head, group in lines:
        if head != before:
            places.append(place)
            names.append(f"{head}:")
            place, before = place + 1, head
        _group(chance, order, place, group, report)
        places.append(place)
        names.append(f"{_short(group['name'])} ({whole(group['n'])})")
        place += 1
    chance.set_yticks(places, names)
    for label in chance.get_yticklabels():
        label.set_fontweight("bold" if label.get_text().endswith(":") else "normal")
    chance.set_ylim(place - 0.3, -0.7)
    _key(chance, ((COLOURS["blend"], "D", "told"), (CAME, "o", "came true")))
    shown = [(COLOURS[report["served"]], "D", named(report, report["served"]))]
    if any("points" in group["models"] for _, group in lines):
        shown.append((COLOURS["points"], "o", MODEL_NAMES["points"]))
    _key(order, shown)
    chance.set_xlim(left=0)
    chance.locator_params(axis="x", nbins=5)
    percents(chance.xaxis)
    chance.set_xlabel(f"share that won within {long_duration(report['primary'])}")
    order.axvline(0.5, color=COLOURS["prior"], ls=":", lw=1.2)
    order.set_xlabel("AUC (0.5 is chance)")
    if all(group["why"] is not None for _, group in lines):
        order.set_xlim(0.4, 1.0)
    below = "left: told and come true, with the number of rows; right: AUC within the group; bars are 95 % intervals"
    return png(figure, title, below)


def _key(axes: Any, marks: Sequence[tuple[str, str, str]]) -> None:
    """What the marks mean, above the axes, where no mark can lie beneath it."""
    for colour, mark, label in marks:
        axes.plot([], [], color=colour, marker=mark, ls="none", label=label)
    legend_above(axes)


def _group(chance: Any, order: Any, place: float, group: Mapping[str, Any], report: Report) -> None:
    span(chance, place, group["rate_interval"], CAME, upright=False, heavy=False)
    chance.plot([group["told"]], [place], color=COLOURS["blend"], marker="D", ms=6, ls="none")
    chance.plot([group["rate"]], [place], color=CAME, marker="o", ms=6, ls="none")
    if group["why"] is not None:
        order.annotate(
            "too few to judge by",
            (0.5, place),
            xytext=(6, 0),
            textcoords="offset points",
            va="center",
            fontsize=9,
            color=COLOURS["prior"],
        )
        return
    for shift, model in ((0.16, "points"), (-0.1, report["served"])):
        if model in group["models"]:
            figures = group["models"][model]
            served = model == report["served"]
            span(order, place + shift, figures["intervals"]["auc"], COLOURS[model], upright=False, heavy=served)
            order.plot(
                [number(figures, "auc")],
                [place + shift],
                color=COLOURS[model],
                marker="D" if served else "o",
                ms=6 if served else 4,
                ls="none",
            )


def _short(name: str) -> str:
    return name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 1]}…"
