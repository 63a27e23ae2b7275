"""One trial: from checked facts to a fitted model and its judgement beside its rivals on later rows."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from data.check import Checked
from data.contract import Contract
from data.history import History
from data.labels import Labels
from features.feature_set import FeatureSet
from features.local import FeatureTable
from features.vocabulary import Vocabulary
from models.hazard import bin_edges
from models.model import ReadinessModel
from models.numerics import Floats
from models.points import load_points, replay
from models.policy import Policy
from training.decision import make_policy
from training.fit import Fitted, Grow, fit
from training.folds import Ground
from training.gbm import GbmSettings
from training.leaks.detect import find_leaks
from training.leaks.fields import features_of
from training.leaks.figures import compare
from training.leaks.finding import Leaks
from training.reporting import make_card, make_report
from training.rivals import PointsAsChance, prior
from training.sample import Progress, Sample, draw_sample
from training.sections import sections
from training.selection import choose
from training.testrows import TestRows
from training.wins import wins_learned

REFERENCE_ROWS = 2_000

Grower = Callable[[Sample], Grow]
"""For the sample of a trial, where its last booster is grown."""


@dataclass(frozen=True, eq=False)
class Learned:
    """What was learned before a split, and what it says of the rows after it.

    ``whole`` has every feature, ``sample`` none of the fields ``left_out``: leaks, and what the contract quarantines.
    ``wins``: how many different outcomes there were to learn from.
    """

    leaks: Leaks
    left_out: set[str]
    whole: Sample
    sample: Sample
    wins: int
    fitted: Fitted
    test: TestRows


@dataclass(frozen=True, eq=False)
class Trial:
    """A fitted model with everything that a bundle, a registry and a report need."""

    contract: Contract
    history: History
    feature_set: FeatureSet
    vocabulary: Vocabulary
    model: ReadinessModel
    policy: Policy
    card: dict[str, Any]
    report: dict[str, Any]
    reference: pa.Table
    test: TestRows


def run_trial(
    contract: Contract, checked: Checked, *, progress: Progress | None = None, grower: Grower | None = None
) -> Trial:
    """Train on what was known before the split and judge on what came after it.

    ``progress`` is told what is being done and how far it is, from 0 to 1. ``grower``: where the last booster is grown,
    if not here. Raises ContractError, SchemaError or NotMaturedError, each with what to do.
    """
    tell = progress or (lambda _what, _share: None)
    history = checked.history
    learned = learn_and_answer(contract, history, tell, grower=grower)
    sample, fitted, test = learned.sample, learned.fitted, learned.test
    report = make_report(contract, checked, sample, learned.wins, fitted, test, tell)
    report |= sections(contract, history, test, learned.left_out, sample.share)
    figures = compare(contract, learned.leaks, learned.whole, test, _otherwise(contract, fitted), tell)
    report |= {"leaks": {**learned.leaks.to_dict(), "figures": figures}}
    policy = make_policy(contract, history, sample, test)
    reference = _reference(sample, fitted)
    return Trial(
        contract,
        history,
        sample.table.feature_set,
        sample.table.vocabulary,
        fitted.model,
        policy,
        make_card(report, policy, history),
        report,
        reference,
        test,
    )


def learn_and_answer(
    contract: Contract,
    history: History,
    tell: Progress,
    *,
    grower: Grower | None = None,
    portion: Callable[[Sample], Sample] = lambda sample: sample,
) -> Learned:
    """Learn from what was known before the contract's split, and answer for the rows after it.

    ``portion`` may take away rows to learn from. Raises what ``run_trial`` raises.
    """
    leaks = find_leaks(contract, history, tell)
    whole = portion(draw_sample(contract, history, tell))
    left_out = {finding.field for finding in leaks.left_out} | set(contract.leaks.quarantine)
    sample = whole.without(features_of(left_out, whole.table.feature_set))
    ground = _ground(contract, sample)
    settings = _gbm_settings(contract, sample.table.feature_set)
    choice = choose(ground, settings, contract.backtest.folds, contract.model.seed, tell)
    grow = None if grower is None else grower(sample)
    fitted = fit(ground, contract.ready.primary, settings, choice, seed=contract.model.seed, progress=tell, grow=grow)
    tell("judging on later rows", 0.0)
    test = _judged(contract, history, sample, ground, fitted)
    return Learned(leaks, left_out, whole, sample, wins_learned(ground), fitted, test)


def _otherwise(contract: Contract, served: Fitted) -> Callable[[Sample, Progress], Fitted]:
    """How other features are learned from for comparison: with the settings of the model that serves."""

    def learn(other: Sample, tell: Progress) -> Fitted:
        settings, seed = _gbm_settings(contract, other.table.feature_set), contract.model.seed
        return fit(_ground(contract, other), contract.ready.primary, settings, served.choice, seed=seed, progress=tell)

    return learn


def _ground(contract: Contract, sample: Sample) -> Ground:
    ready = contract.ready
    return Ground(
        np.ascontiguousarray(sample.table.matrix[sample.train]),
        sample.cutoffs[sample.train],
        sample.known,
        sample.leads[sample.train],
        hazard_edges(contract, sample.known),
        ready.horizons,
        ready.reporting_lag,
    )


def hazard_edges(contract: Contract, known: Labels) -> tuple[int, ...]:
    """The hazard bins: the horizons where every row was watched to the end, finer ones where some were not."""
    horizons = contract.ready.horizons
    partly = (known.watched > 0) & ~known.matured(horizons[-1])
    return bin_edges(horizons, contract.model.bins) if partly.any() else horizons


def _gbm_settings(contract: Contract, feature_set: FeatureSet) -> GbmSettings:
    return GbmSettings(
        contract.model.seed,
        contract.model.threads,
        np.array([dtype == "category" for dtype in feature_set.dtypes]),
        np.array(feature_set.signs, np.int8),
    )


def _judged(contract: Contract, history: History, sample: Sample, ground: Ground, fitted: Fitted) -> TestRows:
    """What every model says about the test rows."""
    ready, rows = contract.ready, sample.test
    spine = sample.table.spine
    said = fitted.members(np.ascontiguousarray(sample.table.matrix[rows]))
    chance = prior(ground.cells(np.arange(len(ground.cutoffs))), ground.edges, ready.horizons)
    said = {"prior": np.tile(chance, (len(rows), 1)), **_points(contract, history, sample), **said}
    labels = sample.labels.take(rows)
    return TestRows(
        spine["lead_id"].combine_chunks().take(pa.array(rows)),
        spine["cutoff"].combine_chunks().take(pa.array(rows)),
        np.column_stack([labels.outcome(horizon) for horizon in ready.horizons]),
        np.column_stack([labels.matured(horizon) for horizon in ready.horizons]),
        said,
    )


def _points(contract: Contract, history: History, sample: Sample) -> dict[str, Floats]:
    """The customer's points as they stood at each cutoff, read as chances learned from matured training rows."""
    if contract.points is None:
        return {}
    path = contract.resolve(contract.points.file)
    table = load_points(path.read_text(encoding="utf-8"), path.name)
    points = replay(table, history, sample.table.spine)
    columns = []
    for horizon in contract.ready.horizons:
        matured = sample.known.matured(horizon)
        told = PointsAsChance(points[sample.train[matured]], sample.known.outcome(horizon)[matured])
        columns.append(told(points[sample.test]))
    return {"points": np.maximum.accumulate(np.column_stack(columns), axis=1)}


def _reference(sample: Sample, fitted: Fitted) -> pa.Table:
    """A seeded draw of training rows with their scores: what later inputs are compared with."""
    rows = sample.train
    if len(rows) > REFERENCE_ROWS:
        rows = np.sort(np.random.default_rng(0).choice(rows, REFERENCE_ROWS, replace=False))
    part = FeatureTable(
        sample.table.spine.take(pa.array(rows)),
        np.ascontiguousarray(sample.table.matrix[rows]),
        sample.table.feature_set,
        sample.table.vocabulary,
    )
    scores = fitted.model.predict(part.matrix)[:, fitted.model.horizons.index(fitted.model.primary)]
    return part.to_arrow().append_column("readiness", pa.array(scores))
