"""From the sample of a trial to what is learned from, and to the model that is learned."""

import numpy as np

from data.contract import Contract
from data.labels import Labels
from features.feature_set import FeatureSet
from models.hazard import bin_edges
from training.fit import Fitted, Grow, fit
from training.folds import Ground
from training.gbm import GbmSettings
from training.sample import Progress, Sample
from training.search import Budget, search
from training.selection import choose


def learn(
    contract: Contract, sample: Sample, tell: Progress, grow: Grow | None = None, budget: Budget | None = None
) -> Fitted:
    """The settings that the training rows choose, and the model that they give.

    ``grow``: where the booster is grown, if not here. ``budget``: for a search of better settings than the defaults.
    Raises NotMaturedError when nothing can be learned yet.
    """
    ground = ground_of(contract, sample)
    settings = gbm_settings(contract, sample.table.feature_set, ground)
    seed, folds = contract.model.seed, contract.backtest.folds
    choice = choose(ground, settings, folds, seed, tell)
    if budget is not None:
        choice = search(ground, settings, choice, budget, folds=folds, seed=seed, progress=tell)
    return fit(ground, contract.ready.primary, settings, choice, seed=seed, progress=tell, grow=grow)


def ground_of(contract: Contract, sample: Sample) -> Ground:
    """The training rows of a sample, with their labels as known at the split."""
    ready = contract.ready
    return Ground(
        np.ascontiguousarray(sample.table.matrix[sample.train]),
        sample.cutoffs[sample.train],
        sample.known,
        sample.leads[sample.train],
        hazard_edges(contract, sample.known),
        ready.horizons,
        ready.reporting_lag,
        contract.backtest.serves_for,
    )


def hazard_edges(contract: Contract, known: Labels) -> tuple[int, ...]:
    """The hazard bins: the horizons where every row was watched to the end, finer ones where some were not."""
    horizons = contract.ready.horizons
    partly = (known.watched > 0) & ~known.matured(horizons[-1])
    return bin_edges(horizons, contract.model.bins) if partly.any() else horizons


def gbm_settings(contract: Contract, feature_set: FeatureSet, ground: Ground) -> GbmSettings:
    """What the booster is told of the contract, of the features and of the rows."""
    return GbmSettings(
        contract.model.seed,
        contract.model.threads,
        np.array([dtype == "category" for dtype in feature_set.dtypes]),
        np.array(feature_set.signs, np.int8),
        ground.repeats(),
    )
