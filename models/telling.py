"""One feature's question, answered in a sentence from the lead's own facts.

The sentences say what happened and when; they never say that it caused anything.
"""

from collections.abc import Callable, Sequence
from functools import cache, singledispatch
from typing import NamedTuple

from data.clock import DAY, from_micros
from features.compared import Difference, Ratio, Trend
from features.context import Attribute, Calendar, Tenure
from features.definitions import DistinctCount, First, GapMean, GapStd, Last, Max, Mean, Min, Sum
from features.feature import Feature, OverEvents, Where
from features.lead import Scalar
from features.reading import read_moment, read_number, read_text
from models import wording
from models.facts import LULL, Facts, all_told_apart, latest_run, looks_at, selected, told_apart

NOTHING = "no engagement yet"


class Told(NamedTuple):
    """A sentence, and the moments (microseconds) of the first and last event that it speaks of, if any."""

    text: str
    since: int | None = None
    until: int | None = None


@singledispatch
def tell(feature: Feature, facts: Facts) -> Told:
    """The sentence for ``feature``; a feature of a class of its own is told by its name and number."""
    value = "not known" if facts.value != facts.value else wording.number(facts.value)
    return Told(f"{wording.phrase(feature.name)}: {value}")


def subjects(feature: Feature) -> set[str]:
    """What the sentences of ``feature`` can be about: features that ever tell the same share one."""
    if isinstance(feature, Ratio | Difference):
        return subjects(feature.left)
    if isinstance(feature, OverEvents):
        column = getattr(feature, "column", None)
        return {_noun(feature), *([wording.phrase(column)] if isinstance(column, str) else [])}
    if isinstance(feature, Attribute):
        return {("account " if feature.of_account else "") + wording.phrase(feature.column)}
    return {wording.phrase(feature.name)}


@tell.register
def _(feature: OverEvents, facts: Facts) -> Told:
    """Counts, sums with decay, recency: the latest run of such events, and the silence around it."""
    asked = ("told", looks_at(feature))
    told: Told | None = facts.known.get(asked)
    if told is None:
        told = facts.known[asked] = _tell_run(feature, facts)
    return told


def _tell_run(feature: OverEvents, facts: Facts) -> Told:
    noun = _noun(feature)
    times = selected(feature, facts, window=None).times
    if not times:
        return Told(NOTHING if noun == "engagement" else f"no {noun} yet")
    latest = times[-1]
    silent = facts.as_of - latest
    if silent >= LULL:
        return Told(f"no {noun} for {wording.days(silent)}, the last on {wording.date(latest)}", None, latest)
    first = latest_run(times)
    count, since = len(times) - first, times[first]
    text = f"{wording.counted(count, noun)} {'on' if count == 1 else 'since'} {wording.date(since)}"
    if first:
        text += f"; nothing for {wording.days(since - times[first - 1])} before that"
    return Told(text, since, latest)


@tell.register
def _(feature: DistinctCount, facts: Facts) -> Told:
    events = selected(feature, facts, feature.window)
    found = all_told_apart(events, feature.column) - {None}
    if not found:
        return _nothing(feature)
    noun = "kind" if feature.column == "kind" else wording.phrase(feature.column)
    what = "" if feature.column == "day" else f" of {_noun(feature)}"
    return _spanned(f"{wording.counted(len(found), noun)}{what or f' with {_noun(feature)}'}", events.times)


def _tell_rhythm(feature: GapMean | GapStd, facts: Facts) -> Told:
    times = selected(feature, facts, feature.window).times
    if len(times) < 2:
        return _nothing(feature) if not times else _spanned(f"one {_noun(feature)} only", times)
    mean = (times[-1] - times[0]) / (len(times) - 1) / DAY
    every = "day" if mean < 1.5 else f"{mean:.0f} days"
    often = "several times a day" if mean < 0.5 else f"every {every} on average"
    return _spanned(f"{wording.counted(len(times), _noun(feature))}, {often},", times)


tell.register(GapMean)(_tell_rhythm)
tell.register(GapStd)(_tell_rhythm)


@tell.register
def _(feature: Trend, facts: Facts) -> Told:
    long, short = (selected(feature, facts, window).times for window in (feature.window, feature.short))
    if not long:
        return Told(f"no {_noun(feature)} in the last {wording.days(feature.window or 0)}")
    recent = f"{len(short)} in the last {wording.days(feature.short)}"
    whole = f"{wording.counted(len(long), _noun(feature))} in the last {wording.days(feature.window or 0)}"
    return Told(f"{whole}, {recent}", long[0], long[-1])


def _tell_numbers(feature: Sum | Mean | Max | Min, facts: Facts) -> Told:
    events = selected(feature, facts, feature.window)
    told = list(zip(events.times, map(read_number, events.column(feature.column)), strict=True))
    times = [time for time, number in told if number == number]  # noqa: PLR0124  NaN is not itself
    name = wording.phrase(feature.column)
    if not times:
        return Told(f"no {name} yet")
    numbers = [number for _, number in told if number == number]  # noqa: PLR0124  likewise
    total = 0.0
    for one in numbers:
        total += one
    summaries: dict[type[Feature], tuple[str, float]] = {
        Sum: ("in total", total),
        Mean: ("on average", total / len(numbers)),
        Max: ("at the most", max(numbers)),
        Min: ("at the least", min(numbers)),
    }
    words, value = summaries[type(feature)]
    return _spanned(f"{name} {wording.number(value)} {words} in {wording.counted(len(times), _noun(feature))}", times)


