"""What each rule is worth by itself, and which ones point the wrong way."""

import numpy as np
import pytest

from models.points import load_points
from training.duel_words import rule_sentences
from training.rule_lifts import named, rule_lifts

TEXT = "".join(
    f'[[rule]]\nid = "{name}"\nname = "{name.title()}"\nwhen = {{ event = "{name}" }}\npoints = {points}\n{rest}'
    for name, points, rest in (
        ("good", 10, ""),
        ("idle", 5, ""),
        ("wrong", 20, ""),
        ("malus", -15, ""),
        ("rare", 5, ""),
        ("never", 5, ""),
        ("fading", 10, 'decay = { half_life = "30d" }\n'),
    )
)


def _market(leads=3_000, seed=2):
    """Four rows for each lead; who has what, and what it does to the chance, is known."""
    generator = np.random.default_rng(seed)
    lead = np.repeat(np.arange(leads), 4)
    has = generator.random((leads, 4)) < 0.4
    chance = 0.06 * 2.5 ** has[:, 0] * 0.4 ** has[:, 2] * 0.4 ** has[:, 3]
    won = (generator.random(leads) < chance)[lead]
    parts = np.zeros((len(lead), 8))
    parts[:, :4] = has[lead] * [10, 5, 20, -15]
    parts[:2, 4] = 5
    parts[:, 6] = np.where(has[lead, 0], 10, 1)
    return parts, won, lead


@pytest.fixture(scope="module")
def lifts():
    """The lifts of the known market."""
    points = load_points(TEXT + '[inactivity]\nafter = "30d"\npoints = -5\n')
    return {one.id: one for one in rule_lifts(points, *_market())}


def test_verdicts_are_what_is_known(lifts):
    """Rules that help, that do nothing and that point the wrong way are told apart; a malus that is right helps."""
    assert {name: one.verdict for name, one in lifts.items()} == {
        "good": "helps",
        "idle": "none",
        "wrong": "inverse",
        "malus": "helps",
        "rare": "too few",
        "never": "never",
        "fading": "helps",
        "inactivity 30d": "never",
    }


def test_the_lift_is_the_rate_with_against_the_rate_without(lifts):
    """Counted by hand on the same rows, and the truth lies within the interval."""
    parts, won, _ = _market()
    with_it, without = won[parts[:, 0] > 0].mean(), won[parts[:, 0] == 0].mean()
    good = lifts["good"]
    assert good.rate_with == pytest.approx(with_it)
    assert good.rate_without == pytest.approx(without)
    assert good.lift == pytest.approx(with_it / without, rel=0.01)
    assert good.interval[0] < 2.5 < good.interval[1]
    assert good.leads == len(np.unique(np.arange(len(won))[parts[:, 0] > 0] // 4))


def test_points_that_have_faded_below_half_do_not_count(lifts):
    """Of a fading rule those rows have the points where at least half of them is left."""
    assert lifts["fading"].rows == lifts["good"].rows
    assert lifts["fading"].lift == lifts["good"].lift


def test_rows_of_a_lead_are_one_piece_of_evidence():
    """Four rows for each lead say no more than one: the interval does not shrink by repeating them."""
    points = load_points(TEXT)
    parts, won, lead = _market()
    alone = rule_lifts(points, parts[::4, :7], won[::4], lead[::4])[0]
    many = rule_lifts(points, parts[:, :7], won, lead)[0]
    width = [one.interval[1] - one.interval[0] for one in (alone, many)]
    assert width[0] == pytest.approx(width[1], rel=0.05)


def test_marketers_read_which_rules_mislead(lifts):
    """The wrong ones are named first, with what they give and what they do; then the idle, then the silent ones."""
    said = rule_sentences([*lifts.values()])
    assert said[0].startswith("“Wrong” gives 20 points, but leads with it bought 0.")
    assert said[0].endswith("it points the wrong way.")
    assert said[1].startswith("“Idle” (+5) makes no difference that can be seen")
    assert said[2] == "1 rule had too few outcomes to tell anything: “Rare”."
    assert said[3] == "2 rules gave nobody any points: “Never”, “silent for 30d”."
    assert [one.id for one in named([*lifts.values()], "inverse")] == ["wrong"]


def test_nobody_is_judged_without_rows():
    """Without rows every rule is one that gave nobody anything."""
    points = load_points(TEXT)
    found = rule_lifts(points, np.empty((0, 7)), np.empty(0, bool), np.empty(0, np.int64))
    assert {one.verdict for one in found} == {"never"}
