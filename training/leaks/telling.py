"""The section ``leaks`` of a report, told: which fields, why, and what the decision changed."""

from collections.abc import Iterator, Mapping
from typing import Any

from training.wording import METRIC_NAMES, figure, with_interval

Report = Mapping[str, Any]

MODELS = {
    "served": "served",
    "with_quarantined": "with the quarantined fields",
    "without_trusted": "without the trusted suspects",
}


def section(report: Report) -> Mapping[str, Any] | None:
    """The section, where the report has one that says anything."""
    found = report.get("leaks")
    return found if found and (found["findings"] or found["notes"]) else None


def status(finding: Mapping[str, Any]) -> str:
    """What became of a field: ``left out``, ``trusted by the contract`` ..."""
    if finding["ruled"] == "quarantine":
        return "left out by the contract"
    if finding["overruled"]:
        return "suspect, trusted by the contract"
    if finding["left_out"]:
        return "left out"
    if finding["ruled"] == "trust":
        return "kept, trusted by the contract"
    if finding["verdict"] == "watch":
        return "kept, to watch"
    return "kept, as of the cutoff" if finding["column_leaks"] else "kept"


def auc(found: Mapping[str, float] | None) -> str:
    """``0.905 (0.897 to 0.912)``; a dash where it could not be told."""
    if found is None:
        return "-"
    return f"{figure('auc', found['value'])} ({figure('auc', found['low'])} to {figure('auc', found['high'])})"


def suspects(found: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The findings that somebody should read: all but the clean ones that nobody ruled on."""
    return [each for each in found["findings"] if each["verdict"] != "clean" or each["ruled"]]


def worth_reading(found: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The suspects, and the fields that are safe only because their changes are read."""
    return [*suspects(found), *(each for each in found["findings"] if status(each) == "kept, as of the cutoff")]


def summary(found: Mapping[str, Any]) -> str:
    """One line."""
    if not found["checked"]:
        return "Nobody looked for fields that know too much."
    watched = [each["field"] for each in found["findings"] if each["verdict"] == "watch" and not each["left_out"]]
    safe = [each["field"] for each in found["findings"] if each["column_leaks"] and not each["left_out"]]
    parts = [
        f"{len(names)} {what} ({', '.join(names)})"
        for what, names in (
            ("left out", found["quarantined"]),
            ("suspect but trusted", found["overruled"]),
            ("to watch", watched),
            ("read as of the cutoff, for the column would leak", safe),
        )
        if names
    ]
    fields = len(found["findings"])
    counted = f"{fields} field{'' if fields == 1 else 's'}"
    return f"Of {counted}, {', '.join(parts)}." if parts else f"None of {counted} knows too much."


def notes(report: Report) -> Iterator[str]:
    """What `train` says: one sentence for each suspect, and what the decision changed."""
    found = section(report)
    if found is None:
        return
    yield from found["notes"]
    for each in suspects(found):
        yield f"{each['field']} is {status(each)}: {'; '.join(each['reasons'][:2]) or 'ruled so'}."
    yield from changed(found)


def changed(found: Mapping[str, Any]) -> Iterator[str]:
    """The served model's figures beside those of each other decision, on the same rows."""
    figures = found.get("figures")
    if figures:
        told = [
            f"{MODELS[name]} AUC {figure('auc', model['auc'])}, log loss {figure('log_loss', model['log_loss'])}"
            for name, model in figures["models"].items()
        ]
        yield f"On the same {figures['n']:,} later rows: {'; '.join(told)}."


SHOWN = ("auc", "average_precision", "log_loss", "lift_at_10")
TOLD = 6
"""The version card names so many suspects with their clearest evidence; the report has all of it."""


def markdown(report: Report) -> str:
    """The section for the version card."""
    found = section(report)
    if found is None:
        return ""
    lines = ["### Fields that know too much", "", summary(found), *_decisions(found)]
    named = suspects(found)
    lines += [
        "",
        *(f"- **{each['field']}** ({status(each)}): {'; '.join(each['reasons'][:2])}" for each in named[:TOLD]),
    ]
    if len(named) > TOLD:
        lines.append(f"- and {len(named) - TOLD} more, in report.html")
    return "\n".join([*lines, *(f"- {note}" for note in found["notes"])]).rstrip()


def _decisions(found: Mapping[str, Any]) -> list[str]:
    """The figures of each decision, as a table."""
    figures = found.get("figures")
    if not figures:
        return []
    head = ["", "| decision | " + " | ".join(METRIC_NAMES[m] for m in SHOWN) + " |", "|---|" + "---:|" * len(SHOWN)]
    rows = [
        f"| {MODELS[name]} | " + " | ".join(with_interval(model, metric) for metric in SHOWN) + " |"
        for name, model in figures["models"].items()
    ]
    return [*head, *rows]
