import pytest

from data.clock import DAY
from data.history import History
from features.catalog import default_catalog, own_items, own_kinds
from features.context import Attribute
from features.levels import learn
from features.local import compute
from features.profile import Profile, profile

ENGAGEMENT = [
    *("engagement_count_7d", "engagement_count_30d", "engagement_count_90d", "engagement_count"),
    *("engagement_decayed_7d", "engagement_decayed_30d", "engagement_days_since", "engagement_days_since_first"),
    *("engagement_trend_7d_30d", "engagement_trend_30d_90d"),
    *("engagement_gap_mean", "engagement_gap_std", "days_overdue", "gaps_since"),
]
BREADTH = [
    *("distinct_day_30d", "distinct_day_90d", "distinct_day"),
    *("distinct_kind_30d", "distinct_kind_90d", "distinct_kind"),
    *("distinct_item_30d", "distinct_item_90d", "distinct_item"),
    *("first_kind", "last_kind", "first_item", "last_item"),
]
OF_KINDS = [
    f"{kind}_{what}"
    for kind in ("view", "pricing_view")
    for what in ("count_7d", "count_30d", "count_90d", "count", "decayed_7d", "decayed_30d", "days_since")
]
VALUE = [
    *("value_sum_30d", "value_sum_90d", "value_sum"),
    *("value_mean", "value_mean_90d", "value_max", "value_decayed_30d"),
]
REST = ["sales_touch_count_30d", "sales_touch_count", "sales_touch_days_since", "industry", "size", "tenure_days"]


@pytest.fixture
def small(make):
    """Two kinds with values and items, one sales touch, two attributes."""
    kinds = ["view", "view", "pricing view", "view"]
    events = [
        make.event("a", kind, make.START + k * DAY, value=float(k), item=f"page {k}") for k, kind in enumerate(kinds)
    ]
    events.append(make.event("a", "call", make.START, actor="sales"))
    return make.World([make.lead("a", industry="x", size=3.0)], events, [], [], [("a", make.START + 9 * DAY)])


def test_the_names_of_a_small_catalog_are_frozen(small, make):
    """Renaming a feature breaks stored reports and dashboards: it must be meant."""
    found = default_catalog(profile(small.history(), make.START + 9 * DAY))
    assert list(found.names) == [*ENGAGEMENT, *BREADTH, *OF_KINDS, *VALUE, *REST]


def test_the_catalog_can_be_computed(small, make):
    """What the catalog asks for, the same history answers."""
    history = small.history()
    features = default_catalog(profile(history, history.ends_at))
    table = compute(history, small.spine(), features, learn(history, features, history.ends_at, min_count=1))
    answers = table.to_arrow().to_pylist()[0]
    assert (answers["engagement_count"], answers["value_sum"], answers["sales_touch_count"]) == (4, 6, 1)
    assert (answers["industry"], answers["first_kind"], answers["last_item"]) == ("x", "view", "page 3")
    assert answers["cutoff"].timestamp() * 1e6 == make.START + 9 * DAY
    frame = table.to_pandas()
    assert frame["industry"].dtype == "category"
    assert frame["distinct_item"].tolist() == [4]


def test_intent_has_a_sign_and_the_rest_has_none(small, make):
    """Only kinds that can only speak for a lead bind the trees."""
    found = default_catalog(profile(small.history(), make.START + 9 * DAY))
    signs = {name: sign for name, sign in zip(found.names, found.signs, strict=True) if sign}
    assert signs.keys() == {name for name in OF_KINDS if name.startswith("pricing_view")}
    assert signs["pricing_view_days_since"] == -1
    assert signs["pricing_view_count"] == 1


@pytest.mark.parametrize(
    ("kinds", "low", "high"),
    [
        (dict.fromkeys("abcdefghij", 100), 90, 130),
        (dict.fromkeys("abcdefghijklmnopqrst", 100), 90, 150),
        ({}, 1, 10),
        ({"order": 100}, 25, 60),
    ],
)
def test_the_catalog_fits_sparse_and_dense_histories(kinds, low, high):
    """Ten kinds, twenty kinds, none, and a single one give a table of a sensible width."""
    filled = {"value": 9} if kinds else {}
    there = Profile(kinds, {}, filled, {"item": 500} if kinds else {}, (Attribute(column="industry"),))
    assert low <= len(default_catalog(there)) <= high


