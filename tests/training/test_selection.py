"""What the training rows alone decide."""

from dataclasses import replace

import numpy as np
import pytest

from data.clock import DAY
from data.labels import Labels
from data.spine import NEVER
from training.blend import WEIGHTS, towards_even
from training.calibrating import Following, Told, calibrate, following
from training.cells import Cells
from training.folds import STRENGTHS, Block, Ground, Linear, fit_linear, make_block, plan_folds
from training.gbm import SHAPES, GbmSettings, finer
from training.groves import MOST_ROUNDS, PATIENCE, STRIDE, Grove, best_rounds, plant, plant_finer
from training.selection import choose
from training.splits import Fold
from training.weighing import block_weights, clearly_better

T0 = 20_000 * DAY
EDGES = (10 * DAY, 30 * DAY)
SETTINGS = GbmSettings(0, 1, np.array([False, False]), np.zeros(2, np.int8))


def _quiet(_what, _share):
    pass


def _ground(n=1_200, seed=0, days=200, level=-2.0, slope=1.5, end=260):
    """N rows whose outcomes depend on the first of two columns; labels as known ``end`` days after the start."""
    rng = np.random.default_rng(seed)
    matrix = rng.normal(size=(n, 2)).astype(np.float32)
    cutoffs = np.sort(T0 + rng.integers(0, days, n) * DAY)
    will = rng.random(n) < 1 / (1 + np.exp(-(level + slope * matrix[:, 0])))
    times = np.where(will, rng.integers(0, 30, n) * DAY, NEVER)
    seen = np.where(times == NEVER, NEVER, cutoffs + np.minimum(times, NEVER // 2)) < T0 + end * DAY
    labels = Labels(np.where(seen, times, NEVER), T0 + end * DAY - cutoffs)
    leads = np.array([f"lead-{k}" for k in rng.integers(0, n // 3, n)], object)
    return Ground(matrix, cutoffs, labels, leads, EDGES, EDGES, 0)


@pytest.fixture(scope="module")
def ground():
    """Rows that a linear model explains."""
    return _ground()


@pytest.fixture(scope="module")
def choice(ground):
    """What was chosen for them."""
    return choose(ground, SETTINGS, 2, 0, _quiet)


def test_the_choice_is_among_what_was_tried(choice):
    """Penalty, shape, rounds and weight come from the lists, and the evidence names every fold and member."""
    assert choice.linear.strength in STRENGTHS
    assert choice.shape.name.startswith(("small", "medium"))
    assert 1 <= choice.rounds <= MOST_ROUNDS
    assert 0.0 <= choice.weight <= 1.0
    assert choice.split == "rolling origin"
    assert len(choice.folds) == 2
    assert set(choice.losses) == {"gbm", "logistic", "blend"}


def test_the_blend_is_hardly_worse_than_its_members(choice):
    """A share that few outcomes pull towards even costs less than a tenth of what lies between the members."""
    low, high = sorted((choice.losses["gbm"], choice.losses["logistic"]))
    assert choice.losses["blend"] <= low + 0.1 * (high - low)


def test_the_pooled_loss_leans_on_the_latest_block(choice, ground):
    """A fold counts by its cells, and twice as much as the one before it: so their losses average to the pooled one."""
    _, folds = plan_folds(ground, 2)
    sizes = [len(make_block(ground, fold, 0).later) for fold in folds]
    for name, pooled in choice.losses.items():
        told = [line["log_loss"][name] for line in choice.folds]
        assert np.average(told, weights=[sizes[0], 2 * sizes[1]]) == pytest.approx(pooled, rel=1e-12)


def test_short_blocks_fade_slowly():
    """Blocks of a fortieth of the rows are one period of six: only together do they count half as much."""
    many = _by_time(*[np.ones(3)] * 13)
    blocks = [replace(grove.block, fold=replace(grove.block.fold, validate=np.arange(50))) for grove in many]
    total = len(blocks[-1].fold.train) + 50
    weights = block_weights(blocks)
    assert (np.diff(weights) > 0).all()
    assert weights[-1] / weights[0] == pytest.approx(2 ** (12 * 50 / total / 0.15))


def test_the_choice_repeats_itself(choice, ground):
    """The same rows and seed give the same choice, whatever the number of threads."""
    assert choose(ground, replace(SETTINGS, threads=2), 2, 0, _quiet) == choice


def test_one_cutoff_is_validated_by_groups_of_leads_that_look_unlike():
    """With one moment in time the folds are groups of leads, a note says so, and the calibration never sharpens."""
    single = _ground(n=500, days=1, end=60)
    found = choose(single, SETTINGS, 2, 0, _quiet)
    assert found.split == "grouped by likeness"
    assert any("groups of leads that look unlike" in note for note in found.notes)
    assert all(slope <= 1.0 for slope in found.calibrations["blend"].slopes)
    assert found.linear.half_life is None
    assert found.linear.bounded


def test_too_few_outcomes_choose_the_stiffest_and_say_so():
    """With fewer outcomes than a fold needs nothing is compared: the linear model alone, as it is, and a note."""
    found = choose(_ground(n=300, level=-7.0, slope=0.0), SETTINGS, 2, 0, _quiet)
    assert found.linear == Linear(STRENGTHS[0])
    assert found.weight == 0.0
    assert found.calibrations["blend"].slopes == (1.0, 1.0)
    assert "outcome" in found.notes[0]


def _groves(*curves):
    """Groves whose curves are given; block sizes 100 each."""
    of = Cells(np.arange(100), np.zeros(100, int), np.zeros(100, np.int8), np.ones(100))
    block = Block(Fold(np.arange(1), np.arange(100), None), np.arange(100), of)
    other = {SHAPES[1].name: np.full(3, 9.0)}
    return [Grove(block, {}, {SHAPES[0].name: np.array(curve), **other}) for curve in curves]


def test_rounds_are_the_lowest_of_the_padded_mean():
    """A block that stopped early stays at its last loss; the round of the lowest mean is chosen, counted from one."""
    shape, rounds = best_rounds(_groves([3.0, 2.0, 2.5], [3.0, 2.9, 2.0, 1.0]), cautious=False)
    assert (shape, rounds) == (SHAPES[0], 4)


def test_a_cautious_choice_takes_fewer_rounds_where_blocks_disagree():
    """Rounds that gain less than a standard error over the blocks are not taken; those that gain surely are."""
    unsure = _groves([3.0, 2.0, 1.9], [3.0, 2.0, 2.05], [3.0, 2.0, 1.95])
    sure = _groves([3.0, 2.0, 1.9], [3.0, 2.0, 1.9], [3.0, 2.0, 1.9])
    assert best_rounds(unsure, cautious=True)[1] == 2
    assert best_rounds(sure, cautious=True)[1] == 3


def test_one_block_alone_is_taken_at_its_word():
    """With one block there is no standard error; the lowest loss decides, without a warning."""
    assert best_rounds(_groves([3.0, 2.0, 2.5]), cautious=True) == (SHAPES[0], 2)


SHAPED = (*SHAPES, *finer(SHAPES[1], 900, 1.0))


def test_a_grove_answers_for_every_round(ground):
    """The boosters of a block have a tree for each entry of their curve, and score as the curve says, also past it."""
    blocks = [make_block(ground, fold, 0) for fold in plan_folds(ground, 2)[1]]
    for grove in plant(ground, blocks, SETTINGS, 0, SHAPED, lambda _share: None):
        for shape in SHAPED:
            curve = grove.curves[shape.name]
            assert grove.boosters[shape.name].num_trees() == len(curve)
            for rounds in (1, int(curve.argmin()) + 1, len(curve)):
                said = grove.logits(ground, shape, rounds)
                assert grove.block.loss(said) == pytest.approx(curve[rounds - 1], rel=1e-6)
            past = grove.logits(ground, shape, len(curve) + 50)
            np.testing.assert_array_equal(past, grove.logits(ground, shape, len(curve)))


def test_a_long_block_stops_growing_by_itself(ground):
    """Without a time that a model serves, each booster stops PATIENCE rounds after its own best."""
    blocks = [make_block(ground, fold, 0) for fold in plan_folds(ground, 2)[1]]
    for grove in plant(ground, blocks, SETTINGS, 0, SHAPES, lambda _share: None):
        for curve in grove.curves.values():
            assert len(curve) == int(curve.argmin()) + 1 + PATIENCE


def test_short_blocks_stop_growing_together():
    """Blocks as short as a model serves grow until their common loss has not fallen for PATIENCE rounds."""
    ground = replace(_ground(n=8_000), serves_for=5 * DAY)
    blocks = [make_block(ground, fold, 0) for fold in plan_folds(ground, 4)[1]]
    groves = plant(ground, blocks, SETTINGS, 0, SHAPES[:1], lambda _share: None)
    curves = [grove.curves[SHAPES[0].name] for grove in groves]
    _, rounds = best_rounds(groves, cautious=False, shapes=SHAPES[:1])
    assert len({len(curve) for curve in curves}) == 1
    assert PATIENCE <= len(curves[0]) - rounds < PATIENCE + STRIDE
    assert len({int(curve.argmin()) for curve in curves}) > 1


def test_a_block_learns_from_earlier_rows_alone(ground):
    """Later rows and later outcomes of a block can be anything: what is said about it stays the same."""
    _, folds = plan_folds(ground, 2)
    block = make_block(ground, folds[0], 0)
    early = ground.cutoffs < folds[0].moment
    late_outcome = early & (ground.cutoffs + np.minimum(ground.labels.time_to_outcome, NEVER // 2) >= folds[0].moment)
    times = np.where(late_outcome, NEVER, ground.labels.time_to_outcome)
    other = replace(ground, labels=Labels(times, ground.labels.watched))
    candidates = [Linear(0.3), Linear(3.0)]
    one, two = (fit_linear(g, block, SETTINGS.categorical, candidates, 0) for g in (ground, other))
    assert late_outcome.any()
    assert [said.tobytes() for said in one] == [said.tobytes() for said in two]


def test_calibration_undoes_a_known_distortion():
    """Logits that are half of the truth get a slope of two, and the mean prediction stays on the mean."""
    ground = _ground(n=8_000, seed=2)
    _, folds = plan_folds(ground, 3)
    blocks = [make_block(ground, fold, 0) for fold in folds]
    honest = [fit_linear(ground, block, SETTINGS.categorical, [Linear(3.0)], 0)[0] for block in blocks]
    straight = calibrate(ground, blocks, honest)[0]
    halved = calibrate(ground, blocks, [said / 2 - 1 for said in honest])[0]
    assert straight.slopes[-1] == pytest.approx(1.0, abs=0.1)
    assert halved.slopes[-1] == pytest.approx(2.0, abs=0.35)
    assert all(np.isfinite(halved.intercepts))


def test_recent_rows_weigh_more():
    """With a half-life a row that is one half-life older weighs half as much; without one all weigh the same."""
    ground = _ground(n=50)
    of = ground.cells(np.arange(50), None, 10 * DAY)
    age = (ground.cutoffs[of.rows].max() - ground.cutoffs[of.rows]) / (10 * DAY)
    np.testing.assert_allclose(of.weights, 0.5**age, rtol=1e-12)
    assert (ground.cells(np.arange(50)).weights == 1).all()


def test_an_outcome_that_many_rows_tell_is_counted_once():
    """Four rows before one purchase of one lead, one before another's, one without: five tell of two."""
    cutoffs = T0 + np.array([0, 7, 14, 21, 0, 0]) * DAY
    times = np.array([25 * DAY, 18 * DAY, 11 * DAY, 4 * DAY, 3 * DAY, NEVER])
    leads = np.array(["a", "a", "a", "a", "b", "c"], object)
    labels = Labels(times, np.full(6, 60 * DAY))
    told = Ground(np.zeros((6, 2), np.float32), cutoffs, labels, leads, EDGES, EDGES, 0)
    assert told.repeats() == 2.5
    assert replace(told, labels=Labels(np.full(6, NEVER), labels.watched)).repeats() == 1.0


def _two_blocks(n=400):
    """Two blocks of n rows in one bin, an outcome in each fourth row."""
    labels = Labels(np.where(np.arange(2 * n) % 4 == 0, 0, NEVER), np.full(2 * n, 60 * DAY))
    leads = np.array([f"lead-{k}" for k in range(2 * n)], object)
    told = Ground(np.zeros((2 * n, 2), np.float32), T0 + np.arange(2 * n) * DAY, labels, leads, (DAY,), (DAY,), 0)
    parts = np.arange(n), np.arange(n, 2 * n)
    return [Block(Fold(part, part, T0 + int(part[0]) * DAY), part, told.cells(part)) for part in parts]


def test_better_means_by_more_than_a_standard_error():
    """The true rate beats a wrong one clearly; told four times as often, the same evidence is no longer enough."""
    blocks = _two_blocks()
    right, wrong = ([np.full((400, 1), logit)] * 2 for logit in (-np.log(3), -np.log(3) + 0.25))
    assert clearly_better(blocks, right, wrong, 1.0)
    assert not clearly_better(blocks, wrong, right, 1.0)
    assert not clearly_better(blocks, right, right, 1.0)
    assert not clearly_better(blocks, right, wrong, 4.0)


def test_the_blend_leans_towards_both_members():
    """Where all shares do alike: half and half, the less so the more outcomes; what is clearly wrong gets no part."""
    blocks = _two_blocks()
    right = [np.full((400, 1), -np.log(3))] * 2
    alike = dict.fromkeys(WEIGHTS, right)
    assert towards_even(blocks, alike, 0.0, 1.0) == pytest.approx(0.5 * 100 / (200 + 100))
    assert towards_even(blocks, alike, 0.0, 20.0) == pytest.approx(0.5 * 100 / (10 + 100))
    worse = {share: [part + 3.0 * share for part in right] for share in WEIGHTS}
    assert towards_even(blocks, worse, 0.0, 1.0) == 0.0


def _shared_levels(gaps, n=1_000, share=0.2):
    """What was said and came in blocks of n rows: a fifth was said each time, in block k ``gaps[k]`` more came."""
    number = np.repeat(np.arange(len(gaps)), n)
    came = np.concatenate([np.arange(n) < n * (share + gap) for gap in gaps])
    said = np.full(len(came), np.log(share / (1 - share))) + np.tile(np.linspace(-0.01, 0.01, n), len(gaps))
    everything = np.ones(len(came), bool)
    return Told(said, came, number, everything, np.ones((len(gaps), len(came)), bool), 1.0)


@pytest.mark.parametrize(
    ("gaps", "low", "high"),
    [([0.1, 0.1, 0.1, 0.1], 0.65, 0.8), ([0.1, -0.1, 0.1, -0.1], 0.25, 0.35), ([0.1, 0.05, 0.1, 0.05], 0.4, 0.75)],
)
def test_a_level_is_followed_as_far_as_it_lasted(gaps, low, high):
    """A gap that the next block had too is followed further than half, one that turned around less; by the steps."""
    found = following(_shared_levels(gaps), 1.0, np.ones(4))
    assert found.steps == 3
    assert low <= found.share <= high


def test_without_a_step_half_of_a_gap_is_expected_to_last():
    """One block, or blocks of which nothing was known when the next began, say nothing of what lasts."""
    told = _shared_levels([0.1, 0.1])
    unknown = replace(told, known=np.zeros_like(told.known))
    assert following(unknown, 1.0, np.ones(2)) == Following(0.5, 0)
    assert following(_shared_levels([0.1]), 1.0, np.ones(1)) == Following(0.5, 0)


def test_what_is_followed_was_known_then():
    """Outcomes that came to light after a block had begun change nothing of what is followed into it."""
    told = _shared_levels([0.1, 0.1, 0.1])
    hidden = (told.block == 1) & (np.arange(len(told.block)) % 2 == 0)
    known = told.known & ~hidden
    other = np.where(hidden, ~told.outcome, told.outcome)
    late = replace(told, known=known, matured=~hidden)
    assert following(late, 1.0, np.ones(3)) == following(replace(late, outcome=other), 1.0, np.ones(3))


def _by_time(*curves):
    """Groves over equally long blocks of time whose curves are given."""
    of = Cells(np.arange(100), np.zeros(100, int), np.zeros(100, np.int8), np.ones(100))
    blocks = [
        Block(Fold(np.arange(2_000 + 10 * at), np.arange(10), T0 + at * DAY), np.arange(100), of)
        for at in range(len(curves))
    ]
    other = {SHAPES[1].name: np.full(3, 9.0)}
    return [Grove(block, {}, {SHAPES[0].name: curve, **other}) for block, curve in zip(blocks, curves, strict=True)]


def test_further_shapes_are_tried_where_they_differ():
    """Of few cells, or of outcomes that are told often, the smallest leaf is small as it is; small trees stay plain."""
    fine, random = finer(SHAPES[1], 100_000, 1.0)
    assert (fine.name, fine.leaf, fine.random_cuts) == ("medium, fine", 20, False)
    assert (random.name, random.leaf, random.random_cuts) == ("medium, random cuts", 200, True)
    assert finer(SHAPES[1], 900, 1.0) == (random,)
    assert finer(SHAPES[1], 100_000, 200.0) == (random,)
    assert [shape.name for shape in finer(SHAPES[0], 100_000, 1.0)] == ["small, fine"]
    assert finer(SHAPES[0], 900, 1.0) == ()


def _turning(n, turned):
    """Rows whose outcome depends on the first column, for the last ``turned`` of the time the other way round."""
    rng = np.random.default_rng(6)
    matrix = rng.normal(size=(n, 2)).astype(np.float32)
    cutoffs = np.sort(T0 + rng.integers(0, 200, n) * DAY)
    way = np.where(cutoffs >= np.quantile(cutoffs, 1 - turned), -1.0, 1.0)
    will = rng.random(n) < 1 / (1 + np.exp(1.5 - 2.0 * way * matrix[:, 0]))
    labels = Labels(np.where(will, 0, NEVER), np.full(n, 60 * DAY))
    leads = np.arange(n).astype(str).astype(object)
    return Ground(matrix, cutoffs, labels, leads, (DAY,), (DAY,), 0)


@pytest.mark.parametrize("turned", [0.0, 0.7])
def test_trees_follow_recent_rows_where_that_predicts_better(turned):
    """Where the world has turned, weights by age are clearly better and on offer; where it stands still, not."""
    ground = _turning(4_000, turned)
    blocks = [make_block(ground, fold, 0) for fold in plan_folds(ground, 4)[1]]
    _, shapes = plant_finer(ground, blocks, SETTINGS, 0, lambda _share: None)
    weighed = [shape.half_life for shape in shapes if shape.half_life is not None]
    assert weighed == ([ground.half_life()] if turned else [])


def test_blocks_as_short_as_a_model_serves_are_many():
    """Where it is said how long a model serves, at least sixteen blocks of that length choose its settings."""
    ground = replace(_ground(n=8_000), serves_for=5 * DAY)
    folds = plan_folds(ground, 4)[1]
    assert len(folds) == 16
    assert {len(np.unique(ground.cutoffs[fold.validate])) for fold in folds} == {5}


def test_smaller_leaves_are_chosen_where_they_predict_better():
    """An outcome that hangs on a feature that few rows have: leaves of 20 rows see it, leaves of 200 do not."""
    rng = np.random.default_rng(3)
    n = 12_000
    matrix = np.column_stack([rng.normal(size=n), rng.random(n) < 0.006]).astype(np.float32)
    cutoffs = np.sort(T0 + rng.integers(0, 200, n) * DAY)
    will = rng.random(n) < np.where(matrix[:, 1] == 1, 0.9, 0.05)
    labels = Labels(np.where(will, DAY, NEVER), np.full(n, 60 * DAY))
    leads = np.arange(n).astype(str).astype(object)
    ground = Ground(matrix, cutoffs, labels, leads, (30 * DAY,), (30 * DAY,), 0)
    settings = replace(SETTINGS, categorical=np.array([False, False]))
    _, folds = plan_folds(ground, 3)
    blocks = [make_block(ground, fold, 0) for fold in folds]
    groves, shapes = plant_finer(ground, blocks, settings, 0, lambda _share: None)
    shape, _ = best_rounds(groves, cautious=False, shapes=shapes)
    assert shape.leaf == 20


def test_few_outcomes_hardly_move_the_level():
    """Of a latest block with five different outcomes the level is believed by a fifth of what many would give."""
    few, many = (_level_after(n) for n in (40, 4_000))
    assert 0 < few < 0.4 * many


def _level_after(n):
    """The intercept where the model said 12.5 % and a fourth of the latest block came."""
    blocks = _two_blocks(n)
    rows = 2 * n
    labels = Labels(np.where(np.arange(rows) % 4 == 0, 0, NEVER), np.full(rows, 60 * DAY))
    leads = np.array([f"lead-{k}" for k in range(rows)], object)
    told = Ground(np.zeros((rows, 2), np.float32), T0 + np.arange(rows) * DAY, labels, leads, (DAY,), (DAY,), 0)
    said = [np.full((n, 1), -np.log(7)) + np.linspace(-0.01, 0.01, n)[:, None]] * 2
    return calibrate(told, blocks, said)[0].intercepts[0]
