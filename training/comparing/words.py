"""A comparison told: sentences for everybody, most important first, and rows of tables."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from training.comparing.moved import told_apart
from training.summary import readiest
from training.wording import METRIC_NAMES, counted, day, figure, long_duration, percent, whole

Result = Mapping[str, Any]

NAMES = {**METRIC_NAMES, "calibration_loss": "calibration loss"}
DECIMALS = {"calibration_loss": 5}
METRIC_COLUMNS = ("metric", "A", "B", "B against A", "95 % interval", "verdict")
GROUP_COLUMNS = ("group", "rows", "won", "told by A", "told by B", "log loss, B against A", "AUC, B against A")
MOVER_COLUMNS = ("lead", "index A", "index B", "decision A", "decision B")
MOVED_COLUMNS = ("lead", "before", "after", "the lead changed", "the model changed")
CURVE_COLUMNS = ("group", "told by A", "came true", "told by B", "came true")


def sentences(result: Result) -> list[str]:
    """The findings: how good, how true, what it would do to people, how much of the movement is the model's."""
    return [*_quality(result), *_people(result["people"]), *_moved(result["moved"])]


def sides(result: Result) -> list[str]:
    """What A and B are, one line each."""
    return [f"{letter}: {_side(result[letter.lower()])}" for letter in ("A", "B")]


def _side(side: Mapping[str, Any]) -> str:
    rows, refit = side["rows"], side["refit"]
    serves = "" if refit is None else f", serves what was learned up to {day(refit['until'])}"
    return (
        f"{side['name']}, judged by what was learned from {whole(rows['train'])} rows up to {day(rows['train_until'])}"
        f"{serves}, facts up to {day(side['history']['ends_at'])}, {side['features']['count']} features, bundle "
        f"{side['bundle_id'][:8]}"
    )


def judged_on(result: Result) -> str | None:
    """On which rows both were judged; None when on none."""
    judged = result["judged"]
    if judged is None:
        return None
    part = judged["horizons"][result["primary"]]
    return (
        f"{' or '.join(result['outcome'])} within {long_duration(result['primary'])}: the same {whole(part['n'])} rows "
        f"of {counted(part['leads'], 'lead')}, of whom {whole(part['wins'])} did, {day(judged['from'])} to "
        f"{day(judged['until'])}"
    )


def _quality(result: Result) -> Iterator[str]:
    judged = result["judged"]
    if judged is None:
        return
    part = judged["horizons"][result["primary"]]
    loss = part["metrics"]["log_loss"]
    if loss["verdict"] is None:
        yield "Too few outcomes on the rows that neither has learned to say which of both is better."
        return
    low, high = (bound / loss["a"] * 100 for bound in loss["interval"])
    change = loss["difference"] / loss["a"] * 100
    told = {"better": "B is better", "worse": "B is worse", "level": "Neither is surely better"}[loss["verdict"]]
    yield f"{told}: the log loss of B is {change:+.1f} % against A ({low:+.1f} to {high:+.1f} %; less is better)."
    yield _truth(part)
    calls = judged["capacity"]
    if calls and calls["wins"]:
        more = calls["more_caught"]["a"]
        yield (
            f"Calling {readiest(calls['per_week'])} a week would have caught {whole(calls['models']['b']['caught'])} "
            f"of {counted(calls['wins'], 'outcome')} with B and {whole(calls['models']['a']['caught'])} with A "
            f"(difference {more['value']:+.0f}{_bounds(more['interval'], '.0f')})."
        )


def _truth(part: Mapping[str, Any]) -> str:
    calibration = part["calibration"]
    told = " and ".join(
        f"{letter} told {percent(calibration[letter.lower()]['told'])} on average" for letter in ("A", "B")
    )
    return f"Came true: {percent(part['rate'])}; {told}."


def _bounds(interval: Sequence[float | None], form: str) -> str:
    low, high = interval
    return "" if low is None or high is None else f", {low:+{form}} to {high:+{form}}"


