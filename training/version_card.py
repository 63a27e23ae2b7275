"""The version card: a version's description in Markdown, as MLflow's registry shows it."""

from collections.abc import Mapping
from html import escape
from typing import Any

from training import summary
from training.changes import changes
from training.figures import RIVALS, advantage
from training.leaks import telling
from training.wording import MODEL_NAMES, day, figure, long_duration, percent, whole, with_interval

COLUMNS = {
    "auc": "AUC",
    "average_precision": "average precision",
    "log_loss": "log loss",
    "ece": "calibration error",
    "lift_at_10": "lift at 10 %",
}


LONGEST = 5000
"""MLflow's databases keep so many characters of a description."""


def version_card(report: Mapping[str, Any], bundle_id: str, before: Mapping[str, Any] | None = None) -> str:
    """Markdown: the definition of ready, what it was made from, figures with intervals beside the rivals', notes.

    ``before``: the report of the champion at that time, with its version; what changed is told against it.

    What matters most comes first; what does not fit into LONGEST characters is left to the version's report.html.
    """
    first, *others = _primary_first(report)
    parts = [
        _headline(report),
        _in_short(report),
        _definition(report),
        f"Bundle `{bundle_id}` \u00b7 features `{report['features']['fingerprint'][:12]}` \u00b7 more in report.html",
        _made_from(report),
        _changes(before, report),
        _table(report, first),
        _leaks(report),
        _notes(report),
        *(_table(report, horizon) for horizon in others),
    ]
    told = ""
    for part in filter(None, parts):
        if len(told) + len(part) + 2 <= LONGEST:
            told += f"{part}\n\n"
    return told.rstrip() + "\n"


def _in_short(report: Mapping[str, Any]) -> str:
    return escape("\n".join(f"- {sentence}" for sentence in summary.of_version(report)), quote=False)


def _changes(before: Mapping[str, Any] | None, report: Mapping[str, Any]) -> str:
    if before is None:
        return ""
    told = [f"- {escape(sentence, quote=False)}" for sentence in changes(before, report)]
    return "\n".join([f"### What changed against version {before['version']}", "", *told])


def _notes(report: Mapping[str, Any]) -> str:
    notes = [f"- {escape(note, quote=False)}" for note in report["notes"]]
    return "\n".join(["### Notes", "", *notes]) if notes else ""


def _leaks(report: Mapping[str, Any]) -> str:
    return escape(telling.markdown(report), quote=False)


def _headline(report: Mapping[str, Any]) -> str:
    """One line: MLflow's list of versions shows the first."""
    horizon = report["horizons"][report["primary"]]
    served = horizon["models"][report["served"]]
    gains = {rival: advantage(report, report["primary"], rival) for rival in RIVALS}
    against = [f"{gain:+.1f} % against {MODEL_NAMES[rival]}" for rival, gain in gains.items() if gain is not None]
    saved = f"; log loss saved: {', '.join(against)}" if against else ""
    auc, lift = figure("auc", served["auc"]), figure("lift_at_10", served["lift_at_10"])
    return f"AUC {auc}, lift at 10 % {lift} on {whole(horizon['n'])} later rows{saved}."


def _definition(report: Mapping[str, Any]) -> str:
    definition = report["definition"]
    horizons = " and ".join(long_duration(h) for h in definition["horizons"])
    repeat = "may repeat" if definition["repeatable"] else "counts once"
    return (
        f"**Ready** means: {' or '.join(definition['outcome'])} within {horizons} (agreed on: "
        f"{long_duration(report['primary'])}); the outcome {repeat}; reporting lag "
        f"{long_duration(definition['reporting_lag'])}."
    )


def _made_from(report: Mapping[str, Any]) -> str:
    history, rows = report["history"], report["rows"]
    learned = [rows["train"], rows["train_leads"], rows["train_outcomes"]]
    judged = [rows["test"], report["horizons"][report["primary"]].get("leads"), rows["test_outcomes"]]
    return "\n".join(
        [
            "| | rows | leads | outcomes | cutoffs |",
            "|---|---:|---:|---:|---|",
            _row("learned from", learned, rows["train_from"], rows["train_until"]),
            _row("judged on", judged, rows["test_from"], rows["test_until"]),
            *_serves(report.get("refit")),
            "",
            (
                f"Embargo between the two: {long_duration(rows['embargo'])}. "
                f"History: {whole(history['leads'])} leads, {whole(history['events'])} events, "
                f"{whole(history['outcomes'])} outcomes, {day(history['starts_at'])} to {day(history['ends_at'])}, "
                f"fingerprint `{history['fingerprint'][:12]}`."
            ),
        ]
    )


def _serves(refit: Mapping[str, Any] | None) -> list[str]:
    """What the model that serves was learned from, where that is more than the judged one had."""
    if refit is None:
        return []
    return [_row("serves, learned again from", [refit["rows"], refit["leads"], None], refit["from"], refit["until"])]


def _row(name: str, counts: list[int | None], begins: str, ends: str) -> str:
    told = " | ".join("" if count is None else whole(count) for count in counts)
    return f"| {name} | {told} | {day(begins)} to {day(ends)} |"


def _table(report: Mapping[str, Any], horizon: str) -> str:
    part = report["horizons"][horizon]
    title = (
        f"### Within {long_duration(horizon)}: {whole(part['n'])} rows, {whole(part['outcomes'])} outcomes "
        f"({percent(part['rate'])})"
    )
    head = ["| model | " + " | ".join(COLUMNS.values()) + " |", "|---|" + "---:|" * len(COLUMNS)]
    rows = [
        f"| {MODEL_NAMES.get(model, model)}{' **(served)**' if model == report['served'] else ''} | "
        + " | ".join(with_interval(figures, metric) for metric in COLUMNS)
        + " |"
        for model, figures in part["models"].items()
    ]
    return "\n".join([title, "", *head, *rows])


def _primary_first(report: Mapping[str, Any]) -> list[str]:
    return sorted(report["horizons"], key=lambda horizon: horizon != report["primary"])
