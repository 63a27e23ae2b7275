"""A model trained, served week by week, and watched: what was raised, and when."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

import numpy as np
import pyarrow as pa
from scipy.stats import ks_2samp

from benchmarks.quality_case import as_read
from data.check import Checked
from data.clock import WEEK, format_duration
from data.contract import Contract
from data.history import History
from data.report import Report
from data.simulation.drifting import DRIFTS_AT
from data.simulation.market import Market, simulate
from data.simulation.truth import truth
from data.spine import closed_at, micros, positions
from models.bundle import read_bundle
from models.numerics import Floats
from models.snapshot import score_history
from training.comparing.recalibrate import log_odds, recalibrated
from training.comparing.side import Side, make_side
from training.keeping import keep_bundle
from training.shift import MUCH, shift
from training.trial import run_trial
from training.watching.alarms import adjusted
from training.watching.drift import frames_of
from training.watching.ledger import ledger
from training.watching.told import as_told, column
from training.watching.watch import Asked, watch

JUDGED = 400
"""Of the scores of so many leads the exact probability is computed."""
STARTS_AT = DRIFTS_AT - 4 * WEEK
"""What is known by then is trained on; from then on every open lead is scored and looked at each week."""
PSI, KS = f"some feature's PSI above {MUCH:g}", "some feature's Kolmogorov-Smirnov p below 0.05"
RULES = (PSI, KS)
"""Rules of thumb, asked of the same rows."""


@dataclass(frozen=True)
class Setting:
    """Which worlds, how many leads in their whole history, how many weekly looks, which seeds."""

    worlds: tuple[str, ...]
    leads: int
    weeks: int
    seeds: range
    threads: int = 1


@dataclass(frozen=True)
class Look:
    """One look: its moment (microseconds), the keys of new alarms, and which rules of thumb would have called.

    ``surprise``: the smallest adjusted p-value of each family; ``exact``: the same if the exact probabilities had been
    told.
    """

    at: int
    new: tuple[tuple[str, str], ...]
    standing: int
    rules: tuple[str, ...]
    surprise: dict[str, float]
    exact: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Run:
    """A world with a seed, its looks, how many leads were open on average, and how long it took.

    ``told`` is the mean readiness of all scores on the primary horizon, ``exact`` what an exact filter that knows the
    market says of the same leads and moments, ``slope`` by how much the log-odds told would have to be multiplied.
    """

    world: str
    seed: int
    looks: tuple[Look, ...]
    told: float
    exact: float
    slope: float
    open_leads: float
    seconds: float


def runs(setting: Setting) -> Iterator[Run]:
    """A run for each world and seed."""
    for world in setting.worlds:
        for seed in setting.seeds:
            yield _run(setting, world, seed)


def _run(setting: Setting, world: str, seed: int) -> Run:
    began = perf_counter()
    market = simulate(world, setting.leads, seed)
    contract, history = as_read(market, setting.threads)
    contract = contract.model_copy(
        update={"spine": contract.spine.model_copy(update={"every": 2 * WEEK}), "backtest": _few(contract)}
    )
    with TemporaryDirectory() as scratch:
        side = _trained(contract, history, Path(scratch))
        looks, told, leads, before = [], [], [], None
        for at in range(STARTS_AT, STARTS_AT + (setting.weeks + 1) * WEEK, WEEK):
            known = replace(history.upto(at), ends_at=at)
            if told:
                found = watch(Asked(contract, side, known, pa.concat_tables(told), at, before))
                before = found.to_dict()
                new = tuple(alarm.key for alarm in found.new)
                looks.append(Look(at, new, len(found.alarms), tuple(_rules(side, known)), before["surprise"]))
            scores = score_history(side.bundle, known, at, version="1", reasons=0, threads=setting.threads)
            leads.append(len(scores))
            told.append(as_told(scores))
    said, exact = _exact(market, contract, pa.concat_tables(told))
    looks = [replace(look, exact=_of_exact(contract, history, exact, look.at)) for look in looks]
    figures = float(said.mean()), *_against(said, exact[column(contract.ready.primary)].to_numpy())
    return Run(world, seed, tuple(looks), *figures, float(np.mean(leads)), perf_counter() - began)


def _exact(market: Market, contract: Contract, told: pa.Table) -> tuple[Floats, pa.Table]:
    """What was told of a draw of leads on the primary horizon, and the exact probabilities in its place."""
    ids = market.history.leads["lead_id"]
    leads = positions(told["lead_id"], ids)
    drawn = np.random.default_rng(0).permutation(np.unique(leads))[:JUDGED]
    closed = closed_at(ids, contract.ready, market.history)[leads]
    rows = np.isin(leads, drawn) & (closed >= micros(told["as_of"]))  # open, as is known in the end
    part = told.filter(pa.array(rows))
    spine = pa.table({"lead_id": part["lead_id"], "cutoff": part["as_of"]})
    best = truth(market, spine, contract.ready.horizons, seed=market.seed)
    exact = part.select(["lead_id", "as_of", "version", "decision"])
    for horizon in contract.ready.horizons:
        exact = exact.append_column(column(horizon), best[f"p_{format_duration(horizon)}"])
    return part[column(contract.ready.primary)].to_numpy(), exact


def _of_exact(contract: Contract, history: History, exact: pa.Table, at: int) -> dict[str, float]:
    """The smallest adjusted p-values at a look if the exact probabilities had been told: nothing is off then."""
    known = replace(history.upto(at), ends_at=at)
    _, levels, slopes = ledger(contract, known, exact.filter(pa.array(micros(exact["as_of"]) < at)))
    families = {"base-rate": levels, "calibration": slopes}
    return {family: min(adjusted(found)) for family, found in families.items() if found}


def _against(said: Floats, exact: Floats) -> tuple[float, float]:
    """The mean of the exact probabilities, and by how much the log-odds told would have to be multiplied."""
    line = recalibrated(np.asarray(exact, np.float64), log_odds(said), np.ones(len(said)))
    return float(exact.mean()), line.slope


def _few(contract: Contract) -> object:
    return contract.backtest.model_copy(update={"folds": 2})


def _trained(contract: Contract, history: History, folder: Path) -> Side:
    past = replace(history.upto(STARTS_AT), ends_at=STARTS_AT)
    trial = run_trial(contract, Checked(past, {}, Report((), STARTS_AT, ())))
    kept = keep_bundle(trial, folder / "bundles")
    return make_side("version 1", kept, read_bundle(kept), "1")


def _rules(side: Side, known: History) -> Iterator[str]:
    """What rules of thumb say of the same rows, feature by feature."""
    then, now, categorical = frames_of(side.bundle, known)
    columns = range(then.values.shape[1])
    if any(
        shift(then.values[:, at].astype(np.float32), now.values[:, at].astype(np.float32), categorical=categorical[at])
        > MUCH
        for at in columns
    ):
        yield PSI
    if any(_ks(then.values[:, at], now.values[:, at]) < 0.05 for at in columns if not categorical[at]):
        yield KS


def _ks(then: np.ndarray, now: np.ndarray) -> float:
    then, now = then[~np.isnan(then)], now[~np.isnan(now)]
    return float(ks_2samp(then, now).pvalue) if len(then) and len(now) else 1.0
