"""`readiness train`: a version with its figures beside those of its rivals."""

import json
import math
import subprocess
import sys

import pytest

from data.contract import load_contract
from data.simulation.folder import write
from data.simulation.market import simulate
from models.bundle import read_bundle
from models.canary import check_in_canary
from serving.commands.contest import without_nan

METRICS = {"auc", "average_precision", "log_loss", "brier", "ece", "lift_at_10"}


def test_train_tells_machines_everything(trained):
    """`--json` is one object: the version, and every model's figures on the same rows of each horizon."""
    said = trained.said
    assert (said["version"], said["alias"], said["horizon"], said["served"]) == ("1", "champion", "30d", "blend")
    assert list(said["horizons"]) == ["7d", "30d"]
    assert said["test"] == said["horizons"]["30d"]
    for part in said["horizons"].values():
        assert part["n"] > 0
        assert 0.0 < part["rate"] < 1.0
        assert set(part["models"]) == {"prior", "points", "odoo", "logistic", "gbm", "blend"}
        assert all(set(figures) == METRICS for figures in part["models"].values())
        assert part["models"]["prior"]["auc"] == pytest.approx(0.5)
        assert part["models"]["prior"]["lift_at_10"] == pytest.approx(1.0)


def test_train_keeps_a_bundle_by_its_id(trained):
    """The bundle stands under its own id, passes its canary, and says the same figures as the trial did."""
    assert check_in_canary(trained.bundle) == trained.said["bundle_id"] == trained.bundle.name
    bundle = read_bundle(trained.bundle)
    assert bundle.contract.ready == load_contract(trained.contract).ready
    assert bundle.report["horizons"]["30d"]["models"]["blend"]["auc"] == trained.said["test"]["models"]["blend"]["auc"]
    assert len(bundle.golden.leads) == 20
    assert [folder.name for folder in trained.bundle.parent.iterdir()] == [trained.bundle.name]


def test_what_is_not_a_number_is_null_for_machines():
    """JSON has no NaN: a figure that is not defined is null, at any depth."""
    mixed = {"a": [math.nan, (math.inf, 1.0)], "b": {"c": -math.inf}}
    assert without_nan(mixed) == {"a": [None, [None, 1.0]], "b": {"c": None}}


def test_train_leaves_suspects_out_and_overrules_one_by_name(tmp_path):
    """Of two fields filled in later one is left out, with its figures; named under [leaks] trust it is learned from."""
    write(simulate("quick", 300, 4), tmp_path, paths=1)
    contract = tmp_path / "readiness.toml"
    text = contract.read_text().replace('every = "7d"', 'every = "28d"')
    text = text.replace('changes = { table = "changes.parquet" }\n', "")
    text = text.replace("attributes = [", 'attributes = ["last_call_result", "lost_reason", ')
    contract.write_text(text + '\n[backtest]\nfolds = 2\n[leaks]\ntrust = ["last_call_result"]\n')
    command = [sys.executable, "-P", "-m", "serving.cli", "train", "--contract", str(contract), "--json", "--quiet"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert (said["leaks"]["quarantined"], said["leaks"]["overruled"]) == (["lost_reason"], ["last_call_result"])
    assert set(said["leaks"]["figures"]["models"]) == {"served", "with_quarantined", "without_trusted"}
    learned = read_bundle(tmp_path / ".readiness" / "bundles" / said["bundle_id"]).feature_set.names
    assert "last_call_result" in learned
    assert "lost_reason" not in learned
