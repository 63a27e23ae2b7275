"""Measure how far the learning curve can be believed: expect from a quarter of the leads, then train on all of them.

    python -P benchmarks/learning_curve.py [--world steady] [--leads 2400] [--seeds 4] [--first-seed 200]

In each market the curve of `readiness backtest` is fitted to trainings on 1/32, 1/16, 1/8 and 1/4 of the leads, and
asked for four times the wins of the quarter. A training on all leads, judged on the same rows, is the answer. Printed
for each market: what was expected with its margin, what came, and what expecting no change would have been off by.
"""

import argparse
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from data.check import check
from data.contract import Contract, load_contract
from data.history import History
from data.simulation.folder import write
from data.simulation.market import simulate
from training.backtesting.curve import Trained, learning_curve
from training.backtesting.origins import plan_origins
from training.backtesting.pieces import PARTS, Judged, Piece, curve_origin, run_piece
from training.sections import SERVED, JudgedRows

SHARES = (32, 16, 8, 4)


def _judged(contract: Contract, history: History, every: int, part: int) -> Judged:
    origins = plan_origins(contract, history, 4).origins
    piece = Piece(curve_origin(origins), origins[-1].until, every, part)
    return run_piece(contract, history, piece, lambda _what, _share: None)


def measure(world: str, leads: int, seed: int) -> tuple[float, float, float, float]:
    """(expected AUC, half of its interval, AUC of all leads, AUC of the quarter) of one market."""
    with TemporaryDirectory() as scratch:
        folder = Path(scratch)
        write(simulate(world, leads, seed), folder, paths=1)
        contract = load_contract(folder / "readiness.toml")
        contract = contract.model_copy(update={"leaks": contract.leaks.model_copy(update={"check": False})})
        history = check(contract).history
        pieces = [_judged(contract, history, every, part) for every in SHARES for part in range(PARTS)]
        whole = _judged(contract, history, 1, 0)
    rows = JudgedRows.of(contract, whole.rows)
    of, at = rows.judgement(), rows.at
    trained = [
        Trained(
            piece.piece.every // SHARES[-1],
            piece.facts["train_wins"],
            piece.rows.predictions[SERVED][rows.matured, at],
        )
        for piece in pieces
    ]
    codes = np.unique(of.codes, return_inverse=True)[1].astype(np.int64)
    found = learning_curve(codes, of.outcome, trained, round(whole.facts["train_wins"] / 4), seed)
    expected = found["ahead"][-1]
    answer = learning_curve(codes, of.outcome, [Trained(1, 1, of.said[SERVED])], 1, seed)["points"][0]["auc"]
    half = max(expected["interval"][1] - expected["auc"], expected["auc"] - expected["interval"][0])
    return expected["auc"], half, answer, found["points"][-1]["auc"]


def main() -> None:
    """Measure and print."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--world", default="steady")
    asked.add_argument("--leads", type=int, default=2400)
    asked.add_argument("--seeds", type=int, default=4)
    asked.add_argument("--first-seed", type=int, default=200)
    given = asked.parse_args()
    print("| seed | expected | came | off by | the quarter's AUC |\n|---:|---:|---:|---:|---:|")
    off, still = [], []
    for seed in range(given.first_seed, given.first_seed + given.seeds):
        expected, half, came, quarter = measure(given.world, given.leads, seed)
        off.append(came - expected)
        still.append(came - quarter)
        print(f"| {seed} | {expected:.3f} ± {half:.3f} | {came:.3f} | {off[-1]:+.3f} | {quarter:.3f} |", flush=True)
    print(f"off by {np.abs(off).mean():.3f} on average; no change expected: off by {np.abs(still).mean():.3f}")


if __name__ == "__main__":
    main()
