import json
import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import mlflow
import pandas as pd
import pytest

from data.contract import Contract
from data.errors import BundleError, ReadinessError
from data.sections import MlflowSettings
from models.index import index_of
from training import figures
from training.experiment_page import arrange
from training.fetch import fetch
from training.fetch import main as fetch_main
from training.plots import draw_plots
from training.registry import Version, git_sha, register
from training.tracking import open_registry
from training.version_card import version_card

pytestmark = [
    # MLflow 3.17 maps its tables with a loader that SQLAlchemy 2.1 will drop; it warns once, at the first store.
    pytest.mark.filterwarnings("ignore:The ``noload`` loader strategy:DeprecationWarning"),
    # MLflow reads the type hints of its own chat classes while it is imported, and silences the warning in its own way.
    pytest.mark.filterwarnings("ignore:.*Any type hint is inferred as AnyType:UserWarning"),
    # MLflow compares the columns of every table with a range, which pandas 4 will refuse.
    pytest.mark.filterwarnings("ignore:Operation with range is deprecated:DeprecationWarning"),
]


@dataclass
class Registered:
    """A registry that a trial was registered in, twice."""

    contract: Contract
    client: mlflow.MlflowClient
    first: Version
    second: Version
    steps: list[tuple[str, float]]


def _contract_at(trial: Any, folder: Path, uri: str | None) -> Contract:
    settings = MlflowSettings(uri=uri, experiment=f"tests/{folder.name}")
    return trial.contract.model_copy(update={"folder": folder, "mlflow": settings})


@pytest.fixture(scope="module", params=["embedded", "server"])
def registered(request, trial, bundle_folder, tmp_path_factory):
    """The trial registered twice: in the embedded registry of a folder with an awkward name, and on a real server."""
    folder = tmp_path_factory.mktemp("registry") / "a b#ü"
    folder.mkdir()
    uri = request.getfixturevalue("mlflow_server") if request.param == "server" else None
    contract = _contract_at(trial, folder, uri)
    steps: list[tuple[str, float]] = []
    first, second = (
        register(replace(trial, contract=contract), bundle_folder, progress=lambda *step: steps.append(step))
        for _ in range(2)
    )
    return Registered(contract, open_registry(contract).client, first, second, steps)


@pytest.fixture(scope="session")
def tables(trial, tmp_path_factory) -> Path:
    """An embedded database with MLflow's tables and nothing in them: to make one takes seconds, to copy it none."""
    contract = _contract_at(trial, tmp_path_factory.mktemp("tables"), None)
    open_registry(contract)
    return contract.state_folder / "mlflow.db"


@pytest.fixture
def fresh(trial, tables, tmp_path) -> Contract:
    """A contract with an embedded registry of its own."""
    home = tmp_path / "home"
    (home / ".readiness").mkdir(parents=True)
    shutil.copy(tables, home / ".readiness" / "mlflow.db")
    return _contract_at(trial, home, None)


@pytest.fixture
def as_analyst(registered, monkeypatch):
    """MLflow's global address set to the registry, as somebody in a notebook would, and unset again."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", open_registry(registered.contract).uri)
    yield
    mlflow.set_tracking_uri(None)


@pytest.fixture(scope="session")
def table(trial) -> pd.DataFrame:
    """The feature table as an analyst has it: categories are texts, nulls are null."""
    found = trial.reference.select(list(trial.feature_set.names)).to_pandas()
    categories = [name for name in found if isinstance(found[name].dtype, pd.CategoricalDtype)]
    assert any(len(found[name].cat.codes.unique()) > 1 for name in categories), "no category to encode"
    return found


def test_the_first_version_serves_and_the_next_one_wants_to(registered):
    """The first version becomes the champion, the second the challenger, and the champion stays."""
    assert (registered.first.number, registered.first.alias) == ("1", "champion")
    assert (registered.second.number, registered.second.alias) == ("2", "challenger")
    aliases = registered.client.get_registered_model(registered.first.name).aliases
    assert {alias: str(number) for alias, number in aliases.items()} == {"champion": "1", "challenger": "2"}


def test_a_run_has_what_the_version_was_made_from(registered, trial):
    """Parameters and metrics of the run are those of the trial's report, every one of them."""
    run = registered.client.get_run(registered.first.run_id)
    assert run.info.status == "FINISHED"
    assert run.data.params == figures.params(trial.report, trial.contract.model.seed)
    expected = figures.metrics(trial.report) | figures.headline(trial.report)
    curves = {name for name, _, _ in figures.fold_metrics(trial.report)}
    assert {name: value for name, value in run.data.metrics.items() if name not in curves} == pytest.approx(expected)
    assert run.data.tags["data_fingerprint"] == trial.report["history"]["fingerprint"]
    assert run.data.tags["bundle_id"] == registered.first.bundle_id


