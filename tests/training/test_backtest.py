"""The backtest: origins that tile the time, trainings that know only their past, a killed run that goes on."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from data.check import check
from data.clock import DAY
from data.contract import load_contract
from data.errors import ContractError, NotMaturedError
from data.fingerprint import fingerprint
from data.labels import label
from data.simulation.folder import write
from data.simulation.market import simulate
from data.spine import build_spine, micros
from data.tables import TIME
from training.backtesting.backtest import Settings, latest_result, run_backtest
from training.backtesting.origins import Origin, plan_origins
from training.backtesting.pieces import Piece, curve_origin, plan_pieces, run_piece
from training.backtesting.store import Store, backtest_folder
from training.trial import run_trial

pytestmark = [
    # MLflow 3.17 maps its tables with a loader that SQLAlchemy 2.1 will drop; it warns once, at the first store.
    pytest.mark.filterwarnings("ignore:The ``noload`` loader strategy:DeprecationWarning"),
    # MLflow reads the type hints of its own chat classes while it is imported, and silences the warning in its own way.
    pytest.mark.filterwarnings("ignore:.*Any type hint is inferred as AnyType:UserWarning"),
]

SILENT = lambda _what, _share: None  # noqa: E731


@pytest.fixture(scope="module")
def market(tmp_path_factory):
    """A small quick market, asked about every four weeks: (contract path, contract, checked facts).

    Nobody looks for leaks in it: the detector may look at a whole export, also at what was filled in later.
    """
    folder = tmp_path_factory.mktemp("quick")
    write(simulate("quick", 300, 4), folder, paths=1)
    path = folder / "readiness.toml"
    text = path.read_text().replace('every = "7d"', 'every = "28d"')
    path.write_text(f"{text}\n[backtest]\nfolds = 2\n[model]\nthreads = 1\nbins = 1\n[leaks]\ncheck = false\n")
    contract = load_contract(path)
    return path, contract, check(contract)


def _matured(contract, history):
    spine = build_spine(contract.spine, contract.ready, history, contract.folder)
    return micros(spine["cutoff"])[label(history, spine, contract.ready).matured(contract.ready.primary)]


@pytest.mark.parametrize(("folds", "span"), [(2, None), (3, None), (4, 56 * DAY), (1, 28 * DAY)])
def test_origins_tile_the_later_time(market, folds, span):
    """Spans follow each other without gap or overlap, and the last ends with the last matured cutoff."""
    _, contract, checked = market
    plan = plan_origins(contract, checked.history, folds, span)
    origins = plan.origins
    matured = _matured(contract, checked.history)
    assert len(origins) == folds
    assert plan.notes == ()
    assert all(one.until == other.moment for one, other in pairwise(origins))
    assert origins[-1].until == matured.max() + 28 * DAY
    assert {origin.moment for origin in origins} <= set(matured.tolist())
    assert origins[0].moment > matured.min()
    assert {origin.until - origin.moment for origin in origins[1:]} <= {plan.span}
    assert span in {None, plan.span}
    if span is None:
        assert (matured < origins[0].moment).mean() == pytest.approx(0.4, abs=0.15)


def test_what_cannot_be_planned_is_said(market):
    """More folds than there is time for are named in a note; a history with one matured cutoff is one sentence."""
    _, contract, checked = market
    plan = plan_origins(contract, checked.history, 30, 84 * DAY)
    assert len(plan.origins) < 30
    assert plan.notes[0].startswith(f"30 folds were asked for and {len(plan.origins)} made")
    with pytest.raises(NotMaturedError, match="Take a shorter span"):
        plan_origins(contract, checked.history, 1, 3_650 * DAY)
    with pytest.raises(ContractError, match="judges nothing"):
        plan_origins(contract, checked.history, 2, 0)
    first = int(np.unique(_matured(contract, checked.history))[0])
    alone = contract.model_copy(update={"spine": contract.spine.model_copy(update={"every": None, "at": (first,)})})
    with pytest.raises(NotMaturedError, match="at 1 different cutoffs"):
        plan_origins(alone, checked.history, 2, None)


def test_portions_are_nested_and_share_no_lead():
    """The halves hold the quarters, portions of one size share no lead, and a lead's portion depends on its id."""
    leads = np.array([f"lead-{number}" for number in range(800)], object)
    origin = Origin(0, 1)
    half, quarter = Piece(origin, 1, 2, 0).keeps(leads, 7), Piece(origin, 1, 4, 0).keeps(leads, 7)
    assert (quarter <= half).all()
    assert not (half & Piece(origin, 1, 2, 1).keeps(leads, 7)).any()
    assert half.mean() == pytest.approx(0.5, abs=0.06)
    assert quarter.mean() == pytest.approx(0.25, abs=0.06)
    assert (Piece(origin, 1, 2, 0).keeps(leads[::-1], 7) == half[::-1]).all()