def test_rare_kinds_are_engagement_only():
    """A kind below the share has no features of its own, and neither has the only kind there is."""
    there = Profile({"view": 999, "order": 10, "odd": 1}, {}, {}, {}, ())
    assert own_kinds(there) == ["view", "order"]
    assert own_kinds(Profile({"order": 10}, {}, {}, {}, ())) == []


def test_kinds_with_the_same_name_stay_apart():
    """Kinds that differ only in signs get names of their own."""
    found = default_catalog(Profile({"Page View": 5, "page-view": 5}, {}, {}, {}, ()))
    assert len({name for name in found.names if name.startswith("page_view_count_7d")}) == 2


def test_a_profile_knows_only_what_was_known_then(small, make):
    """Kinds, columns and attributes of later rows are not offered."""
    small.leads.append(make.lead("b", make.START + 9 * DAY, renewal=make.START))
    found = profile(small.history(), make.START + 2 * DAY)
    assert found.kinds == {"view": 2}
    assert found.attributes == (Attribute(column="industry"), Attribute(column="size", type="number"))


def test_attributes_with_logged_changes_are_read_from_the_log(small, make):
    """One change of any lead, even a later one, and the leads column of that field is not believed."""
    small.changes = [
        {"lead_id": "a", "field": "industry", "value": "retail", "known_at": make.START + 5 * DAY},
        {"lead_id": "a", "field": "employees", "value": "250", "known_at": make.START},
    ]
    numbers = Attribute(column="employees", type="number", source="changes")
    found = profile(small.history(), make.START + 2 * DAY).attributes
    assert found == (Attribute(column="size", type="number"), numbers)
    found = profile(small.history(), make.START + 6 * DAY).attributes
    assert found == (Attribute(column="size", type="number"), numbers, Attribute(column="industry", source="changes"))


def test_logged_account_fields_are_read_from_their_log(small, make):
    """As for leads: once an account's field has a history, its column in the accounts table is not believed."""
    small.accounts = [{"account_id": "acme", "tier": "gold"}]
    small.account_changes = [
        {"account_id": "acme", "field": "tier", "value": "basic", "known_at": make.START},
        {"account_id": "acme", "field": "seats", "value": "40", "known_at": make.START},
    ]
    found = [a for a in profile(small.history(), make.START + 2 * DAY).attributes if a.of_account]
    seats = Attribute(column="seats", type="number", source="account_changes")
    assert found == [seats, Attribute(column="tier", source="account_changes")]


def test_identifiers_are_no_attributes(make):
    """A text that is different for nearly every lead says nothing about the next one."""
    leads = [make.lead(f"lead {k}", industry=f"company {k}") for k in range(80)]
    history: History = make.World(leads, [], [], [], []).history()
    assert profile(history, history.ends_at).attributes == ()


def test_a_few_common_items_have_features_of_their_own():
    """Not every download means the same; a shop's thousands of articles have none, nor has what is rare or alone."""
    kinds = {"download": 1_000, "view": 500, "order": 1_000, "pricing": 50}
    items = {
        "download": {"white paper": 700, "price list": 290, "poster": 10},
        "view": {"home": 500},
        "order": {f"article {number}": 10 for number in range(100)},
        "pricing": {},
    }
    there = Profile(kinds, {}, {}, {"item": 104}, (), items=items)
    assert {kind: own_items(there, kind) for kind in kinds} == {
        "download": ["white paper", "price list"],
        "view": [],
        "order": [],
        "pricing": [],
    }
    named = [name for name in default_catalog(there).names if "where_item" in name]
    assert "download_where_item_price_list_decayed_30d" in named
    assert len(named) == 8


def test_items_are_counted_by_kind(make):
    """The profile counts the items of engagement: those of sales touches and empty ones are not among them."""
    events = [make.event("a", "view", make.START + k, item=item) for k, item in enumerate(["x", "x", "y", None])]
    events += [
        make.event("a", "download", make.START, item="x"),
        make.event("a", "call", make.START, actor="sales", item="z"),
    ]
    world = make.World([make.lead("a")], events, [], [], [("a", make.START + DAY)])
    assert profile(world.history(), make.START + DAY).items == {"view": {"x": 2, "y": 1}, "download": {"x": 1}}
