"""A worker that is killed while the booster grows costs time, not the booster."""

import os
import signal
import time
from threading import Thread

import numpy as np
import pytest

from data.facts import write_facts
from features.dask_feed import cut
from training.dask_gbm import grow_booster
from training.fit import last_rounds
from training.gbm import GbmSettings
from training.selection import Choice

COLUMNS, CELLS, BUCKETS = 20, 20_000, 5


@pytest.fixture
def choice(steady_trial):
    """Many small trees: a fit of several seconds."""
    chosen = steady_trial.choice if hasattr(steady_trial, "choice") else None
    shape = chosen.shape if chosen else __import__("training.gbm", fromlist=["SHAPES"]).SHAPES[1]
    return Choice(None, shape, 600, 1.0, {}, "", {}, [], ())
