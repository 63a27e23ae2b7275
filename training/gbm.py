"""The booster: LightGBM, small, bounded and monotone where the sign is certain, on person-period cells."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from models import openmp  # noqa: F401  # isort: skip  # before LightGBM is loaded
import lightgbm as lgb
import numpy as np
import numpy.typing as npt

from models.numerics import Floats, Matrix
from training.cells import Cells

TRIES = 10
COLUMNS = 30
"""Each tree sees so many features, or a fifth of them where that is more, or half of them where that is less."""


@dataclass(frozen=True)
class Shape:
    """How large a tree may grow, and how fast. Depth stays at most 5, which also keeps TreeSHAP cheap.

    ``l2`` is the penalty of one outcome told once, ``columns`` the share of the features that a tree sees; None leaves
    it to their number, see COLUMNS. ``leaf`` is how many rows the smallest leaf has at the most, and ``half_life`` that
    of a row's weight in microseconds. With ``random_cuts`` a node looks at one cut of each feature, drawn at random, in
    place of all: single trees are worse, and many of them together vary less (extremely randomised trees: Geurts,
    Ernst, Wehenkel, Machine Learning 63, 2006).
    """

    name: str
    leaves: int
    depth: int
    l2: float = 10.0
    learning_rate: float = 0.05
    columns: float | None = None
    leaf: int = 200
    half_life: int | None = None
    random_cuts: bool = False


SHAPES = (Shape("small", 4, 2), Shape("medium", 12, 4))
FINE_LEAF = 20
FINE_L2 = 1.0
LEAF_SHARE = 0.02
"""The smallest leaf holds this share of the cells, from LEAST_LEAF up to the ``leaf`` of the shape."""
LEAST_LEAF = 5
WORTH_THREADS = 50_000
"""Of fewer cells a booster grows on one thread: more of them wait for each other longer than they work, above all where
others use the cores too. The trees are the same."""


def finer(shape: Shape, cells: int, repeats: float) -> tuple[Shape, ...]:
    """What else is tried once ``shape`` is best: smaller leaves with a lighter penalty; random cuts of larger trees.

    Of few ``cells`` the smallest leaf is small as it is. Where the smallest trees are best there is little to vary.
    """
    found = []
    if LEAF_SHARE * cells / repeats > FINE_LEAF:
        found.append(replace(shape, name=f"{shape.name}, fine", leaf=FINE_LEAF, l2=FINE_L2))
    if shape.leaves > SHAPES[0].leaves:
        found.append(replace(shape, name=f"{shape.name}, random cuts", random_cuts=True))
    return tuple(found)


@dataclass(frozen=True)
class GbmSettings:
    """What does not change between folds: seed, threads, which columns are categories, which signs are certain.

    ``repeats`` is how often one outcome is told: asked about every week, a lead that buys within 90 days has it in up
    to 13 rows, which are one piece of evidence and not 13. Penalties and the smallest leaf grow with it (the design
    effect of clustered samples: Kish, Survey Sampling, 1965).
    """

    seed: int
    threads: int
    categorical: npt.NDArray[np.bool_]
    signs: npt.NDArray[np.int8]
    repeats: float = 1.0


def cell_matrix(matrix: Matrix, of: Cells, bins: int) -> Matrix:
    """(c, features [+ 1]) float32: the features of each cell's row and, with several bins, the bin."""
    if bins == 1:
        return matrix[of.rows]
    out = np.empty((len(of), matrix.shape[1] + 1), np.float32)
    out[:, :-1] = matrix[of.rows]
    out[:, -1] = of.bins
    return out


