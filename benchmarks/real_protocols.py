"""The protocols: an example contract each, trained as `readiness train` does, and baselines on the same rows."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.real_baselines import Judged, baselines, plain_table
from data.check import check
from data.contract import Contract, load_contract
from training.sample import draw_sample
from training.trial import run_trial

ROOT = Path(__file__).resolve().parents[1]

QUOTED = {
    "online_retail": ((0.745, 0.5565), (0.735, 0.5620)),
    "cdnow": ((0.807, 0.3473), (0.795, 0.3703)),
    "oulad": ((0.729, 0.6446), (0.711, 0.7737)),
    "oulad_day60": ((0.773, 0.5661), (0.744, 0.6792)),
    "olist": ((0.711, 0.2360), (0.701, 0.2510)),
    "bank_marketing": ((0.748, 0.5704), (0.658, 0.7877)),
}
"""(AUC, log loss) of logistic regression and of LightGBM at its defaults as they came with the protocols."""


@dataclass(frozen=True, eq=False)
class Outcome:
    """One protocol: what was said of its test rows, and what the training chose against drift.

    ``rates``: of the outcome in the matured rows learned from, and in the test rows. ``half_life`` of a row's weight in
    days (None: all rows weigh the same), ``bounded`` whether the linear model stays within what was seen, ``level`` the
    calibration's intercept in log-odds.
    """

    horizon: str
    judged: Judged
    rates: tuple[float, float]
    half_life: float | None
    bounded: bool
    level: float
    notes: tuple[str, ...]


def contract_of(name: str, source: Path | None) -> Contract:
    """The example contract; ``source`` is a folder with one folder for each data set."""
    path = ROOT / "examples" / f"{name}.toml"
    folder = name.removesuffix("_day60")
    agreed = load_contract(path, (source / folder).resolve() if source else None)
    # what is judged here serves nobody: learning it once more would only take time
    return agreed.model_copy(update={"model": agreed.model.model_copy(update={"refit": False})})


def run(name: str, source: Path | None) -> Outcome:
    """Train one example and both baselines on the same rows, and ask all of them about the same later rows."""
    contract = contract_of(name, source)
    checked = check(contract)
    trial = run_trial(contract, checked)
    sample = draw_sample(contract, checked.history, lambda _what, _share: None)
    primary = contract.ready.primary
    at = contract.ready.horizons.index(primary)
    matured = trial.test.matured[:, at]
    learned, known = sample.known.matured(primary), sample.known.outcome(primary)
    plain = baselines(plain_table(contract, checked.history, sample), known, learned)
    said = {model: chance[matured, at] for model, chance in trial.test.predictions.items()}
    said |= {model: chance[matured] for model, chance in plain.items()}
    leads = np.array(trial.test.lead_id.to_pylist(), object)
    if leads.tolist() != sample.leads[sample.test].tolist():
        raise RuntimeError(f"{name}: the baselines were asked about other rows than the trial. Draw both alike.")
    blend = trial.report["blend"]
    return Outcome(
        trial.report["primary"],
        Judged(leads[matured], trial.test.outcome[matured, at], said),
        (float(known[learned].mean()), float(trial.test.outcome[matured, at].mean())),
        blend["half_life_days"],
        blend["linear_bounded"],
        trial.judged.calibration.intercepts[at],
        tuple(trial.report["notes"]),
    )
