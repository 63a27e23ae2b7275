"""A trial's report as MLflow parameters and metrics, in scales that its pages do not round away.

MLflow's pages show two or three decimals, in which two good models have the same log loss. So a metric is named
``<horizon>/<metric>_x<scale>/<model>`` and multiplied by its scale: the part before the last slash is one section of
the charts, with the models side by side in it. The log loss is there unscaled as well, for programs that read it.
"""

import json
import math
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

Report = Mapping[str, Any]

SCALES = {"auc": 100, "average_precision": 100, "log_loss": 1000, "brier": 1000, "ece": 1000, "lift_at_10": 1}
COUNTS = ("train", "test", "train_outcomes", "test_outcomes")
UNFIT = re.compile(r"[^\w. -]+")
"""What MLflow takes in no name of a metric."""
RIVALS = ("prior", "points", "odoo", "logistic", "gbm")


def scaled(metric: str) -> str:
    """The name of ``metric`` with its scale."""
    scale = SCALES.get(metric, 1)
    return metric if scale == 1 else f"{metric}_x{scale}"


def metrics(report: Report) -> dict[str, float]:
    """Every figure of the report, by its MLflow name. Figures that are not numbers (no outcomes) are left out."""
    found = judged(report) | dict(_leaks(report))
    found |= {f"rows/{name}": float(report["rows"][name]) for name in COUNTS}
    return {name: value for name, value in found.items() if math.isfinite(value)}


def judged(report: Report) -> dict[str, float]:
    """The figures of the judged rows, of a trial or a backtest: by horizon, at capacity and by group."""
    by_horizon = [*_by_model(report), *_intervals(report), *_advantages(report)]
    found = dict(sorted(by_horizon, key=_primary_first(report))) | dict(_calls(report)) | dict(_groups(report))
    return {name: value for name, value in found.items() if math.isfinite(value)}


FIRST = (
    "log_loss_saved_pct",
    "log_loss_x1000",
    "calibration_error_x1000",
    "average_precision_x100",
    "caught_at_capacity_pct",
    "rivals_beaten",
    "rivals_level",
    "lift_at_10",
    "auc_x100",
    "brier_x1000",
)
"""The figures of a version that matter, by how much."""
COLUMNS = tuple(f"{place:02}_{name}" for place, name in enumerate(FIRST, 1))
"""Their MLflow names: numbered, because its pages sort by name, and 0 comes before every horizon."""


def headline(report: Report) -> dict[str, float]:
    """The served model's figures at the primary horizon, by COLUMNS: the first columns of MLflow's tables.

    The log loss saved is against the base rate; a rival is beaten, or level, by what calling by its readiness at
    capacity would have caught (paired, 95 %). Two decimals: MLflow's tables show all that there are.
    """
    served = report["horizons"][report["primary"]]["models"][report["served"]]
    calls = report.get("capacity") or {"models": {}, "more_caught": {}}
    saved = advantage(report, report["primary"], "prior")
    capture = number(calls["models"].get(report["served"], {}), "capture")
    rivals = [one["interval"] for one in calls["more_caught"].values() if None not in one["interval"]]
    told = {
        "log_loss_saved_pct": math.nan if saved is None else saved,
        "calibration_error_x1000": number(served, "ece") * 1000,
        "caught_at_capacity_pct": capture * 100,
        "rivals_beaten": float(sum(low > 0 for low, _ in rivals)) if rivals else math.nan,
        "rivals_level": float(sum(low <= 0 <= high for low, high in rivals)) if rivals else math.nan,
        **{scaled(metric): number(served, metric) * scale for metric, scale in SCALES.items()},
    }
    ordered = {column: told[name] for column, name in zip(COLUMNS, FIRST, strict=True)}
    return {column: round(value, 2) for column, value in ordered.items() if math.isfinite(value)}


def fold_metrics(report: Report) -> Iterator[tuple[str, float, int]]:
    """(name, value, step) of each backtest fold's log loss: one curve for each model."""
    for step, fold in enumerate(report["blend"].get("folds", [])):
        for model, value in fold["log_loss"].items():
            if value is not None and math.isfinite(value):
                yield f"folds/log_loss_x1000/{model}", value * 1000, step


