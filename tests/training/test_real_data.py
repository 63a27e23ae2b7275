"""The protocols of two public data sets, where their tables are at hand; `benchmarks/real_data.py` runs them all."""

from functools import cache
from pathlib import Path

import pytest

from data.check import check
from data.contract import load_contract
from training.trial import run_trial

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"

FLOORS = {"olist": (0.711 - 0.031, 0.2360 + 0.005), "bank_marketing": (0.748 - 0.006, 0.5704 + 0.005)}
"""The better reference's AUC less one standard error, and its log loss plus what still counts as level."""


@pytest.fixture(scope="module")
def report(shared_data):
    """What a trial of a data set says of itself, by name; each is trained once."""
    return cache(lambda name: run_trial(*_asked(name, shared_data)).report)


@pytest.mark.parametrize("name", sorted(FLOORS))
def test_the_served_model_is_level_with_the_better_reference(name, report):
    """On later rows, with settings from the training rows alone, the blend is no worse than the baselines."""
    served = report(name)["horizons"][report(name)["primary"]]["models"]["blend"]
    least_auc, most_loss = FLOORS[name]
    assert served["auc"] >= least_auc
    assert served["log_loss"] <= most_loss


def test_the_protocol_of_the_bank_is_the_first_80_and_the_last_20_per_cent(report):
    """32,950 rows are learned from and 8,238 are judged on: the split is the published one, to the row."""
    rows = report("bank_marketing")["rows"]
    assert (rows["train"], rows["test"]) == (32_950, 8_238)


def _asked(name, shared_data):
    contract = load_contract(EXAMPLES / f"{name}.toml", shared_data / name)
    contract = contract.model_copy(update={"model": contract.model.model_copy(update={"threads": 1})})
    return contract, check(contract)
