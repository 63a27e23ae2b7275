"""One case of the quality benchmark: a market whose truth is known, what was learned from it, and how close that is.

The share of the explainable log loss is (LL of the prior - LL of the model) / (LL of the prior - LL of the exact
filter). Its log losses are expected under the exact probability, so the luck of the labels is not in it: it is one less
the mean Kullback-Leibler divergence of the model from the exact probability over that of the prior. The share from the
labels as they fell stands beside it as ``share_realised``. Where the market changes, ``before`` is the exact filter of
the market as it was until then (``quality_before``).
"""

from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
from scipy.special import xlogy

from benchmarks.quality_before import before
from data.check import check
from data.clock import format_duration
from data.contract import Contract, parse_contract
from data.history import History
from data.simulation.folder import TABLES, contract_toml
from data.simulation.market import Market, simulate
from data.simulation.truth import truth
from models.numerics import Floats
from training.fit import Fitted
from training.judge import judge
from training.learning import ground_of, learn
from training.rivals import prior
from training.sample import Progress, Sample, draw_sample

MOST_JUDGED = 20_000
"""Of more test rows than this a seeded draw is judged: the exact probability is dear and far less noisy than labels."""
TINY = 1e-12


@dataclass(frozen=True, eq=False)
class Case:
    """A market with its sample; ``rows`` (n,) of it are judged, the exact probability there is ``exact`` (n, H).

    ``error`` (n, H) is the standard error of ``exact``: 0 but where the company calls by its points. ``before`` (n, H)
    is the exact probability in the market as it was before it changed; None where it does not change.
    """

    contract: Contract
    history: History
    sample: Sample
    rows: npt.NDArray[np.int64]
    exact: Floats
    error: Floats
    before: Floats | None


def make_case(world: str, leads: int, seed: int, threads: int, tell: Progress) -> Case:
    """Simulate, check, lay out the rows, and compute the truth of the test rows that have matured."""
    market = simulate(world, leads, seed, progress=tell)
    contract, history = as_read(market, threads)
    sample = draw_sample(contract, history, tell)
    return with_truth(market, contract, history, sample, tell)


def as_read(market: Market, threads: int) -> tuple[Contract, History]:
    """The market's contract, and its facts as they come out of files and checks."""
    text = contract_toml(market.world, market.leads).split("[points]")[0]
    text += f"\n[leaks]\ncheck = false\n[model]\nseed = {market.seed}\nthreads = {threads}\n"
    with TemporaryDirectory() as scratch:
        contract = parse_contract(text, Path(scratch))
        for name in TABLES:
            pq.write_table(getattr(market.history, name), Path(scratch) / f"{name}.parquet")
        return contract, check(contract).history


def with_truth(market: Market, contract: Contract, history: History, sample: Sample, tell: Progress) -> Case:
    """The case of a sample: which rows are judged, and their truth."""
    horizons = contract.ready.horizons
    rows = sample.test[sample.labels.matured(horizons[-1])[sample.test]]
    if len(rows) > MOST_JUDGED:
        rows = np.sort(np.random.default_rng(market.seed).choice(rows, MOST_JUDGED, replace=False))
    asked = sample.table.spine.select(["lead_id", "cutoff"]).take(pa.array(rows))
    exact, error = _truth(market, asked, horizons, tell)
    earlier = None
    if len(market.world.regimes) > 1:
        earlier, _ = _truth(replace(market, world=before(market.world)), asked, horizons, tell)
    return Case(contract, history, sample, rows, exact, error, earlier)


def _truth(market: Market, asked: pa.Table, horizons: tuple[int, ...], tell: Progress) -> tuple[Floats, Floats]:
    best = truth(market, asked, horizons, seed=market.seed, progress=tell)
    chance, error = (
        np.column_stack([best[f"{word}_{format_duration(horizon)}"].to_numpy() for horizon in horizons])
        for word in ("p", "se")
    )
    return chance, error


