"""The features of the benchmark: the 97 that every engine is asked for, and fewer or more to see what each costs."""

import random

from benchmarks.feature_market import CHANNELS, INDUSTRIES
from data.clock import DAY
from features.compared import Trend
from features.context import Attribute, Tenure
from features.definitions import (
    Count,
    DaysSince,
    DecayedSum,
    DistinctCount,
    First,
    GapMean,
    GapStd,
    Max,
    Mean,
    Min,
    Sum,
)
from features.feature import Feature
from features.feature_set import FeatureSet
from features.vocabulary import Vocabulary

ENGAGEMENT = (
    *("email_open", "page_view", "email_click", "asset_download", "webinar"),
    *("form_submit", "pricing_view", "reply", "demo_request"),
)
WINDOWS = (DAY, 7 * DAY, 30 * DAY, 90 * DAY, None)
FURTHER_WINDOWS = tuple(days * DAY for days in (2, 3, 14, 21, 60, 180, 365))
LEVELS = {
    "first_kind": tuple(sorted(ENGAGEMENT)),
    "first_channel": tuple(sorted(CHANNELS)),
    "industry": tuple(sorted(INDUSTRIES)),
}
"""The levels of each category, in the order of their codes."""
VOCABULARY = Vocabulary(
    {
        "events.kind": LEVELS["first_kind"],
        "events.channel": LEVELS["first_channel"],
        "leads.industry": LEVELS["industry"],
    }
)


def questions(count: int = 0) -> FeatureSet:
    """The 97 features, or ``count`` of about 300 drawn at random, so that each number of them is a like mixture.

    55 counts, 11 recencies, 6 decayed sums, 4 distinct counts, 3 trends, 2 gaps, 2 firsts, 10 values, 4 others.
    """
    if not count:
        return FeatureSet(tuple(_asked()))
    every = [*_asked(), *_further()]
    if count > len(every):
        raise ValueError(f"{count} features were asked for. Expected at most {len(every)}.")
    return FeatureSet(tuple(random.Random(0).sample(every, count)))  # noqa: S311  # a fixed mixture, no secret


def _asked() -> list[Feature]:
    counts: list[Feature] = [Count(window=window) for window in WINDOWS]
    counts += [Count(kinds=(kind,), window=window) for kind in ENGAGEMENT for window in WINDOWS]
    counts += [Count(actor="sales", window=window) for window in WINDOWS]
    recencies: list[Feature] = [DaysSince(), *(DaysSince(kinds=(kind,)) for kind in ENGAGEMENT)]
    recencies.append(DaysSince(actor="sales"))
    decays = [DecayedSum(half_life=span * DAY) for span in (7, 30)]
    decays += [DecayedSum(kinds=(kind,), half_life=7 * DAY) for kind in ("page_view", "pricing_view")]
    decays += [DecayedSum(kinds=(kind,), half_life=30 * DAY) for kind in ("reply", "email_open")]
    distinct = [DistinctCount(column=column, window=w) for column in ("item", "kind") for w in (30 * DAY, None)]
    trends = [Trend(short=7 * DAY, window=30 * DAY), Trend(short=30 * DAY, window=90 * DAY)]
    trends.append(Trend(kinds=("page_view",), short=7 * DAY, window=30 * DAY))
    values = [Sum(window=w) for w in WINDOWS[1:]] + [Max(window=w) for w in (30 * DAY, 90 * DAY, None)]
    others: list[Feature] = [GapMean(), GapStd(), First(column="kind"), First(column="channel"), *values]
    others += [Mean(window=90 * DAY), Mean(), DaysSince(first=True), Tenure()]
    others += [Min(), Attribute(column="industry"), Attribute(column="employees", type="number")]
    return [*counts, *recencies, *decays, *distinct, *trends, *others]


def _further() -> list[Feature]:
    """More of the same kinds: other windows, half-lives and single kinds."""
    subjects = [(), *((kind,) for kind in ENGAGEMENT)]
    further: list[Feature] = [Count(kinds=kinds, window=w) for kinds in subjects for w in FURTHER_WINDOWS]
    further += [Sum(kinds=kinds, window=w) for kinds in subjects[1:] for w in WINDOWS[1:]]
    further += [Max(kinds=kinds, window=w) for kinds in subjects[1:] for w in WINDOWS[2:]]
    further += [DecayedSum(kinds=kinds, half_life=span * DAY) for kinds in subjects for span in (3, 14, 90)]
    further += [DistinctCount(column="item", kinds=kinds, window=w) for kinds in subjects[1:] for w in WINDOWS[2:]]
    return [*further, *(Mean(kinds=kinds) for kinds in subjects[1:])]
