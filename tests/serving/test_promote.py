"""`readiness promote`, `retrain` and `define` as users and schedulers run them."""

import json
import subprocess
import sys

import pytest

from data.clock import DAY
from data.contract import load_contract


def readiness(contract, *words):
    """The program over a contract."""
    command = [sys.executable, "-P", "-m", "serving.cli", *map(str, words), "--contract", str(contract)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_the_champion_is_promoted_already(trained):
    """Asked about the champion there is nothing to do, which is no failure: exit 0, for people and for machines."""
    done = readiness(trained.contract, "promote", "champion", "--yes", "--json", "--quiet")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert (told["version"], told["already_champion"], told["promoted"], told["lines"]) == ("1", True, False, [])
    assert "Version 1 is the champion already" in done.stderr


@pytest.mark.parametrize(
    ("words", "sentence"),
    [(["promote"], "has no version 'challenger'"), (["promote", "--rollback"], "has no version to go back to")],
)
def test_what_cannot_be_done_is_one_sentence_and_exit_1(trained, words, sentence):
    """Without a challenger, and without a version before, the program says so."""
    done = readiness(trained.contract, *words, "--quiet")
    assert (done.returncode, done.stdout) == (1, "")
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr


def test_nothing_new_is_nothing_done(trained):
    """A scheduler that comes back too early finds the same facts: exit 0, and no second version."""
    done = readiness(trained.contract, "retrain", "--json", "--quiet", "--strict")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert (told["version"], told["trained"], told["champion"], told["verdict"]) == ("1", False, True, None)
    assert "nothing is new since version 1" in told["notes"][0]


def test_a_definition_is_looked_at_and_written(trained, tmp_path):
    """The workshop as JSON, and the chosen candidate in the contract; sales' file is taken into account."""
    contract = tmp_path / "readiness.toml"
    text = trained.contract.read_text().replace('path = "."', f'path = "{trained.contract.parent}"')
    contract.write_text(text)
    leads = trained.history.leads["lead_id"].to_pylist()
    judged = [f"{lead},{'yes' if place % 3 else 'no'}" for place, lead in enumerate(leads)]
    (tmp_path / "sales.csv").write_text("\n".join(["lead_id,ready", *judged]))
    words = ["define", "--horizon", "14d", "--labelled", tmp_path / "sales.csv", "--write", "2", "--json", "--quiet"]
    done = readiness(contract, *words)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert [one["horizon"] for one in told["candidates"]] == ["14d"] * 3
    assert {one["agreement"]["n"] for one in told["candidates"]} == {len(leads)}
    new = load_contract(contract)
    assert (new.ready.version, new.ready.primary) == (2, 14 * DAY)
    assert new.policy.capacity_per_week == told["candidates"][1]["asked_per_week"]
    assert (tmp_path / ".readiness" / "definitions" / "0001.toml").read_text() == text
    assert done.stderr.splitlines()[-1].startswith("→ readiness train")
