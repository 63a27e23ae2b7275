"""The linear challenger against scikit-learn and by hand."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from models.numerics import LEVEL, LOG, MISSING
from training.cells import Cells
from training.logistic import BIN_SCALE, LogisticTrainer, design, make_terms

CATEGORICAL = np.array([False, False, False, True])


def _rows(n=800, seed=0):
    """(n, 4): a number with gaps, a skewed number, a column that does not vary, a category of four codes."""
    rng = np.random.default_rng(seed)
    matrix = np.column_stack([rng.normal(size=n), rng.exponential(20, n), np.full(n, 7.0), rng.integers(0, 4, n)])
    matrix[rng.random(n) < 0.2, 0] = np.nan
    return matrix.astype(np.float32)


def _logistic(x):
    return 1 / (1 + np.exp(-x))


def _cells_of(matrix, bins, seed=1, intercept=-1.5):
    rng = np.random.default_rng(seed)
    n = len(matrix)
    rows, at = np.repeat(np.arange(n), bins), np.tile(np.arange(bins), n)
    filled = np.nan_to_num(matrix[rows])
    logit = intercept + filled[:, 0] + 0.4 * np.log1p(filled[:, 1]) * at - (filled[:, 3] == 2)
    return Cells(rows, at, (rng.random(len(rows)) < _logistic(logit)).astype(np.int8), rng.uniform(0.5, 1.5, len(rows)))


def _by_scikit_learn(trainer, matrix, of, strength):
    """(c,) chances of the cells by scikit-learn, which is given a line for each cell, with each bin's steepness."""
    values = trainer.steepness[of.bins][:, None] * design(matrix[of.rows], trainer.terms)
    lines = np.hstack([values, BIN_SCALE * np.eye(len(trainer.steepness))[of.bins]])
    other = LogisticRegression(C=strength, solver="newton-cholesky", tol=1e-10, max_iter=500)
    return other.fit(lines, of.outcome, sample_weight=of.weights).predict_proba(lines)[:, 1]


@pytest.mark.parametrize("strength", [0.003, 0.3, 3.0])
def test_the_value_scores_like_scikit_learn(strength):
    """With one bin the model's chances are those of scikit-learn on the same design."""
    matrix = _rows()
    of = _cells_of(matrix, 1)
    trainer = LogisticTrainer(matrix, CATEGORICAL, of, 1)
    said = _logistic(trainer.fit(strength).logits(matrix[of.rows])[:, 0])
    np.testing.assert_allclose(said, _by_scikit_learn(trainer, matrix, of, strength), atol=1e-6)


def test_the_fit_is_that_of_another_solver():
    """A design written here in NumPy, with a free intercept, and L-BFGS to a fine tolerance give the same chances."""
    matrix = _rows()
    of = _cells_of(matrix, 1)
    columns = []
    for feature in (0, 1):
        x = matrix[:, feature].astype(np.float64)
        logged = np.sign(x) * np.log1p(np.abs(x))
        kept = np.clip(logged, *np.nanquantile(logged, (0.005, 0.995)))
        columns += [np.nan_to_num((kept - np.nanmean(kept)) / np.nanstd(kept)), np.isnan(x).astype(float)]
    columns = [*columns[:3], *(matrix[:, 3] == code for code in range(4))]
    other = LogisticRegression(C=0.1, tol=1e-10, max_iter=5_000)
    design = np.column_stack(columns)
    other.fit(design, of.outcome, sample_weight=of.weights)
    said = _logistic(LogisticTrainer(matrix, CATEGORICAL, of, 1).fit(0.1).logits(matrix)[:, 0])
    np.testing.assert_allclose(said, other.predict_proba(design)[:, 1], atol=2e-5)


@pytest.mark.parametrize("bounded", [True, False])
def test_several_bins_score_like_the_design(bounded):
    """With bins, the coefficients of the value carry each bin's steepness: chances equal scikit-learn's."""
    matrix = _rows()
    of = _cells_of(matrix, 3)
    trainer = LogisticTrainer(matrix, CATEGORICAL, of, 3, bounded=bounded)
    for strength in (0.003, 0.3):
        said = _logistic(trainer.fit(strength).logits(matrix)[of.rows, of.bins])
        np.testing.assert_allclose(said, _by_scikit_learn(trainer, matrix, of, strength), atol=1e-6)


def test_the_path_does_not_depend_on_where_it_starts():
    """A penalty's model is the same whether stiffer ones were fitted before it or not."""
    matrix = _rows()
    of = _cells_of(matrix, 2)
    path = LogisticTrainer(matrix, CATEGORICAL, of, 2)
    for strength in (0.0003, 0.03, 3.0):
        warm = path.fit(strength).logits(matrix)
        np.testing.assert_allclose(
            warm, LogisticTrainer(matrix, CATEGORICAL, of, 2).fit(strength).logits(matrix), atol=1e-5
        )


def test_terms_of_what_varies_only():
    """A constant column has no term; a gap has an indicator; a category has a term for each level."""
    terms = make_terms(_rows(), CATEGORICAL, bounded=True)
    found = {(int(f), int(o), float(level)) for f, o, level in zip(*_first(terms), strict=True)}
    assert found == {(0, LOG, 0.0), (0, MISSING, 0.0), (1, LOG, 0.0), *((3, LEVEL, float(k)) for k in range(4))}


