"""A model of the last half year, trained in a second: a plain logistic regression on the features of the catalog."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from sklearn.linear_model import LogisticRegression

from data.clock import WEEK
from data.contract import Contract
from data.history import History
from data.labels import label
from data.simulation.states import Floats, Micros
from data.spine import NEVER, SPINE, micros, positions
from data.tables import TIME
from features.catalog import default_catalog
from features.feature_set import FeatureSet
from features.levels import learn
from features.local import compute
from features.profile import profile
from features.vocabulary import Vocabulary
from models.numerics import Matrix, Terms
from training.logistic import design, make_terms

WINDOW = 26 * WEEK
"""So much of the past a model is learned from."""
EVERY = 4 * WEEK
"""Between two questions about an open lead, and between two trainings."""
STRENGTH = 0.03
"""The prior variance of a standardised coefficient, from the middle of those that a trial tries."""


@dataclass(frozen=True)
class Learned:
    """A model of P(outcome within ``horizon``), what its features are, and what it was learned from."""

    line: LogisticRegression
    terms: Terms
    feature_set: FeatureSet
    vocabulary: Vocabulary
    rows: int
    wins: int

    def predict(self, history: History, spine: pa.Table) -> Floats:
        """(n,) readiness of the rows of a spine."""
        matrix = compute(history, spine, self.feature_set, self.vocabulary, threads=1).matrix
        return self.line.predict_proba(design(matrix, self.terms))[:, 1]


def learned(contract: Contract, history: History, moment: int, *, called_only: bool) -> Learned:
    """What can be learned at ``moment``: from every open lead, or only from those that were called, when they were.

    Rows whose horizon has not passed are left out. The horizon is the contract's primary one.
    """
    ready = contract.ready
    spine = _called(history, moment) if called_only else _open(history, moment)
    labels = label(history, spine, ready)
    matured = np.flatnonzero(labels.matured(ready.primary))
    outcome = labels.outcome(ready.primary)[matured]
    feature_set = default_catalog(profile(history, moment))
    vocabulary = learn(history, feature_set, moment)
    matrix: Matrix = compute(history, spine.take(pa.array(matured)), feature_set, vocabulary, threads=1).matrix
    categorical = np.array([dtype == "category" for dtype in feature_set.dtypes])
    terms = make_terms(matrix, categorical, bounded=True)
    line = LogisticRegression(C=STRENGTH, max_iter=500).fit(design(matrix, terms), outcome)
    return Learned(line, terms, feature_set, vocabulary, len(matured), int(outcome.sum()))


def _open(history: History, moment: int) -> pa.Table:
    """Every lead that the books held open, every four weeks of the window."""
    created, closed = micros(history.leads["created_at"]), np.full(len(history.leads), NEVER, np.int64)
    closed[positions(history.outcomes["lead_id"], history.leads["lead_id"])] = micros(history.outcomes["occurred_at"])
    cutoffs = np.arange(moment - WINDOW, moment, EVERY)
    is_open = (created[:, None] <= cutoffs) & (cutoffs <= closed[:, None])
    place, lead = np.nonzero(is_open.T)
    return _spine(history, lead, cutoffs[place])


def _called(history: History, moment: int) -> pa.Table:
    """Every touch by sales within the window, asked about just before it."""
    actor = np.array(history.events["actor"].to_pylist(), object)
    at = micros(history.events["occurred_at"])
    calls = np.flatnonzero((actor == "sales") & (at >= moment - WINDOW) & (at < moment))
    lead = positions(history.events["lead_id"].take(pa.array(calls)), history.leads["lead_id"])
    pairs = np.unique(np.column_stack([at[calls], lead]), axis=0)
    return _spine(history, pairs[:, 1], pairs[:, 0])


def _spine(history: History, lead: Micros, cutoff: Micros) -> pa.Table:
    ids = history.leads["lead_id"].combine_chunks().take(pa.array(lead))
    return pa.table([ids, pa.array(cutoff, TIME)], schema=SPINE)
