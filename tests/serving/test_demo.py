"""`readiness demo`: everything at once, on this machine."""

import subprocess
import sys


def test_the_demo_shows_everything(tmp_path):
    """A market, one table of all models beside the ceiling, a score over HTTP with reasons, what to do next."""
    command = [sys.executable, "-P", "-m", "serving.cli", "demo", "--leads", "60", "--world", "quick", "--quiet"]
    done = subprocess.run(
        [*command, "--dir", str(tmp_path / "demo")], capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stderr[-2_000:]
    rows = [line.split("  ")[0] for line in done.stdout.splitlines()]
    models = ["base rate", "points", "logistic regression", "LightGBM", "blend (served)", "exact ceiling"]
    assert [row for row in rows if row in models] == models
    assert {"readiness", "decision_reason", "reason_1"} <= set(rows)
    assert all(len(line.rstrip()) <= 100 for line in done.stdout.splitlines())
    said = done.stderr.splitlines()
    assert "readiness ui --contract" in done.stderr
    assert said[-1].startswith("→ ")
    assert (tmp_path / "demo" / "readiness.toml").is_file()
    assert (tmp_path / "demo" / "truth" / "truth.parquet").is_file()
