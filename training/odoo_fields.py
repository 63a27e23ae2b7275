"""Odoo's predictive scoring as a rival: what its frequency table is fed with here.

Odoo counts the fields of a lead. Here these are the attributes and, beyond what Odoo has, how long ago and how often of
late a lead did each thing: naive Bayes takes every field as news, so each question is asked once. Odoo knows no
numbers: each is cut at quantiles of the training rows. Rows that were won within the horizon are won leads, matured
rows that were not are lost ones; teams, stages and tags do not take part.
"""

from collections.abc import Sequence

import numpy as np

from features.context import Attribute, Tenure
from features.definitions import Count, DaysSince
from features.feature_set import FeatureSet
from features.local import FeatureTable
from models.numerics import Floats
from models.odoo import HIGHEST, LOWEST, NONE, ClosedLeads, Ints, Mask, PredictiveScore
from training.sample import Sample

CLASSES = 5
"""A numeric field is cut into so many classes at the most."""


def odoo_log_odds(table: FeatureTable, train: Ints, won: Mask, rows: Ints) -> Floats:
    """(len(rows),) what Odoo's table of the rows ``train``, ``won`` or not, says of ``rows``: higher is likelier.

    NaN where it gives no score.
    """
    dtypes = table.feature_set.dtypes
    columns = [
        _classes(table.matrix[:, at], train, categorical=dtypes[at] == "category")
        for at in odoo_fields(table.feature_set)
    ]
    codes = np.column_stack(columns) if columns else np.empty((len(table.matrix), 0), np.int64)
    score = PredictiveScore(ClosedLeads(codes[train], won))
    return score.log_odds(ClosedLeads(codes[rows], np.zeros(len(rows), bool)))


def odoo_chances(sample: Sample, horizons: Sequence[int]) -> Floats | None:
    """(test rows, horizons) Odoo's percentages as probabilities, as Odoo gives them, non-decreasing by horizon.

    None where it gives no score: before one lead was won and another was not.
    """
    columns = []
    for horizon in horizons:
        matured = np.flatnonzero(sample.known.matured(horizon))
        won = sample.known.outcome(horizon)[matured]
        if not won.any() or won.all():
            return None
        log_odds = odoo_log_odds(sample.table, sample.train[matured], won, sample.test)
        columns.append(np.clip(1.0 / (1.0 + np.exp(-np.clip(log_odds, -500, 500))), LOWEST / 100, HIGHEST / 100))
    return np.maximum.accumulate(np.column_stack(columns), axis=1)


def odoo_fields(features: FeatureSet) -> list[int]:
    """Where in a feature set the fields of the frequency table are."""
    longest: dict[tuple[tuple[str, ...], str | None], int] = {}
    for feature in features:
        if isinstance(feature, Count) and feature.window is not None:
            asked = (feature.kinds, feature.actor)
            longest[asked] = max(feature.window, longest.get(asked, 0))
    kinds = any(asked for asked, _ in longest)
    return [
        at
        for at, feature in enumerate(features)
        if isinstance(feature, Attribute | Tenure)
        or (
            isinstance(feature, Count | DaysSince)
            and (bool(feature.kinds) == kinds or feature.actor is not None)
            and (isinstance(feature, DaysSince) or feature.window == longest.get((feature.kinds, feature.actor)))
        )
    ]


def _classes(values: np.ndarray[tuple[int], np.dtype[np.float32]], train: Ints, *, categorical: bool) -> Ints:
    """The code of each value: categories keep theirs, numbers are cut at quantiles of the rows ``train``."""
    missing = np.isnan(values)
    if categorical:
        return np.where(missing, NONE, np.nan_to_num(values)).astype(np.int64)
    seen = values[train][~missing[train]]
    cuts = np.unique(np.quantile(seen, np.arange(1, CLASSES) / CLASSES)) if len(seen) else np.empty(0)
    return np.where(missing, NONE, np.searchsorted(cuts, values, side="left")).astype(np.int64)