def test_folds_are_curves(registered, trial):
    """Each backtest fold is a step of a curve, for each model."""
    for model in ("gbm", "logistic"):
        history = registered.client.get_metric_history(registered.first.run_id, f"folds/log_loss_x1000/{model}")
        told = [fold["log_loss"][model] * 1000 for fold in trial.report["blend"]["folds"]]
        assert [point.value for point in sorted(history, key=lambda point: point.step)] == pytest.approx(told)


def test_pages_and_plots_are_at_the_root_of_the_artifacts(registered, trial):
    """MLflow lays files of two runs side by side only from the root: the report and every plot are there."""
    names = {item.path for item in registered.client.list_artifacts(registered.first.run_id)}
    plots = set(draw_plots(trial.report))
    assert plots >= {"reliability.png", "gains.png", "capacity.png", "segments.png", "importance.png"}
    assert names == plots | {"report.html", "report.json", "bundle"}


def test_the_report_knows_its_version(registered, trial, tmp_path):
    """report.json in the registry is the trial's report with the number of the version."""
    path = registered.client.download_artifacts(registered.second.run_id, "report.json", str(tmp_path))
    told = json.loads(Path(path).read_text())
    assert told["version"] == "2"
    assert told["horizons"] == trial.report["horizons"]


def test_the_version_carries_its_card_and_its_tags(registered, trial):
    """A version's description is the version card; its tags lead to the run, the bundle and the facts."""
    version = registered.client.get_model_version(registered.first.name, "1")
    assert version.description == version_card(trial.report, registered.first.bundle_id)
    second = registered.client.get_model_version(registered.first.name, "2").description
    assert "### What changed against version 1\n\n- the same facts" in second
    assert version.tags["run_id"] == version.run_id == registered.first.run_id
    assert version.tags["bundle_id"] == registered.first.bundle_id
    assert version.tags["data_fingerprint"] == trial.report["history"]["fingerprint"]


def test_models_and_runs_know_each_other(registered, trial):
    """The logged model is ready, has a telling name and the served figures, and its run and version point to it."""
    run = registered.client.get_run(registered.first.run_id)
    (output,) = run.outputs.model_outputs
    logged = registered.client.get_logged_model(output.model_id)
    assert logged.status == "READY"
    assert logged.name.startswith(f"{trial.report['product']}-")
    assert registered.first.bundle_id[:8] in logged.name
    told = {metric.key: metric.value for metric in logged.metrics}
    assert told == pytest.approx(figures.headline(trial.report))
    marks = json.loads(logged.tags["mlflow.modelVersions"])
    assert [(mark["name"], str(mark["version"])) for mark in marks] == [(registered.first.name, "1")]


def test_the_table_of_runs_shows_versions_and_the_figures_that_matter(registered):
    """The experiment keeps a view of versions alone; its columns are metrics that their runs have."""
    found = registered.client.get_experiment_by_name(registered.contract.experiment)
    view = json.loads(found.tags["mlflow.sharedViewState.versions"])
    runs = registered.client.search_runs([found.experiment_id], view["searchFilter"])
    assert sorted(run.info.run_name[:10] for run in runs) == ["version 1,", "version 2,"]
    shown = {column.removeprefix("metrics.").strip("`") for column in view["selectedColumns"] if "metrics." in column}
    assert shown - {"against champion/log_loss_pct"} <= set(runs[0].data.metrics)
    assert found.tags["mlflow.experimentKind"] == "custom_model_development"