def test_pieces_are_worth_their_training():
    """A fold for each origin; portions of the leads only where enough wins are left to learn from."""
    origins = [Origin(0, 10), Origin(10, 20), Origin(20, 30)]
    assert [piece.every for piece in plan_pieces(origins, None)] == [1, 1, 1]
    assert [piece.every for piece in plan_pieces(origins, 9)] == [1, 1, 1, 2, 2]
    assert [piece.every for piece in plan_pieces(origins, 400)] == [1, 1, 1, 8, 8, 4, 4, 2, 2]
    assert curve_origin(origins) == origins[1]
    assert {piece.reach for piece in plan_pieces(origins, 400) if piece.origin == origins[1]} == {30}
    assert len({piece.key for piece in plan_pieces(origins, 400)}) == 9


def _another_future(history, moment):
    """Later outcomes reversed, later events of another kind, later changes gone."""

    def split(table, clock="known_at"):
        before = pc.less(table[clock], pa.scalar(moment, TIME))
        return table.filter(before), table.filter(pc.invert(before))

    outcomes, came = split(history.outcomes)
    kinds = pa.array(["lost" if kind == "won" else "won" for kind in came["kind"].to_pylist()])
    came = came.set_column(came.schema.get_field_index("kind"), came.schema.field("kind"), kinds)
    return replace(history, outcomes=pa.concat_tables([outcomes, came]), changes=split(history.changes)[0])


def test_a_fold_is_the_training_of_its_day(market):
    """What a fold says is, bit for bit, what `readiness train` would have said, and no later fact can change it."""
    _, contract, checked = market
    origin = plan_origins(contract, checked.history, 2).origins[1]
    piece = run_piece(contract, checked.history, Piece(origin, origin.until), SILENT)
    split = {"test_from": origin.moment, "test_until": origin.until}
    trial = run_trial(contract.model_copy(update={"backtest": contract.backtest.model_copy(update=split)}), checked)
    assert piece.rows.lead_id.equals(trial.test.lead_id)
    for name, said in trial.test.predictions.items():
        np.testing.assert_array_equal(piece.rows.predictions[name], said)
    cutoffs = micros(piece.rows.cutoff)
    assert (cutoffs >= origin.moment).all()
    assert (cutoffs < origin.until).all()
    other = run_piece(contract, _another_future(checked.history, origin.moment), piece.piece, SILENT)
    at = {key: row for row, key in enumerate(_keys(other))}
    both = [row for row, key in enumerate(_keys(piece)) if key in at and key[1] == origin.moment]
    assert len(both) > 20
    there = [at[_keys(piece)[row]] for row in both]
    for name in ("logistic", "gbm", "blend"):
        np.testing.assert_array_equal(piece.rows.predictions[name][both], other.rows.predictions[name][there])


def _keys(judged):
    return list(zip(judged.rows.lead_id.to_pylist(), micros(judged.rows.cutoff).tolist(), strict=True))


