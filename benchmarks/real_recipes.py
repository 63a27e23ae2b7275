"""The settings that the rolling window chooses among, and a model of each made of the parts that serve."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import lightgbm as lgb
import numpy as np

from models.calibration import identity
from models.model import ReadinessModel, assemble
from models.numerics import Floats, Matrix, blended
from training.folds import Ground
from training.gbm import SHAPES, GbmSettings, Shape, cell_matrix, finer, model_text, parameters
from training.logistic import LogisticTrainer

SHAPED: tuple[Shape, ...] = (SHAPES[1], finer(SHAPES[1], 20_000, 1.0)[0])
"""The medium of the shapes that a trial tries, and its finer form: smaller leaves, a lighter penalty."""
ROUNDS = (50, 100, 150)
STRENGTHS = (0.003, 0.03)
WEIGHTS = (0.0, 0.25, 0.5, 0.75, 1.0)


@dataclass(frozen=True)
class Trees:
    """A booster: whether recent rows weigh more, its shape, how many rounds."""

    recent: bool
    shape: Shape
    rounds: int


@dataclass(frozen=True)
class Line:
    """A linear model: whether recent rows weigh more, its penalty."""

    recent: bool
    strength: float


@dataclass(frozen=True)
class Recipe:
    """Both members and the booster's share of the blend."""

    trees: Trees
    line: Line
    weight: float


TREES = tuple(Trees(*of) for of in product((False, True), SHAPED, ROUNDS))
LINES = tuple(Line(*of) for of in product((False, True), STRENGTHS))
RECIPES = tuple(Recipe(*of) for of in product(TREES, LINES, WEIGHTS))


def cooked(ground: Ground, settings: GbmSettings, primary: int) -> dict[Trees | Line, ReadinessModel]:
    """A model of every member alone, fitted on all of ``ground``, which has one hazard bin; uncalibrated."""
    texts: dict[Trees, bytes] = {}
    lines = {}
    for recent in (False, True):
        every = ground.cells(np.arange(len(ground.cutoffs)), None, ground.half_life() if recent else None)
        trainer = LogisticTrainer(ground.matrix, settings.categorical, every, 1, bounded=True)
        lines |= {Line(recent, strength): trainer.fit(strength) for strength in STRENGTHS}
        for shape in SHAPED:
            known = parameters(settings, shape, len(every), 1)
            rows = lgb.Dataset(
                cell_matrix(ground.matrix, every, 1),
                every.outcome,
                weight=every.weights,
                categorical_feature=np.flatnonzero(settings.categorical).tolist(),
                params=known,
            )
            booster = lgb.train(known, rows, max(ROUNDS))
            texts |= {Trees(recent, shape, rounds): model_text(booster, rounds) for rounds in ROUNDS}
    any_text, any_line = texts[TREES[0]], lines[LINES[0]]
    edges, horizons = ground.edges, ground.horizons
    alone = {
        **{trees: (text, any_line, 1.0) for trees, text in texts.items()},
        **{line: (any_text, fitted, 0.0) for line, fitted in lines.items()},
    }
    return {
        member: assemble(text, line, identity(len(horizons)), weight, edges, horizons, primary)
        for member, (text, line, weight) in alone.items()
    }


def served(members: dict[Trees | Line, ReadinessModel], recipe: Recipe) -> ReadinessModel:
    """The one model of ``recipe``, as a bundle would hold it."""
    trees, line = members[recipe.trees], members[recipe.line]
    return assemble(
        trees.booster_text,
        line.linear,
        trees.calibration,
        recipe.weight,
        trees.edges,
        trees.horizons,
        trees.primary,
    )


def losses(members: dict[Trees | Line, ReadinessModel], matrix: Matrix, outcome: Floats) -> Floats:
    """(len(RECIPES),) summed log loss, in nats, of every recipe on rows that no member learned from."""
    logits = {trees: members[trees].member_logits(matrix)[0] for trees in TREES}
    straight = {line: members[line].member_logits(matrix)[1] for line in LINES}
    found = []
    for recipe in RECIPES:
        blend = np.asarray(blended(logits[recipe.trees], straight[recipe.line], recipe.weight))[:, 0]
        found.append(float(np.logaddexp(0.0, np.where(outcome > 0, -blend, blend)).sum()))
    return np.array(found)


def best(past: Sequence[Floats], last: int) -> Recipe:
    """The recipe of the lowest loss over the ``last`` windows of ``past``, whose outcomes are known."""
    return RECIPES[int(np.sum(past[-last:], axis=0).argmin())]
