"""The command line: quick to help, one sentence for what can be mended, JSON alone for machines."""

import json
import os
import signal
import subprocess
import sys
import time

import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from data.simulation.folder import write
from data.simulation.market import simulate
from serving.cli import app

HEAVY = {
    "numpy",
    "pyarrow",
    "pandas",
    "polars",
    "mlflow",
    "lightgbm",
    "sklearn",
    "numba",
    "fastapi",
    "duckdb",
    "dask",
    "distributed",
    "pyspark",
}
PROGRAM = [sys.executable, "-P", "-m", "serving.cli"]
VERBS = [
    "demo",
    "init",
    "check",
    "simulate",
    "features",
    "handoffs",
    "train",
    "backtest",
    "compare",
    "promote",
    "define",
    "retrain",
    "score",
    "serve",
    "ui",
    "points",
    "keys",
    "platforms",
    "deploy",
    "pass",
    "store",
    "subscribers",
    "watch",
    "work",
]


def readiness(*words, **options):
    """The program, run as users run it."""
    return subprocess.run([*PROGRAM, *map(str, words)], capture_output=True, text=True, check=False, **options)


def within(*words):
    """The program, run within this process: quicker, for what does not depend on the process."""
    return CliRunner().invoke(app, [str(word) for word in words])


@pytest.fixture(scope="module")
def market(tmp_path_factory):
    """The folder of a small simulated market."""
    folder = tmp_path_factory.mktemp("market")
    write(simulate("quick", 60, 3), folder)
    return folder


def test_help_is_quick_to_import():
    """`readiness --help` loads nothing that a verb needs."""
    done = readiness_imports("--help")
    assert done & {"typer"}
    assert not done & HEAVY


def readiness_imports(*words) -> set[str]:
    """The top-level packages that a run of the program imported, as Python itself reports them."""
    command = [sys.executable, "-X", "importtime", *PROGRAM[1:], *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2_000:]
    lines = [line for line in done.stderr.splitlines() if line.startswith("import time:")]
    return {line.rpartition("|")[2].strip().split(".")[0] for line in lines}


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_help(verb):
    """Each verb explains itself, and each of its options has a line of help."""
    done = within(verb, "--help")
    assert done.exit_code == 0
    assert verb in done.stdout


def test_no_verb_is_unlisted():
    """The verbs are exactly these."""
    assert {command.name or command.callback.__name__ for command in app.registered_commands} | {
        group.name or group.typer_instance.info.name for group in app.registered_groups
    } == set(VERBS)


def test_a_wrong_command_exits_with_2():
    """What the program cannot understand is a usage error."""
    for words in (["chek"], ["check", "--no-such"], ["serve", "--port", "99999"], ["simulate"]):
        done = within(*words)
        assert done.exit_code == 2, words


def test_a_missing_contract_is_one_sentence(tmp_path):
    """An error that can be mended exits with 1 and a sentence on stderr: no traceback, nothing on stdout."""
    for verb in (["check"], ["features"], ["train"], ["backtest"], ["serve"], ["ui"], ["keys", "list"]):
        done = within(*verb, "--contract", tmp_path / "none.toml")
        assert done.exit_code == 1, verb
        assert done.stdout == ""
        assert done.stderr.startswith("error: Cannot read the contract")
        assert "Traceback" not in done.stderr


def test_a_folder_that_cannot_be_written_is_one_sentence(tmp_path):
    """A path that the system refuses is told like any other error."""
    (tmp_path / "file").write_text("")
    done = within("simulate", "--leads", "5", "--out", tmp_path / "file", "--quiet")
    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr.startswith("error: ")
    assert "Traceback" not in done.stderr


def test_simulate_then_check(tmp_path):
    """A simulated market is written with a contract that reads it, and check counts every row once."""
    made = readiness("simulate", "--leads", 40, "--seed", 2, "--world", "quick", "--out", tmp_path / "m")
    assert made.returncode == 0, made.stderr
    assert made.stdout == ""
    assert "readiness check --contract" in made.stderr.splitlines()[-1]
    done = readiness("check", "--contract", tmp_path / "m" / "readiness.toml", "--json", "--rejected", tmp_path / "bad")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    counts = {table["table"]: table for table in report["tables"]}
    assert counts["leads"]["read"] == 40
    for name, table in counts.items():
        assert table["read"] == table["accepted"] + table["rejected"]
        assert table["read"] == pq.read_metadata(tmp_path / "m" / f"{name}.parquet").num_rows
    assert counts["events"]["rejected"] > 0
    assert (tmp_path / "bad" / "events.csv").read_text().count("\n") > counts["events"]["rejected"]


def test_check_says_how_many_rows_are_bad(market):
    """Bad rows are no failure: exit 0, and the table says how many there are and why."""
    done = within("check", "--contract", market / "readiness.toml")
    assert done.exit_code == 0
    assert "duplicated event_id" in done.stdout
    assert "bad rows" in done.stdout
    assert all(len(line.rstrip()) <= 100 for line in done.stdout.splitlines())
    assert done.stderr.splitlines()[-1].startswith("→ readiness train")


