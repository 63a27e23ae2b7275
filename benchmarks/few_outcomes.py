"""Measure models of few wins against the truth of simulated markets: kept stiff, or chosen by validation.

    python -P benchmarks/few_outcomes.py [--worlds quick steady] [--leads 40 80 160] [--seeds 10] [--first-seed 100]

Small markets, a training each with the split and the rows of `readiness train` (nobody looks for leaks). What each
model says of the later rows is scored by the exact probabilities of the market, so few later wins make no noise: the
share of the explainable log loss that is reached (the base rate of the training rows is 0, the exact probability 100),
its worst case, and the AUC. Lines by how many wins there were to learn from; trainings that fail are counted.
"""

import argparse
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from sklearn.metrics import log_loss, roc_auc_score

from data.check import check
from data.clock import format_duration
from data.contract import Contract, load_contract
from data.errors import ReadinessError
from data.simulation.folder import write
from data.simulation.market import simulate
from training import selection
from training.trial import Learned, learn_and_answer

GROUPS = ((1, 4), (5, 9), (10, 19), (20, 39), (40, 10_000))
Line = tuple[int, dict[str, float], dict[str, float]]


def _contract(folder: Path) -> Contract:
    agreed = load_contract(folder / "readiness.toml")
    model, leaks = agreed.model.model_copy(update={"threads": 1}), agreed.leaks.model_copy(update={"check": False})
    return agreed.model_copy(update={"model": model, "leaks": leaks})


def _learned(contract: Contract, few: int) -> Learned:
    """A training that chooses nothing with fewer than ``few`` wins."""
    kept, selection.FEW_WINS = selection.FEW_WINS, few
    try:
        return learn_and_answer(contract, check(contract).history, lambda _what, _share: None)
    finally:
        selection.FEW_WINS = kept


def measure(world: str, leads: int, seed: int) -> Line | None:
    """(wins, share reached, AUC by model) of one market; None where it has nothing to learn from or to explain."""
    with TemporaryDirectory() as scratch:
        folder = Path(scratch)
        write(simulate(world, leads, seed), folder, paths=16)
        contract = _contract(folder)
        try:
            stiff, chosen = _learned(contract, 10_000), _learned(contract, 0)
        except ReadinessError:
            return None
        test, at = stiff.test, contract.ready.horizons.index(contract.ready.primary)
        rows = pa.table({"lead_id": test.lead_id, "cutoff": test.cutoff, "row": np.arange(len(test.lead_id))})
        truth = pq.read_table(folder / "truth" / "truth.parquet")
        joined = rows.join(truth, ["lead_id", "cutoff"]).sort_by("row")
    exact = joined[f"p_{format_duration(contract.ready.primary)}"].to_numpy()
    known = ~np.isnan(exact)
    said = {name: test.predictions[name][known, at] for name in ("prior", "points")}
    said |= {"stiff": test.predictions["blend"][known, at], "chosen": chosen.test.predictions["blend"][known, at]}
    exact = exact[known]
    came, weight = np.repeat([1, 0], len(exact)), np.concatenate([exact, 1 - exact])
    losses = {name: log_loss(came, np.tile(chance, 2), sample_weight=weight) for name, chance in said.items()}
    best = log_loss(came, np.tile(exact, 2), sample_weight=weight)
    reached = {name: 100 * (losses["prior"] - loss) / (losses["prior"] - best) for name, loss in losses.items()}
    auc = {name: roc_auc_score(came, np.tile(chance, 2), sample_weight=weight) for name, chance in said.items()}
    return stiff.wins, reached, auc


def lines(found: list[Line]) -> Iterator[str]:
    """A Markdown table: by wins, mean and worst share reached and mean AUC of each model."""
    models = ("stiff", "chosen", "points")
    yield "| wins | markets | " + " | ".join(f"{model}: mean, worst, AUC" for model in models) + " |"
    yield "|---|---:|" + "---:|" * len(models)
    for low, high in GROUPS:
        group = [line for line in found if low <= line[0] <= high]
        if not group:
            continue
        cells = []
        for model in models:
            reached, auc = [line[1][model] for line in group], np.mean([line[2][model] for line in group])
            error = np.std(reached, ddof=1) / np.sqrt(len(group)) if len(group) > 1 else float("nan")
            cells.append(f"{np.mean(reached):.0f} ± {error:.0f}, {min(reached):.0f}, {auc:.3f}")
        name = f"{low} to {high}" if high < 10_000 else f"{low} and more"
        yield f"| {name} | {len(group)} | " + " | ".join(cells) + " |"


def main() -> None:
    """Measure and print."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--worlds", nargs="+", default=["quick", "steady"])
    asked.add_argument("--leads", nargs="+", type=int, default=[40, 80, 160])
    asked.add_argument("--seeds", type=int, default=10)
    asked.add_argument("--first-seed", type=int, default=100)
    given = asked.parse_args()
    found, failed = [], 0
    for world in given.worlds:
        for leads in given.leads:
            for seed in range(given.first_seed, given.first_seed + given.seeds):
                line = measure(world, leads, seed)
                failed += line is None
                found += [] if line is None else [line]
    print("\n".join(lines(found)))
    print(f"{failed} markets had nothing to learn from.")


if __name__ == "__main__":
    main()
