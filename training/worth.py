"""Whether a feature earns its place: what it knows alone, what a model gains by it, what is lost when it is shuffled.

Everything is asked as of the moment at which the trial's own split begins, so that the rows which judge a version stay
unseen however many features are tried: the latest part of what was known before it judges here. A model is learned
without the feature, its settings chosen without it, and once more with it; then its column is shuffled among the rows
of the same cutoff. Intervals are over samples of leads, both models on the same draws.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import numpy.typing as npt

from data.contract import Contract
from data.history import History
from data.labels import label
from data.spine import build_spine, micros
from features.feature import Feature
from features.feature_set import FeatureSet
from features.levels import learn as learn_levels
from features.local import compute
from models.numerics import Floats
from training.fit import Fitted, fit
from training.judge import SMALLEST, Ranking, lead_weights
from training.leaks.auc import Mask, auc_within, strata_of
from training.leaks.fields import MISSING, of_feature
from training.leaks.finding import Auc, Verdict
from training.leaks.strength import PRIOR, base_rates
from training.leaks.verdict import Evidence, judge
from training.learning import gbm_settings, ground_of, learn
from training.sample import Progress, Sample, draw_sample
from training.splits import choose_test_from

DRAWS = 200
SHUFFLES = 10
LEAST_JUDGED = 10
"""With fewer leads that won among the judged rows, nothing is said of gains."""

Ints = npt.NDArray[np.int64]
Answer = Literal["earns its place", "may be chance", "costs more than it gives", "too few to tell"]


@dataclass(frozen=True)
class Gain:
    """What is gained, and the middle 95 % of it over samples of leads; above 0 is better for every figure."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Alone:
    """What one feature knows alone, and the leak detector's verdict on that."""

    auc: Auc | None
    verdict: Verdict


@dataclass(frozen=True)
class Worth:
    """The worth of ``names`` together, on ``rows`` rows of ``leads`` leads, of whom ``wins`` had the outcome.

    ``learned``: gain of learning with them over learning without; ``shuffled``: gain of the model that has them over
    itself when they say nothing. Both by figure, ``log_loss`` (saved) and ``auc``; empty where too few won to tell.
    """

    names: tuple[str, ...]
    rows: int
    leads: int
    wins: int
    alone: Mapping[str, Alone]
    learned: Mapping[str, Gain]
    shuffled: Mapping[str, Gain]

    @property
    def answer(self) -> Answer:
        """What the log loss says: whether its gain is certainly above 0, certainly below, or neither."""
        if not self.learned:
            return "too few to tell"
        gain = self.learned["log_loss"]
        if gain.low > 0:
            return "earns its place"
        return "costs more than it gives" if gain.high < 0 else "may be chance"


def worth(
    contract: Contract, history: History, features: Sequence[Feature | str], *, progress: Progress | None = None
) -> Worth:
    """The worth of ``features`` together, beside all others of the catalog. A text names one that is in the catalog.

    Raises ContractError when one has the name of another feature, NotMaturedError when nothing can be learned yet.
    """
    tell = progress or (lambda _what, _share: None)
    earlier, past = _before_the_split(contract, history)
    sample = draw_sample(earlier, past, tell)
    names = tuple(feature if isinstance(feature, str) else feature.name for feature in features)
    sample.table.feature_set.select([feature for feature in features if isinstance(feature, str)])
    having = _with(sample, past, [feature for feature in features if not isinstance(feature, str)])
    without = having.without(names)
    plain = learn(earlier, without, tell)
    tell("learning with the feature", 0.0)
    fuller = _again(earlier, having, plain, tell)
    judged = _judged(earlier, having)
    said = _readiness(plain, without, judged.rows), _readiness(fuller, having, judged.rows)
    tell("shuffling the feature", 0.0)
    shuffled = _shuffled(fuller, having, names, judged.rows, earlier.model.seed)
    known = {name: _alone(earlier, having, name, judged, said[0]) for name in names}
    tells = judged.wins >= LEAST_JUDGED and not judged.outcome.all()
    weights = lead_weights(judged.leads, DRAWS, earlier.model.seed).astype(np.float64) if tells else np.empty((0, 0))
    return Worth(
        names,
        len(judged.rows),
        len(np.unique(judged.leads)),
        judged.wins,
        known,
        _gains(judged.outcome, [said[0]], said[1], weights) if tells else {},
        _gains(judged.outcome, shuffled, said[1], weights) if tells else {},
    )


@dataclass(frozen=True, eq=False)
class _Judged:
    """The rows of a sample that are judged on: their places in the table, what came, and which lead each is of."""

    rows: Ints
    outcome: Mask
    leads: Ints

    @property
    def wins(self) -> int:
        """How many leads had the outcome."""
        return len(np.unique(self.leads[self.outcome]))


def _before_the_split(contract: Contract, history: History) -> tuple[Contract, History]:
    """The contract and the facts as of the moment at which the trial's own split begins."""
    spine = build_spine(contract.spine, contract.ready, history, contract.folder)
    labels = label(history, spine, contract.ready)
    moment = choose_test_from(contract.backtest, micros(spine["cutoff"]), labels, contract.ready.primary)
    split = contract.backtest.model_copy(update={"test_from": None, "test_until": None})
    asked = contract.spine.model_copy(update={"at": tuple(at for at in contract.spine.at if at < moment)})
    # leads of later on stay: a spine file may name them, and none of them has a row before its creation
    past = replace(history.upto(moment), leads=history.leads)
    return contract.model_copy(update={"backtest": split, "spine": asked}), past