def test_check_tells_which_fields_know_too_much(market, tmp_path):
    """Fields of the export that sales filled in later are named with the evidence, for people and for machines."""
    text = (market / "readiness.toml").read_text().replace('changes = { table = "changes.parquet" }\n', "")
    text = text.replace('path = "."', f'path = "{market}"').replace("attributes = [", 'attributes = ["lost_reason", ')
    contract = tmp_path / "readiness.toml"
    contract.write_text(text.replace('file = "points.toml"', f'file = "{market}/points.toml"'))
    done = within("check", "--contract", contract)
    assert done.exit_code == 0
    assert "lost_reason" in done.stdout
    assert all(len(line.rstrip()) <= 100 for line in done.stdout.splitlines())
    told = json.loads(within("check", "--contract", contract, "--json", "--quiet").stdout)["leaks"]
    assert {finding["field"] for finding in told["findings"]} >= {"lost_reason", "industry", "source"}
    assert told["leads"] == 60
    without = json.loads(within("check", "--contract", contract, "--json", "--no-leaks").stdout)
    assert "leaks" not in without
    contract.write_text(contract.read_text() + '\n[leaks]\ntrust = ["lost_raeson"]\n')
    wrong = within("check", "--contract", contract)
    assert (wrong.exit_code, wrong.stdout) == (1, "")
    assert "Did you mean 'lost_reason'?" in wrong.stderr


def test_an_unreadable_source_exits_with_1(market, tmp_path):
    """A file cut off in the middle is one sentence that names it."""
    broken = tmp_path / "broken"
    broken.mkdir()
    for file in market.glob("*.*"):
        whole = file.read_bytes()
        (broken / file.name).write_bytes(whole[: len(whole) // 2] if file.name == "events.parquet" else whole)
    done = within("check", "--contract", broken / "readiness.toml")
    assert (done.exit_code, done.stdout) == (1, "")
    assert "events.parquet" in done.stderr


def test_keys_are_shown_once(market):
    """The verb prints the key alone on stdout; keys list shows its name and never the key; revoke ends it."""
    contract = market / "readiness.toml"
    made = within("keys", "create", "marketo", "--contract", contract)
    key = made.stdout.strip()
    assert made.exit_code == 0
    assert key.startswith("rdy_")
    listed = within("keys", "list", "--contract", contract)
    assert "marketo" in listed.stdout
    assert key not in listed.stdout + listed.stderr
    assert json.loads(within("keys", "list", "--json", "--contract", contract).stdout)[0]["name"] == "marketo"
    assert within("keys", "revoke", "marketo", "--contract", contract).exit_code == 0
    assert json.loads(within("keys", "list", "--json", "--contract", contract).stdout) == []


def test_serve_is_never_open_by_accident(market):
    """Without keys the service does not start, and --no-auth is for loopback hosts only."""
    contract = market / "readiness.toml"
    done = within("serve", "--contract", contract)
    assert done.exit_code == 1
    assert "There are no API keys" in done.stderr
    done = within("serve", "--contract", contract, "--no-auth", "--host", "0.0.0.0")  # noqa: S104 - it is refused
    assert done.exit_code == 1
    assert "loopback" in done.stderr


def test_serve_without_a_version_says_to_train(market):
    """A registry without a version is one sentence that names the verb to run, where no store could be filled first."""
    done = within("serve", "--contract", market / "readiness.toml", "--no-auth", "--no-store", "--port", "0")
    assert done.exit_code == 1
    assert "readiness train" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_an_interrupt_exits_with_130(tmp_path):
    """Ctrl-C ends long work with the exit code that shells expect, and without a traceback."""
    words = ["simulate", "--leads", "400000", "--out", str(tmp_path / "m")]
    running = subprocess.Popen([*PROGRAM, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    line = running.stderr.readline()
    time.sleep(0.2)
    os.kill(running.pid, signal.SIGINT)
    _, rest = running.communicate(timeout=60)
    assert line.startswith("[")
    assert running.returncode == 130
    assert "Traceback" not in rest


def test_init_then_check(market, tmp_path):
    """A contract drafted from a folder checks as it is, from wherever it lies, and is not replaced by accident."""
    out = tmp_path / "deep" / "readiness.toml"
    made = within("init", "--from", market, "--out", out)
    assert made.exit_code == 0, made.stderr
    assert str(market) not in out.read_text()
    assert within("check", "--contract", out, "--json").exit_code == 0
    again = within("init", "--from", market, "--out", out)
    assert again.exit_code == 1
    assert "--force" in again.stderr
    assert within("init", "--from", market, "--out", out, "--force").exit_code == 0


def test_features_of_one_lead(market):
    """The catalog and one lead's values name the same features; an unknown lead or a naive moment is one sentence."""
    contract = ["--contract", market / "readiness.toml"]
    catalog = json.loads(within("features", *contract, "--json").stdout)
    lead = pq.read_table(market / "leads.parquet")["lead_id"][3].as_py()
    values = json.loads(within("features", *contract, "--lead", lead, "--json").stdout)
    assert [feature["name"] for feature in catalog["features"]] == list(values["values"])
    assert len(catalog["features"]) > 30
    shown = within("features", *contract, "--lead", lead, "--at", "2025-01-01T00:00:00Z")
    assert shown.exit_code == 0
    assert "at 2025-01-01T00:00:00Z" in shown.stdout
    assert within("features", *contract, "--lead", "nobody").stderr.startswith("error: There is no lead 'nobody'")
    assert "Expected a moment with a zone" in within("features", *contract, "--at", "2025-01-01T00:00:00").stderr


def test_ui_says_where_to_look(market, tmp_path):
    """With a tracking server ui prints its address, without a password; without any registry it says to train."""
    assert "readiness train" in within("ui", "--contract", market / "readiness.toml").stderr
    contract = tmp_path / "readiness.toml"
    text = (market / "readiness.toml").read_text()
    contract.write_text(f'{text}\n[mlflow]\nuri = "https://someone:secret@mlflow.example.org/"\n')
    shown = within("ui", "--contract", contract)
    assert shown.exit_code == 0
    assert shown.stdout.startswith("https://someone:***@mlflow.example.org/#/models?")
    assert "secret" not in shown.stdout + shown.stderr
