"""Training on a Dask cluster: the same cells, one booster from all of them, as good as the local one."""

import operator
import os
import signal
import threading
import time
from dataclasses import replace

import numpy as np
import pytest

from data.clock import DAY
from data.facts import write_facts
from features.dask_feed import cut, sample
from training.cluster import Lesson, train_on_cluster
from training.dask_gbm import without_addresses
from training.gbm import cell_matrix
from training.staying import Staying

LOG_LOSS_NOISE = 0.008
"""Six local boosters that differ in the seed alone lie up to 0.005 apart on the test rows of this market."""


@pytest.fixture(scope="module")
def facts(steady, tmp_path_factory):
    """The checked facts of the small market as a folder that workers read."""
    return write_facts(steady[1].history, tmp_path_factory.mktemp("facts"))


@pytest.fixture(scope="module")
def cluster_trial(steady, facts, dask_client, tmp_path_factory):
    """The trial of that market on two worker processes."""
    scratch = tmp_path_factory.mktemp("cluster") / "scratch"
    trial = train_on_cluster(dask_client, steady[0], facts, str(scratch), buckets=5)
    assert not scratch.exists()
    return trial


@pytest.mark.parametrize("known_at", ["the split", "the end"])
def test_the_workers_make_the_cells_of_the_trial(steady, steady_trial, facts, dask_client, tmp_path, known_at):
    """Bucket by bucket, the cells are those that the judged and the serving model learn from, to the last bit."""
    from training.learning import ground_of
    from training.refit import whole_ground
    from training.sample import draw_sample

    contract, checked = steady
    drawn = draw_sample(contract, checked.history, lambda _label, _share: None)
    edges = steady_trial.judged.edges
    whole = known_at == "the end"
    ground = whole_ground(contract, checked.history, drawn, edges) if whole else ground_of(contract, drawn)
    of = ground.cells(np.arange(len(ground.cutoffs)))
    cutoffs, matrix, half_life = ground.cutoffs[of.rows], ground.matrix, 90 * DAY
    weights = np.exp2((cutoffs - cutoffs.max()) / half_life)
    lesson = Lesson(
        contract,
        drawn.table.feature_set,
        drawn.table.vocabulary,
        drawn.test_from,
        checked.history.ends_at + 1 if whole else drawn.test_from,
        edges,
        half_life,
        int(cutoffs.max()),
    )
    with cut(dask_client, facts, str(tmp_path), buckets=7) as cut_facts:
        found = [lesson(*cut_facts.bucket(number)) for number in range(7)]
    expected = _sorted(cell_matrix(matrix, of, len(edges)), of.outcome, weights)
    together = _sorted(*(np.concatenate([part[k] for part in found]) for k in range(3)))
    np.testing.assert_array_equal(together.view(np.uint64), expected.view(np.uint64))
    assert steady_trial.feature_set == drawn.table.feature_set


def _sorted(matrix, outcome, weights):
    """The cells in an order of their own; null is a number here."""
    rows = np.column_stack([np.nan_to_num(matrix, nan=-1e30), outcome, weights]).astype(np.float64)
    return rows[np.lexsort(rows.T)]


def test_held_out_log_loss_is_within_noise_of_the_local_model(steady_trial, cluster_trial):
    """The settings are the local ones, because every lead fits the client; the booster is as good on later rows."""
    local, there = steady_trial.report, cluster_trial.report
    assert there["blend"]["rounds"] == local["blend"]["rounds"]
    assert there["features"] == local["features"]
    assert there["history"] == local["history"]
    for horizon, part in local["horizons"].items():
        for model in ("gbm", "blend"):
            ours, theirs = (p["models"][model]["log_loss"] for p in (part, there["horizons"][horizon]))
            assert abs(ours - theirs) < LOG_LOSS_NOISE
    assert cluster_trial.model.booster_text != steady_trial.model.booster_text
    assert b"[machines: " not in cluster_trial.model.booster_text


