"""From a trial to a version that is kept: its bundle under the state folder, its place in the registry."""

from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from data.check import Checked
from data.contract import Contract
from data.spine import micros
from models.bundle import Bundle, read_bundle, write_bundle
from models.golden import Golden, golden_rows
from models.histories import lead_histories
from training.backtesting.backtest import latest_result
from training.fetch import fetch, is_there
from training.registry import Version, register
from training.sample import Progress
from training.search import Budget
from training.trial import Trial, run_trial

GOLDEN_ROWS = 20


@dataclass(frozen=True)
class Made:
    """What a training leaves: the trial, its bundle folder, its version in the registry."""

    trial: Trial
    bundle: Path
    version: Version


def make_version(
    contract: Contract, checked: Checked, progress: Progress | None = None, budget: Budget | None = None
) -> Made:
    """Run the trial of a contract, write its bundle under the state folder, register it. Raises what both raise."""
    return keep(run_trial(contract, checked, progress=progress, budget=budget), progress)


def keep(trial: Trial, progress: Progress | None = None) -> Made:
    """Write the bundle of a trial under the state folder and register it.

    Its report also shows the last backtest of the same contract, facts and code, where there is one.
    """
    tell = progress or (lambda _what, _share: None)
    trial.report["backtest"] = latest_result(trial.contract, trial.report["history"]["fingerprint"])
    tell("writing the bundle", 0.0)
    folder = keep_bundle(trial, trial.contract.state_folder / "bundles")
    return Made(trial, folder, register(trial, folder, progress=tell))


def champion(contract: Contract, checked: Checked, progress: Progress | None = None) -> Bundle:
    """The bundle of the version that serves; where the registry has none yet, one is made first."""
    bundles = contract.state_folder / "bundles"
    if is_there(contract, "champion"):
        return read_bundle(fetch(contract, "champion", bundles))
    return read_bundle(make_version(contract, checked, progress).bundle)


def keep_bundle(trial: Trial, bundles: Path) -> Path:
    """Write the bundle of a trial to ``bundles/<bundle id>``; the same bundle is kept once."""
    bundles.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=bundles, prefix=".new-") as scratch:
        written = Path(scratch) / "bundle"
        bundle_id = write_bundle(
            written,
            model=trial.model,
            judged=trial.judged,
            feature_set=trial.feature_set,
            vocabulary=trial.vocabulary,
            contract_text=trial.contract.text,
            policy=trial.policy,
            card=trial.card,
            report=trial.report,
            reference=trial.reference,
            golden=golden_of(trial),
        )
        kept = bundles / bundle_id
        if not kept.exists():
            written.rename(kept)
    return kept


def golden_of(trial: Trial) -> Golden:
    """Test rows from the least to the most ready, as the service would meet them, with their exact scores."""
    readiness = trial.test.predictions[trial.report["served"]][:, -1]
    spread = np.linspace(0, len(readiness) - 1, min(GOLDEN_ROWS, len(readiness))).astype(int)
    rows = np.argsort(readiness, kind="stable")[spread]
    leads = lead_histories(trial.history, trial.test.lead_id.take(rows).to_pylist())
    cutoffs = micros(trial.test.cutoff)[rows].tolist()
    return golden_rows(trial.model, trial.feature_set, trial.vocabulary, leads, cutoffs)
