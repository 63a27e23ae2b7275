from pathlib import Path

import pytest

from data.clock import DAY
from data.contract import parse_contract
from data.errors import ContractError

GOOD = """
[ready]
outcome = ["won"]
terminal = ["won", "lost"]
horizons = ["90d"]
primary = "90d"
[source.leads]
table = "leads.parquet"
[source.outcomes]
table = "outcomes.parquet"
[policy]
"""


def parse(policy):
    """The section [policy] of a contract with these lines in it."""
    return parse_contract(GOOD + policy, Path("/somewhere")).policy


def test_an_empty_section_has_good_defaults():
    """Two kinds on two days, a week of dwell, four of rest; no threshold is made up here."""
    agreed = parse("")
    assert (agreed.min_kinds, agreed.min_days, agreed.dwell, agreed.cool_down) == (2, 2, 7 * DAY, 28 * DAY)
    assert (agreed.capacity_per_week, agreed.costs, agreed.enter, agreed.exit) == (None, None, None, None)


def test_everything_can_be_agreed_on():
    """Capacity beside costs, durations as text, shares within [0, 1]."""
    agreed = parse(
        'capacity_per_week = 40\ncosts = { call = 50, premature = 150, win = 1850 }\ndwell = "0d"\ncool_down = "6w"\n'
        'cadence = "10d"\nanswer_within = "14d"\nlet_go_after = "365d"\nlet_go_below = 0.01\n'
    )
    assert agreed.costs is not None
    assert (agreed.capacity_per_week, agreed.costs.win, agreed.dwell, agreed.cool_down) == (40, 1850, 0, 42 * DAY)
    assert parse('horizon = "90d"').horizon == 90 * DAY
    assert (parse("enter = 0.2\nexit = 0.1").enter, parse("enter = 0.2").exit) == (0.2, None)


@pytest.mark.parametrize(
    ("policy", "sentence"),
    [
        (
            "enter = 0.2\ncapacity_per_week = 40",
            "enter and capacity_per_week both say when a lead is handed off. Remove",
        ),
        ("enter = 0.2\ncosts = { call = 1, win = 9 }", "enter and costs both say when a lead is handed off. Remove"),
        ("exit = 0.1", "exit needs enter"),
        ("enter = 0.1\nexit = 0.2", "exit is 0.2, above enter, 0.1"),
        ("enter = 1.2", "enter is 1.2"),
        ('horizon = "30d"', "[policy] horizon is 30d, which is not among the horizons ['90d']"),
        ("costs = { call = 9, win = 9 }", "no call would pay"),
        ("costs = { win = 9 }", "policy.costs.call is missing"),
        ("costs = { call = 1, win = 9, won = 9 }", "unknown key policy.costs.won. Did you mean 'win'"),
        ('cool_down = "0d"', "cool_down is '0d'"),
        ('let_go_after = "soon"', "'soon' is not a duration"),
        ("capacity = 40", "unknown key policy.capacity. Did you mean 'capacity_per_week'"),
    ],
)
def test_each_mistake_is_one_sentence(policy, sentence):
    """What was found, what was expected, what to do."""
    with pytest.raises(ContractError) as caught:
        parse(policy)
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)
