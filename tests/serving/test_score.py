"""`readiness score` and `readiness features --output`: the same rows from every engine, refused where they must be."""

import json
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from features.tables import read_tables
from models.bundle import read_bundle
from models.snapshot import score_history
from serving.cli import app
from tests.docs.ground import copy_of
from tests.docs.pages import PAGES, commands_of
from tests.docs.running import run_page
from tests.docs.stories import STORIES


def within(*words):
    """The program, run within this process."""
    return CliRunner().invoke(app, [str(word) for word in words])


def said(*words):
    """What `--json` printed of a run that went well."""
    done = within(*words, "--json", "--quiet")
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def of(trained):
    """The contract and the bundle itself: asking the registry imports MLflow each time."""
    return ["-c", trained.contract, "--bundle", trained.bundle]


def same(found, expected):
    """Every column but the number that only a registry knows."""
    left, right = (table.drop_columns(["model_version"]) for table in (found, expected))
    return left.cast(right.schema).equals(right) and left.schema.types == right.schema.types


@pytest.fixture(scope="module")
def expected(trained) -> pa.Table:
    """The scores of the champion at the end of the history."""
    return score_history(read_bundle(trained.bundle), trained.history, trained.history.ends_at, version="1")


@pytest.fixture(scope="module")
def facts(trained, tmp_path_factory) -> Path:
    """The folder that `readiness check --output` writes."""
    folder = tmp_path_factory.mktemp("checked") / "facts"
    assert within("check", "-c", trained.contract, "--output", folder).exit_code == 0
    return folder


def test_score_writes_every_open_lead(trained, expected, tmp_path):
    """The champion's scores as Parquet, a summary for machines, and a last line for people."""
    summary = said("score", "-c", trained.contract, "-o", tmp_path / "scores.parquet")
    assert pq.read_table(tmp_path / "scores.parquet").equals(expected)
    assert summary["leads"] == len(expected) == sum(summary["decisions"].values())
    assert (summary["version"], summary["bundle_id"]) == ("1", trained.said["bundle_id"])
    done = within("score", "-c", trained.contract, "-o", tmp_path / "scores.csv", "--no-reasons")
    assert done.exit_code == 0
    assert f"Scored {len(expected):,} leads" in done.stderr
    assert done.stderr.splitlines()[-1].startswith("→ The scores are in")
    read = pacsv.read_csv(tmp_path / "scores.csv")
    assert read["readiness"].to_pylist() == expected["readiness"].to_pylist()
    assert read["decision"].to_pylist() == expected["decision"].to_pylist()


def test_score_at_an_earlier_moment(trained, tmp_path):
    """`--at` asks about the leads that were open then; a moment after the facts is one sentence."""
    words = ["score", "-c", trained.contract, "--bundle", trained.bundle, "-o", tmp_path / "scores.parquet"]
    said(*words, "--at", "2025-03-01T00:00:00Z")
    scores = pq.read_table(tmp_path / "scores.parquet")
    assert {str(moment) for moment in scores["as_of"].to_pylist()} == {"2025-03-01 00:00:00+00:00"}
    assert scores["model_version"].null_count == len(scores)
    late = within(*words, "--at", "2099-01-01T00:00:00Z", "-q")
    assert late.exit_code == 1
    assert "after the end of the history" in late.stderr


def test_score_of_a_feature_table(trained, tmp_path):
    """A table of the model's own features is scored part by part; one of other features is refused."""
    features = tmp_path / "features"
    at = ["--at", "2025-03-01T00:00:00Z"]
    wrote = said("features", "-c", trained.contract, "-o", features, "--version", "champion", *at)
    assert wrote["rows"] == sum(len(part) for part in read_tables(str(features)))
    said("score", *of(trained), "-o", tmp_path / "of_table.parquet", "--features", features)
    said("score", *of(trained), "-o", tmp_path / "of_facts.parquet", *at)
    of_table, of_facts = (pq.read_table(tmp_path / f"of_{name}.parquet") for name in ("table", "facts"))
    assert of_table.equals(of_facts.select(of_table.column_names))
    other = tmp_path / "other.parquet"
    said("features", "-c", trained.contract, "-o", other, "--at", "2024-09-01T00:00:00Z")
    refused = within("score", *of(trained), "-o", tmp_path / "no.parquet", "--features", other)
    assert refused.exit_code == 1
    assert refused.stderr.splitlines()[-1].startswith("error: The feature table has ")
    assert not (tmp_path / "no.parquet").exists()
    full = within("score", *of(trained), "-o", features)
    assert "is a folder with something in it" in full.stderr


def test_facts_that_were_written_before(trained, expected, facts, tmp_path):
    """`--facts` takes the place of the source: the same scores."""
    said("score", *of(trained), "--facts", facts, "-o", tmp_path / "scores.parquet")
    assert same(pq.read_table(tmp_path / "scores.parquet").sort_by("lead_id"), expected)


