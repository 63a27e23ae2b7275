"""Crowds move as their parameters say."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.linalg import expm
from scipy.stats import chisquare

from data.clock import DAY
from data.simulation.crowd import Crowd, start_crowd
from data.simulation.population import Multipliers
from data.simulation.rates import jump_matrix, rates_of
from data.simulation.states import BOUGHT, EVALUATING, LOST, OPEN, READY, STATES
from data.simulation.steady import STEADY

MANY = 40_000
QUIET = replace(
    STEADY,
    name="quiet",
    regimes=tuple(replace(r, touches=tuple(replace(t, per_month=0.0) for t in r.touches)) for r in STEADY.regimes),
)


def _crowd(world, state: int, seed: int, pace=1.0, loss=1.0, activity=1.0, count=MANY) -> Crowd:
    effects = Multipliers(np.full(count, pace), np.full(count, loss), np.full(count, activity))
    clock = np.full(count, world.starts_at, np.int64)
    return start_crowd(rates_of(world), np.full(count, state, np.int16), clock, effects, np.random.SeedSequence(seed))


def _generator(world, pace: float, loss: float) -> np.ndarray:
    """The moves of a world as a dense matrix, read from its parameters with no help from the code under test."""
    matrix = np.zeros((8, 8))
    for move in world.regimes[0].moves:
        before, after = STATES.index(move.before), STATES.index(move.after)
        forward = {
            ("unaware", "interested"),
            ("interested", "evaluating"),
            ("evaluating", "ready"),
            ("ready", "bought"),
        }
        rate = move.per_month / 30 * (pace if (move.before, move.after) in forward else 1.0)
        if move.after == "dead":
            matrix[before, 4] += rate * loss * world.recorded
            matrix[before, 5] += rate * loss * (1 - world.recorded)
        else:
            matrix[before, after] += rate
    return matrix - np.diag(matrix.sum(axis=1))


@pytest.mark.parametrize(("state", "pace", "loss", "days"), [(0, 1.0, 1.0, 120), (EVALUATING, 1.7, 0.6, 45)])
def test_states_are_distributed_as_the_exponential_says(state, pace, loss, days):
    """Where leads are after so many days is the matrix exponential of the moves."""
    crowd = _crowd(QUIET, state, 1, pace=pace, loss=loss)
    crowd.advance(QUIET.starts_at + days * DAY)
    expected = expm(_generator(QUIET, pace, loss) * days)[state] * MANY
    found = np.bincount(crowd.walkers.state, minlength=8)
    assert chisquare(found, expected).pvalue > 1e-4


def test_random_touches_are_part_of_the_motion():
    """With random touches, states follow the moves and, at the rate of the touches, their jumps."""
    crowd = _crowd(STEADY, READY, 2)
    crowd.advance(STEADY.starts_at + 60 * DAY)
    matrix = _generator(STEADY, 1.0, 1.0)
    for touch in STEADY.regimes[0].touches:
        matrix[:OPEN] += touch.per_month / 30 * (jump_matrix(touch, STEADY.recorded) - np.eye(OPEN, 8))
    expected = expm(matrix * 60)[READY] * MANY
    assert chisquare(np.bincount(crowd.walkers.state, minlength=8), expected).pvalue > 1e-4


def test_stopping_every_week_changes_nothing_but_the_numbers_drawn():
    """A walk that is stopped and continued has the law of one that is not."""
    crowd = _crowd(QUIET, 0, 3)
    for week in range(1, 18):
        crowd.advance(QUIET.starts_at + week * 7 * DAY)
    expected = expm(_generator(QUIET, 1.0, 1.0) * 119)[0] * MANY
    assert chisquare(np.bincount(crowd.walkers.state, minlength=8), expected).pvalue > 1e-4


def test_events_come_at_the_rate_of_their_state():
    """Counts of each signal agree with rate x time spent in the state x activity."""
    still = replace(QUIET, name="still", regimes=(replace(QUIET.regimes[0], moves=()),))
    crowd = _crowd(still, READY, 4, activity=1.5)
    log = crowd.advance(still.starts_at + 30 * DAY)
    expected = np.array([signal.per_month[3] for signal in still.regimes[0].signals]) * 1.5 * MANY
    found = np.bincount(log.symbol, minlength=len(expected))
    assert (np.abs(found - expected) < 5 * np.sqrt(expected)).all()
    assert (log.state == READY).all()


def test_a_touch_jumps_as_its_matrix_says():
    """After a call, ready leads are spread as the row of the call's jumps; each call is one event."""
    crowd = _crowd(QUIET, READY, 5)
    log = crowd.touch(np.arange(MANY), 0)
    call = STEADY.regimes[0].touches[0]
    row = jump_matrix(call, STEADY.recorded)[READY] * MANY
    found = np.bincount(crowd.walkers.state, minlength=8)
    assert (found[row == 0] == 0).all()
    assert chisquare(found[row > 0], row[row > 0]).pvalue > 1e-4
    assert len(log.at) == MANY
    assert (log.at == QUIET.starts_at).all()


def test_closed_leads_stand_still():
    """Leads that bought or were recorded as lost emit nothing, are not touched and do not move."""
    crowd = _crowd(STEADY, BOUGHT, 6, count=500)
    crowd.walkers.state[250:] = LOST
    log = crowd.advance(STEADY.ends_at)
    touched = crowd.touch(np.arange(500), 0)
    assert len(log.at) == len(log.move_at) == len(touched.at) == 0
    assert not crowd.is_open.any()
