"""Counts and nouns as people read them."""

import pytest

from models.wording import counted


@pytest.mark.parametrize(
    ("noun", "one", "four"),
    [
        ("reply", "1 reply", "4 replies"),
        ("day", "1 day", "4 days"),
        ("sales touch", "1 sales touch", "4 sales touches"),
        ("page view with item product", "1 page view with item product", "4 page views with item product"),
        ("call by sales", "1 call by sales", "4 calls by sales"),
        ("engagement of the account", "1 engagement of the account", "4 engagements of the account"),
    ],
)
def test_the_noun_itself_is_counted(noun, one, four):
    """Not the last word of what is said about it: an item or a name stays as it is."""
    assert counted(1, noun) == one
    assert counted(4, noun) == four