def test_a_note_that_somebody_wrote_stays(registered):
    """What an analyst wrote over the experiment is not written over."""
    experiment = registered.client.get_experiment_by_name(registered.contract.experiment).experiment_id
    registered.client.set_experiment_tag(experiment, "mlflow.note.content", "ours")
    arrange(open_registry(registered.contract), experiment)
    assert registered.client.get_experiment(experiment).tags["mlflow.note.content"] == "ours"


def test_data_sets_say_what_was_read(registered, trial):
    """Both data sets name their source and carry the fingerprint of the facts and their own counts."""
    inputs = registered.client.get_run(registered.first.run_id).inputs.dataset_inputs
    assert len(inputs) == 2
    for given in inputs:
        part = {"training": "train", "testing": "test"}[given.tags[0].value]
        assert given.dataset.digest.startswith(trial.report["history"]["fingerprint"][:16])
        assert json.loads(given.dataset.profile)["num_rows"] == trial.report["rows"][part]
        assert json.loads(given.dataset.source)["uri"].startswith("file://")
    assert len({given.dataset.digest for given in inputs}) == 2


@pytest.mark.usefixtures("as_analyst")
def test_the_registered_version_scores_bit_for_bit(registered, table, trial):
    """MLflow's own loader scores a feature table exactly as the fitted model did, whatever the order of its columns."""
    loaded = mlflow.pyfunc.load_model(f"models:/{registered.first.name}@champion")
    told = loaded.predict(table[reversed(table.columns)])
    assert list(told.columns) == ["readiness_30d", "readiness_90d", "index"]
    fitted = trial.reference["readiness"].to_pylist()
    assert told["readiness_90d"].tolist() == fitted
    assert told["index"].tolist() == [index_of(chance, trial.contract.index) for chance in fitted]
    assert (told["readiness_30d"] <= told["readiness_90d"]).all()


@pytest.mark.usefixtures("as_analyst")
def test_a_missing_column_is_named(registered, table):
    """A table without one of the features is refused by the name of the column."""
    name = table.columns[3]
    loaded = mlflow.pyfunc.load_model(f"models:/{registered.first.name}@champion")
    with pytest.raises(mlflow.MlflowException, match=f"missing inputs.*{name}"):
        loaded.predict(table.drop(columns=[name]))


@pytest.mark.usefixtures("as_analyst")
def test_the_logged_example_can_be_scored(registered):
    """The input example that MLflow's pages show is one that the model scores."""
    loaded = mlflow.pyfunc.load_model(f"models:/{registered.first.name}/2")
    assert loaded.predict(loaded.input_example).notna().all(axis=None)


def test_fetched_files_are_those_that_were_registered(registered, bundle_folder, tmp_path):
    """An alias and a number bring the same bundle, byte for byte, into a folder named by its content."""
    folder = fetch(registered.contract, "champion", tmp_path)
    assert folder == tmp_path / registered.first.bundle_id
    assert fetch(registered.contract, "1", tmp_path) == folder
    kept = {path.name: path.read_bytes() for path in bundle_folder.iterdir()}
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == kept
    assert [path.name for path in tmp_path.iterdir()] == [folder.name]


def test_a_whole_bundle_is_not_fetched_twice_and_a_damaged_one_is_replaced(registered, tmp_path):
    """What is already there and whole is left alone; what is damaged is fetched again."""
    folder = fetch(registered.contract, "champion", tmp_path)
    inode = (folder / "model.txt").stat().st_ino
    assert (fetch(registered.contract, "champion", tmp_path) / "model.txt").stat().st_ino == inode
    whole = (folder / "model.txt").read_bytes()
    (folder / "model.txt").unlink()
    (folder / "model.txt").write_bytes(whole[:-1])
    assert (fetch(registered.contract, "champion", tmp_path) / "model.txt").read_bytes() == whole
    assert [path.name for path in tmp_path.iterdir()] == [folder.name]


