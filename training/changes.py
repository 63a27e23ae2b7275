"""What changed from one version's report to the next, in sentences for the version card."""

from collections.abc import Iterator, Mapping
from typing import Any

from training.wording import day, whole

Report = Mapping[str, Any]

NAMED = 5
"""So many features are named; of more, how many they are."""


def changes(before: Report, after: Report) -> list[str]:
    """The definition of ready, the facts, the features, what is left out and how it was learned, where they differ."""
    return [*_definition(before, after), *_facts(before, after), *_features(before, after), *_learning(before, after)]


def _definition(before: Report, after: Report) -> Iterator[str]:
    for name, value in after["definition"].items():
        old = before["definition"].get(name)
        if old != value:
            yield f"{name.replace('_', ' ')}: {_told(old)} became {_told(value)}"
    if before["primary"] != after["primary"]:
        yield f"agreed on: {before['primary']} became {after['primary']}"


def _facts(before: Report, after: Report) -> Iterator[str]:
    old, new = before["history"], after["history"]
    if old["fingerprint"] == new["fingerprint"]:
        yield "the same facts"
        return
    counts = [f"{_more(new[name] - old[name])} {name}" for name in ("leads", "events", "outcomes")]
    until = f"facts up to {day(new['ends_at'])}" if old["ends_at"] != new["ends_at"] else "other facts, no later ones"
    yield f"{until} ({', '.join(counts)})"


def _more(number: int) -> str:
    return f"{'+' if number >= 0 else '-'}{whole(abs(number))}"


def _features(before: Report, after: Report) -> Iterator[str]:
    old, new = ({row["feature"] for row in report["importance"]} for report in (before, after))
    for word, names in (("new features", new - old), ("features gone", old - new)):
        if names:
            yield f"{word}: {_list(names)}"
    left = [set((report.get("leaks") or {}).get("quarantined", [])) for report in (before, after)]
    for word, names in (("left out now as suspects", left[1] - left[0]), ("no longer left out", left[0] - left[1])):
        if names:
            yield f"{word}: {_list(names)}"


def _list(names: set[str]) -> str:
    shown = sorted(names)[:NAMED]
    return ", ".join(shown) + (f" and {len(names) - NAMED} more" if len(names) > NAMED else "")


def _learning(before: Report, after: Report) -> Iterator[str]:
    old, new = before["rows"], after["rows"]
    yield (
        f"learned from {whole(new['train'])} rows up to {day(new['train_until'])} "
        f"(before: {whole(old['train'])} up to {day(old['train_until'])})"
    )
    weights = [report["blend"].get("weight") for report in (before, after)]
    if weights[0] != weights[1] and None not in weights:
        yield f"share of LightGBM in the blend: {weights[0] * 100:.0f} % became {weights[1] * 100:.0f} %"


def _told(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
