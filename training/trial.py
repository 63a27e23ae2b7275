"""One trial: from checked facts to a fitted model and its judgement beside its rivals on later rows."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from data.check import Checked
from data.contract import Contract
from data.history import History
from features.feature_set import FeatureSet
from features.local import FeatureTable
from features.vocabulary import Vocabulary
from models.model import ReadinessModel
from models.numerics import Floats
from models.points import load_points, replay
from models.policy import Policy
from models.tenths import tenths_of
from training.agreement import agreement
from training.decision import make_policy
from training.fit import Fitted, fit
from training.leaks.detect import find_leaks
from training.leaks.fields import features_of
from training.leaks.figures import compare
from training.leaks.finding import Leaks
from training.learning import gbm_settings, ground_of, learn
from training.odoo_fields import odoo_chances
from training.refit import Grower, Served, as_judged, refit
from training.reporting import make_card, make_report
from training.rivals import PointsAsChance, prior
from training.sample import Progress, Sample, draw_sample
from training.search import Budget
from training.sections import sections
from training.testrows import TestRows
from training.wins import wins_learned

REFERENCE_ROWS = 2_000


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
    """A fitted model with everything that a bundle, a registry and a report need.

    ``model`` serves; ``judged`` is the one whose answers for the ``test`` rows the report judges.
    """

    contract: Contract
    history: History
    feature_set: FeatureSet
    vocabulary: Vocabulary
    model: ReadinessModel
    judged: ReadinessModel
    policy: Policy
    card: dict[str, Any]
    report: dict[str, Any]
    reference: pa.Table
    test: TestRows


def run_trial(
    contract: Contract,
    checked: Checked,
    *,
    progress: Progress | None = None,
    grower: Grower | None = None,
    budget: Budget | None = None,
) -> Trial:
    """Train on what was known before the split and judge on what came after it.

    ``progress`` is told what is being done and how far it is, from 0 to 1. ``grower``: where the last booster is grown,
    if not here; ``budget``: for a search of settings. Raises ContractError, SchemaError or NotMaturedError, each with
    what to do.
    """
    tell = progress or (lambda _what, _share: None)
    history = checked.history
    learned = learn_and_answer(contract, history, tell, grower=grower, budget=budget)
    sample, fitted, test = learned.sample, learned.fitted, learned.test
    report = make_report(contract, checked, sample, learned.wins, fitted, test, tell)
    report |= sections(contract, history, test, learned.left_out, sample.share)
    figures = compare(contract, learned.leaks, learned.whole, test, _otherwise(contract, fitted), tell)
    report |= {"leaks": {**learned.leaks.to_dict(), "figures": figures}}
    report |= {"search": [asdict(tried) for tried in fitted.choice.tried]} if budget else {}
    served = _served(contract, history, learned, tell, grower)
    report["refit"] = served.told
    report["notes"] += served.notes
    policy = make_policy(contract, history, sample, served.test)
    tell("what each capacity would have meant", 0.0)
    report["agreement"] = agreement(contract, history, sample, served.test, policy)
    reference = _reference(sample, served)
    return Trial(
        contract,
        history,
        sample.table.feature_set,
        sample.table.vocabulary,
        served.model,
        fitted.model,
        policy,
        {**make_card(report, policy, history), "tenths": tenths_of(reference["readiness"].to_pylist())},
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
    budget: Budget | None = None,
    portion: Callable[[Sample], Sample] = lambda sample: sample,
) -> Learned:
    """Learn from what was known before the contract's split, and answer for the rows after it.

    ``portion`` may take away rows to learn from. Raises what ``run_trial`` raises.
    """
    leaks = find_leaks(contract, history, tell)
    whole = portion(draw_sample(contract, history, tell))
    left_out = {finding.field for finding in leaks.left_out} | set(contract.leaks.quarantine)
    sample = whole.without(features_of(left_out, whole.table.feature_set))
    fitted = learn(contract, sample, tell, None if grower is None else grower(sample, None), budget)
    tell("judging on later rows", 0.0)
    test = _judged(contract, history, sample, fitted)
    wins = wins_learned(ground_of(contract, sample))
    return Learned(leaks, left_out, whole, sample, wins, fitted, test)


def _served(contract: Contract, history: History, learned: Learned, tell: Progress, grower: Grower | None) -> Served:
    """The model that serves: the judged one, or by default the same learned once more from all that is known."""
    if not contract.model.refit:
        return as_judged(learned.fitted, learned.test)
    return refit(contract, history, learned.sample, learned.fitted, learned.test, tell, grower)


def _otherwise(contract: Contract, served: Fitted) -> Callable[[Sample, Progress], Fitted]:
    """How other features are learned from for comparison: with the settings of the model that serves."""

    def relearn(other: Sample, tell: Progress) -> Fitted:
        ground = ground_of(contract, other)
        settings = gbm_settings(contract, other.table.feature_set, ground)
        seed = contract.model.seed
        return fit(ground, contract.ready.primary, settings, served.choice, seed=seed, progress=tell)

    return relearn


def _judged(contract: Contract, history: History, sample: Sample, fitted: Fitted) -> TestRows:
    """What every model says about the test rows."""
    ready, rows = contract.ready, sample.test
    spine = sample.table.spine
    said = fitted.members(np.ascontiguousarray(sample.table.matrix[rows]))
    ground = ground_of(contract, sample)
    chance = prior(ground.cells(np.arange(len(ground.cutoffs))), ground.edges, ready.horizons)
    odoo = odoo_chances(sample, ready.horizons)
    rivals = _points(contract, history, sample) | ({} if odoo is None else {"odoo": odoo})
    said = {"prior": np.tile(chance, (len(rows), 1)), **rivals, **said}
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


def _reference(sample: Sample, served: Served) -> pa.Table:
    """A seeded draw of the rows that were learned from, with their scores: what later inputs are compared with."""
    rows = sample.train if served.told is None else np.arange(len(sample.cutoffs))
    if len(rows) > REFERENCE_ROWS:
        rows = np.sort(np.random.default_rng(0).choice(rows, REFERENCE_ROWS, replace=False))
    part = FeatureTable(
        sample.table.spine.take(pa.array(rows)),
        np.ascontiguousarray(sample.table.matrix[rows]),
        sample.table.feature_set,
        sample.table.vocabulary,
    )
    return part.to_arrow().append_column("readiness", pa.array(served.readiness(part.matrix)))