def learned(case: Case, tell: Progress) -> dict[str, object]:
    """Train on the case as ``readiness train`` does, and say how close each model comes."""
    fitted = learn(case.contract, case.sample, tell)
    return {**scores(case, answers(case, fitted)), "choice": chosen(fitted)}


def answers(case: Case, fitted: Fitted) -> dict[str, Floats]:
    """(n, H) probabilities of each model for the rows that are judged, from the prior to the exact filter."""
    said = fitted.members(np.ascontiguousarray(case.sample.table.matrix[case.rows]))
    ground = ground_of(case.contract, case.sample)
    chance = prior(ground.cells(np.arange(len(ground.cutoffs))), ground.edges, ground.horizons)
    known = {} if case.before is None else {"before": case.before}
    return {"prior": np.tile(chance, (len(case.rows), 1)), **said, **known, "exact": case.exact}


def scores(case: Case, said: dict[str, Floats]) -> dict[str, object]:
    """For each horizon and model: AUC, average precision, log losses and shares; rows and outcomes beside them."""
    labels = case.sample.labels.take(case.rows)
    told = {}
    for place, horizon in enumerate(case.contract.ready.horizons):
        outcome = labels.outcome(horizon)
        chances = {name: said[name][:, place] for name in said}
        figures = {name: _figures(outcome, case.exact[:, place], chance) for name, chance in chances.items()}
        for name, kind in (("share", "expected_log_loss"), ("share_realised", "log_loss")):
            most = figures["prior"][kind] - figures["exact"][kind]
            for figure in figures.values():
                figure[name] = (figures["prior"][kind] - figure[kind]) / most
        told[format_duration(horizon)] = {
            "outcomes": int(outcome.sum()),
            "noise_of_exact": noise(case.exact[:, place], case.error[:, place]),
            "models": figures,
        }
    train, known = case.sample.train, case.sample.known
    primary = case.contract.ready.primary
    learned_outcomes = int((known.outcome(primary) & known.matured(primary)).sum())
    return {
        "rows": len(case.rows),
        "leads": len(np.unique(case.sample.leads[case.rows])),
        "train_rows": len(train),
        "train_leads_won": len(np.unique(case.sample.leads[train][known.outcome(primary)])),
        "train_outcomes": learned_outcomes,
        "features": len(case.sample.table.feature_set),
        "horizons": told,
        "primary": format_duration(primary),
    }


def _figures(outcome: npt.NDArray[np.bool_], exact: Floats, chance: Floats) -> dict[str, float]:
    kept = np.clip(chance, TINY, 1.0 - TINY)
    expected = float(-(exact * np.log(kept) + (1.0 - exact) * np.log1p(-kept)).mean())
    found = judge(outcome, chance)
    named = {name: found[name] for name in ("auc", "average_precision", "log_loss", "ece")}
    return {**named, "expected_log_loss": expected, "bias": float(chance.mean() / exact.mean())}


def noise(exact: Floats, error: Floats) -> float:
    """How much of the prior's divergence from the truth is the simulation's own noise: 0 where the truth is exact."""
    inside = np.clip(exact, 1e-6, 1.0 - 1e-6)
    rate = inside.mean()
    prior_gap = (xlogy(inside, inside / rate) + xlogy(1 - inside, (1 - inside) / (1 - rate))).mean()
    return float((error**2 / (2 * inside * (1 - inside))).mean() / prior_gap)


def chosen(fitted: Fitted) -> dict[str, object]:
    """What validation chose, for the JSON."""
    choice = fitted.choice
    return {
        "split": choice.split,
        "strength": choice.linear.strength,
        "half_life": choice.linear.half_life and format_duration(choice.linear.half_life),
        "bounded": choice.linear.bounded,
        "shape": choice.shape.name,
        "rounds": choice.rounds,
        "weight": choice.weight,
        "slopes": choice.calibrations["blend"].slopes,
        "intercepts": choice.calibrations["blend"].intercepts,
        "cells": fitted.cells,
        "thinned_to": fitted.thinned_to,
    }