def parameters(settings: GbmSettings, shape: Shape, cells: int, bins: int) -> dict[str, object]:
    """LightGBM's parameters: regularised by default, minimum leaf size growing with the number of cells."""
    smallest = settings.repeats * np.clip(LEAF_SHARE * cells / settings.repeats, LEAST_LEAF, shape.leaf)
    extra = [0] if bins > 1 else []
    return {
        "objective": "binary",
        "metric": "binary_logloss",
        "learning_rate": shape.learning_rate,
        "num_leaves": shape.leaves,
        "max_depth": shape.depth,
        "min_data_in_leaf": int(smallest),
        "min_sum_hessian_in_leaf": 1e-3,
        "lambda_l2": shape.l2 * settings.repeats,
        "feature_fraction": columns_of(shape, len(settings.signs)),
        "bagging_fraction": 0.8,
        "bagging_freq": 1,
        "extra_trees": shape.random_cuts,
        "cat_smooth": 20.0,
        "cat_l2": 20.0,
        "max_cat_threshold": 16,
        "max_bin": 63,
        "monotone_constraints": [*settings.signs.tolist(), *extra],
        "seed": settings.seed,
        "deterministic": True,
        "force_col_wise": True,
        "num_threads": settings.threads if cells >= WORTH_THREADS else 1,
        "verbosity": -1,
    }


def columns_of(shape: Shape, features: int) -> float:
    """The share of so many features that each tree sees."""
    return float(np.clip(COLUMNS / features, 0.2, 0.5)) if shape.columns is None else shape.columns


def fit_gbm(
    matrix: Matrix,
    of: Cells,
    bins: int,
    settings: GbmSettings,
    shape: Shape,
    rounds: int,
    tick: Callable[[int], None] | None = None,
) -> lgb.Booster:
    """The booster of so many ``rounds`` on the cells ``of``; ``tick`` is told each round."""
    known = parameters(settings, shape, len(of), bins)
    callbacks = [] if tick is None else [lambda state: tick(state.iteration + 1)]
    return lgb.train(known, _dataset(matrix, of, bins, settings, known), rounds, callbacks=callbacks)


def idle(curve: Sequence[float] | Floats) -> int:
    """For how many rounds the loss has not fallen."""
    return len(curve) - 1 - int(np.argmin(curve))


class Sapling:
    """A booster that is grown step by step: ``curve`` has its loss on ``later`` cells after each round."""

    def __init__(self, matrix: Matrix, of: Cells, bins: int, settings: GbmSettings, shape: Shape, later: Cells) -> None:
        """Nothing has grown yet; see ``fit_gbm``."""
        known = parameters(settings, shape, len(of), bins)
        learned = _dataset(matrix, of, bins, settings, known)
        self._booster = lgb.Booster(known, learned)
        rows = cell_matrix(matrix, later, bins)
        judged = learned.create_valid(rows, later.outcome, weight=later.weights, params=known)
        self._booster.add_valid(judged, "later")
        self._row = rows[:1]
        self.curve: list[float] = []

    def grow(self, rounds: int, patience: int | None = None) -> None:
        """Grow so many rounds more, or until the loss has not fallen for ``patience`` rounds."""
        # LightGBM knows how much to print by thread, and would print into what is told by --json: this sets it here
        self._booster.predict(self._row, verbosity=-1)
        for _ in range(rounds):
            # random cuts may split nothing: such a round leaves no tree, and is tried again
            for _ in range(TRIES):
                if not self._booster.update():
                    break
            self.curve.append(float(self._booster.eval_valid()[0][2]))
            if patience is not None and idle(self.curve) >= patience:
                break

    def grown(self) -> lgb.Booster:
        """The booster with all its trees, without the rows that it was grown on."""
        return lgb.Booster(model_str=self._booster.model_to_string(num_iteration=-1))


def _dataset(matrix: Matrix, of: Cells, bins: int, settings: GbmSettings, parameters: dict[str, object]) -> lgb.Dataset:
    return lgb.Dataset(
        cell_matrix(matrix, of, bins),
        of.outcome,
        weight=of.weights,
        categorical_feature=np.flatnonzero(settings.categorical).tolist(),
        params=parameters,
        free_raw_data=True,
    )


def model_text(booster: lgb.Booster, rounds: int) -> bytes:
    """The first ``rounds`` trees as LightGBM's text, in the form that a bundle keeps."""
    return str(booster.model_to_string(num_iteration=rounds)).encode()
