"""Loops that learn from what they let happen, on a market so small that only their promises show."""

import json
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from benchmarks import unlearning_command  # noqa: E402
from benchmarks.unlearning_loop import Loop  # noqa: E402
from benchmarks.unlearning_runs import LOOPS, RECORDED  # noqa: E402
from benchmarks.unlearning_truth import expected_auc, expected_log_loss  # noqa: E402
from data.clock import WEEK  # noqa: E402
from data.simulation.loop import Seen  # noqa: E402
from training.judge import judge  # noqa: E402


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """One run of the command as JSON, and the page and the plot that tell of it again."""
    folder = tmp_path_factory.mktemp("unlearning")
    page = folder / "page.md"
    page.write_text("before\n<!-- measured -->\nstale figures\n<!-- end of measured -->\nafter\n", encoding="utf-8")
    files = {name: folder / f"told.{name}" for name in ("json", "png")}
    options = ["--leads", "700", "--trainings", "2", "--share", "0.5", "--seeds", "1", "--json", str(files["json"])]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["unlearning.py", *options])
        unlearning_command.main()
        again = ["--again", str(files["json"]), "--plot", str(files["png"]), "--write", str(page)]
        patch.setattr(sys, "argv", ["unlearning.py", *again])
        unlearning_command.main()
    return json.loads(files["json"].read_text()), page.read_text(encoding="utf-8"), files["png"].read_bytes()


def test_every_loop_learns_as_often_from_the_same_beginning(told):
    """A model before the loop and one for each training; the first is the same whoever calls."""
    (run,) = told[0]["runs"]
    assert list(run["loops"]) == list(RECORDED)
    for loops in run["loops"].values():
        assert list(loops) == list(LOOPS)
        assert {len(one["learned"]) for one in loops.values()} == {3}
        firsts = [one["learned"][0] for one in loops.values()]
        assert firsts[0] == firsts[1] == firsts[2]
        assert loops["no exploration"]["calls"] == 12 * run["capacity"]
    assert run["judged"]["explored"] > 0
    assert 0 < run["judged"]["effective"] <= run["judged"]["calls"]


def test_nobody_knows_more_than_the_truth(told):
    """The excess log loss is never below 0, and no call list adds more than the best one there is."""
    (run,) = told[0]["runs"]
    models = [one for loops in run["loops"].values() for lived in loops.values() for one in lived["learned"]]
    assert min(one["excess"] for one in models) >= 0.0
    assert max(one["list_share"] for one in models) <= 1.0 + 1e-12


def test_the_page_is_renewed_between_its_marks(told):
    """What stands around the tables stays; the plot is a PNG."""
    _, page, plot = told
    assert page.startswith("before\n<!-- measured -->\n\nWorld steady, 700 leads")
    assert page.endswith("\n\n<!-- end of measured -->\nafter\n")
    assert "stale figures" not in page
    assert plot.startswith(b"\x89PNG")


def test_a_slice_is_its_share_and_its_chance_is_true():
    """Over many weeks: the readiest are sure, each of the others is called as often as its propensity says."""
    leads = 200
    told = np.linspace(0.0, 1.0, leads)
    model = SimpleNamespace(predict=lambda _history, spine: told[spine["lead_id"].to_numpy().astype(int)])
    loop = Loop(None, 40, 0.25, 5, 0, [model], called_only=False)
    history = SimpleNamespace(leads=pa.table({"lead_id": pa.array([str(k) for k in range(leads)])}))
    counts = np.zeros(leads)
    for week in range(400):
        seen = Seen(week * WEEK, history, np.arange(leads), np.full(leads, -(1 << 60)))
        counts[loop(seen)] += 1
    assert (counts[-30:] == 400).all(), "30 of 40 calls go to the readiest"
    chances = {float(chance) for call in loop.calls for chance in call.propensity}
    assert chances == {1.0, 10 / 170}
    assert counts[:-30].mean() / 400 == pytest.approx(10 / 170, rel=0.06)
    assert np.abs(counts[:-30] / 400 - 10 / 170).max() < 5 * np.sqrt(10 / 170 / 400)


def test_expected_figures_are_those_of_many_draws():
    """AUC and log loss under exact chances are the means of the plain ones over drawn outcomes; ties count half."""
    rng = np.random.default_rng(0)
    truth = rng.beta(1, 6, 3_000)
    told = np.round(np.clip(truth + rng.normal(0, 0.1, 3_000), 0.01, 0.99), 1) + 0.01
    drawn = [judge(rng.random(3_000) < truth, told) for _ in range(40)]
    assert expected_auc(truth, told) == pytest.approx(np.mean([one["auc"] for one in drawn]), abs=0.006)
    assert expected_log_loss(truth, told) == pytest.approx(np.mean([one["log_loss"] for one in drawn]), abs=0.006)
    assert expected_log_loss(truth, truth) < expected_log_loss(truth, told)
