import json
from collections.abc import Sequence
from dataclasses import dataclass, replace

import pytest

from data import tables
from data.clock import DAY
from data.errors import BundleError, ContractError
from features.compared import Ratio, Trend
from features.context import Attribute, Calendar
from features.custom import Custom
from features.definitions import Count, DaysSince, DecayedSum, DistinctCount, First, GapMean, Sum
from features.feature import ACTORS, Where
from features.feature_set import FeatureSet, feature_types
from features.lead import Event
from features.local import compute
from features.online import OnlineEngine
from features.vocabulary import Vocabulary


@dataclass(frozen=True, kw_only=True)
class WeekendShare(Custom):
    """The share of a lead's own events that fall on a weekend; null without any."""

    texts = ("channel",)
    channel: str | None = None

    def value(self, events: Sequence[Event], cutoff: int) -> float | None:  # noqa: ARG002  # the method's shape
        """Saturdays and Sundays over all."""
        own = [e for e in events if e.actor == "lead" and self.channel in (None, e.extra["channel"])]
        return sum((e.occurred_at // DAY + 3) % 7 > 4 for e in own) / len(own) if own else None


@pytest.mark.parametrize(
    ("feature", "name", "group"),
    [
        (Count(kinds=("pricing_view",), window=7 * DAY), "pricing_view_count_7d", "pricing_view"),
        (Count(), "engagement_count", "engagement"),
        (Count(kinds=("Demo Request",)), "demo_request_count", "Demo Request"),
        (Count(actor="sales", window=30 * DAY), "sales_touch_count_30d", "sales touches"),
        (Count(kinds=("a", "b")), "a_or_b_count", "engagement"),
        (Count(where=Where("item", ("Price List", "b"))), "where_item_price_list_or_b_count", "engagement"),
        (Sum(window=30 * DAY), "value_sum_30d", "value"),
        (DistinctCount(column="item", window=30 * DAY), "distinct_item_30d", "breadth"),
        (DaysSince(), "engagement_days_since", "recency"),
        (DaysSince(first=True), "engagement_days_since_first", "length of interest"),
        (DecayedSum(kinds=("page_view",), half_life=7 * DAY), "page_view_decayed_7d", "page_view"),
        (GapMean(kinds=("order",)), "order_gap_mean", "order"),
        (First(column="item"), "first_item", "first item"),
        (Trend(short=7 * DAY, window=30 * DAY), "engagement_trend_7d_30d", "momentum"),
        (Ratio(left=Sum(), right=Count()), "value_sum_per_engagement_count", "value"),
        (Attribute(column="Industry"), "industry", "profile: Industry"),
        (Attribute(column="tier", source="accounts"), "account_tier", "profile: account tier"),
        (Calendar(part="month"), "cutoff_month", "season"),
        (WeekendShare(), "weekendshare", "custom"),
    ],
)
def test_names_and_groups_derive_from_the_definition(feature, name, group):
    """A definition says its own name and the question it answers."""
    assert (feature.name, feature.group) == (name, group)


def test_json_gives_back_the_same_set(all_features):
    """The round trip keeps every definition, the names and the fingerprint, custom classes included."""
    features = FeatureSet((*all_features, WeekendShare(channel="web")))
    again = FeatureSet.from_json(features.to_json())
    assert again == features
    assert again.fingerprint == features.fingerprint


def test_the_fingerprint_changes_with_any_definition(all_features):
    """Another window, kind, sign, alias, class or order is another fingerprint."""
    base = FeatureSet((Count(window=7 * DAY), Sum(), WeekendShare()))
    others = [
        (Count(window=8 * DAY), Sum(), WeekendShare()),
        (Count(window=7 * DAY, kinds=("x",)), Sum(), WeekendShare()),
        (Count(window=7 * DAY, actor="lead"), Sum(), WeekendShare()),
        (Count(window=7 * DAY, sign=1), Sum(), WeekendShare()),
        (Count(window=7 * DAY, alias="n"), Sum(), WeekendShare()),
        (Count(window=7 * DAY, where=Where("item", ("x",))), Sum(), WeekendShare()),
        (Count(window=7 * DAY), Sum(column="score"), WeekendShare()),
        (Count(window=7 * DAY), Sum(), WeekendShare(channel="web")),
        (Sum(), Count(window=7 * DAY), WeekendShare()),
        tuple(all_features),
    ]
    prints = {base.fingerprint, *(FeatureSet(features).fingerprint for features in others)}
    assert len(prints) == 1 + len(others)


def test_another_version_of_a_custom_class_is_refused(monkeypatch):
    """A set made with other code than there is now cannot be read."""
    text = FeatureSet((WeekendShare(),)).to_json()
    monkeypatch.setattr(WeekendShare, "version", 2)
    with pytest.raises(BundleError, match="version 1 there and 2 here"):
        FeatureSet.from_json(text)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda content: content | {"more": 1},
        lambda content: content | {"version": 1},
        lambda content: {"features": content["features"]},
        lambda content: content | {"features": [content["features"][0] | {"colour": "red"}]},
        lambda content: content | {"features": [content["features"][0] | {"feature": "Guess"}]},
        lambda content: content | {"features": [content["features"][0] | {"feature": "Feature"}]},
        lambda content: content | {"features": [content["features"][0] | {"window": "7d"}]},
        lambda content: content | {"features": [content["features"][0] | {"window": -1}]},
        lambda content: content | {"features": [content["features"][0] | {"kinds": "abc"}]},
        lambda content: content | {"features": [content["features"][0] | {"where": {"column": "item"}}]},
        lambda content: (
            content
            | {
                "features": [
                    content["features"][0] | {"where": {"column": "i", "values": [], "at_least": None, "below": None}}
                ]
            }
        ),
        lambda content: content | {"features": content["features"] * 2},
        lambda content: content | {"features": 3},
        lambda content: [content],
    ],
)
def test_any_other_json_is_refused(spoil):
    """Unknown keys, wrong types and missing keys are a BundleError, never a guess."""
    content = json.loads(FeatureSet((Count(window=DAY),)).to_json())
    assert FeatureSet.from_json(json.dumps(content))
    with pytest.raises(BundleError):
        FeatureSet.from_json(json.dumps(spoil(content)))


