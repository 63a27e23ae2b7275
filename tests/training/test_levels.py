"""The level of now, from what came and what was told month by month."""

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import multivariate_normal

from data.clock import DAY, to_micros
from data.labels import Labels
from data.spine import NEVER
from models.calibration import Calibration
from training import levels
from training.fit import fit
from training.folds import Ground
from training.gbm import GbmSettings
from training.levels import BELIEF, MONTH, NEVER_NONE, RESTLESS, SPREAD, current, level_note, level_now, rows_to_tell
from training.selection import choose

T0 = 20_000 * DAY
EDGES = (15 * DAY, 30 * DAY, 60 * DAY, 90 * DAY)
MONTHS = 14


def _explained(came, told):
    """The same answer from the joint normal distribution of all months at once, without a recursion."""
    seen, noise = np.log((came + NEVER_NONE) / (told + NEVER_NONE)), np.diag(1 / (told + NEVER_NONE))
    month = np.arange(1, len(seen) + 1)
    found, weights = [], []
    for restless, belief in zip(RESTLESS, BELIEF, strict=True):
        level = SPREAD**2 + restless**2 * np.minimum(month[:, None], month)
        found.append(level[-1] @ np.linalg.solve(level + noise, seen))
        weights.append(np.log(belief) + multivariate_normal(cov=level + noise).logpdf(seen))
    return np.average(found, weights=np.exp(np.array(weights) - max(weights)))


@given(
    arrays(float, MONTHS, elements=st.floats(0, 500)),
    arrays(float, MONTHS, elements=st.floats(0.1, 500)),
)
def test_the_level_is_that_of_the_joint_distribution(came, told):
    """Month after month or all at once: the same level."""
    assert current(came, told) == pytest.approx(_explained(came, told), abs=1e-6)


def test_where_months_differ_by_chance_hardly_anything_moves():
    """Over 200 histories of a level that stands still the answers move less than a fifth of a month's noise."""
    rng, told = np.random.default_rng(0), np.full(MONTHS, 100.0)
    moves = [current(rng.poisson(100, MONTHS).astype(float), told) for _ in range(200)]
    assert abs(np.mean(moves)) < 0.01
    assert np.std(moves) < 0.05


@pytest.mark.parametrize("fell", [0.6, 0.8, 1.3])
def test_a_level_that_moved_and_stayed_is_followed(fell):
    """Four months at another level, with outcomes enough: nearly all of the way."""
    came, told = np.full(MONTHS, 300.0), np.full(MONTHS, 300.0)
    came[-4:] *= fell
    assert current(came, told) == pytest.approx(np.log(fell), abs=0.06)


def test_few_outcomes_and_one_odd_month_are_hardly_believed():
    """The same share from three outcomes a month moves a third at the most; of one month alone less than half."""
    few, told = np.full(MONTHS, 3.0), np.full(MONTHS, 3.0)
    few[-4:] *= 0.6
    assert np.log(0.6) / 3 < current(few, told) < 0
    odd, told = np.full(MONTHS, 30.0), np.full(MONTHS, 30.0)
    odd[-1] *= 0.6
    assert np.log(0.6) / 2 < current(odd, told) < 0