def test_a_sample_is_whole_leads(steady, facts, dask_client):
    """Where not all events fit, a seeded draw of leads comes to the client, each with all of its facts."""
    history, share = sample(dask_client, facts, seed=3, most=len(steady[1].history.events) // 4)
    assert share == pytest.approx(0.25, abs=0.002)
    drawn = set(history.leads["lead_id"].to_pylist())
    assert 0.15 < len(drawn) / len(steady[1].history.leads) < 0.35
    whole = steady[1].history
    for name in ("events", "outcomes", "changes"):
        mine = [lead for lead in getattr(whole, name)["lead_id"].to_pylist() if lead in drawn]
        assert sorted(getattr(history, name)["lead_id"].to_pylist()) == sorted(mine)
    again, _ = sample(dask_client, facts, seed=3, most=len(whole.events) // 4)
    other, _ = sample(dask_client, facts, seed=4, most=len(whole.events) // 4)
    assert set(again.leads["lead_id"].to_pylist()) == drawn
    assert set(other.leads["lead_id"].to_pylist()) != drawn


def test_a_trained_sample_says_so(steady, facts, dask_client, tmp_path, monkeypatch):
    """Counts speak of all facts, a note of the draw, and the policy keeps the capacity of the contract."""
    contract, checked = steady
    few = len(checked.history.events) // 2
    monkeypatch.setattr("training.cluster.MOST_EVENTS", few)
    trial = train_on_cluster(dask_client, contract, facts, str(tmp_path), buckets=3)
    assert trial.report["history"]["events"] == len(checked.history.events)
    assert any("seeded draw of 50" in note for note in trial.report["notes"])
    assert trial.policy.capacity_per_week == contract.policy.capacity_per_week
    assert trial.card["history"] == trial.report["history"]
    assert trial.contract == replace(trial, contract=contract).contract


def test_a_worker_killed_before_the_fit_costs_no_cell(steady, facts, dask_client, tmp_path):
    """One of two processes dies with its share of the cells: they are made again, and the booster learns from all."""
    contract, _ = steady
    told: list[str] = []

    def kill(label, _share):
        if label == "fitting the booster" and label not in told:
            os.kill(next(iter(dask_client.run(os.getpid).values())), signal.SIGKILL)
        told.append(label)

    trial = train_on_cluster(dask_client, contract, facts, str(tmp_path), buckets=5, progress=kill)
    assert "fitting the booster" in told
    assert not [note for note in trial.report["notes"] if "cells" in note]
    dask_client.wait_for_workers(2, timeout=60)


def test_a_task_stays_where_the_pinned_result_is_that_it_needs(dask_client):
    """What cannot be sent from one worker to another, such as a socket, is taken apart where it was made.

    The other worker is idle and these tasks are known to be long: without the pin it steals them, and waits for ever.
    """
    client, (home, *_) = Staying(dask_client), sorted(dask_client.scheduler_info(n_workers=-1)["workers"])
    for number in range(2):
        dask_client.submit(time.sleep, 0.3, key=f"itemgetter-{number}", workers=[home]).result()
    made = client.submit(_unsendable, workers=[home], allow_other_workers=False, pure=False)
    busy = client.submit(time.sleep, 1, workers=[home], pure=False)
    taken = [client.submit(operator.itemgetter(1), made, pure=False) for _ in range(8)]
    assert [each.result(timeout=60) for each in taken] == [7] * 8
    assert client.who_has([busy])[busy.key] == (home,)


def _unsendable():
    return threading.Lock(), 7


def test_addresses_stay_out_of_the_model():
    """A bundle does not say on which machines it was trained."""
    text = "parameters:\n[boosting: gbdt]\n[machines: 10.0.0.1:12400]\n[num_machines: 2]\n[max_bin: 63]\n"
    assert without_addresses(text) == "parameters:\n[boosting: gbdt]\n[max_bin: 63]\n"
