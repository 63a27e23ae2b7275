"""The feature dictionary: what each feature means in one sentence, written from its definition alone."""

from collections.abc import Iterator
from functools import singledispatch

from data.clock import format_duration
from features.compared import Difference, Ratio, Trend
from features.context import Attribute, Calendar, Tenure
from features.custom import Custom
from features.definitions import (
    Count,
    DaysSince,
    DecayedSum,
    DistinctCount,
    First,
    GapMean,
    GapStd,
    Last,
    Max,
    Mean,
    Min,
    Sum,
)
from features.feature import Feature, OverEvents, Where
from features.feature_set import FeatureSet

HEAD = """# Feature dictionary

{count} features, fingerprint `{fingerprint}`. It is the sha256 of their definitions: it changes with any of them.

A feature is a question about a lead's past at a cutoff. It sees the events with occurred_at in the window before the
cutoff and known_at before the cutoff; nothing later leaves a trace. *Engagement* is what anyone but sales did. Numbers
are stored as float32, categories as codes of the bundle's vocabulary. *Sign* says in which direction alone the feature
may move the readiness: + up, - down, nothing where that is not certain.
"""


def to_markdown(feature_set: FeatureSet) -> str:
    """The dictionary of a feature set, by the question that its features answer."""
    groups: dict[str, list[Feature]] = {}
    for feature in feature_set:
        groups.setdefault(feature.group, []).append(feature)
    lines = [HEAD.format(count=len(feature_set), fingerprint=feature_set.fingerprint)]
    for group, features in groups.items():
        lines += [f"## {group}", "", *_table(features), ""]
    return "\n".join(lines)


def _table(features: list[Feature]) -> Iterator[str]:
    yield "| feature | what it is | type | unit | null when | sign |"
    yield "|---|---|---|---|---|---|"
    for f in features:
        cells = (f"`{f.name}`", meaning(f), f.dtype, f.unit, f.null, {1: "+", -1: "-"}.get(f.sign, ""))
        yield "| " + " | ".join(cell.replace("|", r"\|") for cell in cells) + " |"


@singledispatch
def meaning(feature: Feature) -> str:
    """What a feature is, in one sentence without a full stop."""
    return feature.name


@meaning.register
def _(feature: Count) -> str:
    return f"how many events: {_which(feature)}"


@meaning.register
def _(feature: DistinctCount) -> str:
    what = {"day": "UTC days", "kind": "kinds", "lead": "leads"}.get(feature.column, f"values of {feature.column}")
    return f"how many different {what} among the events: {_which(feature)}"


@meaning.register
def _(feature: Sum) -> str:
    return _summary("sum", feature, feature.column)


@meaning.register
def _(feature: Mean) -> str:
    return _summary("mean", feature, feature.column)


@meaning.register
def _(feature: Max) -> str:
    return _summary("largest value", feature, feature.column)


@meaning.register
def _(feature: Min) -> str:
    return _summary("smallest value", feature, feature.column)


def _summary(what: str, feature: OverEvents, column: str) -> str:
    return f"{what} of {column} over the events: {_which(feature)}"


@meaning.register
def _(feature: DaysSince) -> str:
    return f"days from the {'earliest' if feature.first else 'latest'} event to the cutoff: {_which(feature)}"


@meaning.register
def _(feature: DecayedSum) -> str:
    what = f"sum of {feature.column}" if feature.column else "count of events"
    return f"{what} with weights that halve every {format_duration(feature.half_life)}: {_which(feature)}"


@meaning.register
def _(feature: GapMean) -> str:
    return f"mean days from one event to the next: {_which(feature)}"


@meaning.register
def _(feature: GapStd) -> str:
    return f"standard deviation of the days from one event to the next: {_which(feature)}"


@meaning.register(First)
@meaning.register(Last)
def _(feature: First | Last) -> str:
    which = "earliest" if isinstance(feature, First) else "latest"
    return f"{feature.column} of the {which} event that has one: {_which(feature)}"


@meaning.register
def _(feature: Trend) -> str:
    what = f"sum of {feature.column}" if feature.column else "count of events"
    short, long = format_duration(feature.short), format_duration(feature.window or 0)
    whose = _who(feature)
    return f"rate of the last {short} over the rate of the last {long} ({what}; 1 is steady): {whose}"


@meaning.register
def _(feature: Ratio) -> str:
    return f"`{feature.left.name}` / `{feature.right.name}`"


@meaning.register
def _(feature: Difference) -> str:
    return f"`{feature.left.name}` - `{feature.right.name}`"


@meaning.register
def _(feature: Attribute) -> str:
    of = "the account's" if feature.of_account else "the lead's"
    when = {
        "leads": "as known at its creation",
        "accounts": "as its table says",
        "changes": "as of the cutoff, by the log of changes",
        "account_changes": "as of the cutoff, by the log of changes",
    }[feature.source]
    what = f"days since {feature.column}" if feature.type == "time" else feature.column
    return f"{of} {what}, {when}"


@meaning.register
def _(_feature: Tenure) -> str:
    return "days from the lead's creation to the cutoff"


@meaning.register
def _(feature: Calendar) -> str:
    return f"{feature.part} of the cutoff, UTC"


@meaning.register
def _(feature: Custom) -> str:
    said = (type(feature).__doc__ or "").strip().splitlines()
    return f"{said[0].rstrip('.') if said else type(feature).__name__} (own class, version {feature.version})"


def _which(feature: OverEvents) -> str:
    """Whose events, of which kinds, with which values, how far back."""
    span = "ever" if feature.window is None else f"in the {format_duration(feature.window)} before the cutoff"
    return f"{_who(feature)}, {span}"


def _who(feature: OverEvents) -> str:
    kinds = " or ".join(feature.kinds) or ("engagement" if feature.actor is None else "anything")
    by = {"sales": " by sales", "lead": " by the lead", "marketing": " by marketing"}.get(feature.actor or "", "")
    where = "".join(f" with {_condition(one)}" for one in feature.conditions)
    per = " of any lead of the account" if feature.per == "account" else ""
    return f"{kinds}{by}{where}{per}"


def _condition(where: Where) -> str:
    if where.values:
        return f"{where.column} {' or '.join(f'{v:g}' if isinstance(v, float) else v for v in where.values)}"
    low = "" if where.at_least is None else f" of at least {where.at_least:g}"
    high = "" if where.below is None else f" below {where.below:g}"
    return f"{where.column}{low}{' and' if low and high else ''}{high}"
