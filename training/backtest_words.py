"""A backtest told: sentences for everybody, and rows of tables."""

from collections.abc import Iterator, Mapping
from typing import Any

from training import summary
from training.shift import MUCH
from training.wording import counted, day, figure, long_duration, percent, whole

Result = Mapping[str, Any]


def sentences(result: Result) -> list[str]:
    """The findings, most important first."""
    primary = result["horizons"][result["primary"]]
    if primary["why"] is not None:  # figures of two or three wins would only mislead
        return [what(result), f"{primary['why'].capitalize()} to say how well it ranks; bring a longer history."]
    found = [
        what(result),
        summary.calls(result),
        summary.more_than_points(result),
        summary.true_percentages(result),
        summary.ranking(primary["models"], result["served"]),
        _steadiness(result),
        drift_sentence(result) if result.get("drift") else None,
        summary.curve_sentence(result),
    ]
    return [sentence for sentence in found if sentence]


def what(result: Result) -> str:
    """When it was trained, and what it was judged on."""
    folds, primary = result["folds"], result["horizons"][result["primary"]]
    first, last = day(folds[0]["from"]), day(folds[-1]["from"])
    when = f"as of {first}" if len(folds) == 1 else f"as of {len(folds)} moments from {first} to {last}"
    judged = long_duration(result["settings"]["span"])
    return (
        f"Trained {when}, each time from what was known then, and judged on the {judged} that followed: "
        f"{counted(primary['n'], 'row')} of {counted(primary['leads'], 'lead')}, of whom {whole(primary['wins'])} "
        f"{summary.outcome_within(result)}."
    )


def _steadiness(result: Result) -> str | None:
    """How the figures move from fold to fold."""
    aucs = [fold["models"][result["served"]]["auc"] for fold in result["folds"] if fold["models"]]
    if len(aucs) < 2:
        return None
    rates = [fold["rate"] for fold in result["folds"]]
    gaps = [(abs(fold["told"] - fold["rate"]), fold) for fold in result["folds"]]
    worst = max(gaps, key=lambda gap: gap[0])[1]
    return (
        f"From fold to fold the AUC lay between {figure('auc', min(aucs))} and {figure('auc', max(aucs))}, and the "
        f"share that won between {percent(min(rates))} and {percent(max(rates))}; the model was furthest off from "
        f"{day(worst['from'])} on: told {percent(worst['told'])} on average, came true {percent(worst['rate'])}."
    )


FOLD_COLUMNS = ("from", "learned from", "judged", "came true", "told", "AUC", "log loss saved", "caught")


def fold_rows(result: Result) -> Iterator[list[str]]:
    """A row for each fold, in FOLD_COLUMNS."""
    for fold in result["folds"]:
        served = fold["models"].get(result["served"])
        capacity = fold["capacity"]
        caught = capacity["models"][result["served"]]["caught"] if capacity else 0
        yield [
            day(fold["from"]),
            counted(fold["learned"]["train_wins"], "win"),
            counted(fold["wins"], "win"),
            percent(fold["rate"]),
            percent(fold["told"]),
            summary.plus_minus(served["auc"], served["intervals"]["auc"]) if served else fold["why"],
            _saved(fold["models"], result["served"]),
            f"{whole(caught)} of {whole(capacity['wins'])}" if capacity else "-",
        ]


GROUP_COLUMNS = (
    "group",
    "rows",
    "came true",
    "told",
    "AUC",
    "points' AUC",
    "log loss saved",
    "lift at 10 %",
    "calls",
    "caught",
)


def group_rows(part: Mapping[str, Any], served: str) -> Iterator[list[str]]:
    """A row for each group of a segment, in GROUP_COLUMNS."""
    for group in part["groups"]:
        models = group["models"]
        ours = models.get(served)
        yield [
            group["name"],
            f"{whole(group['n'])}, {counted(group['wins'], 'win')}",
            percent(group["rate"]),
            percent(group["told"]),
            summary.plus_minus(ours["auc"], ours["intervals"]["auc"]) if ours else group["why"],
            figure("auc", models["points"]["auc"]) if "points" in models else "-",
            _saved(models, served),
            figure("lift_at_10", ours["lift_at_10"]) if ours else "-",
            *_called(group, served),
        ]


def _called(group: Mapping[str, Any], served: str) -> tuple[str, str]:
    """How many of the calls of the list went to a group, and what they caught there."""
    if "calls" not in group:
        return "-", "-"
    told = group["calls"]["models"][served]
    return whole(told["calls"]), f"{whole(told['caught'])} of {whole(group['calls']['wins'])}"


DRIFT_COLUMNS = ("feature", "push")
MOST_DRIFTED = 12


def drift_columns(result: Result) -> tuple[str, ...]:
    """The head of the table of features that moved: a column for each fold."""
    return (*DRIFT_COLUMNS, *(day(fold["from"]) for fold in result["folds"]))


def drift_rows(result: Result) -> Iterator[list[str]]:
    """A row for each of the features that moved most, the most moved first."""
    for row in result["drift"][:MOST_DRIFTED]:
        yield [row["feature"], f"{row['push']:.3f}", *("-" if s is None else f"{s:.2f}" for s in row["shift"])]


def drift_sentence(result: Result) -> str | None:
    """How many features moved much, and which of those that count for something most; None where none did."""
    moved = [row for row in result["drift"] if max((s for s in row["shift"] if s is not None), default=0.0) > MUCH]
    if not moved:
        return None
    first = max(moved, key=lambda row: row["push"])
    return (
        f"{counted(len(moved), 'feature')} of {whole(len(result['drift']))} moved much between what was learned from "
        f"and what was judged (index above {MUCH}); of these {first['feature']} moves the readiness most."
    )


def _saved(models: Mapping[str, Any], served: str) -> str:
    """By how much the served log loss is below that of the base rate; a minus where it is above."""
    if not {"prior", served} <= set(models):
        return "-"
    return f"{100 * (1 - models[served]['log_loss'] / models['prior']['log_loss']):.1f} %"


def groups(result: Result) -> list[Mapping[str, Any]]:
    """The segments, the ages and whether a lead was met, in the order in which they are shown."""
    return [*result["segments"], result["ages"], result["met"]]
