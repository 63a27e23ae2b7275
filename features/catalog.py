"""The page that a data scientist edits: which features there are.

``default_catalog`` makes about 60 to 200 of them from what a history has to offer; fewer where it has less. Windows,
half-lives and shares are the constants below. Each paragraph is one question about a lead.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import replace

from data.clock import DAY
from features.compared import Difference, Ratio, Trend
from features.context import Calendar, Tenure
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
    Sum,
)
from features.feature import Feature, Where
from features.feature_set import RESERVED, FeatureSet
from features.profile import Profile

WINDOWS = (7 * DAY, 30 * DAY, 90 * DAY, None)
HALF_LIVES = (7 * DAY, 30 * DAY)
MIN_SHARE = 0.002
"""A kind below this share of the engagement has no features of its own; it still counts as engagement."""
MAX_KINDS = 20
MANY_KINDS = 12
"""With more kinds than this, each gets fewer features."""
MAX_ITEMS = 8
"""A kind whose events are of 2 to so many items has features for each item: not every download means the same."""
FEW_ITEMS = 0.8
"""That is, when so large a share of its events is of its MAX_ITEMS most frequent items."""
LEAST_EVENTS = 20
"""An item that occurred fewer times than this has none: there is nothing to learn from so few."""
MAX_COLUMNS = 4
"""So many number columns, and text columns, of events at the most, the best filled first."""
MAX_LEVELS = 50
"""Text columns with more levels than this are counted, but their first and last level is no feature."""

SEASONS = 2 * 365 * DAY
"""A month of the year says something once it has been seen twice; before that it is only a name for lately."""

INTENT = ("pricing", "demo", "trial", "quote", "contact", "reply", "meeting", "purchase")
"""Words in a kind whose events can only speak for a lead: more and fresher ones never lower its readiness."""


def default_catalog(profile: Profile) -> FeatureSet:
    """The features for a history of this profile."""
    return FeatureSet(tuple(_distinct_names(_all(profile))))


def _all(profile: Profile) -> Iterator[Feature]:
    kinds = own_kinds(profile)
    if profile.kinds:
        yield from _engagement()
        yield from _rhythm()
        yield from _breadth(profile)
    for kind in kinds:
        yield from _kind(kind, few=len(kinds) > MANY_KINDS)
        for item in own_items(profile, kind):
            yield from _item(kind, item)
    for column in list(profile.numbers)[:MAX_COLUMNS]:
        yield from _number(column)
    if profile.touches:
        yield from _touches()
    yield from profile.attributes
    yield Tenure()
    if profile.span >= SEASONS:
        yield Calendar(part="month")


def own_kinds(profile: Profile) -> list[str]:
    """The kinds with features of their own: a single kind is all engagement and needs none."""
    total = sum(profile.kinds.values())
    frequent = [kind for kind, count in profile.kinds.items() if count >= MIN_SHARE * total]
    return frequent[:MAX_KINDS] if len(profile.kinds) > 1 else []


def own_items(profile: Profile, kind: str) -> list[str]:
    """The items of a kind with features of their own: of a few that are common, not of a shop's thousands."""
    counts = profile.items.get(kind, {})
    first = list(counts)[:MAX_ITEMS]
    few = sum(counts[item] for item in first) >= FEW_ITEMS * profile.kinds[kind]
    least = max(MIN_SHARE * sum(profile.kinds.values()), LEAST_EVENTS)
    common = [item for item in first if counts[item] >= least]
    return common if few and len(counts) > 1 else []


def _engagement() -> Iterator[Feature]:
    """How much, how fresh, how lasting."""
    for window in WINDOWS:
        yield Count(window=window)
    for half_life in HALF_LIVES:
        yield DecayedSum(half_life=half_life)
    yield DaysSince()
    yield DaysSince(first=True)
    yield Trend(short=7 * DAY, window=30 * DAY)
    yield Trend(short=30 * DAY, window=90 * DAY)


def _rhythm() -> Iterator[Feature]:
    """How regularly the lead comes back, and whether it is overdue."""
    yield GapMean()
    yield GapStd()
    yield Difference(left=DaysSince(), right=GapMean(), alias="days_overdue")
    yield Ratio(left=DaysSince(), right=GapMean(), alias="gaps_since")


def _breadth(profile: Profile) -> Iterator[Feature]:
    """On how many days, in how many ways, in how many things."""
    many_kinds = ["kind"] if len(profile.kinds) > 1 else []
    texts = list(profile.texts)[:MAX_COLUMNS]
    for column in ("day", *many_kinds, *texts):
        for window in (30 * DAY, 90 * DAY, None):
            yield DistinctCount(column=column, window=window)
    for column in (*many_kinds, *(text for text in texts if 1 < profile.texts[text] <= MAX_LEVELS)):
        yield First(column=column)
        yield Last(column=column)


def _kind(kind: str, *, few: bool) -> Iterator[Feature]:
    """One kind of engagement: how often, how lately."""
    kinds = (kind,)
    sign = int(any(word in kind.lower() for word in INTENT))
    for window in (30 * DAY, None) if few else WINDOWS:
        yield Count(kinds=kinds, window=window, sign=sign)
    for half_life in HALF_LIVES[1:] if few else HALF_LIVES:
        yield DecayedSum(kinds=kinds, half_life=half_life, sign=sign)
    yield DaysSince(kinds=kinds, sign=-sign)


def _item(kind: str, item: str) -> Iterator[Feature]:
    """One item of a kind: how often, how lately."""
    kinds, where = (kind,), Where("item", (item,))
    yield Count(kinds=kinds, where=where)
    for half_life in HALF_LIVES:
        yield DecayedSum(kinds=kinds, where=where, half_life=half_life)
    yield DaysSince(kinds=kinds, where=where)


def _number(column: str) -> Iterator[Feature]:
    """What it was worth."""
    for window in (30 * DAY, 90 * DAY, None):
        yield Sum(column=column, window=window)
    yield Mean(column=column)
    yield Mean(column=column, window=90 * DAY)
    yield Max(column=column)
    yield DecayedSum(column=column, half_life=HALF_LIVES[1])


def _touches() -> Iterator[Feature]:
    """What sales did: never engagement, a question of its own."""
    for window in (30 * DAY, None):
        yield Count(actor="sales", window=window)
    yield DaysSince(actor="sales")


def _distinct_names(features: Iterator[Feature]) -> Iterator[Feature]:
    """Where two kinds or columns have the same name but for signs, the later one gets a suffix of its own."""
    taken = set(RESERVED)
    for feature in features:
        named = feature
        if feature.name in taken:
            suffix = hashlib.sha256(repr(feature).encode()).hexdigest()[:6]
            named = replace(feature, alias=f"{feature.name}_{suffix}")
        taken.add(named.name)
        yield named
