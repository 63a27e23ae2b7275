"""Small real models for the tests of this room."""

from types import SimpleNamespace

import lightgbm
import numpy as np
import pyarrow as pa
import pytest

from data.clock import DAY
from features.context import Attribute, Tenure
from features.definitions import Count, DaysSince, DecayedSum, DistinctCount
from features.feature_set import FeatureSet
from features.lead import Event, LeadHistory
from features.online import OnlineEngine
from features.vocabulary import Vocabulary
from models.bundle import read_bundle, write_bundle
from models.calibration import Calibration
from models.golden import golden_rows
from models.linear import LinearModel
from models.model import assemble, with_bins
from models.numerics import LEVEL, LOG, MISSING
from models.policy import Policy


def _rows(n, seed=0):
    """(n, 8) float64: six numbers with missing values, a category of 40 codes, one more of 3."""
    rng = np.random.default_rng(seed)
    matrix = rng.normal(size=(n, 8))
    matrix[:, 6] = rng.integers(0, 40, n)
    matrix[:, 7] = rng.integers(0, 3, n)
    matrix[rng.random((n, 8)) < 0.1] = np.nan
    return matrix


def _train(trees=5, leaves=7, min_data=20, **parameters):
    """A booster of ``rows`` for an answer that depends on numbers, an interaction and both categories."""
    matrix = _rows(1500)
    filled = np.nan_to_num(matrix)
    logit = filled[:, 0] + filled[:, 1] * filled[:, 2] + (filled[:, 6] % 3 == 1) + (filled[:, 7] == 2)
    answer = np.random.default_rng(1).random(len(matrix)) < 1 / (1 + np.exp(1 - logit))
    settings = {"objective": "binary", "num_leaves": leaves, "min_data_in_leaf": min_data, "num_threads": 1}
    quiet = {"verbose": -1, "min_data_per_group": 10, "cat_smooth": 1.0}
    dataset = lightgbm.Dataset(matrix, answer, categorical_feature=[6, 7], params=quiet)
    return lightgbm.train(settings | quiet | parameters, dataset, trees)


@pytest.fixture(scope="session")
def rows():
    """``rows(n, seed)``: a matrix (n, 8) that the boosters of ``train`` understand."""
    return _rows


@pytest.fixture(scope="session")
def train():
    """``train(trees, leaves, min_data, **parameters)``: a small real booster of the lightgbm package."""
    return _train


T0 = 20_000 * DAY
KINDS = ("email_open", "pricing_view", "reply")
CONTRACT = """
[ready]
product = "crm"
outcome = ["won"]
terminal = ["won", "lost"]
horizons = ["30d", "90d"]
primary = "90d"
[source]
leads = { table = "leads.parquet" }
outcomes = { table = "outcomes.parquet" }
[policy]
capacity_per_week = 5
"""
FEATURES = FeatureSet(
    (
        *(Count(kinds=(kind,), window=30 * DAY) for kind in KINDS),
        *(DaysSince(kinds=(kind,)) for kind in KINDS),
        DaysSince(),
        DecayedSum(half_life=7 * DAY),
        DistinctCount(column="kind", window=90 * DAY),
        Count(actor="sales"),
        Attribute(column="industry"),
        Attribute(column="employees", type="number"),
        Tenure(),
    )
)
VOCABULARY = Vocabulary({"leads.industry": ("software", "retail")})


def _lead(name, rng):
    """A lead of about 20 events in 200 days, some known late, some by sales."""
    created = T0 + int(rng.integers(0, 100)) * DAY
    events = []
    for place in range(int(rng.integers(0, 40))):
        occurred = created + int(rng.integers(0, 200 * DAY))
        late = int(rng.random() < 0.1) * DAY
        actor = "sales" if rng.random() < 0.1 else "lead"
        kind = "call" if actor == "sales" else KINDS[rng.integers(3)]
        events.append(Event(kind, occurred, occurred + late, actor, event_id=f"{name}-{place}"))
    attributes = {
        "industry": [None, "software", "retail", "mining"][rng.integers(4)],
        "employees": float(rng.integers(500)),
    }
    return LeadHistory(name, created, attributes, events=tuple(events))


def _fit(matrix, rng):
    """A real readiness model with two bins over ``matrix``: boosted trees, a linear model, a calibration."""
    seen = np.nan_to_num(matrix[:, 1]) + 0.5 * np.nan_to_num(matrix[:, 2]) + (matrix[:, 10] == 0)
    answer = (rng.random((len(matrix), 2)) < (1 / (1 + np.exp(3 - seen)))[:, None]).reshape(-1)
    settings = {"objective": "binary", "num_leaves": 5, "min_data_in_leaf": 20, "num_threads": 1, "verbose": -1}
    dataset = lightgbm.Dataset(with_bins(matrix, 2), answer, categorical_feature=[10], params={"verbose": -1})
    text = lightgbm.train(settings, dataset, 20).model_to_string().encode()
    linear = LinearModel(
        features=np.array([1, 10, 11]),
        operations=np.array([LOG, LEVEL, MISSING]),
        levels=np.array([0.0, 0.0, 0.0]),
        means=np.array([0.5, 0.3, 0.0]),
        scales=np.array([0.7, 0.5, 1.0]),
        lows=np.array([-2.0, -2.0, -2.0]),
        highs=np.array([3.0, 3.0, 3.0]),
        coefficients=np.array([[0.8, 0.4], [0.3, 0.2], [-0.1, -0.1]]),
        intercepts=np.array([-3.0, -2.5]),
    )
    return assemble(
        text, linear, Calibration((0.9, 1.1), (0.1, -0.1)), 0.6, (30 * DAY, 90 * DAY), (30 * DAY, 90 * DAY), 90 * DAY
    )


@pytest.fixture(scope="session")
def made():
    """The parts of a bundle with a real model, and 60 leads with a cutoff each that it was not trained on."""
    rng = np.random.default_rng(7)
    leads = [_lead(f"lead-{place}", rng) for place in range(460)]
    cutoffs = [lead.created_at + int(rng.integers(1, 220 * DAY)) for lead in leads]
    engine = OnlineEngine(FEATURES, VOCABULARY)
    matrix = np.array([engine.row(lead, cutoff) for lead, cutoff in zip(leads, cutoffs, strict=True)])
    model = _fit(matrix[:400], rng)
    parts = {
        "model": model,
        "feature_set": FEATURES,
        "vocabulary": VOCABULARY,
        "contract_text": CONTRACT,
        "policy": Policy(0.2),
        "card": {"trained_at": "2025-06-01T00:00:00Z", "rate": np.float64(0.25), "nothing": float("nan")},
        "report": {"product": "crm", "version": None},
        "reference": pa.table({name: matrix[:50, place] for place, name in enumerate(FEATURES.names)}),
        "golden": golden_rows(model, FEATURES, VOCABULARY, leads[:20], cutoffs[:20]),
    }
    return SimpleNamespace(parts=parts, leads=leads[400:], cutoffs=cutoffs[400:], matrix=matrix[400:])


@pytest.fixture
def bundle_folder(made, tmp_path):
    """A freshly written bundle."""
    write_bundle(tmp_path / "bundle", **made.parts)
    return tmp_path / "bundle"


@pytest.fixture(scope="session")
def bundle(made, tmp_path_factory):
    """A bundle that was written and read back."""
    folder = tmp_path_factory.mktemp("session") / "bundle"
    write_bundle(folder, **made.parts)
    return read_bundle(folder)
