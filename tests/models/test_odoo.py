"""Odoo's predictive scoring gives the numbers that Odoo's own tests print."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.odoo import NONE, ClosedLeads, PredictiveScore, codes_of

# --- the leads of addons/crm/tests/test_crm_pls.py, with the probabilities that it expects


def _leads(rows, won, levels, stages, **more):
    """``rows`` of text values per field and a stage at the end; ``won`` per row."""
    *fields, stage = zip(*rows, strict=True)
    codes = np.column_stack([codes_of(values, level) for values, level in zip(fields, levels, strict=True)])
    return ClosedLeads(codes, np.array(won, bool), np.array(stage), stages, **more)


def test_the_tooltip_of_odoos_own_test():
    """Two won and three lost leads, an open one: 74.30 %, as test_pls_tooltip_data expects."""
    rows = [  # country, state, e-mail, phone, source, stage
        ("0", "0", "correct", "correct", "1", 0),
        ("1", "0", "correct", "correct", None, 0),
        (None, None, "correct", "incorrect", "0", 0),
        ("0", None, "correct", "incorrect", "0", 0),
        (None, "1", "correct", "correct", None, 2),
    ]
    levels = [{} for _ in range(5)]
    score = PredictiveScore(_leads(rows, [1, 1, 0, 0, 0], levels, 4))
    asked = _leads([("0", "0", "correct", "correct", "0", 1)], [0], levels, 4)
    assert score(asked).tolist() == [74.30]


# country, state, e-mail state, phone state, source, stage, team; won, lost or still open. Odoo computes the two states
# when a lead is made, and as these leads have neither address nor number both are False, whatever the test asks for.
CLOSED = [
    (country, state, "False", "False", source, stage, team, end)
    for country, state, source, stage, team, end in (
        ("0", "0", "0", 0, 1, "lost"),
        ("1", "1", "1", 1, 1, "lost"),
        ("2", "2", "2", 2, 1, "won"),
        ("0", "1", "2", 1, 1, "open"),
        ("1", "1", "1", 0, 1, "open"),
        ("0", "1", "1", 2, 2, "lost"),
        ("0", "1", "2", 1, 2, "lost"),
        ("0", "2", "2", 0, 2, "won"),
        ("0", "1", "2", 1, 2, "open"),
        ("1", "0", "1", 1, 2, "open"),
        ("1", "1", "1", 2, 3, "won"),
        ("0", "1", "0", 0, 3, "lost"),
        ("1", "2", "2", 0, 3, "lost"),
        ("0", "1", "2", 1, 3, "open"),
    )
]


def _of(rows, levels, team=None):
    won = [row[-1] == "won" for row in rows]
    teams = np.array([row[-2] if team is None else team.get(row[-2], row[-2]) for row in rows])
    return _leads([row[:-2] for row in rows], won, levels, 4, team=teams)


def test_the_teams_of_odoos_own_test():
    """Leads of three teams, as test_predictive_lead_scoring expects them: 33.49, 7.74 and 35.09 %."""
    levels = [{} for _ in range(5)]
    score = PredictiveScore(_of([row for row in CLOSED if row[-1] != "open"], levels))
    open_leads = [CLOSED[3], CLOSED[8], CLOSED[13]]
    assert score(_of(open_leads, levels)).tolist() == [33.49, 7.74, 35.09]


def test_leads_without_a_team_are_scored_by_all():
    """Without a team a lead is scored by the sums over every team: 35.19 %, as Odoo's test expects."""
    levels = [{} for _ in range(5)]
    apart = {3: NONE}
    score = PredictiveScore(_of([row for row in CLOSED if row[-1] != "open"], levels, apart))
    assert score(_of([CLOSED[13]], levels, apart)).tolist() == [35.19]
    assert score(_of([(*CLOSED[13][:-2], 9, "open")], levels)).tolist() == [35.19]


