"""Two plain baselines, fitted on the rows that the served model learns from: logistic regression and LightGBM.

Both see counts, recencies and attributes (``plain_features``) and stay at their libraries' defaults; categories are
one-hot for the regression and LightGBM's own business for the trees, as in the quoted figures.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import lightgbm as lgb
import numpy as np
import numpy.typing as npt
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from data.clock import DAY
from data.contract import Contract
from data.history import History
from features.catalog import own_kinds
from features.context import Tenure
from features.definitions import Count, DaysSince
from features.feature import Feature
from features.feature_set import FeatureSet
from features.levels import learn
from features.local import compute
from features.profile import Profile, profile
from models.numerics import Floats, Matrix
from training.sample import Sample

Mask = npt.NDArray[np.bool_]
WINDOWS = (30 * DAY, 90 * DAY, None)
BASELINES = ("plain LR", "plain GBM")


@dataclass(frozen=True, eq=False)
class Judged:
    """n rows that were only judged on: their leads, what came, and what each model said, (n,) each."""

    leads: npt.NDArray[np.object_]
    outcome: Mask
    said: Mapping[str, Floats]

    @classmethod
    def together(cls, parts: Sequence["Judged"]) -> "Judged":
        """The rows of all parts, one after the other."""
        names = parts[0].said
        return cls(
            np.concatenate([part.leads for part in parts]),
            np.concatenate([part.outcome for part in parts]),
            {name: np.concatenate([part.said[name] for part in parts]) for name in names},
        )


@dataclass(frozen=True, eq=False)
class Table:
    """Feature rows to learn from and to answer for; which columns are categories."""

    train: Matrix
    test: Matrix
    categorical: Mask

    @classmethod
    def of(cls, sample: Sample) -> "Table":
        """The features of a trial's own rows: what there is where there are no events to count."""
        names = sample.table.feature_set
        return cls(
            sample.table.matrix[sample.train],
            sample.table.matrix[sample.test],
            np.array([dtype == "category" for dtype in names.dtypes]),
        )


def plain_features(known: Profile) -> FeatureSet:
    """Counts by window and by kind, recency, age and attributes: what an analyst would begin with.

    More columns (a recency of every kind, counts by kind and window, sums) made both baselines worse on most of the
    data sets; these come nearest to the figures that are quoted with the protocols.
    """
    found: list[Feature] = [Tenure(), *known.attributes]
    if known.kinds:
        found += [*(Count(window=window) for window in WINDOWS), DaysSince(), DaysSince(first=True)]
    return FeatureSet((*found, *(Count(kinds=(kind,)) for kind in own_kinds(known))))


def plain_table(contract: Contract, history: History, sample: Sample) -> Table:
    """The plain features of a trial's rows; kinds and levels are those known before its split."""
    features = plain_features(profile(history, sample.test_from))
    levels = learn(history, features, sample.test_from)
    table = compute(history, sample.table.spine, features, levels, threads=contract.model.threads)
    categorical = np.array([dtype == "category" for dtype in features.dtypes])
    return Table(table.matrix[sample.train], table.matrix[sample.test], categorical)


def baselines(table: Table, outcome: Mask, learned: Mask | None = None) -> dict[str, Floats]:
    """What each of BASELINES says of the test rows; ``learned``: the training rows whose outcome is known."""
    rows = np.ones(len(outcome), bool) if learned is None else learned
    levels, numbers = np.flatnonzero(table.categorical).tolist(), np.flatnonzero(~table.categorical).tolist()
    scaled = make_pipeline(SimpleImputer(strategy="median", add_indicator=True), StandardScaler())
    one_hot = OneHotEncoder(handle_unknown="ignore")
    linear = make_pipeline(
        ColumnTransformer([("levels", one_hot, levels), ("numbers", scaled, numbers)], sparse_threshold=0.0),
        LogisticRegression(max_iter=10_000),
    )
    trees = lgb.LGBMClassifier(n_jobs=1, verbosity=-1)
    linear.fit(table.train[rows], outcome[rows])
    trees.fit(table.train[rows], outcome[rows], categorical_feature=levels)
    return {
        name: model.predict_proba(table.test)[:, 1].astype(np.float64)
        for name, model in zip(BASELINES, (linear, trees), strict=True)
    }
