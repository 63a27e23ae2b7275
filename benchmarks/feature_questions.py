"""The 97 features of the feature benchmark: what every engine in it is asked for."""

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

ENGAGEMENT = (
    *("email_open", "page_view", "email_click", "asset_download", "webinar"),
    *("form_submit", "pricing_view", "reply", "demo_request"),
)
WINDOWS = (DAY, 7 * DAY, 30 * DAY, 90 * DAY, None)


def questions() -> FeatureSet:
    """55 counts, 11 recencies, 6 decayed sums, 4 distinct counts, 3 trends, 2 gaps, 2 firsts, 10 values, 4 others."""
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
    return FeatureSet((*counts, *recencies, *decays, *distinct, *trends, *others))