def test_a_kept_piece_is_read_back_whole_or_made_again(market, tmp_path):
    """A piece comes back from the disk bit for bit; a file that is cut short counts as not there."""
    _, contract, checked = market
    origin = plan_origins(contract, checked.history, 2).origins[0]
    piece, store = Piece(origin, origin.until, 2, 1), Store(tmp_path / "kept")
    assert store.load(piece) is None
    judged = run_piece(contract, checked.history, piece, SILENT)
    store.save(judged)
    kept = store.load(piece)
    assert kept.facts == judged.facts
    assert kept.rows.lead_id.equals(judged.rows.lead_id)
    assert kept.rows.cutoff.equals(judged.rows.cutoff)
    for one, other in (
        (kept.met, judged.met),
        (kept.rows.outcome, judged.rows.outcome),
        (kept.rows.matured, judged.rows.matured),
    ):
        np.testing.assert_array_equal(one, other)
    assert {name: said.tolist() for name, said in kept.rows.predictions.items()} == {
        name: said.tolist() for name, said in judged.rows.predictions.items()
    }
    (path,) = store.folder.iterdir()
    path.write_bytes(path.read_bytes()[:-100])
    assert store.load(piece) is None
    (store.folder / ".7-half").write_bytes(b"")
    store.fresh()
    assert list(store.folder.iterdir()) == []


def test_pieces_are_kept_apart_by_all_that_decides_them(market):
    """Another definition, other facts or other points have another folder; threads, capacity and segments do not."""
    _, contract, checked = market

    def folder(section, **changes):
        changed = getattr(contract, section).model_copy(update=changes)
        return backtest_folder(contract.model_copy(update={section: changed}), "facts")

    here = backtest_folder(contract, "facts")
    assert backtest_folder(contract, "others") != here
    assert folder("ready", reporting_lag=5 * DAY) != here
    assert folder("model", seed=9) != here
    assert folder("leaks", check=True) != here
    assert folder("model", threads=2) == here
    assert folder("policy", capacity_per_week=3) == here
    assert folder("backtest", segments=("country",)) == here
    assert latest_result(contract, fingerprint(checked.history)) is None or here.parent.is_dir()


