"""The duel: who is called, what is captured, what is premature, and how sure that is."""

import io
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.image import imread

from data.clock import DAY, WEEK
from data.history import History
from data.sections import Ready
from data.tables import EVENTS, LEADS, OUTCOMES, TIME
from training.duel import RANDOM, duel, duel_rows
from training.duel_play import DuelRows, Ranked, capacities, periods_of, play
from training.duel_plot import draw_duel
from training.duel_words import verdict

T0 = 1_700_000_000_000_000 // DAY * DAY


def _rows(lead, period, outcome, horizon=4 * WEEK, weeks=None):
    lead, period, outcome = (np.array(part, np.int64) for part in (lead, period, outcome))
    count = int(period.max(initial=-1)) + 1
    return DuelRows(lead, T0 + period * WEEK, period, outcome, np.ones(count) if weeks is None else weeks, horizon)


def _played(rows, score, calls):
    once = np.ones(rows.leads, np.int64)
    return play(rows, Ranked.of(rows, np.array(score, float)), np.array(calls), once, 0)


def test_hand_computed_weeks():
    """Two calls a week; who was called is in hand for four weeks, then may be called again."""
    rows = _rows([0, 1, 2, 0, 1, 2, 0, 1, 2], [0, 0, 0, 1, 1, 1, 4, 4, 4], [-1, 0, -1, -1, 0, -1, 1, -1, -1])
    score = [9, 8, 7, 9, 8, 7, 9, 8, 7]
    # week 0: leads 0 and 1, of whom 1 buys; week 1: lead 2 alone is free; week 4: 0 and 1 are free again, 0 buys
    assert _played(rows, score, [2, 2, 0, 0, 2]) == (5, 2)
    assert _played(rows, score, [1, 1, 0, 0, 1]) == (3, 2)
    assert _played(rows, [-one for one in score], [1, 1, 0, 0, 0]) == (2, 1)


def test_an_outcome_is_caught_once():
    """A lead that is asked about every week and buys once is one outcome and one call, however high its score."""
    rows = _rows([0] * 4, range(4), [0, 0, 0, 0])
    assert rows.outcomes == 1
    assert _played(rows, [1, 1, 1, 1], [5, 5, 5, 5]) == (1, 1)


def test_a_row_without_a_score_comes_last():
    """Where a contestant says nothing, others are called first."""
    rows = _rows([0, 1], [0, 0], [0, -1])
    assert _played(rows, [np.nan, -5], [1]) == (1, 0)
    assert _played(rows, [np.nan, -5], [2]) == (2, 1)


def test_weeks_without_a_question_belong_to_the_one_before():
    """Asked every four weeks, sales works four weeks of calls from one list; what rounding leaves goes on."""
    period, weeks = periods_of(T0 + np.array([0, 3, 28, 29, 56]) * DAY)
    assert period.tolist() == [0, 0, 1, 1, 2]
    assert weeks.tolist() == [4, 4, 4]
    assert capacities(weeks, 0.3).tolist() == [1, 1, 1]
    assert capacities(np.ones(4), 2.5).tolist() == [2, 3, 2, 3]
    assert periods_of(np.array([T0]))[1].tolist() == [1]


def _oracle(rows, score, calls):
    """Week by week with a dict of who is in hand; no two scores are equal."""
    until, called, caught = {}, 0, 0
    for week, most in enumerate(calls):
        asked = [at for at in range(len(score)) if rows.period[at] == week]
        free = [at for at in asked if until.get(rows.lead[at], 0) <= rows.cutoff[at]]
        for at in sorted(free, key=lambda one: -score[one])[:most]:
            until[rows.lead[at]] = rows.cutoff[at] + rows.horizon
            called, caught = called + 1, caught + (rows.outcome[at] >= 0)
    return called, caught


