"""What the gate said, kept on the version itself: tags, its description, the comparison among its run's artifacts."""

import json
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from training.comparing.page import render_comparison
from training.comparing.side import Side
from training.promotion.lines import Line, markdown, passed
from training.promotion.trail import Step
from training.report import report_json
from training.tracking import Metric, Registry
from training.version_card import LONGEST

TITLE = "### Gate"
LONGEST_TAG = 4_500
"""MLflow's databases keep so many characters of a tag, and some to spare."""
LONGEST_FOUND = 200
SECTION = "against champion"
"""Of the metrics that say how a version stands to the one that served when it was judged."""


def mark_promoted(registry: Registry, step: Step, lines: Sequence[Line]) -> None:
    """The tags and the description of the version that took over, and tags on the one that it replaced."""
    verdict = "forced" if step.action == "forced" else "passed"
    told = {
        "gate": verdict,
        "gate_reason": step.reason,
        "gate_lines": _brief(lines),
        "promoted_at": step.at,
        "promoted_by": step.by,
    }
    tag_version(registry, step.went_to, told)
    if step.came_from:
        tag_version(registry, step.came_from, {"replaced_at": step.at, "replaced_by": step.went_to})
    _describe(registry, step, lines)


def tag_version(registry: Registry, number: str, tags: Mapping[str, str]) -> None:
    """Set ``tags`` on a version, and on its run the one that is filtered by there: ``gate``."""
    for key, value in tags.items():
        registry.client.set_model_version_tag(registry.model, number, key, value)
    run_id = registry.client.get_model_version(registry.model, number).run_id
    if run_id and "gate" in tags:
        registry.client.set_tag(run_id, "gate", tags["gate"])


def mark_judged(
    registry: Registry, side: Side, lines: Sequence[Line], comparison: Mapping[str, Any] | None, url: str | None
) -> None:
    """The verdict on a version that was judged and not promoted, with the comparison behind it."""
    number = str(side.number)
    verdict = "passed" if passed(lines) else "failed"
    if comparison is not None:
        keep_comparison(registry, number, {**comparison, "mlflow_url": url})
    tag_version(registry, number, {"gate_lines": _brief(lines), "gate": verdict})


def keep_comparison(registry: Registry, number: str, comparison: Mapping[str, Any]) -> None:
    """The comparison with the champion on the run: as files at the root of its artifacts, and as metrics."""
    run_id = registry.client.get_model_version(registry.model, number).run_id
    if not run_id:
        return
    with TemporaryDirectory() as scratch:
        Path(scratch, "comparison.html").write_text(render_comparison(comparison), encoding="utf-8")
        Path(scratch, "comparison.json").write_text(report_json(comparison), encoding="utf-8")
        registry.client.log_artifacts(run_id, scratch)
    now = int(time.time() * 1000)
    found = [Metric(f"{SECTION}/{name}", round(value, 2), now, 0) for name, value in against(comparison).items()]
    registry.client.log_batch(run_id, metrics=found)
    registry.client.set_tag(run_id, "compared_with", str(comparison["a"]["version"]))


def against(comparison: Mapping[str, Any]) -> dict[str, float]:
    """The differences to the champion, in scales that MLflow's pages do not round away, as far as there are any."""
    found: dict[str, float] = {}
    people = comparison["people"]
    if comparison["judged"] is not None:
        metrics = comparison["judged"]["horizons"][comparison["primary"]]["metrics"]
        loss = metrics["log_loss"]
        if loss["difference"] is not None:
            low, high = loss["interval"]
            parts = {"log_loss_pct": loss["difference"], "log_loss_pct_low": low, "log_loss_pct_high": high}
            found |= {name: value / loss["a"] * 100 for name, value in parts.items() if value is not None}
            found["calibration_loss_pct"] = metrics["calibration_loss"]["difference"] / loss["a"] * 100
            found |= {f"{name}_x100": metrics[name]["difference"] * 100 for name in ("auc", "average_precision")}
    if people["leads"]:
        found["decisions_changed_pct"] = people["share_changed"] * 100
        found["call_list_in_both_pct"] = people["call_list"]["in_both"] / max(people["call_list"]["size"], 1) * 100
        if people["rank_correlation"] is not None:
            found["rank_correlation_x100"] = people["rank_correlation"] * 100
    return found


def _brief(lines: Sequence[Line]) -> str:
    """The lines as JSON that fits a tag; where it does not, without what was expected."""
    told = [line.to_dict() for line in lines]
    whole = json.dumps(told, ensure_ascii=False)
    short = [{"name": line.name, "status": line.status, "found": line.found[:LONGEST_FOUND]} for line in lines]
    return whole if len(whole) <= LONGEST_TAG else json.dumps(short, ensure_ascii=False)


def _describe(registry: Registry, step: Step, lines: Sequence[Line]) -> None:
    """The gate behind the version card, which loses its last paragraphs where both do not fit."""
    card = registry.client.get_model_version(registry.model, step.went_to).description or ""
    paragraphs = card.split(f"\n\n{TITLE}")[0].rstrip().split("\n\n")
    over = f" over version {step.came_from}" if step.came_from else ""
    why = f" Reason: {step.reason}" if step.reason else ""
    gate = f"{TITLE}\n\n{step.action.capitalize()}{over} on {step.at[:10]} by {step.by}.{why}\n\n{markdown(lines)}"
    gate = gate[:LONGEST]
    while paragraphs and len("\n\n".join([*paragraphs, gate])) > LONGEST:
        paragraphs.pop()
    text = "\n\n".join([*paragraphs, gate])
    registry.client.update_model_version(registry.model, step.went_to, text)
