import math
from datetime import UTC, date, datetime

import pytest

from data.errors import BundleError
from features.context import Attribute
from features.definitions import First, Last
from features.levels import learn
from features.reading import read_moment, read_number, read_text
from features.vocabulary import Vocabulary

WORDS = Vocabulary({"leads.industry": ("software", "retail"), "events.item": ("other",)})


def test_codes_follow_rank_and_the_rest_is_other():
    """Known levels, anything else, null."""
    codes = [WORDS.code("leads.industry", value) for value in ("software", "retail", "mining")]
    assert codes == [0, 1, 2]
    assert math.isnan(WORDS.code("leads.industry", None))
    assert WORDS.code("leads.unheard_of", "x") == 0


def test_words_decode_codes():
    """Each code has its word; a real level called other is told apart."""
    assert WORDS.words("leads.industry") == ["software", "retail", "other"]
    assert WORDS.words("events.item") == ["other", "other (pooled)"]


def test_json_gives_back_the_same_vocabulary():
    """The round trip keeps columns, levels and their order."""
    assert Vocabulary.from_json(WORDS.to_json()) == WORDS


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        '{"levels":{}}',
        '{"levels":{},"version":2}',
        '{"levels":{},"version":1,"more":0}',
        '{"levels":{"a":["x","x"]},"version":1}',
        '{"levels":{"a":[1]},"version":1}',
        '{"levels":{"a":[""]},"version":1}',
        '{"levels":{"a":"xy"},"version":1}',
    ],
)
def test_any_other_json_is_refused(text):
    """A damaged vocabulary is a BundleError."""
    with pytest.raises(BundleError):
        Vocabulary.from_json(text)


def test_rare_levels_are_pooled(make):
    """Levels below min_count and beyond max_levels are other; the most frequent one always stays."""
    items = ["a"] * 3 + ["b"] * 5 + ["c"] * 3 + ["d"]
    events = [make.event("x", "view", make.START + k, item=item) for k, item in enumerate(items)]
    history = make.World([make.lead("x")], events, [], [], []).history()
    upto, features = make.START + 10**9, (First(column="item"), Last(column="item"))
    assert learn(history, features, upto, min_count=2).levels == {"events.item": ("b", "a", "c")}
    assert learn(history, features, upto, min_count=2, max_levels=2).levels == {"events.item": ("b", "a")}
    assert learn(history, features, upto, min_count=99).levels == {"events.item": ("b",)}


def test_levels_of_logged_attributes_come_from_the_changes(make):
    """The leads column of such a field is not looked at."""
    changes = [{"lead_id": "x", "field": "industry", "value": "retail", "known_at": make.START}]
    history = make.World([make.lead("x", industry="late")], [], changes, [], []).history()
    found = learn(history, (Attribute(column="industry", source="changes"),), make.START + 1, min_count=1)
    assert found.levels == {"leads.industry": ("retail",)}


@pytest.mark.parametrize(
    ("value", "number"),
    [
        (1, 1.0),
        (True, 1.0),
        (" 2.5 ", 2.5),
        ("true", 1.0),
        ("False", 0.0),
        (-0.0, 0.0),
        (10**400, None),
        *((odd, None) for odd in ("many", "", None, "nan", "inf", float("-inf"), [1], {})),
    ],
)
def test_numbers_are_parsed_or_null(value, number):
    """No value of any type is a crash."""
    found = read_number(value)
    assert math.isnan(found) if number is None else str(found) == str(number)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("a", "a"),
        ("", None),
        (None, None),
        (3, "3"),
        (3.0, "3"),
        (2.5, "2.5"),
        (True, "true"),
        (math.nan, None),
        (math.inf, None),
        (date(2024, 1, 2), "2024-01-02"),
    ],
)
def test_texts_are_the_same_from_any_type(value, text):
    """A category that arrives as a number is the level of its text."""
    assert read_text(value) == text


@pytest.mark.parametrize(
    ("value", "moment"),
    [
        ("1970-01-02", 86_400e6),
        ("1970-01-01T01:00:00+01:00", 0.0),
        ("1970-01-01T00:00:01Z", 1e6),
        (datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC), 1e6),
        (date(1970, 1, 2), 86_400e6),
        (5, 5.0),
        (datetime(1970, 1, 1), None),  # noqa: DTZ001  # a naive time is what is tested
        ("1970-01-01T00:00:00", None),
        ("soon", None),
        (True, None),
        (None, None),
    ],
)
def test_moments_need_a_zone(value, moment):
    """Aware times, dates and microseconds are moments; naive times and words are null."""
    found = read_moment(value)
    assert math.isnan(found) if moment is None else found == moment