def _people(people: Mapping[str, Any]) -> Iterator[str]:
    if not people["leads"]:
        yield f"No lead was open on {day(people['at'])}."
        return
    calls, ranks = people["call_list"], people["rank_correlation"]
    yield (
        f"Promoting B would change the decision on {whole(people['decisions_changed'])} of "
        f"{counted(people['leads'], 'open lead')} ({percent(people['share_changed'])}); of the "
        f"{counted(calls['size'], 'readiest lead')} that sales would call, {whole(calls['in_both'])} are on both lists."
    )
    order = "" if ranks is None else f"Rank correlation of both {ranks:.2f}. "
    moved = people["index_moved"]
    yield (
        f"{order}The index of the middle lead would move by {moved['median']:.1f} points, of one in ten by "
        f"{moved['p90']:.1f} or more."
    )


def _moved(moved: Mapping[str, Any]) -> Iterator[str]:
    if moved["model_share"] is not None:
        yield (
            f"From A on {day(moved['from'])} to B on {day(moved['to'])} the index of {counted(moved['leads'], 'lead')} "
            f"that stayed open moves by {moved['mean_change']:.1f} points on average; {percent(moved['model_share'])} "
            "of all movement is the model's, the rest the leads' own."
        )


def metric_rows(part: Mapping[str, Any]) -> Iterator[list[str]]:
    """A row for each metric of a horizon, in METRIC_COLUMNS."""
    for name, found in part["metrics"].items():
        low, high = found["interval"]
        yield [
            NAMES[name],
            number(name, found["a"]),
            number(name, found["b"]),
            number(name, found["difference"], signed=True),
            "-" if low is None else f"{number(name, low, signed=True)} to {number(name, high, signed=True)}",
            found["verdict"] or "too few outcomes",
        ]
    base, loss = part["base_rate_log_loss"], part["metrics"]["log_loss"]
    if base:
        saved = [None if loss[side] is None else 1.0 - loss[side] / base for side in ("a", "b")]
        yield ["log loss saved against the base rate", *(_share(one) for one in saved), _points(*saved), "", ""]


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value * 100:.1f} %"


def _points(a: float | None, b: float | None) -> str:
    return "-" if a is None or b is None else f"{(b - a) * 100:+.1f}"


def number(name: str, value: float | None, *, signed: bool = False) -> str:
    """A metric, or a difference of it, with the decimals that it deserves."""
    if value is None:
        return "-"
    told = f"{value:.{DECIMALS[name]}f}" if name in DECIMALS else figure(name, value)
    return f"+{told}" if signed and value >= 0 else told


def group_rows(segment: Mapping[str, Any]) -> Iterator[list[str]]:
    """A row for each group of a segment, in GROUP_COLUMNS."""
    for group in segment["groups"]:
        metrics, told = group["metrics"], group["told"]
        changes = [_change(name, metrics[name]) for name in ("log_loss", "auc")] if metrics else [group["why"], "-"]
        yield [
            group["name"],
            whole(group["n"]),
            percent(group["rate"]),
            *(percent(told.get(side)) for side in ("a", "b")),
            *changes,
        ]


def _change(name: str, found: Mapping[str, Any]) -> str:
    told = number(name, found["difference"], signed=True)
    low, high = found["interval"]
    half = "" if low is None else f" ± {number(name, (high - low) / 2)}"
    sure = found["verdict"] in {"better", "worse"}
    return f"{told}{half}, {found['verdict']}" if sure else f"{told}{half}"


def curve_rows(part: Mapping[str, Any]) -> Iterator[list[str]]:
    """A row for each group of equal size by what was told, in CURVE_COLUMNS."""
    curves = (part["calibration"][side]["reliability"] for side in ("a", "b"))
    for place, (a, b) in enumerate(zip(*curves, strict=True), 1):
        yield [str(place), *(percent(one[key]) for one in (a, b) for key in ("predicted", "observed"))]


def mover_rows(people: Mapping[str, Any]) -> Iterator[list[str]]:
    """A row for each of the largest movers, in MOVER_COLUMNS."""
    for mover in people["movers"]:
        yield [
            mover["lead_id"],
            f"{mover['index_a']:.1f}",
            f"{mover['index_b']:.1f}",
            mover["decision_a"],
            mover["decision_b"],
        ]


def moved_rows(rows: Sequence[Mapping[str, Any]]) -> Iterator[list[str]]:
    """A row for each lead whose change was split, in MOVED_COLUMNS; what is printed adds up."""
    for row in rows:
        before, after, lead, model = told_apart(row["before"], row["after"], row["by_lead"])
        yield [row["lead_id"], f"{before:.1f}", f"{after:.1f}", f"{lead:+.1f}", f"{model:+.1f}"]