@settings(max_examples=80, deadline=None)
@given(data=st.data())
def test_the_play_agrees_with_the_oracle(data):
    """For any rows, scores and capacities the compiled play calls whom the plain reading calls."""
    asked = data.draw(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 4)), min_size=1, max_size=25, unique=True))
    lead, period = zip(*asked, strict=True)
    lead = np.unique(lead, return_inverse=True)[1]
    outcome = data.draw(st.lists(st.integers(-1, 3), min_size=len(lead), max_size=len(lead)))
    score = data.draw(st.permutations(range(len(lead))))
    calls = data.draw(st.lists(st.integers(0, 3), min_size=5, max_size=5))
    weeks = data.draw(st.integers(1, 4))
    rows = _rows(lead, period, outcome, weeks * WEEK, np.ones(5))
    assert _played(rows, score, calls) == _oracle(rows, score, calls)


def test_equal_scores_are_called_by_lot():
    """Without any order half of the leads catch half of the outcomes, in the mean over lots."""
    outcome = np.where(np.arange(200) % 2, np.arange(200), -1)
    found = duel(_rows(range(200), [0] * 200, outcome), {"points": np.zeros(200)}, capacity=100, draws=20)
    assert found.score("points").captured == pytest.approx(50, abs=4)
    assert found.score(RANDOM).lift == 1.0


def test_copies_are_leads_of_their_own():
    """In a sample a lead may be there twice, and then takes two calls and gives two outcomes, or is not there."""
    rows = _rows([0, 1], [0, 0], [0, -1])
    order = Ranked.of(rows, np.array([2.0, 1.0]))
    assert play(rows, order, np.array([2]), np.array([2, 0]), 0) == (2, 2)
    assert play(rows, order, np.array([3]), np.array([0, 2]), 0) == (2, 0)


def _market(leads=400, weeks=6, seed=1):
    """Every lead asked every week; the better its hidden worth, the likelier it buys, once."""
    generator = np.random.default_rng(seed)
    worth = generator.normal(size=leads)
    buys = generator.random(leads) < 1 / (1 + np.exp(2.5 - 1.5 * worth))
    lead, period = np.tile(np.arange(leads), weeks), np.repeat(np.arange(weeks), leads)
    rows = _rows(lead, period, np.where(buys[lead], lead, -1), 13 * WEEK)
    return rows, worth[lead], generator


def test_the_better_score_captures_more():
    """A score that knows more wins at equal calls, its difference excludes chance, and lift and curve say the same."""
    rows, worth, generator = _market()
    noisy = worth + np.tile(generator.normal(size=400), 6) * 3
    found = duel(rows, {"blend": worth, "points": noisy}, capacity=10, draws=60)
    model, points, luck = found.scores
    assert model.calls == points.calls == luck.calls == 60
    assert model.captured > points.captured > luck.captured
    assert model.captured + model.premature == 60
    assert found.outcomes == len(np.unique(rows.outcome[rows.won]))
    difference = found.differences[0]
    assert (difference.one, difference.other) == ("blend", "points")
    assert difference.captured == model.captured - points.captured
    assert difference.interval[0] > 0
    assert model.lift == pytest.approx(model.precision / luck.precision)
    assert model.captured_interval[0] < model.captured < model.captured_interval[1]
    assert model.premature_interval == tuple(60 - edge for edge in reversed(model.captured_interval))
    assert model.curve[found.capacities.index(10.0)] == model.captured
    assert all(np.diff(model.curve) >= 0)
    assert verdict(difference).startswith(
        f"The model captured {difference.captured:.0f} more outcomes than your points"
    )


def test_the_interval_of_a_difference_covers_it():
    """Over many markets the 95 % interval of a difference holds what both come to in a very large one, mostly."""
    large, worth, generator = _market(30_000, 1, 99)
    noisy = worth + generator.normal(size=30_000)
    true = duel(large, {"blend": worth, "points": noisy}, capacity=3_000, draws=0).differences[0].captured / 100
    held = 0
    for seed in range(40):
        rows, worth, generator = _market(300, 1, seed)
        said = {"blend": worth, "points": worth + generator.normal(size=300)}
        low, high = duel(rows, said, capacity=30, draws=100, seed=seed).differences[0].interval
        held += low <= true <= high
    assert held >= 34