def _first(terms):
    return terms.features, terms.operations, terms.levels


def test_what_is_rare_has_no_term():
    """A level or a gap of one row in a thousand says nothing; a column that is always missing neither."""
    matrix = _rows(1_000)
    matrix[:, 1], matrix[0, 1], matrix[:, 2] = 5.0, np.nan, np.nan
    matrix[:, 3], matrix[0, 3] = 1.0, 9.0
    terms = make_terms(matrix, CATEGORICAL, bounded=True)
    found = {(int(f), int(o), float(level)) for f, o, level in zip(*_first(terms), strict=True)}
    assert found == {(0, LOG, 0.0), (0, MISSING, 0.0), (3, LEVEL, 1.0)}


def test_a_bounded_model_holds_at_the_edge():
    """Beyond what training saw a bounded model answers as at the edge, an unbounded one goes on."""
    matrix = _rows()
    of = _cells_of(matrix, 2)
    far = np.repeat(matrix[:1], 3, axis=0)
    far[:, 1] = [matrix[:, 1].max(), 1e4, 1e7]
    held = LogisticTrainer(matrix, CATEGORICAL, of, 2).fit(0.3).logits(far)
    free = LogisticTrainer(matrix, CATEGORICAL, of, 2, bounded=False).fit(0.3).logits(far)
    assert held[0].tolist() == held[1].tolist() == held[2].tolist()
    assert free[2, 1] > free[1, 1] > free[0, 1]


@pytest.mark.parametrize("value", [0, 1])
def test_one_class_gives_a_constant(value):
    """Only outcomes, or none, teach the rate alone: one finite answer for all, near the class but not at it."""
    matrix = _rows(200)
    of = Cells(np.arange(200), np.zeros(200, int), np.full(200, value, np.int8), np.ones(200))
    logits = LogisticTrainer(matrix, CATEGORICAL, of, 2).fit(1.0).logits(matrix)
    assert len(np.unique(logits)) == 1
    assert _logistic(logits[0, 0]) == pytest.approx((200 * value + 0.5) / 201)


@pytest.mark.parametrize("bins", [1, 3])
def test_the_stiffest_penalty_stays_at_the_base_rate(bins):
    """The penalty does not reach the baseline: three outcomes among 1,500 rows are not read as one in ten."""
    matrix = _rows(1_500)
    rows, at = np.repeat(np.arange(1_500), bins), np.tile(np.arange(bins), 1_500)
    outcome = np.zeros(len(rows), np.int8)
    outcome[[3, 500, 900]] = 1
    of = Cells(rows, at, outcome, np.ones(len(rows)))
    said = _logistic(LogisticTrainer(matrix, CATEGORICAL, of, bins).fit(0.0003).logits(matrix))
    assert said[rows, at].mean() == pytest.approx(outcome.mean(), rel=1e-3)
    assert said.max() < 10 * outcome.mean()


def test_weights_are_repeated_rows():
    """A cell of weight two teaches as much as two equal cells."""
    matrix = _rows(300)
    one = _cells_of(matrix, 1)
    double = Cells(one.rows, one.bins, one.outcome, np.full(300, 2.0))
    twice = Cells(*(np.tile(part, 2) for part in (one.rows, one.bins, one.outcome)), np.ones(600))
    said = [LogisticTrainer(matrix, CATEGORICAL, of, 1).fit(0.1).logits(matrix) for of in (double, twice)]
    np.testing.assert_allclose(said[0], said[1], atol=1e-5)


def test_a_matrix_without_terms_still_answers():
    """Where nothing varies the model is the base rate of each bin."""
    matrix = np.full((400, 4), 1.0, np.float32)
    matrix[:, 3] = np.nan
    outcome = (np.arange(400) % 4 == 0).astype(np.int8)
    of = Cells(np.arange(400), np.zeros(400, int), outcome, np.ones(400))
    model = LogisticTrainer(matrix, CATEGORICAL, of, 1).fit(1.0)
    assert len(model.features) == 0
    np.testing.assert_allclose(_logistic(model.logits(matrix)), 0.25, atol=1e-4)


def test_evidence_may_fade_over_the_bins():
    """Where the same evidence tells twice as much of the first bin as of the second, the model is twice as steep."""
    rng = np.random.default_rng(3)
    matrix = np.column_stack([rng.normal(size=(6_000, 2)), np.zeros((6_000, 2))]).astype(np.float32)
    rows, at = np.repeat(np.arange(6_000), 2), np.tile(np.arange(2), 6_000)
    told = np.sign(matrix) * np.log1p(np.abs(matrix)) @ [2.0, -1.0, 0.0, 0.0]
    chance = _logistic(-1.0 + told[rows] * np.where(at == 0, 1.2, 0.6))
    of = Cells(rows, at, (rng.random(len(rows)) < chance).astype(np.int8), np.ones(len(rows)))
    trainer = LogisticTrainer(matrix, CATEGORICAL, of, 2)
    assert np.average(trainer.steepness, weights=np.bincount(at, of.outcome)) == pytest.approx(1.0)
    assert trainer.steepness[0] / trainer.steepness[1] == pytest.approx(2.0, rel=0.15)
    found = trainer.fit(3.0)
    np.testing.assert_allclose(found.coefficients[:, 0] / found.coefficients[:, 1], 2.0, rtol=0.15)
