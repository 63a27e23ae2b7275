"""A report as one HTML page for sales, marketing and analysts: nothing in it is fetched from anywhere."""

import base64
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from training import backtest_words, summary, wording
from training.figures import advantage, number
from training.leaks import telling

ALTERNATIVES = {
    "capacity.png": "Wins caught by calling as many leads a week as sales can work, by each model's readiness",
    "comparison.png": "Figures and intervals of every model on the same rows",
    "reliability.png": "What was told against what came true",
    "gains.png": "Share of the outcomes reached by calling so many leads",
    "lift.png": "Outcomes against the average in each tenth of the leads",
    "horizons.png": "Told, come true and AUC by horizon",
    "segments.png": "Told, come true and AUC of one kind of lead beside another",
    "ages.png": "Told, come true and AUC by the age of the lead",
    "folds.png": "Told, come true and AUC from fold to fold",
    "level.png": "Outcomes that came beside those that were told, month by month",
    "learning_curve.png": "AUC against the number of wins learned from",
    "importance.png": "Groups of features by their mean push on the readiness",
    "calibration.png": "What two versions told against what came true",
}
FEATURES_TOLD = 4
"""So many features of a group are named in the table of groups."""


def render_report(report: Mapping[str, Any], plots: Mapping[str, bytes]) -> str:
    """The page of a version's ``report`` with ``plots`` (PNG by file name) in it. Text from the facts is escaped."""
    backtest = report.get("backtest")
    return _page(
        "report.html.j2",
        report,
        plots,
        sentences=summary.of_version(report),
        headlines=_headlines(report),
        leaks=telling.section(report),
        backtest=backtest,
        importance=_by_group(report["importance"]),
        groups=[*report.get("segments", []), *([report["ages"]] if "ages" in report else [])],
    )


def render_backtest(result: Mapping[str, Any], plots: Mapping[str, bytes]) -> str:
    """The page of a backtest's ``result`` with ``plots`` (PNG by file name) in it. Text from the facts is escaped."""
    return _page(
        "backtest.html.j2",
        result,
        plots,
        sentences=backtest_words.sentences(result),
        groups=backtest_words.groups(result),
        left_out=sorted({field for fold in result["folds"] for field in fold["learned"]["left_out"]}),
    )


def _page(name: str, report: Mapping[str, Any], plots: Mapping[str, bytes], **more: Any) -> str:
    horizons = sorted(report["horizons"], key=lambda name: name != report["primary"])
    primary = report["horizons"][report["primary"]]
    return render_page(name, plots, report=report, primary=primary, horizons=horizons, **more)


def render_page(name: str, plots: Mapping[str, bytes], **values: Any) -> str:
    """The template ``name`` of pages/ with ``plots`` (PNG by file name) and ``values`` in it, texts escaped."""
    pictures = {
        name: f"data:image/png;base64,{base64.b64encode(picture).decode('ascii')}" for name, picture in plots.items()
    }
    return _pages().get_template(name).render(pictures=pictures, **values)


def _by_group(importance: Sequence[Mapping[str, Any]]) -> list[tuple[str, str, str]]:
    """(group, its push, its strongest features) from the strongest group to the weakest."""
    groups: dict[str, list[Mapping[str, Any]]] = {}
    for row in sorted(importance, key=lambda row: -row["mean_abs_push"]):
        groups.setdefault(row["group"], []).append(row)
    pushes = {group: sum(row["mean_abs_push"] for row in rows) for group, rows in groups.items()}
    return [
        (
            group,
            f"{pushes[group]:.3f}",
            ", ".join(f"{row['feature']} {row['mean_abs_push']:.3f}" for row in groups[group][:FEATURES_TOLD]),
        )
        for group in sorted(pushes, key=lambda group: -pushes[group])
    ]


def report_json(report: Mapping[str, Any]) -> str:
    """The report as JSON that every parser reads: a figure that is not a number is null."""
    return json.dumps(_finite(report), indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def _headlines(report: Mapping[str, Any]) -> list[tuple[str, str]]:
    """(figure, what it means) of the served model, for the top of the page; none where too few won to tell."""
    if report.get("expectation", {"auc": 0.5})["auc"] is None:
        return []
    served = report["horizons"][report["primary"]]["models"][report["served"]]
    found = [*_calls(report)]
    lift = wording.figure("lift_at_10", number(served, "lift_at_10"))
    gap, auc = number(served, "ece"), wording.figure("auc", number(served, "auc"))
    found += [
        (f"{lift} \u00d7", "as many outcomes in the top tenth as in a tenth drawn at random"),
        (wording.percent(gap), "typical gap between what is told and what comes true"),
        (auc, "of pairs are ranked rightly (AUC): 0.5 is chance, 1 is perfect"),
    ]
    for rival in ("prior", "points"):
        gain = advantage(report, report["primary"], rival)
        if gain is not None:
            found.append((f"{-gain:+.1f} %", f"log loss against {wording.MODEL_NAMES[rival]}: less is better"))
    return found


def _calls(report: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The call list, where somebody won."""
    found = report.get("capacity")
    if found and found["wins"]:
        share = wording.percent(found["models"][report["served"]]["capture"])
        yield share, f"of the wins are caught by calling {summary.readiest(found['per_week'])} a week"


def _finite(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _finite(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(inner) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


@cache
def _pages() -> Environment:
    rules = Environment(
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        loader=FileSystemLoader(Path(__file__).with_name("pages")),
    )
    rules.globals["words"], rules.globals["telling"] = wording, telling
    rules.globals["alternatives"], rules.globals["backtest_words"] = ALTERNATIVES, backtest_words
    rules.globals["summary"] = summary
    return rules
