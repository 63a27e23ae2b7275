"""LightGBM's threads sleep while they wait, whichever way it is loaded."""

import os
import subprocess
import sys

import pytest

LOADED = {"by training": "import training.gbm", "by models alone": "import models.booster; models.booster._library()"}


def policies(code, **environment):
    """What the OpenMP libraries that ``code`` loads say of how they wait; skips where they say nothing."""
    told = {**os.environ, "OMP_DISPLAY_ENV": "TRUE", **environment}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=told)
    found = [line.split("'")[1] for line in done.stderr.splitlines() if "OMP_WAIT_POLICY" in line]
    if not found:
        pytest.skip("OpenMP says nothing of itself here: what it was told cannot be seen")
    return set(found)


@pytest.mark.parametrize("code", LOADED.values(), ids=LOADED)
def test_threads_wait_asleep(code, monkeypatch):
    """Busy waiting would take the cores of whatever else runs."""
    monkeypatch.delenv("OMP_WAIT_POLICY", raising=False)
    assert policies(code) == {"PASSIVE"}


@pytest.mark.parametrize("code", LOADED.values(), ids=LOADED)
def test_who_says_how_decides(code):
    """A setting of the user's own stays."""
    assert policies(code, OMP_WAIT_POLICY="active") == {"ACTIVE"}
