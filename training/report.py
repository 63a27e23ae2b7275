"""A report as one HTML page for sales, marketing and analysts: nothing in it is fetched from anywhere."""

import base64
import json
import math
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, StrictUndefined, Template

from training import wording
from training.figures import RIVALS, advantage, number
from training.leaks import telling

ALTERNATIVES = {
    "comparison.png": "Figures and intervals of every model on the same rows",
    "reliability.png": "What was told against what came true",
    "gains.png": "Share of the outcomes reached by calling so many leads",
    "lift.png": "Outcomes against the average in each tenth of the leads",
    "importance.png": "Groups of features by their mean push on the readiness",
}
LARGEST_IMPORTANCE = 25


def render_report(report: Mapping[str, Any], plots: Mapping[str, bytes]) -> str:
    """The page of ``report`` with ``plots`` (PNG by file name) inside it. Text from the facts is escaped."""
    pictures = {
        name: f"data:image/png;base64,{base64.b64encode(plots[name]).decode('ascii')}"
        for name in [*(known for known in ALTERNATIVES if known in plots), *sorted(set(plots) - set(ALTERNATIVES))]
    }
    return _template().render(
        report=report,
        primary=report["horizons"][report["primary"]],
        horizons=sorted(report["horizons"], key=lambda name: name != report["primary"]),
        headlines=_headlines(report),
        pictures=pictures,
        alternatives=ALTERNATIVES,
        leaks=telling.section(report),
        importance=sorted(report["importance"], key=lambda row: -row["mean_abs_push"])[:LARGEST_IMPORTANCE],
    )


def report_json(report: Mapping[str, Any]) -> str:
    """The report as JSON that every parser reads: a figure that is not a number is null."""
    return json.dumps(_finite(report), indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def _headlines(report: Mapping[str, Any]) -> list[tuple[str, str]]:
    """(figure, what it means) of the served model, for the top of the page."""
    served = report["horizons"][report["primary"]]["models"][report["served"]]
    lift = wording.figure("lift_at_10", number(served, "lift_at_10"))
    gap, auc = number(served, "ece"), wording.figure("auc", number(served, "auc"))
    found = [
        (f"{lift} \u00d7", "as many outcomes in the top tenth as in a tenth drawn at random"),
        (auc, "of pairs are ranked rightly (AUC): 0.5 is chance, 1 is perfect"),
        (wording.percent(gap), "typical gap between what is told and what comes true"),
    ]
    for rival in RIVALS:
        gain = advantage(report, report["primary"], rival)
        if gain is not None:
            found.append((f"{-gain:+.1f} %", f"log loss against {wording.MODEL_NAMES[rival]}: less is better"))
    return found


def _finite(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _finite(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(inner) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


@cache
def _template() -> Template:
    rules = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    rules.globals["words"], rules.globals["telling"] = wording, telling
    return rules.from_string(Path(__file__).with_name("report.html.j2").read_text(encoding="utf-8"))