@pytest.mark.parametrize("reference", ["nobody", "99", "a/b", "@"])
def test_a_version_that_is_not_there_is_one_sentence(registered, tmp_path, reference):
    """An unknown alias or number says what was asked, where, and how to get a version."""
    with pytest.raises(ReadinessError, match=r"has no version .* \(challenger, champion\) or a number up to 2\. Run"):
        fetch(registered.contract, reference, tmp_path)


def test_files_that_are_not_those_registered_are_refused(registered, tmp_path):
    """A version whose tag names another bundle than its files is not fetched: the tag pins the content."""
    registered.client.set_model_version_tag(registered.second.name, "2", "bundle_id", "0" * 64)
    try:
        with pytest.raises(BundleError):
            fetch(registered.contract, "2", tmp_path)
        assert list(tmp_path.iterdir()) == []
    finally:
        registered.client.set_model_version_tag(registered.second.name, "2", "bundle_id", registered.second.bundle_id)


def test_progress_is_told_from_begin_to_end(registered):
    """Each registration tells what it does, its share growing from 0 to 1."""
    shares = [share for _, share in registered.steps]
    half = len(shares) // 2
    assert shares[:half] == sorted(shares[:half]) == shares[half:]
    assert (shares[0], shares[half - 1]) == (0.0, 1.0)


def test_pages_are_linked(registered):
    """The addresses of a version lead to its run and its number, in MLflow's mode for models like ours."""
    assert f"/runs/{registered.first.run_id}?workflowType=machine_learning" in registered.first.run_url
    assert f"/models/{registered.first.name}/versions/1?" in registered.first.model_url


def test_nothing_is_left_elsewhere(trial, fresh, bundle_folder, tmp_path, monkeypatch):
    """An embedded registry lies in the state folder alone, and MLflow's global address stays as it was."""
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    register(replace(trial, contract=fresh), bundle_folder)
    fetch(fresh, "champion", tmp_path / "bundles")
    assert list(work.iterdir()) == []
    assert {path.name for path in fresh.folder.iterdir()} == {".readiness"}
    assert "MLFLOW_TRACKING_URI" not in os.environ


def test_a_registration_that_breaks_moves_no_alias(trial, fresh, bundle_folder, tmp_path):
    """When a registration fails half way its run is marked as failed, and nothing can be served from it."""
    report = {**trial.report, "curves": {}}
    with pytest.raises(KeyError):
        register(replace(trial, contract=fresh, report=report), bundle_folder)
    client = open_registry(fresh).client
    experiment = client.get_experiment_by_name(fresh.experiment).experiment_id
    assert [run.info.status for run in client.search_runs([experiment])] == ["FAILED"]
    with pytest.raises(ReadinessError, match="has no version 'champion'"):
        fetch(fresh, "champion", tmp_path / "bundles")


def test_without_a_registry_nothing_is_made(trial, tmp_path):
    """Fetching where nothing was ever trained says so, and does not leave an empty database behind."""
    contract = _contract_at(trial, tmp_path, None)
    with pytest.raises(ReadinessError, match=r"no registry .* Run `readiness train`"):
        fetch(contract, "champion", tmp_path / "bundles")
    assert list(tmp_path.iterdir()) == []


def test_two_trainings_may_meet_in_a_new_registry(trial, tmp_path):
    """Processes that open a registry which is not there yet all find one whole, whoever makes it."""
    path = tmp_path / "readiness.toml"
    path.write_text(trial.contract.text)
    code = (
        "import sys; from pathlib import Path; from data.contract import load_contract\n"
        "from training.tracking import open_experiment, open_registry\n"
        "contract = load_contract(Path(sys.argv[1]))\n"
        "print(open_experiment(open_registry(contract), contract))\n"
    )
    command = [sys.executable, "-c", code, str(path)]
    bare = {name: value for name, value in os.environ.items() if name != "MLFLOW_TRACKING_URI"}
    both = [subprocess.Popen(command, env=bare, stdout=subprocess.PIPE, stderr=subprocess.PIPE) for _ in range(2)]
    told = [process.communicate(timeout=120) for process in both]
    assert [process.returncode for process in both] == [0, 0], told[0][1] + told[1][1]
    assert told[0][0] == told[1][0]
    assert [found.name for found in (tmp_path / ".readiness").iterdir()] == ["mlflow.db"]