def _ground(n=30_000, fell=0.5, seed=0):
    """Rows of a year, an outcome in each twentieth of a fortnight; ``fell`` times as often in the last hundred days."""
    rng = np.random.default_rng(seed)
    matrix = rng.normal(size=(n, 2)).astype(np.float32)
    cutoffs = np.sort(T0 + rng.integers(0, 365, n) * DAY)
    end = T0 + 370 * DAY
    times = np.full(n, NEVER)
    for fortnight in range(6):
        starts = cutoffs + fortnight * 15 * DAY
        chance = 0.05 / (1 + np.exp(-matrix[:, 0])) * 2 * np.where(starts > end - 100 * DAY, fell, 1.0)
        comes = (rng.random(n) < chance) & (times == NEVER)
        times[comes] = fortnight * 15 * DAY + rng.integers(0, 15, comes.sum()) * DAY
    known = np.where(times == NEVER, NEVER, cutoffs + np.minimum(times, NEVER // 2)) < end
    leads = np.arange(n).astype(str).astype(object)
    return Ground(matrix, cutoffs, Labels(np.where(known, times, NEVER), end - cutoffs), leads, EDGES, EDGES[1::2], 0)


def _said(ground, rows):
    """What a model says that knows the chances of the first months."""
    rate = np.array([1, 1, 2, 2]) * 0.05 * 2 / (1 + np.exp(-ground.matrix[rows, 0].astype(float)))[:, None]
    return np.log(rate / (1 - rate))


def test_the_level_is_known_weeks_after_it_moved():
    """Half as many outcomes in the last hundred days, of which hardly a row has matured for ninety: it is seen."""
    ground = _ground()
    late = ground.cutoffs > ground.cutoffs.max() - 84 * DAY
    assert not ground.labels.matured(90 * DAY)[late].any()
    rows = rows_to_tell(ground, 0)
    found = level_now(ground, rows, _said(ground, rows))
    assert found.shift == pytest.approx(np.log(0.5), abs=0.1)
    assert sum(found.came[:8]) == pytest.approx(sum(found.told[:8]), rel=0.05)
    assert sum(found.came) == ground.cells(np.arange(len(ground.cutoffs))).outcomes / ground.repeats()


def test_a_draw_of_rows_tells_what_all_rows_tell(monkeypatch):
    """What is told is summed over a draw, what came is counted in all: the level hardly differs."""
    ground = _ground()
    rows = rows_to_tell(ground, 0)
    assert (np.diff(rows) > 0).all()
    whole = level_now(ground, rows, _said(ground, rows))
    monkeypatch.setattr(levels, "ROWS", 6_000)
    few = rows_to_tell(ground, 0)
    assert len(few) == 6_000 < len(rows)
    drawn = level_now(ground, few, _said(ground, few))
    assert drawn.came == whole.came
    assert drawn.shift == pytest.approx(whole.shift, abs=0.05)


def test_the_last_fit_stands_at_the_level_of_now():
    """All calibrations of a fit on partly watched rows are moved; where all rows were watched to the end, none is."""
    settings = GbmSettings(0, 1, np.array([False, False]), np.zeros(2, np.int8))
    ground = _ground(n=6_000)
    choice = choose(ground, settings, 3, 0, lambda _what, _share: None)
    assert choice.by_month
    assert {told.share for told in choice.follows} == {0.0}
    fitted = fit(ground, 90 * DAY, settings, choice, seed=0, progress=lambda _what, _share: None)
    assert fitted.level.shift < -0.15
    for name, calibration in choice.calibrations.items():
        assert fitted.calibrations[name].slopes == calibration.slopes
        assert all(
            new < old for new, old in zip(fitted.calibrations[name].intercepts, calibration.intercepts, strict=True)
        )
    assert fitted.model.calibration == fitted.calibrations["blend"]
    matured = np.flatnonzero(ground.labels.matured(90 * DAY))
    whole = replace(
        ground,
        matrix=ground.matrix[matured],
        cutoffs=ground.cutoffs[matured],
        labels=ground.labels.take(matured),
        leads=ground.leads[matured],
    )
    choice = choose(whole, settings, 3, 0, lambda _what, _share: None)
    assert not choice.by_month
    fitted = fit(whole, 90 * DAY, settings, choice, seed=0, progress=lambda _what, _share: None)
    assert fitted.level is None
    assert fitted.calibrations == choice.calibrations


def test_a_level_that_moved_is_told_in_words():
    """The sentence has both counts and the step; a level that stands needs none."""
    moved = levels.Level(
        -0.21,
        to_micros(datetime(2025, 4, 7, tzinfo=UTC)),
        (90.0, 90.0, 70.0, 72.0, 68.0),
        (90.0, 90.0, 90.0, 90.0, 90.0),
    )
    assert level_note(moved) == (
        "Of late fewer outcomes come than the leads' evidence led to expect: 210 in the 12 weeks up to 7 Apr 2025, "
        "where 270 were told. Every answer follows (-0.21 in log-odds)."
    )
    assert level_note(replace(moved, shift=0.01)) is None


def test_moving_a_calibration_keeps_its_slopes():
    """Every intercept goes the same way."""
    assert levels.moved(Calibration((1.0, 0.9), (0.0, 0.1)), -0.2) == Calibration((1.0, 0.9), (-0.2, -0.1))
    assert MONTH == 28 * DAY
