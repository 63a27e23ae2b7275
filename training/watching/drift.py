"""How far inputs and scores have moved from the rows that the model was made with, and how far chance moves them.

The distance is the population stability index (``training.shift``). Two things make it move where nothing has changed:
leads are older than they were, since a market fills up, and few rows are drawn. The first is taken off by comparing
like with like: the reference rows are weighted so that leads are as old in them as they are now. The second is the
``noise``: the distance that chance alone gives on average. The test is that of Rao and Scott (Annals of Statistics 12,
1984) for counts of rows that come in clusters, here the leads: the chi-squared distance against a weighted sum of
chi-squared variables whose weights come from how the rows of a lead move together.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from scipy.sparse import csr_array
from scipy.stats import chi2

from data.clock import DAY
from data.history import History
from data.spine import micros, positions
from features.context import Calendar, Tenure
from features.feature_set import FeatureSet
from features.local import FeatureTable, compute
from features.partition import FINGERPRINT, VOCABULARY, from_labelled, open_leads
from models.bundle import Bundle
from training.watching.alarms import Finding
from training.watching.binning import Codes, Values, classes

AGES = 10
"""Into so many groups of equal size the reference rows are put by the age of their leads."""
LEAST_LEADS = 30
MOST_LEADS = 20_000
"""Of more open leads a seeded draw is compared."""
READINESS = "readiness"
HALF = 0.5
BY_CHANCE = 0.001
"""Of a question that raised an alarm those features are marked whose own p-value is below this."""

Entry = dict[str, Any]


@dataclass(frozen=True, eq=False)
class Rows:
    """n rows of one side: the feature matrix with the readiness as its last column, lead codes, ages in days."""

    values: Values
    leads: Codes
    ages: Values

    def take(self, rows: npt.NDArray[np.bool_]) -> "Rows":
        """Some of the rows."""
        return Rows(self.values[rows], self.leads[rows], self.ages[rows])


@dataclass(frozen=True)
class Moved:
    """A distance, what of it is expected by chance, and the p-value that it is all chance."""

    distance: float
    noise: float
    p: float


@dataclass(frozen=True)
class Drift:
    """Entries by feature and readiness, what may be alarming, and ``beyond``: leads older than any reference row."""

    entries: list[Entry]
    findings: list[Finding]
    beyond: int = 0
    leads: int = 0


def drift(bundle: Bundle, version: str, history: History, least: float, threads: int = 0) -> Drift:
    """The open leads at the end of ``history`` against the reference rows of ``bundle``.

    ``least``: a smaller distance beyond the noise matters to nobody. Nothing is said of fewer than LEAST_LEADS leads.
    """
    then, now, categorical = frames_of(bundle, history, threads)
    oldest = float(then.ages.max()) if len(then.ages) else 0.0
    within = now.ages <= oldest
    beyond, leads = int((~within).sum()), len(now.ages)
    now = now.take(within)
    if min(len(np.unique(now.leads)), len(np.unique(then.leads))) < LEAST_LEADS:
        return Drift([], [], beyond, leads)
    entries, findings = [], []
    names = [*bundle.feature_set.names, READINESS]
    plain = [*(not isinstance(one, Calendar | Tenure) for one in bundle.feature_set), True]
    frame = Frame.of(then, now)
    for at in np.flatnonzero(plain).tolist():
        moved = frame.moved(then.values[:, at], now.values[:, at], categorical=categorical[at])
        entries.append({"what": names[at], "version": version, **moved.__dict__, "alarm": False})
        findings.append(_finding(names[at], version, moved, least))
    return Drift(entries, findings, beyond, leads)


def frames_of(bundle: Bundle, history: History, threads: int = 0) -> tuple[Rows, Rows, list[bool]]:
    """The reference rows, the open leads at the end of ``history``, and which columns are categories."""
    categorical = [*(dtype == "category" for dtype in bundle.feature_set.dtypes), False]
    tables = _then(bundle, history), _now(bundle, history, threads)
    count = len(tables[0].spine)
    ids = pa.concat_tables([table.spine.select(["lead_id"]) for table in tables])["lead_id"].combine_chunks()
    leads = np.asarray(ids.dictionary_encode().indices.to_numpy()).astype(np.int64)
    primary = bundle.model.horizons.index(bundle.model.primary)
    sides = []
    for table, codes in zip(tables, (leads[:count], leads[count:]), strict=True):
        said = bundle.model.predict(table.matrix)[:, primary]
        sides.append(Rows(np.column_stack([table.matrix, said]).astype(np.float64), codes, _ages(history, table)))
    return sides[0], sides[1], categorical


def _ages(history: History, table: FeatureTable) -> Values:
    """How old (days) the lead of each row is at its cutoff: as the features say, else by when it was created."""
    for at, feature in enumerate(table.feature_set):
        if isinstance(feature, Tenure):
            return table.matrix[:, at].astype(np.float64)
    leads = positions(table.spine["lead_id"], history.leads["lead_id"])
    return np.asarray((micros(table.spine["cutoff"]) - micros(history.leads["created_at"])[leads]) / DAY)


def _finding(name: str, version: str, moved: Moved, least: float) -> Finding:
    text = (
        f"{'The readiness' if name == READINESS else name} is spread otherwise among the open leads than when version "
        f"{version} was made: the distance is {moved.distance:.2f}, by chance it would be {moved.noise:.2f}."
    )
    return Finding(name, moved.p, text, matters=moved.distance - moved.noise >= least)


def _now(bundle: Bundle, history: History, threads: int) -> FeatureTable:
    """The open leads at the end of ``history``, or a draw of them."""
    spine = open_leads(history, bundle.contract.ready, history.ends_at)
    if len(spine) > MOST_LEADS:
        chosen = np.random.default_rng(0).choice(len(spine), MOST_LEADS, replace=False)
        spine = spine.take(pa.array(np.sort(chosen)))
    return compute(history, spine, bundle.feature_set, bundle.vocabulary, threads=threads)


def _then(bundle: Bundle, history: History) -> FeatureTable:
    """The reference rows; without an age among the features those of leads that are still known."""
    kept = bundle.reference_rows()
    if not any(isinstance(feature, Tenure) for feature in bundle.feature_set):
        kept = kept.filter(pc.is_in(kept["lead_id"], history.leads["lead_id"].combine_chunks()))
    label = {FINGERPRINT: bundle.feature_set.fingerprint, VOCABULARY: bundle.vocabulary.to_json()}
    return from_labelled(kept.replace_schema_metadata(label), bundle.feature_set, bundle.vocabulary)


@dataclass(frozen=True, eq=False)
class Frame:
    """What is the same for every feature: weights and age groups of both sides, and whose row each is."""

    weights: tuple[Values, Values]
    ages: tuple[Codes, Codes]
    gather: csr_array
    """(leads, n + m): adds the rows of a lead up, those of ``then`` first."""
    sizes: tuple[int, int]

    @classmethod
    def of(cls, then: Rows, now: Rows) -> "Frame":
        """The frame of n rows ``then`` and m rows ``now``."""
        edges = np.unique(np.quantile(then.ages, np.arange(1, AGES) / AGES))
        ages = tuple(np.searchsorted(edges, side.ages, side="left").astype(np.int64) for side in (then, now))
        counts = [np.bincount(one, minlength=len(edges) + 1).astype(np.float64) for one in ages]
        wanted = counts[1] / counts[1].sum() / np.maximum(counts[0], 1.0)
        met = counts[0][ages[1]] > 0
        weights = wanted[ages[0]], met / met.sum()
        codes = np.unique(np.concatenate([then.leads, now.leads]), return_inverse=True)[1]
        gather = csr_array((np.ones(len(codes)), (codes, np.arange(len(codes)))))
        sizes = len(np.unique(then.leads)), len(np.unique(now.leads))
        return cls((weights[0] / weights[0].sum(), weights[1]), (ages[0], ages[1]), gather, sizes)

    def moved(self, then: Values, now: Values, *, categorical: bool) -> Moved:
        """How far one column has moved."""
        codes = classes(then, now, self.sizes, categorical=categorical)
        count = int(max(codes[0].max(), codes[1].max())) + 1
        if count < 2:
            return Moved(0.0, 0.0, 1.0)
        hot = [np.eye(count)[one] for one in codes]
        before, after = (weight @ one for weight, one in zip(self.weights, hot, strict=True))
        parts = [
            weight[:, None] * (one - _by_age(one, ages))
            for weight, one, ages in zip(self.weights, hot, self.ages, strict=True)
        ]
        by_lead = self.gather @ np.vstack([-parts[0], parts[1]])
        middle = np.maximum((before + after) / 2.0, 1e-12)
        covariance = (by_lead.T @ by_lead) / np.sqrt(np.outer(middle, middle))
        distance = float(((after - before) ** 2 / middle).sum())
        return Moved(_index(before, after, self.sizes), float(np.trace(covariance)), _rao_scott(distance, covariance))


def _by_age(hot: Values, ages: Codes) -> Values:
    """(n, classes) the shares of the classes in the age group of each row."""
    counts = np.maximum(np.bincount(ages), 1)
    shares = np.column_stack([np.bincount(ages, column) for column in hot.T]) / counts[:, None]
    return np.asarray(shares[ages])


def _rao_scott(distance: float, covariance: Values) -> float:
    """The p-value of a chi-squared distance whose parts vary so: the second-order correction."""
    first, second = float(np.trace(covariance)), float((covariance**2).sum())
    if first <= 0.0 or second <= 0.0:
        return 1.0 if distance <= 0.0 else 0.0
    return float(chi2.sf(distance * first / second, first**2 / second))


def _index(before: Values, after: Values, sizes: tuple[int, int]) -> float:
    """The population stability index; half a lead is added to each class, so that an empty one is no infinite move."""
    shares = [
        (side * size + HALF) / (size + HALF * len(side)) for side, size in zip((before, after), sizes, strict=True)
    ]
    return float(((shares[1] - shares[0]) * np.log(shares[1] / shares[0])).sum())


def question_of(features: FeatureSet) -> dict[str, str]:
    """The question that each feature helps to answer, by its name; the readiness is one of its own."""
    return {**dict(zip(features.names, features.groups, strict=True)), READINESS: READINESS}


def by_question(features: FeatureSet, findings: Sequence[Finding]) -> Iterator[Finding]:
    """Of the features that answer one question the one that moved most surely stands for all."""
    groups = question_of(features)
    best: dict[str, list[Finding]] = {}
    for one in findings:
        best.setdefault(groups[one.subject], []).append(one)
    for group, ones in best.items():
        first = min(ones, key=lambda one: (not one.matters, one.p))
        yield Finding(group, min(1.0, first.p * len(ones)), first.text, first.matters)
