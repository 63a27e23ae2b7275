"""The table of a trial: every model on the same held-out rows."""

import math
from collections.abc import Mapping
from typing import Any

from serving.commands.terminal import print_table

METRICS = ("auc", "average_precision", "log_loss", "ece", "lift_at_10")
"""The columns of the table; Brier scores are in the report."""
IN_ORDER = ("prior", "points", "odoo", "logistic", "gbm", "blend", "ceiling")


def print_contest(report: Mapping[str, Any], horizon: str, models: Mapping[str, Mapping[str, Any]]) -> None:
    """One table on stdout: the models (rows) by METRICS (columns) on the test rows of ``horizon``."""
    from training.wording import METRIC_NAMES, MODEL_NAMES, day, figure, long_duration, percent, whole

    part, rows = report["horizons"][horizon], report["rows"]
    title = (
        f"{' or '.join(report['definition']['outcome'])} within {long_duration(horizon)}: {whole(part['n'])} held-out "
        f"rows, {percent(part['rate'])} with the outcome, {day(rows['test_from'])} to {day(rows['test_until'])}"
    )
    lines = []
    for model in sorted(models, key=_place):
        name = MODEL_NAMES.get(model, model) + (" (served)" if model == report["served"] else "")
        lines.append([name, *(figure(metric, models[model][metric]) for metric in METRICS)])
    names = ["model", *(METRIC_NAMES[metric] for metric in METRICS)]
    print_table(title, names, lines, numeric=range(1, len(names)))


def _place(model: str) -> int:
    return IN_ORDER.index(model) if model in IN_ORDER else len(IN_ORDER)


def without_nan(value: Any) -> Any:
    """``value`` as JSON can hold it: what is not a finite number becomes null."""
    if isinstance(value, Mapping):
        return {str(name): without_nan(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [without_nan(inner) for inner in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def figures(report: Mapping[str, Any], horizon: str) -> dict[str, Any]:
    """``{"n", "rate", "models": {model: {metric: value}}}`` of one horizon, for machines."""
    from training.judge import METRICS as ALL

    part = report["horizons"][horizon]
    models = {model: {metric: found[metric] for metric in ALL} for model, found in part["models"].items()}
    return {"n": part["n"], "rate": part["rate"], "models": models}
