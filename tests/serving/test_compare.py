"""`readiness compare`: what one version would change against another."""

import json
import subprocess
import sys

PROGRAM = [sys.executable, "-P", "-m", "serving.cli", "compare"]


def compare(trained, *words):
    """The program, run as users run it, over the trained market."""
    command = [*PROGRAM, *map(str, words), "--contract", str(trained.contract)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_a_version_against_its_own_bundle_moves_nobody(trained, tmp_path):
    """The champion against the folder that it was registered from: JSON alone on stdout, nothing moved; a page."""
    done = compare(trained, "champion", trained.bundle, "--json", "--quiet", "--html", tmp_path / "page.html")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["a"]["name"] == "version 1 (champion)"
    assert told["a"]["bundle_id"] == told["b"]["bundle_id"] == trained.said["bundle_id"]
    assert told["judged"]["horizons"]["30d"]["metrics"]["log_loss"]["difference"] == 0.0
    assert told["people"]["decisions_changed"] == 0
    assert told["mlflow_url"] is None
    assert "<!doctype html>" in (tmp_path / "page.html").read_text()
    assert done.stderr.splitlines()[-1].startswith("→ readiness promote")


def test_people_read_tables_and_sentences(trained):
    """Without --json there are tables no wider than a page, and findings in sentences; both runs are linked."""
    done = compare(trained, "1", "champion", "--quiet")
    assert done.returncode == 0, done.stderr
    for words in ("Calibration side by side", "The largest movers", "The lead changed, or the model?", "level"):
        assert words in done.stdout
    tables = done.stdout[: done.stdout.index("Neither is surely better")].splitlines()[3:]
    assert all(len(line.rstrip()) <= 100 for line in tables if "the same" not in line)
    assert "/#/compare-runs?runs=" in done.stderr
    assert "&workflowType=machine_learning" in done.stderr


def test_a_version_that_is_not_there_is_one_sentence(trained):
    """Without a challenger there is nothing to compare, which is said with what there is."""
    done = compare(trained, "--quiet")
    assert (done.returncode, done.stdout) == (1, "")
    assert "has no version 'challenger'" in done.stderr
    assert "Traceback" not in done.stderr