def test_equal_contestants_do_not_differ():
    """The same score twice differs by nothing, in every sample: draws are paired."""
    rows, worth, _ = _market()
    difference = duel(rows, {"blend": worth, "points": worth.copy()}, capacity=7, draws=30).differences[0]
    assert (difference.captured, difference.interval) == (0, (0, 0))
    assert verdict(difference) == "The model captured as many outcomes as your points (+0 to +0)."
    assert verdict(replace(difference, captured=3, interval=(-1, 7))).endswith("(-1 to +7): that may be chance.")


def test_the_same_seed_gives_the_same_duel():
    """A duel is a function of its rows, scores and seed."""
    rows, worth, _ = _market()
    said = {"blend": worth, "points": np.round(worth)}
    assert duel(rows, said, draws=10, seed=3) == duel(rows, said, draws=10, seed=3)


def test_without_a_capacity_a_tenth_of_the_leads_is_called_within_a_horizon():
    """400 open leads and a horizon of 13 weeks: three calls a week; the duel says that nobody agreed on it."""
    rows, worth, _ = _market()
    found = duel(rows, {"blend": worth}, draws=5)
    assert (found.capacity, found.given) == (3.0, False)


def test_nothing_to_judge_is_a_duel_without_figures():
    """Without rows and without outcomes nothing fails, and every share is 0."""
    nobody = duel(_rows([], [], []), {"blend": np.empty(0)}, capacity=5)
    assert (nobody.outcomes, nobody.score("blend").calls) == (0, 0)
    losers = duel(_rows([0, 1], [0, 0], [-1, -1]), {"blend": np.array([1.0, 2.0])}, capacity=1, draws=5)
    assert (losers.score("blend").share, losers.score("blend").premature) == (0, 1)


def test_the_questions_are_those_with_an_answer():
    """Rows that have not matured are left out, the first of a week is asked, and one outcome has one number."""
    leads = pa.table([["a", "b"], pa.array([T0, T0], TIME), pa.array([None, None], pa.string())], schema=LEADS)
    at = pa.array([T0 + 12 * DAY], TIME)
    outcomes = pa.table([["a"], ["won"], at, at, pa.array([None], pa.float64())], schema=OUTCOMES)
    history = History(leads, EVENTS.empty_table(), outcomes, T0 + 40 * DAY)
    ready = Ready(outcome=("won",), terminal=("won",), horizons=("14d",), primary="14d")
    asked = [("a", 0), ("b", 0), ("a", 1), ("a", 7), ("b", 7), ("b", 21), ("b", 28)]
    lead, day = zip(*asked, strict=True)
    contract = type("Contract", (), {"ready": ready})
    rows, kept = duel_rows(pa.array(lead), pa.array([T0 + one * DAY for one in day], TIME), contract, history)
    assert kept.tolist() == [0, 1, 3, 4, 5]
    assert rows.outcome.tolist() == [0, -1, 0, -1, -1]
    assert rows.period.tolist() == [0, 0, 1, 1, 2]
    assert rows.weeks.tolist() == [1, 2, 1.5]
    assert rows.outcomes == 1


@pytest.mark.parametrize("kind", [".png", ".svg"])
def test_the_plot_depends_on_the_duel_alone(kind):
    """A picture that is a picture, the same bytes each time where that is possible."""
    rows, worth, _ = _market(100)
    found = duel(rows, {"blend": worth, "points": np.round(worth), "odoo": -worth}, capacity=4, draws=5)
    drawn = draw_duel(found, kind)
    if kind == ".png":
        assert imread(io.BytesIO(drawn)).shape == (840, 1350, 4)
        assert drawn == draw_duel(found, kind)
    else:
        assert drawn.startswith(b"<?xml")
