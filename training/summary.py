"""What a report and a backtest found, in sentences for somebody who sells: figures first, no jargon."""

from collections.abc import Mapping, Sequence
from typing import Any

from training.wording import PARTS, counted, figure, interval, long_duration, percent, whole

Figures = Mapping[str, Any]


def of_version(report: Figures) -> list[str]:
    """The findings of a version's report, most important first."""
    expected = report.get("expectation")
    if expected and expected["auc"] is None:  # figures of two or three wins would only mislead
        return [expected["sentence"]]
    primary = report["horizons"][report["primary"]]
    few = bool(expected and expected["few"])
    found = [
        expected["sentence"] if expected and few else None,
        calls(report),
        more_than_points(report),
        true_percentages(report),
        None if few else ranking(primary["models"], report["served"]),
        curve_sentence(report["backtest"]) if report.get("backtest") else None,
    ]
    return [sentence for sentence in found if sentence]


def outcome_within(report: Figures) -> str:
    """``won within 90 days``."""
    return f"{' or '.join(report['definition']['outcome'])} within {long_duration(report['primary'])}"


def calls(report: Figures) -> str | None:
    """How many of the wins a call list would have caught, beside the points and chance; None without rows."""
    found = report.get("capacity")
    if not found or not found["wins"]:
        return None
    ours = found["models"][report["served"]]
    low, high = ours["intervals"]["caught"]
    agreed = "" if found["agreed"] else " (no capacity is agreed: a tenth of the open leads within a horizon)"
    told = (
        f"Calling {readiest(found['per_week'])} a week{agreed}, {counted(round(ours['calls']), 'call')} in "
        f"{counted(found['weeks'], 'week')}, would have caught {whole(ours['caught'])} of the "
        f"{counted(found['wins'], 'outcome')} ({outcome_within(report)}): {percent(ours['capture'])}, give or take "
        f"{whole((high - low) / 2)}."
    )
    rivals = [
        f"{name} {whole(found['models'][model]['caught'])}"
        for model, name in (("points", "the points"), ("random", "a list in random order"))
        if model in found["models"]
    ]
    return f"{told} With as many calls, {' and '.join(rivals)}." if rivals else told


def readiest(number: float) -> str:
    """``the 40 readiest leads``."""
    return "the readiest lead" if number == 1 else f"the {number:,.4g} readiest leads"


def more_than_points(report: Figures) -> str | None:
    """Whether the difference to the points is more than luck; None without points."""
    found = report.get("capacity") or {"more_caught": {}}
    more = found["more_caught"].get("points")
    if not more or not found["wins"]:
        return None
    low, high = more["interval"]
    sure = f"95 % interval {low:+.0f} to {high:+.0f}"
    if not round(more["value"]):
        return f"That is as many as with the points ({sure})."
    side = "more" if more["value"] > 0 else "fewer"
    luck = "the difference is more than luck" if low > 0 or high < 0 else "the difference may be luck"
    return f"That is {whole(abs(more['value']))} {side} than with the points ({sure}): {luck}."


def true_percentages(report: Figures) -> str | None:
    """How true the told percentages were; None where nothing was judged."""
    curves = report.get("curves", {}).get(report["primary"])
    if not curves or not curves["reliability"].get(report["served"]):
        return None
    rows = curves["reliability"][report["served"]]
    total = sum(row["n"] for row in rows)
    told, came = (sum(row[key] * row["n"] for row in rows) / total for key in ("predicted", "observed"))
    top = rows[-1]
    return (
        f"The percentages: {percent(told)} was told on average and {percent(came)} came true; in the readiest "
        f"{PARTS.get(len(rows), 'group')} "
        f"{percent(top['predicted'])} was told and {percent(top['observed'])} came true "
        f"(95 % interval {percent(top['low'])} to {percent(top['high'])})."
    )


def ranking(models: Figures, served: str) -> str | None:
    """The AUC in plain words; None where there is none."""
    if served not in models or models[served].get("auc") is None:
        return None
    told, bounds = figure("auc", models[served]["auc"]), interval(models[served], "auc")
    points = models.get("points")
    rival = f"; by points {figure('auc', points['auc'])}" if points and points.get("auc") is not None else ""
    return (
        f"Of a lead that won and one that did not, the model puts the right one first in {told} of the cases "
        f"(AUC{', 95 % interval ' + bounds if bounds else ''}; 0.5 is chance{rival})."
    )


def curve_sentence(result: Figures) -> str | None:
    """``63 wins: expected AUC 0.66 ± 0.05; 126 wins would give ...``; None where no curve was asked for."""
    curve = result.get("curve")
    if not curve or not curve["points"]:
        return None
    if curve["silent"]:
        last = curve["points"][-1]
        told = f"{counted(last['wins'], 'win')} gave an AUC of {plus_minus(last['auc'], last['interval'])}"
        return f"{told}. What more wins would give cannot be said: {curve['silent']}."
    now, *more = (
        f"{whole(each['wins'])} wins{{}} {plus_minus(each['auc'], each['interval'])}" for each in curve["ahead"]
    )
    return f"{now.format(': expected AUC')}; {', '.join(each.format(' would give') for each in more)}."


def plus_minus(value: float, bounds: Sequence[float | None]) -> str:
    """``0.66 ± 0.05``: the wider half of the interval."""
    low, high = bounds
    if low is None or high is None:
        return f"{value:.2f}"
    return f"{value:.2f} ± {max(high - value, value - low):.2f}"