def params(report: Report, seed: int) -> dict[str, str]:
    """What the version was made from, as MLflow parameters."""
    definition, history, rows, blend = (report[part] for part in ("definition", "history", "rows", "blend"))
    found = {f"ready_{key}": _text(value) for key, value in definition.items()}
    found |= {f"history_{key}": _text(value) for key, value in history.items()}
    found |= {f"rows_{key}": _text(value) for key, value in rows.items()}
    found |= {f"features_{key}": _text(value) for key, value in report["features"].items()}
    found |= {f"blend_{key}": _text(value) for key, value in blend.items() if key != "folds"}
    found |= {f"calibration_{key}": _text(value) for key, value in report.get("calibration", {}).items()}
    return found | {"ready_primary": report["primary"], "served": report["served"], "seed": str(seed)}


def advantage(report: Report, horizon: str, rival: str) -> float | None:
    """By how many per cent the served log loss is below that of ``rival`` on the same rows; None without the rival."""
    models = report["horizons"][horizon]["models"]
    if not {rival, report["served"]} <= set(models) or rival == report["served"]:
        return None
    theirs, ours = number(models[rival], "log_loss"), number(models[report["served"]], "log_loss")
    gain = (1.0 - ours / theirs) * 100.0 if theirs else math.nan
    return gain if math.isfinite(gain) else None


def number(figures: Mapping[str, Any], metric: str) -> float:
    """A metric of one model; NaN where the rows did not allow one (JSON has null there)."""
    value = figures.get(metric)
    return math.nan if value is None else float(value)


def _primary_first(report: Report) -> Callable[[tuple[str, float]], tuple[bool, str]]:
    return lambda figure: (not figure[0].startswith(f"{report['primary']}/"), figure[0])


def _by_model(report: Report) -> Iterator[tuple[str, float]]:
    for horizon, part in report["horizons"].items():
        yield f"rows/rate_x100_{horizon}", number(part, "rate") * 100.0
        for model, figures in part["models"].items():
            yield f"{horizon}/log_loss/{model}", number(figures, "log_loss")
            for metric, scale in SCALES.items():
                yield f"{horizon}/{scaled(metric)}/{model}", number(figures, metric) * scale


def _intervals(report: Report) -> Iterator[tuple[str, float]]:
    for horizon, part in report["horizons"].items():
        served = part["models"].get(report["served"], {})
        for metric, bounds in served.get("intervals", {}).items():
            for end, value in zip(("low", "high"), bounds, strict=True):
                found = math.nan if value is None else value * SCALES.get(metric, 1)
                yield f"{horizon}/{scaled(metric)}/{report['served']}_{end}", found


def _advantages(report: Report) -> Iterator[tuple[str, float]]:
    for horizon in report["horizons"]:
        for rival in RIVALS:
            gain = advantage(report, horizon, rival)
            if gain is not None:
                yield f"{horizon}/log_loss_below_pct/{rival}", gain


def _calls(report: Report) -> Iterator[tuple[str, float]]:
    """What the call list reaches, by model."""
    found = report.get("capacity") or {"models": {}}
    for model, told in found["models"].items():
        yield f"call list/caught/{model}", number(told, "caught")
        for share in ("precision", "capture"):
            yield f"call list/{share}_x100/{model}", number(told, share) * 100


def _groups(report: Report) -> Iterator[tuple[str, float]]:
    """The served AUC of every group of rows that has one, and how far what was told was off."""
    parts = [*report.get("segments", []), *(report[name] for name in ("ages", "met") if name in report)]
    for part in parts:
        for group in part["groups"]:
            name = UNFIT.sub("_", f"{part['name']} = {group['name']}")
            if group["why"] is None:
                yield f"groups/auc_x100/{name}", number(group["models"][report["served"]], "auc") * 100
                yield f"groups/told_minus_came_x100/{name}", (group["told"] - group["rate"]) * 100


def _leaks(report: Report) -> Iterator[tuple[str, float]]:
    """How many suspects there are, and the primary horizon's figures by what is decided about them."""
    found = report.get("leaks")
    if not found:
        return
    for name in ("quarantined", "overruled"):
        yield f"leaks/{name}", float(len(found[name]))
    for decision, model in (found["figures"] or {"models": {}})["models"].items():
        for metric, scale in SCALES.items():
            yield f"leaks/{scaled(metric)}/{decision}", number(model, metric) * scale


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