def _with(sample: Sample, history: History, features: Sequence[Feature]) -> Sample:
    """The same rows, with those of ``features`` that the catalog does not have."""
    there = sample.table.feature_set
    every = FeatureSet((*there, *(feature for feature in features if feature not in there.features)))
    if len(every) == len(there):
        return sample
    levels = learn_levels(history, every, sample.test_from)
    return replace(sample, table=compute(history, sample.table.spine, every, levels))


def _again(contract: Contract, sample: Sample, chosen: Fitted, tell: Progress) -> Fitted:
    """A model of ``sample`` with the settings of ``chosen``."""
    ground = ground_of(contract, sample)
    settings = gbm_settings(contract, sample.table.feature_set, ground)
    return fit(ground, contract.ready.primary, settings, chosen.choice, seed=contract.model.seed, progress=tell)


def _judged(contract: Contract, sample: Sample) -> _Judged:
    labels = sample.labels.take(sample.test)
    kept = labels.matured(contract.ready.primary)
    rows = sample.test[kept]
    leads = np.unique(sample.leads[rows], return_inverse=True)[1].astype(np.int64).reshape(-1)
    return _Judged(rows, labels.outcome(contract.ready.primary)[kept], leads)


def _readiness(fitted: Fitted, sample: Sample, rows: Ints) -> Floats:
    return _told(fitted, sample.table.matrix[rows])


def _told(fitted: Fitted, matrix: npt.NDArray[np.float32]) -> Floats:
    """(n,) readiness on the primary horizon."""
    said = fitted.model.predict(np.ascontiguousarray(matrix))
    return np.ascontiguousarray(said[:, fitted.model.horizons.index(fitted.model.primary)])


def _shuffled(fitted: Fitted, sample: Sample, names: Sequence[str], rows: Ints, seed: int) -> list[Floats]:
    """What the model says when the columns ``names``, together, are those of other rows of the same cutoff."""
    places = np.array([sample.table.feature_set.names.index(name) for name in names])
    generator, cutoffs = np.random.default_rng(seed), sample.cutoffs[rows]
    order = np.argsort(cutoffs, kind="stable")
    said = []
    for _ in range(SHUFFLES):
        matrix = sample.table.matrix[rows]
        others = np.lexsort((generator.random(len(rows)), cutoffs))
        matrix[np.ix_(order, places)] = matrix[np.ix_(others, places)]
        said.append(_told(fitted, matrix))
    return said


def _gains(outcome: Mask, before: Sequence[Floats], after: Floats, weights: Floats) -> dict[str, Gain]:
    """What ``after`` gains over the mean of ``before``, with intervals over the draws ``weights`` (draws, n)."""
    figures: tuple[tuple[str, Callable[[Floats], Callable[[Floats], float]], float], ...] = (
        ("log_loss", lambda said: _log_loss(outcome, said), -1.0),
        ("auc", lambda said: Ranking.of(outcome, said).auc, 1.0),
    )
    found = {}
    for name, figure, sign in figures:
        ours, others = figure(after), [figure(said) for said in before]
        drawn = np.array(
            [
                sign * (ours(weight) - np.mean([other(weight) for other in others]))
                for weight in (np.ones(len(outcome)), *weights)
            ]
        )
        low, high = np.nanquantile(drawn[1:], (0.025, 0.975))
        found[name] = Gain(float(drawn[0]), float(low), float(high))
    return found


def _log_loss(outcome: Mask, said: Floats) -> Callable[[Floats], float]:
    """The weighted log loss of ``said`` as a function of the weights."""
    chance = np.clip(said, SMALLEST, 1.0 - SMALLEST)
    losses = -np.where(outcome, np.log(chance), np.log1p(-chance))
    return lambda weight: float((weight * losses).sum() / weight.sum())


def _alone(contract: Contract, sample: Sample, name: str, judged: _Judged, rest: Floats) -> Alone:
    """What ``name`` knows alone: what its values were worth before, told to one judged row of each lead.

    ``rest``: what all others say of the judged rows.
    """
    primary = contract.ready.primary
    matured = sample.known.matured(primary)
    taught, outcome = sample.train[matured], sample.known.outcome(primary)[matured]
    order = np.random.default_rng(contract.model.seed).permutation(len(judged.rows))
    few = np.sort(order[np.unique(judged.leads[order], return_index=True)[1]])
    if judged.wins < LEAST_JUDGED:
        return Alone(None, "clean")
    place = sample.table.feature_set.names.index(name)
    values = sample.table.matrix[np.concatenate([taught, judged.rows[few]]), place]
    codes = of_feature(values, category=sample.table.feature_set.dtypes[place] == "category").codes - MISSING
    before, most = codes[: len(taught)], int(codes.max()) + 1
    due = np.bincount(before, base_rates(outcome, strata_of(outcome)), most)
    told = ((np.bincount(before, outcome, most) + PRIOR) / (due + PRIOR))[codes[len(taught) :]]
    came = judged.outcome[few]
    found, together = (auc_within(came, score, strata_of(came)) for score in (told, rest[few]))
    return Alone(found, judge(Evidence(alone=found, rest=together, as_of=True)))
