"""A worker that is killed while the booster grows costs time, not the booster."""

import os
import signal
import time
from threading import Thread

import numpy as np

from data.facts import write_facts
from features.dask_feed import cut
from training.dask_gbm import grow_booster
from training.gbm import SHAPES, GbmSettings
from training.selection import Choice

CELLS = 20_000
"""Of each bucket."""


def random_cells(bucket, _listed):
    """Cells in which the first of twenty columns tells the outcome."""
    random = np.random.default_rng(len(bucket.leads))
    matrix = random.normal(size=(CELLS, 20)).astype(np.float32)
    outcome = random.random(CELLS) < 1 / (1 + np.exp(-matrix[:, 0]))
    return matrix, outcome.astype(np.int8), np.ones(CELLS)


def test_a_worker_killed_while_the_booster_grows_costs_no_cell(steady, dask_client, tmp_path):
    """LightGBM's processes cannot go on without each other: the fit begins again, with all cells, and ends."""
    facts = write_facts(steady[1].history, tmp_path / "facts")
    settings = GbmSettings(0, 1, np.zeros(20, bool), np.zeros(20, np.int8))
    choice = Choice(None, SHAPES[1], 400, 1.0, {}, "", {}, [], ())
    told = []
    killer = Thread(target=_kill_in_the_fit, args=(dask_client, dask_client.run(os.getpid)))
    with cut(dask_client, facts, str(tmp_path / "scratch"), buckets=5) as cut_facts:
        killer.start()
        grown = grow_booster(
            dask_client, cut_facts, random_cells, 1, settings, choice, lambda label, _share: told.append(label)
        )
    killer.join()
    assert any(label.startswith("fitting the booster again") for label in told)
    assert b"Tree=439" in grown.text
    assert grown.cells == grown.learned_from == 5 * CELLS


def _kill_in_the_fit(client, processes):
    """Wait until both workers fit, a second longer, and kill the first of them."""
    while sum(any("_train_part" in str(key) for key in keys) for keys in client.processing().values()) < 2:
        time.sleep(0.05)
    time.sleep(1.0)
    os.kill(next(iter(processes.values())), signal.SIGKILL)
