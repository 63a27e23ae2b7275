"""What to expect of a model, said plainly: how many wins it learned from and was judged on, and what that is worth."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from training.selection import FEW_WINS
from training.wording import counted, whole

LEAST_JUDGED = 5
"""With fewer later wins than this an AUC is that of single leads, and none is promised."""


def expectation(train_wins: int, part: Mapping[str, Any], served: str) -> dict[str, Any]:
    """``{"train_wins", "test_wins", "auc", "give_or_take", "few", "sentence"}`` of a trial's primary horizon.

    ``part``: its figures, with ``wins`` of ``leads``. ``give_or_take`` is half a 95 % interval of the AUC: that of the
    bootstrap, or of Hanley and McNeil (Radiology 143, 1982) with each lead counted once where that is wider.
    """
    wins, figures = part["wins"], part["models"][served]
    found: dict[str, Any] = {"train_wins": train_wins, "test_wins": wins, "few": min(train_wins, wins) < FEW_WINS}
    auc = figures["auc"]
    if auc is None or wins < LEAST_JUDGED or part["leads"] - wins < LEAST_JUDGED:
        return found | {"auc": None, "give_or_take": None, "sentence": _unknown(train_wins, wins)}
    low, high = figures["intervals"]["auc"]
    half = max((high - low) / 2 if low is not None else 0.0, 1.96 * _hanley(auc, wins, part["leads"] - wins))
    return found | {"auc": auc, "give_or_take": half, "sentence": _known(train_wins, wins, auc, half)}


def _hanley(auc: float, wins: int, others: int) -> float:
    """The standard error of an AUC over so many leads that won and others that did not."""
    one, both = auc / (2 - auc), 2 * auc**2 / (1 + auc)
    spread = auc * (1 - auc) + (wins - 1) * (one - auc**2) + (others - 1) * (both - auc**2)
    return float(np.sqrt(max(spread, 0.0) / (wins * others)))


def _unknown(train_wins: int, wins: int) -> str:
    if not train_wins:
        return "No win to learn from yet: every lead is told the same small chance, and no order among them is claimed."
    return (
        f"Learned from {counted(train_wins, 'win')} and judged on {whole(wins)}: too few to say how well it ranks. "
        "Until there are more, take its order as a hint and its percentages as the base rate."
    )


def _known(train_wins: int, wins: int, auc: float, half: float) -> str:
    told = f"{counted(train_wins, 'win')} to learn from: expect an AUC of {auc:.2f} ± {half:.2f}"
    told += f" (judged on {counted(wins, 'later win')})"
    if auc - half <= 0.5:
        told += "; that it is better than chance is not shown"
    if train_wins < FEW_WINS:
        told += f". With fewer than {FEW_WINS} wins the model is kept close to the base rate"
    return f"{told}."