@pytest.fixture(scope="module")
def killed(market, tmp_path_factory):
    """A backtest by the program itself, killed after its first training, then run again: (first file, answer, page)."""
    path, contract, checked = market
    store = backtest_folder(contract, fingerprint(checked.history))
    command = [sys.executable, "-P", "-m", "serving.cli", "backtest", "-c", str(path), "--jobs", "1", "--json"]
    run = subprocess.Popen(
        [*command, "--no-mlflow"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
    ends = time.monotonic() + 120
    while not list(store.glob("[!.]*.parquet")) and time.monotonic() < ends and run.poll() is None:
        time.sleep(0.02)
    os.killpg(run.pid, signal.SIGKILL)
    run.wait(timeout=30)
    first = {file.name: file.stat().st_mtime_ns for file in store.glob("[!.]*.parquet")}
    page = tmp_path_factory.mktemp("page") / "backtest.html"
    again = subprocess.run([*command, "--html", str(page)], capture_output=True, text=True, check=False)
    assert again.returncode == 0, again.stderr
    return first, json.loads(again.stdout), again.stderr, page, store


def test_a_killed_run_goes_on_where_it_stopped(market, killed):
    """What was finished when the process was killed is not done again, and the figures are those of a run in one go."""
    _, contract, checked = market
    first, said, told, _, store = killed
    assert 1 <= len(first) < said["settings"]["trainings"]
    assert f"{len(first)} of {said['settings']['trainings']} trainings are there from before" in told
    for name, at in first.items():
        assert (store / name).stat().st_mtime_ns == at
    elsewhere = contract.model_copy(update={"folder": store / "elsewhere"})
    points = contract.points.model_copy(update={"file": str(contract.resolve(contract.points.file))})
    elsewhere = elsewhere.model_copy(update={"points": points})
    whole = run_backtest(elsewhere, checked, Settings(2, None, curve=True), jobs=2).result
    for part in ("horizons", "capacity", "segments", "ages", "met", "curve", "curves"):
        assert json.loads(json.dumps(whole[part])) == said[part], part
    for fold, other in zip(said["folds"], whole["folds"], strict=True):
        assert fold["models"] == other["models"]


def test_the_answer_has_every_figure(market, killed):
    """By fold, pooled, by horizon, by segment and by age: the figures with intervals, or why there are none."""
    _, contract, _ = market
    said = killed[1]
    assert len(said["folds"]) == 2
    assert list(said["horizons"]) == ["7d", "30d"]
    matured = sum(fold["n"] for fold in said["folds"])
    assert said["horizons"]["30d"]["n"] == matured
    groups = [group for part in (*said["segments"], said["ages"], said["met"]) for group in part["groups"]]
    assert len(groups) >= 6
    for figures in (*said["folds"], *said["horizons"].values(), *groups):
        assert (figures["why"] is None) == bool(figures["models"])
        for model in figures["models"].values():
            assert {"auc", "average_precision", "log_loss", "brier", "ece", "lift_at_10"} < set(model)
            assert set(model["intervals"]) == set(model) - {"intervals"}
    assert sum(group["n"] for group in said["ages"]["groups"]) == matured
    assert said["capacity"]["per_week"] == contract.policy.capacity_per_week
    for part in (*said["segments"], said["ages"]):
        calls = [group["calls"]["models"]["blend"] for group in part["groups"]]
        assert sum(each["calls"] for each in calls) == pytest.approx(said["capacity"]["models"]["blend"]["calls"])
        assert sum(each["caught"] for each in calls) == pytest.approx(said["capacity"]["models"]["blend"]["caught"])
    assert {"points", "odoo", "logistic", "gbm", "blend"} < set(said["horizons"]["30d"]["models"])
    moved = [max(shift for shift in row["shift"] if shift is not None) for row in said["drift"]]
    assert moved == sorted(moved, reverse=True)
    assert {len(row["shift"]) for row in said["drift"]} == {2}
    assert len(moved) == max(fold["learned"]["features"] for fold in said["folds"])
    assert min(moved) >= 0.0 < max(row["push"] for row in said["drift"])
    assert [fold["learned"]["train_wins"] for fold in said["folds"]] == sorted(
        fold["learned"]["train_wins"] for fold in said["folds"]
    )


def test_it_is_told_as_a_page_and_in_mlflow(market, killed):
    """One page that fetches nothing, with its pictures; in MLflow one run, and one below it for each fold."""
    _, contract, _ = market
    said, page = killed[1], killed[3].read_text(encoding="utf-8")
    assert "http" not in page.replace('http-equiv="Content', "")
    assert page.count("data:image/png;base64,") >= 7
    assert "Fold by fold" in page
    assert said["drift"][0]["feature"] in page.split("Features that moved most", 1)[1]
    from training.tracking import open_registry

    client = open_registry(contract).client
    (experiment,) = [found for found in client.search_experiments() if found.name == contract.experiment]
    runs = {run.data.tags["kind"]: run for run in client.search_runs([experiment.experiment_id])}
    assert set(runs) == {"backtest", "backtest fold"}
    whole, fold = runs["backtest"], runs["backtest fold"]
    assert whole.info.run_id in said["run_url"]
    assert fold.data.tags["mlflow.parentRunId"] == whole.info.run_id
    assert whole.data.metrics["30d/auc_x100/blend"] == pytest.approx(
        said["horizons"]["30d"]["models"]["blend"]["auc"] * 100
    )
    files = {file.path for file in client.list_artifacts(whole.info.run_id)}
    assert {"backtest.html", "backtest.json", "folds.png", "reliability.png", "capacity.png"} <= files


def test_a_training_shows_the_last_backtest_of_the_same_facts(market, killed):
    """The result is found again by contract and facts; with another capacity it is not the same."""
    _, contract, checked = market
    found = latest_result(contract, fingerprint(checked.history))
    assert found["folds"] == killed[1]["folds"]
    other = contract.model_copy(update={"policy": contract.policy.model_copy(update={"capacity_per_week": 1})})
    assert latest_result(other, fingerprint(checked.history)) is None