for _kind in (Sum, Mean, Max, Min):
    tell.register(_kind)(_tell_numbers)


def _tell_one(feature: First | Last, facts: Facts) -> Told:
    events = selected(feature, facts, feature.window)
    is_last = isinstance(feature, Last)
    told = ((told_apart(*one, feature.column), one[1]) for one in events.in_turn(feature.column, latest_first=is_last))
    value, time = next((one for one in told if one[0] is not None), (None, 0))
    if value is None:
        return _nothing(feature)
    name = _noun(feature) if feature.column == "kind" else f"{wording.phrase(feature.column)} of {_noun(feature)}"
    text = wording.phrase(str(value)) if feature.column == "kind" else str(value)
    return Told(f"{'last' if is_last else 'first'} {name}: {text} on {wording.date(time)}", time, time)


tell.register(First)(_tell_one)
tell.register(Last)(_tell_one)


def _tell_left(feature: Ratio | Difference, facts: Facts) -> Told:
    return tell(feature.left, facts)


tell.register(Ratio)(_tell_left)
tell.register(Difference)(_tell_left)


@tell.register
def _(feature: Attribute, facts: Facts) -> Told:
    name = ("account " if feature.of_account else "") + wording.phrase(feature.column)
    value = _known(feature, facts)
    readers: dict[str, Callable[[Scalar], str | None]] = {"number": _as_number, "time": _as_date, "category": read_text}
    text = readers[feature.type](value)
    return Told(f"{name} not known" if text is None else f"{name}: {text}")


@tell.register
def _(feature: Tenure, facts: Facts) -> Told:
    del feature
    created = facts.lead.created_at
    return Told(f"created {wording.days(facts.as_of - created)} ago, on {wording.date(created)}", created)


@tell.register
def _(feature: Calendar, facts: Facts) -> Told:
    when = from_micros(facts.as_of)
    words = {
        "month": f"asked in {wording.MONTHS[when.month - 1]}",
        "weekday": f"asked on a {wording.WEEKDAYS[when.weekday()]}",
        "hour": f"asked at {when.hour:02}:00 UTC",
    }
    return Told(words[feature.part])


def _known(feature: Attribute, facts: Facts) -> Scalar:
    """The raw value as of the moment, by the same rule as the feature."""
    if feature.source == "accounts":
        return facts.lead.account_attributes.get(feature.column)
    if feature.source == "leads":
        return facts.lead.attributes.get(feature.column)
    changes = facts.lead.account_changes if feature.of_account else facts.lead.changes
    known = [c for c in changes if c.field == feature.column and c.known_at < facts.as_of]
    latest = max(known, key=lambda change: (change.known_at, read_text(change.value) or ""), default=None)
    return None if latest is None else latest.value


def _as_number(value: Scalar) -> str | None:
    return wording.number(read_number(value)) if _is_number(value) else None


def _as_date(value: Scalar) -> str | None:
    moment = read_moment(value)
    return wording.date(int(moment)) if moment == moment else None  # noqa: PLR0124  NaN is not itself


def _is_number(value: Scalar) -> bool:
    number = read_number(value)
    return number == number  # noqa: PLR0124  NaN is not itself


def _noun(feature: OverEvents) -> str:
    """What such an event is called."""
    return _named(*looks_at(feature))


@cache
def _named(kinds: tuple[str, ...], actor: str | None, where: Where | tuple[Where, ...] | None, per: str) -> str:
    noun = wording.phrase(kinds[0]) if len(kinds) == 1 else "engagement"
    if len(kinds) > 1:
        noun = " or ".join(wording.phrase(kind) for kind in kinds)
    if actor == "sales":
        noun = "sales touch" if not kinds else f"{noun} by sales"
    if where:
        noun += " with " + " and ".join(_condition(one) for one in (where if isinstance(where, tuple) else (where,)))
    return f"{noun} of the account" if per == "account" else noun


def _condition(where: Where) -> str:
    values = " or ".join(wording.number(v) if isinstance(v, float) else v for v in where.values)
    low = "" if where.at_least is None else f"from {wording.number(where.at_least)}"
    high = "" if where.below is None else f"below {wording.number(where.below)}"
    return " ".join(word for word in (wording.phrase(where.column), values, low, high) if word)


def _nothing(feature: OverEvents) -> Told:
    noun = _noun(feature)
    return Told(NOTHING if noun == "engagement" else f"no {noun} yet")


def _spanned(text: str, times: Sequence[int]) -> Told:
    first, last = times[0], times[-1]
    when = f"on {wording.date(first)}" if wording.date(first) == wording.date(last) else f"since {wording.date(first)}"
    return Told(f"{text} {when}", first, last)
