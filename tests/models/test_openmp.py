"""LightGBM's threads do not wait busily for long, whichever way it is loaded."""

import os
import subprocess
import sys

import pytest

from models.openmp import A_MOMENT

LOADED = {"by training": "import training.gbm", "by models alone": "import models.booster; models.booster._library()"}
SETTINGS = ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT")


def waits(code, **environment):
    """For how many rounds the OpenMP libraries that ``code`` loads wait busily; skips where they do not say."""
    told = {name: value for name, value in os.environ.items() if name not in SETTINGS}
    told |= {"OMP_DISPLAY_ENV": "VERBOSE", **environment}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=told)
    found = {line.split("'")[1] for line in done.stderr.splitlines() if "GOMP_SPINCOUNT" in line}
    if not found:
        pytest.skip("GNU's OpenMP is not what is loaded here: it has a setting of its own")
    return found


@pytest.mark.parametrize("code", LOADED.values(), ids=LOADED)
def test_threads_wait_busily_for_a_moment_alone(code):
    """Longer, it would take the cores of whatever else runs."""
    assert waits(code) == {A_MOMENT}


@pytest.mark.parametrize("code", LOADED.values(), ids=LOADED)
def test_who_says_how_decides(code):
    """A setting of the user's own stays, whichever of the two it is."""
    assert waits(code, GOMP_SPINCOUNT="77") == {"77"}
    assert waits(code, OMP_WAIT_POLICY="passive") == {"0"}