def test_text_that_is_not_json_is_refused():
    """A damaged file is a BundleError too."""
    with pytest.raises(BundleError):
        FeatureSet.from_json("{")


@pytest.mark.parametrize(
    "make",
    [
        lambda: Count(window=0),
        lambda: Count(window=DAY // 3 + 1),
        lambda: Count(actor="robot"),
        lambda: Count(kinds=("a", "a")),
        lambda: Count(sign=2),
        lambda: DecayedSum(half_life=-1),
        lambda: Trend(short=30 * DAY, window=7 * DAY),
        lambda: Trend(short=7 * DAY),
        lambda: Ratio(left=First(), right=Count()),
        lambda: Ratio(left=WeekendShare(), right=Count()),
        lambda: Where("item", ("a", 1.0)),
        lambda: Attribute(column="x", type="list"),
        lambda: Calendar(part="moon"),
        lambda: First(column="day"),
        lambda: FeatureSet((Count(), Count())),
        lambda: FeatureSet((Count(alias="cutoff"),)),
        lambda: FeatureSet((Count(),)).select(["sum"]),
    ],
)
def test_impossible_definitions_are_refused(make):
    """A definition that cannot mean anything is a ContractError when it is written, not when it is computed."""
    with pytest.raises(ContractError):
        make()


def test_every_kind_of_feature_is_specified(all_features):
    """The set that the laws are checked on has every public class of definitions."""
    used = {type(feature).__name__ for feature in all_features}
    assert {name for name, kind in feature_types().items() if not issubclass(kind, Custom)} == used


def test_every_feature_says_what_it_is(all_features):
    """Unit, meaning of null, type and sign are there for each."""
    for feature in all_features:
        assert feature.unit
        assert feature.null
    assert set(all_features.dtypes) == {"number", "category"}
    assert set(all_features.signs) == {0}
    assert len(all_features.groups) == len(all_features)


def test_a_custom_feature_reads_alike_in_tables_and_online(make):
    """One method over the events seen at the cutoff, the same from both feeds; late and later ones are not seen."""
    features = FeatureSet((Count(), WeekendShare(channel="web"), Sum()))
    start = make.START - make.START % (7 * DAY) + 2 * DAY  # a Saturday
    events = [make.event("a", "view", start + day * DAY, channel="web") for day in range(9)]
    events += [make.event("a", "view", start, channel=""), make.event("a", "call", start, actor="sales", channel="web")]
    events.append(make.event("a", "view", start, known_at=start + 50 * DAY, channel="web"))
    cutoffs = [start, start + DAY, start + 5 * DAY, start + 20 * DAY]
    world = make.World([make.lead("a")], events, [], [], [("a", cutoff) for cutoff in cutoffs])
    table = compute(world.history(), world.spine(), features, Vocabulary({})).matrix
    assert table[1:, 1].tolist() == pytest.approx([1, 2 / 5, 4 / 9])
    engine = OnlineEngine(features, Vocabulary({}))
    for row, cutoff in zip(table, cutoffs, strict=True):
        assert engine.row(world.lead("a"), cutoff).tobytes() == row.tobytes()


def test_select_keeps_definitions():
    """A selection is in the order asked for."""
    features = FeatureSet((Count(), Sum(), replace(Count(), window=DAY)))
    assert features.select(["engagement_count_1d", "engagement_count"]).names == (
        "engagement_count_1d",
        "engagement_count",
    )


def test_actors_are_those_of_the_tables():
    """The restated list has not drifted."""
    assert ACTORS == tables.ACTORS