def test_score_and_features_on_dask(trained, expected, facts, dask_client, tmp_path):
    """On a running cluster: the rows of this machine, bit for bit, in one file or in parts."""
    there = ["--engine", "dask", "--scheduler", dask_client.scheduler.address, "--buckets", "5"]
    said("score", *of(trained), "--facts", facts, "-o", tmp_path / "scores.parquet", *there)
    assert same(pq.read_table(tmp_path / "scores.parquet").sort_by("lead_id"), expected)
    _check_features(trained, tmp_path, there)
    assert [path.name for path in facts.parent.iterdir()] == ["facts"]


@pytest.mark.usefixtures("spark")
def test_score_and_features_on_spark(trained, expected, facts, tmp_path):
    """In a running session: the rows of this machine, bit for bit, with the label that scoring asks for."""
    there = ["--engine", "spark", "--buckets", "3"]
    said("score", *of(trained), "--facts", facts, "-o", tmp_path / "scores.parquet", *there)
    assert same(pq.read_table(tmp_path / "scores.parquet").sort_by("lead_id"), expected)
    _check_features(trained, tmp_path, there)


def test_score_where_the_tables_live_on_spark(trained, expected, facts, spark, tmp_path):
    """`--facts table:crm` reads the tables of a database; the contract says where their history ends."""
    spark.sql(f"CREATE DATABASE crm LOCATION '{tmp_path / 'crm'}'")
    for name in ("leads", "events", "outcomes", "changes"):
        spark.read.parquet(str(facts / f"{name}.parquet")).write.saveAsTable(f"crm.{name}")
    words = [*of(trained), "--facts", "table:crm", "--engine", "spark", "--buckets", "3"]
    said("score", *words, "-o", tmp_path / "scores", "--reasons")
    assert same(pa.concat_tables(read_tables(str(tmp_path / "scores"))).sort_by("lead_id"), expected)
    spark.sql("DROP DATABASE crm CASCADE")


def test_the_commands_of_the_page_on_scaling_run(trained, dask_client, spark, tmp_path):
    """One after the other, on a running cluster and in a running session, from a folder of the user's own."""
    ground = copy_of(trained.contract.parent, tmp_path / "ground")
    shown = [command for command in commands_of(PAGES["docs/scaling.md"]) if command.program == "readiness"]
    assert len(shown) > 5
    try:
        run_page(shown, STORIES["docs/scaling.md"], ground, {"scheduler": dask_client.scheduler.address}.__getitem__)
    finally:
        spark.sql("DROP DATABASE IF EXISTS crm CASCADE")


def _check_features(trained, folder, there):
    """The spine's features from the contract's own source, here and there, scored to the same bits."""
    for name, where in (("here", []), ("there", there)):
        said("features", *of(trained), "-o", folder / name, *where)
        said("score", *of(trained), "--features", folder / name, "-o", folder / f"{name}.parquet")
    order = [("lead_id", "ascending"), ("as_of", "ascending")]
    here, other = (pq.read_table(folder / f"{name}.parquet").sort_by(order) for name in ("here", "there"))
    assert len(here) > 1_000
    assert here.equals(other)


def test_train_on_dask_registers_a_version(trained, facts, dask_client, tmp_path):
    """The whole line on a cluster: a version like any other, its figures within noise of the local one's."""
    contract = tmp_path / "readiness.toml"
    contract.write_text(trained.contract.read_text())
    (tmp_path / "points.toml").write_text((trained.contract.parent / "points.toml").read_text())
    there = ["--engine", "dask", "--scheduler", dask_client.scheduler.address, "--buckets", "4"]
    command = [sys.executable, "-P", "-m", "serving.cli", "train", "-c", contract, "--facts", facts, "--json", *there]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2_000:]
    summary = json.loads(done.stdout)
    assert (summary["version"], summary["alias"]) == ("1", "champion")
    ours, theirs = (part["test"]["models"] for part in (trained.said, summary))
    assert ours["logistic"] == theirs["logistic"]
    assert theirs["blend"]["log_loss"] == pytest.approx(ours["blend"]["log_loss"], abs=0.004)


def test_an_engine_that_does_not_answer_is_one_sentence(trained, facts, tmp_path):
    """A wrong address is told with what to do."""
    pytest.importorskip("distributed", reason="no Dask: pip install 'readiness[dask]'")
    words = [*of(trained), "-q", "-o", tmp_path / "o.parquet", "--facts", facts]
    done = within("score", *words, "--engine", "dask", "--scheduler", "nonsense://nowhere:1")
    assert done.exit_code == 1
    assert "No Dask scheduler answers" in done.stderr
    done = within("score", *words[:-1], "table:crm", "--engine", "dask")
    assert "--engine spark" in done.stderr


@pytest.mark.parametrize(("engine", "package"), [("dask", "distributed"), ("spark", "pyspark")])
def test_a_missing_extra_says_how_to_install_it(engine, package, trained, facts, tmp_path, monkeypatch):
    """Without the extra an engine is one sentence with the command."""
    monkeypatch.setitem(sys.modules, package, None)
    done = within("score", *of(trained), "--facts", facts, "-o", tmp_path / "o", "--engine", engine)
    assert done.exit_code == 1
    assert f"pip install 'readiness[{engine}]'" in done.stderr
