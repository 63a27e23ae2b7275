"""A report whose figures are computed, one real trial with its bundle, and a real MLflow server."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from data.check import check
from data.clock import DAY
from data.contract import load_contract
from data.simulation.folder import write
from data.simulation.market import simulate
from models.bundle import write_bundle
from models.golden import golden_rows
from models.histories import lead_histories
from training.capacity import told
from training.duel import duel
from training.duel_play import DuelRows, periods_of
from training.expectation import expectation
from training.grouped import Judgement, segment_figures
from training.judge import Ranking, gains, intervals, lead_weights, reliability
from training.segments import Segment

HORIZONS = {"30d": -1.1, "90d": 0.0}
SHARPNESS = {"points": 0.45, "odoo": 0.6, "logistic": 0.8, "gbm": 0.85, "blend": 0.92, "ceiling": 1.0}


def _logistic(x: np.ndarray) -> np.ndarray:
    return 1.0 / (1.0 + np.exp(-x))


def _judged(outcome: np.ndarray, chance: np.ndarray, weights: np.ndarray) -> dict[str, Any]:
    ranking = Ranking.of(outcome, chance)
    return {**ranking.metrics(), "intervals": intervals(ranking, weights)}


def example_report(rows: int = 6_000, seed: int = 1) -> dict[str, Any]:
    """A report in the trial's form; every figure in it is computed from ``rows`` drawn outcomes and predictions."""
    generator = np.random.default_rng(seed)
    leads = np.sort(generator.integers(0, rows // 4, rows))
    signal, noise = generator.normal(size=rows), generator.normal(size=rows)
    weights = lead_weights(leads, 40, seed)
    horizons, curves = {}, {}
    for horizon, shift in HORIZONS.items():
        logit = -3.4 + shift + 1.5 * signal
        outcome = generator.random(rows) < _logistic(logit)
        chances = {"prior": np.full(rows, 1.1 * outcome.mean())}
        for name, sharp in SHARPNESS.items():
            mixed = sharp * signal + np.sqrt(1 - sharp**2) * noise
            chances[name] = _logistic(-3.4 + shift + 0.55 * (1 - sharp) + 1.5 * sharp * mixed)
        models = {name: _judged(outcome, chance, weights) for name, chance in chances.items()}
        horizons[horizon] = {
            "n": rows,
            "rate": float(outcome.mean()),
            "outcomes": int(outcome.sum()),
            "leads": len(np.unique(leads)),
            "wins": len(np.unique(leads[outcome])),
            "told": float(chances["blend"].mean()),
            "models": models,
        }
        curves[horizon] = {
            "reliability": {name: reliability(outcome, chance) for name, chance in chances.items()},
            "gains": {name: gains(outcome, chance) for name, chance in chances.items()},
        }
    codes = np.unique(leads, return_inverse=True)[1]
    judged = Judgement(codes, outcome, chances)
    cutoffs = generator.integers(0, 8, rows) * 7 * DAY
    period, weeks = periods_of(cutoffs)
    asked = DuelRows(codes, cutoffs, period, np.where(outcome, codes, -1), weeks, 90 * DAY)
    contestants = {name: chances[name] for name in ("blend", "points", "odoo", "logistic", "gbm")}
    half, models = generator.random(rows) < 0.5, ("prior", "points", "blend")
    industry = Segment("industry", {"shipping": half, "<b>law</b>": ~half})
    age = Segment("days since the lead was created", {"0 to 50 days": ~half, "51 days and older": half & (codes < 4)})
    pushes = {"pricing_view_count_7d": ("pricing", 0.61), "reply_days_since": ("replies", 0.44)}
    pushes |= {
        "any_days_since": ("recency", 0.39),
        "industry": ("company", 0.22),
        "download_count_30d": ("content", 0.08),
    }
    return {
        "product": "crm",
        "version": None,
        "created_at": "2025-06-02T08:00:00Z",
        "served": "blend",
        "primary": "90d",
        "definition": {
            "outcome": ["won"],
            "terminal": ["won", "lost"],
            "repeatable": False,
            "horizons": list(HORIZONS),
            "reporting_lag": "3d",
        },
        "history": {
            "leads": 5_210,
            "events": 104_221,
            "outcomes": 861,
            "starts_at": "2024-01-01T00:00:00Z",
            "ends_at": "2025-06-01T00:00:00Z",
            "fingerprint": "5f2d" * 16,
        },
        "rows": {
            "train": 24_000,
            "test": rows,
            "train_leads": 4_100,
            "train_outcomes": 1_322,
            "test_outcomes": horizons["90d"]["outcomes"],
            "train_from": "2024-02-05T00:00:00Z",
            "train_until": "2024-10-07T00:00:00Z",
            "test_from": "2025-01-06T00:00:00Z",
            "test_until": "2025-02-24T00:00:00Z",
            "embargo": "90d",
            "partly_watched": 5_105,
            "censored": 2_011,
        },
        "refit": {
            "rows": 31_000,
            "leads": 4_900,
            "wins": 402,
            "from": "2024-02-05T00:00:00Z",
            "until": "2025-05-19T00:00:00Z",
            "weight": 0.62,
            "slopes": [0.98] * len(HORIZONS),
            "intercepts": [-0.03] * len(HORIZONS),
            "level": {
                "shift": -0.02,
                "until": 1_747_612_800_000_000,
                "came": [31.0, 28.0, 24.0],
                "told": [30.2, 29.1, 30.5],
            },
            "judged_shift": -0.05,
        },
        "features": {"count": len(pushes), "fingerprint": "ab12" * 16},
        "horizons": horizons,
        "curves": curves,
        "expectation": expectation(210, horizons["90d"], "blend"),
        "capacity": told(duel(asked, contestants, capacity=40, seed=seed, draws=40)),
        "segments": [segment_figures(industry, judged, models, "blend", seed)],
        "ages": segment_figures(age, judged, models, "blend", seed),
        "blend": {
            "weight": 0.62,
            "split": "rolling origin",
            "folds": [
                {
                    "from": "2024-07-01T00:00:00Z",
                    "n": 4_000,
                    "outcomes": 201,
                    "log_loss": {"gbm": 0.151, "logistic": 0.149},
                },
                {
                    "from": "2024-08-01T00:00:00Z",
                    "n": 5_000,
                    "outcomes": 240,
                    "log_loss": {"gbm": 0.147, "logistic": 0.148},
                },
            ],
            "log_loss": {"gbm": 0.149, "logistic": 0.1485, "blend": 0.147},
            "half_life_days": None,
            "bins": ["30d", "90d"],
        },
        "calibration": {name: {"slope": 0.98, "intercept": -0.03} for name in HORIZONS},
        "level": None,
        "importance": [
            {"feature": name, "group": group, "mean_abs_push": push} for name, (group, push) in pushes.items()
        ],
        "notes": ["Quarantined: the attribute <deal_owner> is filled after the first call."],
    }


@pytest.fixture(scope="session")
def report() -> dict[str, Any]:
    """A report whose figures are computed, not typed."""
    return example_report()


@pytest.fixture(scope="session")
def trial(tmp_path_factory):
    """One real trial on a few hundred simulated leads."""
    from training.trial import run_trial

    folder = tmp_path_factory.mktemp("market")
    write(simulate("steady", 400, 11), folder, paths=2)
    agreed = load_contract(folder / "readiness.toml")
    small = {
        "spine": agreed.spine.model_copy(update={"every": 28 * DAY}),
        "backtest": agreed.backtest.model_copy(update={"folds": 2}),
        "model": agreed.model.model_copy(update={"threads": 1, "bins": 1}),
    }
    contract = agreed.model_copy(update=small)
    return run_trial(contract, check(contract))


def write_trial(trial, folder: Path) -> Path:
    """The bundle of a trial at ``folder``, as `readiness train` writes it."""
    cutoffs = trial.test.cutoff.cast("int64").to_pylist()[:5]
    leads = lead_histories(trial.history, trial.test.lead_id.to_pylist()[:5])
    write_bundle(
        folder,
        model=trial.model,
        judged=trial.judged,
        feature_set=trial.feature_set,
        vocabulary=trial.vocabulary,
        contract_text=trial.contract.text,
        policy=trial.policy,
        card=trial.card,
        report=trial.report,
        reference=trial.reference,
        golden=golden_rows(trial.model, trial.feature_set, trial.vocabulary, leads, cutoffs),
    )
    return folder


@pytest.fixture(scope="session")
def bundle_folder(trial, tmp_path_factory) -> Path:
    """The bundle of the trial."""
    return write_trial(trial, tmp_path_factory.mktemp("bundle") / "trained")


@pytest.fixture(scope="session")
def earlier_folder(trial, tmp_path_factory) -> Path:
    """The bundle of a trial under the same contract, made half a year before the end of the facts."""
    from training.trial import run_trial

    checked = check(trial.contract)
    known = checked.history.upto(checked.history.ends_at - 180 * DAY)
    earlier = run_trial(trial.contract, replace(checked, history=known))
    return write_trial(earlier, tmp_path_factory.mktemp("bundle") / "earlier")


@pytest.fixture(scope="session")
def sides(bundle_folder, earlier_folder):
    """(the earlier version, the later one), as sides of a comparison."""
    from models.bundle import read_bundle
    from training.comparing.side import make_side

    return tuple(
        make_side(name, folder, read_bundle(folder))
        for name, folder in (("earlier", earlier_folder), ("later", bundle_folder))
    )


@pytest.fixture(scope="session")
def mlflow_server(tmp_path_factory) -> Iterator[str]:
    """The address of a real tracking server on a free loopback port, ended with all its children."""
    folder = tmp_path_factory.mktemp("server")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    stores = ["--backend-store-uri", f"sqlite:///{folder}/server.db", "--artifacts-destination", str(folder / "files")]
    quiet = {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "MLFLOW_DISABLE_TELEMETRY": "true"}
    with (folder / "log").open("w") as log:
        server = subprocess.Popen(
            [*command, *stores],
            cwd=folder,
            env={**os.environ, **quiet},
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        _await_health(server, f"http://127.0.0.1:{port}", folder / "log")
        yield f"http://127.0.0.1:{port}"
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait(timeout=30)


def _await_health(server: "subprocess.Popen[bytes]", address: str, log: Path) -> None:
    """Until the server answers, or the reason why it does not."""
    for _ in range(600):
        if server.poll() is not None:
            pytest.fail(f"the MLflow server did not start: {log.read_text()[-500:]}")
        try:
            with urllib.request.urlopen(f"{address}/health", timeout=2):  # noqa: S310  our own loopback address
                return
        except OSError:
            time.sleep(0.1)
    pytest.fail(f"the MLflow server did not answer within a minute: {log.read_text()[-500:]}")


@pytest.fixture(scope="session")
def steady(tmp_path_factory):
    """A small simulated market, checked: (contract, checked); one thread, cutoffs every four weeks, a fixed split."""
    folder = tmp_path_factory.mktemp("steady")
    write(simulate("steady", 600, 2), folder, paths=1)
    agreed = load_contract(folder / "readiness.toml")
    small = {
        "spine": agreed.spine.model_copy(update={"every": 28 * DAY}),
        "backtest": agreed.backtest.model_copy(update={"folds": 2, "test_from": 20_115 * DAY}),
        "model": agreed.model.model_copy(update={"threads": 1, "bins": 3}),
    }
    contract = agreed.model_copy(update=small)
    return contract, check(contract)


@pytest.fixture(scope="session")
def steady_trial(steady):
    """The trial of that market."""
    from training.trial import run_trial

    return run_trial(*steady)


@pytest.fixture(scope="session")
def ready():
    """A definition of ready: won or lost, within 30 days."""
    from data.sections import Ready

    return Ready(outcome=("won",), terminal=("won", "lost"), horizons=(30 * DAY,), primary=30 * DAY)
