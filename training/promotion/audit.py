"""What the gate said, kept on the version itself: tags, its description, the comparison among its run's artifacts."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from training.comparing.page import render_comparison
from training.promotion.lines import Line, markdown
from training.promotion.trail import Step
from training.report import report_json
from training.tracking import Registry
from training.version_card import LONGEST

TITLE = "### Gate"
LONGEST_TAG = 4_500
"""MLflow's databases keep so many characters of a tag, and some to spare."""


def mark_promoted(registry: Registry, step: Step, lines: Sequence[Line]) -> None:
    """The tags and the description of the version that took over, and tags on the one that it replaced."""
    verdict = "forced" if step.action == "forced" else "passed"
    told = {
        "gate": verdict,
        "gate_reason": step.reason,
        "gate_lines": json.dumps([line.to_dict() for line in lines], ensure_ascii=False)[:LONGEST_TAG],
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


def keep_comparison(registry: Registry, number: str, comparison: Mapping[str, Any]) -> None:
    """The comparison with the champion at the root of the run's artifacts, where MLflow lays runs side by side."""
    run_id = registry.client.get_model_version(registry.model, number).run_id
    if not run_id:
        return
    with TemporaryDirectory() as scratch:
        Path(scratch, "comparison.html").write_text(render_comparison(comparison), encoding="utf-8")
        Path(scratch, "comparison.json").write_text(report_json(comparison), encoding="utf-8")
        registry.client.log_artifacts(run_id, scratch)


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