def test_a_server_that_is_down_is_told_at_once(trial, tmp_path):
    """An address where nothing listens is one sentence within seconds, not minutes of silent retries."""
    contract = _contract_at(trial, tmp_path, "http://me:secret@127.0.0.1:9")
    began = time.monotonic()
    with pytest.raises(ReadinessError, match=r"No MLflow server answers at http://me:\*\*\*@127.0.0.1:9") as told:
        fetch(contract, "champion", tmp_path)
    assert "secret" not in str(told.value)
    assert time.monotonic() - began < 10


def test_a_deleted_experiment_is_told(trial, fresh, bundle_folder):
    """An experiment that somebody deleted in MLflow is named, with the way back."""
    client = open_registry(fresh).client
    client.delete_experiment(client.create_experiment(fresh.experiment))
    with pytest.raises(ReadinessError, match="was deleted"):
        register(replace(trial, contract=fresh), bundle_folder)


def test_the_launcher_reads_json(registered, trial, tmp_path, capsys):
    """`python -m training.fetch` prints the folder and the number as JSON, and an error as one sentence."""
    text = trial.contract.text + f'\n[mlflow]\nuri = "{open_registry(registered.contract).uri}"\n'
    path = tmp_path / "readiness.toml"
    path.write_text(text)
    assert fetch_main([str(path), "champion", str(tmp_path / "into")]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told == {"folder": str(tmp_path / "into" / registered.first.bundle_id), "number": "1"}
    assert fetch_main([str(path), "nobody", str(tmp_path / "into")]) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "has no version 'nobody'" in captured.err
    assert fetch_main([]) == 2


def test_the_model_folder_brings_its_own_code(trial, fresh, bundle_folder, table, tmp_path):
    """Away from the project, MLflow loads the version with the sources logged beside it, and scores the same bits."""
    version = register(replace(trial, contract=fresh), bundle_folder)
    kept = open_registry(fresh).client.get_model_version_download_uri(version.name, version.number)
    table.to_parquet(tmp_path / "rows.parquet")
    code = (
        "import sys, mlflow, pandas as pd\n"
        "loaded = mlflow.pyfunc.load_model(sys.argv[1])\n"
        "loaded.predict(pd.read_parquet(sys.argv[2])).to_parquet(sys.argv[3])\n"
        "print(sys.modules['models.bundle'].__file__)\n"
    )
    command = [sys.executable, "-c", code, kept, str(tmp_path / "rows.parquet"), str(tmp_path / "scores.parquet")]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert Path(done.stdout.strip()).is_relative_to(fresh.state_folder / "mlartifacts")
    scores = pd.read_parquet(tmp_path / "scores.parquet")
    assert scores["readiness_90d"].tolist() == trial.reference["readiness"].to_pylist()


def test_the_commit_of_the_contract_is_kept(tmp_path):
    """A contract under git is tagged with its commit, marked when files differ from it; outside git there is no tag."""
    assert git_sha(tmp_path) is None
    git = ["git", "-C", str(tmp_path), "-c", "user.name=x", "-c", "user.email=x@example.org"]
    (tmp_path / "readiness.toml").write_text("[ready]")
    for step in (["init", "-q"], ["add", "readiness.toml"], ["commit", "-q", "-m", "agreed"]):
        subprocess.run([*git, *step], check=True)
    head = subprocess.run([*git, "rev-parse", "HEAD"], check=True, capture_output=True, text=True).stdout.strip()
    assert git_sha(tmp_path) == head
    (tmp_path / "readiness.toml").write_text("[ready] # changed")
    assert git_sha(tmp_path) == f"{head}-dirty"