def test_tags_of_odoos_own_test():
    """150 tagged leads: 33.69, 23.51 and 28.05 %, and 28.6 % without a tag, as Odoo's test expects."""
    tags = np.array([[True, False]] * 50 + [[False, True]] * 50 + [[True, True]] * 50)
    lost = [*range(30), *range(50, 90), *range(100, 135)]
    won = [*range(31, 50), *range(91, 100), *range(136, 150)]
    closed = np.array([*lost, *won])
    nothing = np.empty((len(closed), 0), np.int64)
    is_won = np.isin(closed, won)
    stage = np.zeros(len(closed), np.int64)
    score = PredictiveScore(ClosedLeads(nothing, is_won, stage, 4, tags=tags[closed]))
    asked = np.array([[True, False], [False, True], [True, True], [False, False]])
    found = score(ClosedLeads(nothing[:4], is_won[:4], stage[:4], 4, tags=asked))
    assert found.tolist() == [33.69, 23.51, 28.05, 28.6]


def test_rare_tags_are_not_used():
    """A tag of fewer than 50 closed leads changes nothing."""
    tags = np.zeros((60, 1), bool)
    tags[:49] = True
    won = np.arange(60) % 3 == 0
    nothing = np.empty((60, 0), np.int64)
    with_tag = PredictiveScore(ClosedLeads(nothing, won, tags=tags))
    asked = ClosedLeads(nothing[:1], won[:1], tags=np.array([[True]]))
    assert with_tag(asked).tolist() == [round(100 * 20.1 / 60.2, 2)]


def test_two_deals_are_enough_for_certainty():
    """One won and one lost lead that differ in three fields already give 99.92 %."""
    fields = np.array([[0, 0, 0], [1, 1, 1]])
    score = PredictiveScore(ClosedLeads(fields, np.array([True, False])))
    assert score(ClosedLeads(fields, np.array([False, False]))).tolist() == [99.92, 0.08]


def test_scores_stay_off_the_ends_and_the_unknown_is_skipped():
    """Scores stay within 0.01 and 99.99; unseen values count like missing ones; nothing closed: no score."""
    many = np.tile(np.array([[0], [1]]), (500, 9))
    won = np.tile([True, False], 500)
    score = PredictiveScore(ClosedLeads(many, won))
    found = score(ClosedLeads(np.array([[0] * 9, [1] * 9, [NONE] * 9, [7] * 9]), np.zeros(4, bool)))
    assert found.tolist() == [99.99, 0.01, 50.0, 50.0]
    assert np.isnan(PredictiveScore(ClosedLeads(many[:0], won[:0]))(ClosedLeads(many[:1], won[:1]))).all()


def _oracle(rows, won, asked):
    """The words of Odoo's docstring, one lead at a time, with plain dicts and products."""
    count = {True: {}, False: {}}
    seen = {(at, value) for row in rows for at, value in enumerate(row) if value != NONE}
    for key in seen:
        for side in (True, False):
            hits = sum(w == side and row[key[0]] == key[1] for row, w in zip(rows, won, strict=True))
            count[side][key] = hits + 0.1
    size = {side: sum(w == side for w in won) + 0.1 for side in (True, False)}
    score = {}
    for side in (True, False):
        score[side] = size[side] / (size[True] + size[False])
        for at, value in enumerate(asked):
            if (at, value) in seen:
                score[side] *= count[side][at, value] / sum(n for (f, _), n in count[side].items() if f == at)
    return 100 * score[True] / (score[True] + score[False])


VALUE = st.sampled_from([NONE, 0, 1, 2])


@settings(max_examples=80, deadline=None)
@given(
    rows=st.lists(st.tuples(VALUE, VALUE), min_size=1, max_size=12),
    wins=st.lists(st.booleans(), min_size=12, max_size=12),
    asked=st.tuples(VALUE, VALUE),
)
def test_the_table_agrees_with_the_oracle(rows, wins, asked):
    """For any closed leads the arrays give what the plain reading gives, before rounding."""
    won = wins[: len(rows)]
    score = PredictiveScore(ClosedLeads(np.array(rows), np.array(won)))
    found = 100 / (1 + np.exp(-score.log_odds(ClosedLeads(np.array([asked]), np.zeros(1, bool)))[0]))
    assert found == pytest.approx(_oracle(rows, won, asked), rel=1e-9)
