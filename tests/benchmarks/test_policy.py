"""The closed loop measured, on a market so small that only its promises show."""

import json
import math
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from benchmarks import policy_command  # noqa: E402
from benchmarks.policy_callers import best  # noqa: E402
from benchmarks.policy_flaps import RULES  # noqa: E402
from benchmarks.policy_report import difference, gained, interval  # noqa: E402
from benchmarks.policy_runs import POLICIES, Run  # noqa: E402
from data.clock import DAY, WEEK  # noqa: E402
from data.simulation.loop import Seen  # noqa: E402


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """One run of the command as JSON, and the page and the plot that tell of it again."""
    folder = tmp_path_factory.mktemp("policy")
    page = folder / "page.md"
    page.write_text("before\n<!-- measured -->\nstale figures\n<!-- end of measured -->\nafter\n", encoding="utf-8")
    files = {name: folder / f"told.{name}" for name in ("json", "png")}
    options = ["--leads", "400", "--weeks", "4", "--seeds", "1", "--json", str(files["json"])]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["policy.py", *options])
        policy_command.main()
        again = ["--again", str(files["json"]), "--plot", str(files["png"]), "--write", str(page)]
        patch.setattr(sys, "argv", ["policy.py", *again])
        policy_command.main()
    return json.loads(files["json"].read_text()), page.read_text(encoding="utf-8"), files["png"].read_bytes()


def test_everybody_calls_as_many_and_nobody_calls_no_one(told):
    """The same capacity for all, used to the full; only the agreed policy may call fewer."""
    (run,) = told[0]["runs"]
    calls = {name: tally["calls"] for name, tally in run["tallies"].items()}
    assert list(calls) == list(POLICIES)
    full = 4 * run["capacity"]
    assert calls.pop("nobody calls") == 0
    assert 0 < calls.pop("model, agreed policy") <= full
    assert set(calls.values()) == {full}
    assert len({tally["open"] for tally in run["tallies"].values()}) == 1


def test_each_safeguard_lets_less_flap(told):
    """On the same scores: evidence, hysteresis and dwell each leave fewer crossings or as many."""
    (run,) = told[0]["runs"]
    crossings = [run["flaps"][rule]["crossings"] for rule in RULES]
    assert crossings == sorted(crossings, reverse=True)
    assert crossings[0] > 0
    assert run["flaps"]["agreed policy"]["leads_ready"] > 0


def test_the_page_is_renewed_between_its_marks(told):
    """What stands around the tables stays; the plot is a PNG."""
    _, page, plot = told
    assert page.startswith("before\n<!-- measured -->\n\nWorld steady, 400 leads")
    assert page.endswith("\n\n<!-- end of measured -->\nafter\n")
    assert "stale figures" not in page
    assert "| bare threshold |" in page
    assert plot.startswith(b"\x89PNG")


def test_the_best_are_called_among_those_that_have_rested():
    """By hand: the highest scores, the earlier lead among equals, nobody within four weeks of a call."""
    called = np.full(6, -(1 << 60), np.int64)
    called[[3, 4]] = [100 * WEEK - 27 * DAY, 100 * WEEK - 28 * DAY]
    seen = Seen(100 * WEEK, None, np.array([0, 2, 3, 4, 5]), called)
    scores = np.array([0.2, 0.9, 0.5, 0.9, 0.7, 0.5])
    choose = best(lambda _seen, leads: scores[leads], 3)
    assert choose(seen).tolist() == [4, 2, 5]


def test_intervals_are_students_over_seeds():
    """By hand: 1, 2, 3 have the mean 2 and the half-width 4.303 / sqrt(3); one seed has no interval."""
    mean, low, high = interval([1.0, 2.0, 3.0])
    assert (mean, high - low) == (2.0, pytest.approx(2 * 4.3027 / math.sqrt(3), rel=1e-4))
    assert all(math.isnan(end) for end in interval([1.0])[1:])


def test_differences_are_paired_by_seed(told):
    """What a policy gains is counted in the market of the same seed."""
    (run,) = told[0]["runs"]
    one = Run(**run)
    more = {name: {**tally, "won": tally["won"] + 50} for name, tally in one.tallies.items()}
    two = replace(one, seed=2, tallies=more)
    _, low, high = gained([one, two], "points")
    assert low == high == one.tallies["points"]["won"] - one.tallies["nobody calls"]["won"]
    assert difference([one, two], "won", "model", "model") == (0.0, 0.0, 0.0)
