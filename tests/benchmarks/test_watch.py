"""The benchmark of `readiness watch`, on a market so small that only its promises show."""

import json
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))
from benchmarks import watch_command  # noqa: E402
from benchmarks.watch_report import tables  # noqa: E402
from benchmarks.watch_runs import RULES, STARTS_AT, Look, Run, Setting  # noqa: E402
from data.clock import WEEK  # noqa: E402
from data.simulation.drifting import DRIFTS_AT  # noqa: E402


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """What one small run wrote, and what it printed when it was told again."""
    folder = tmp_path_factory.mktemp("watch")
    files = {name: folder / f"runs.{name}" for name in ("json", "md")}
    files["md"].write_text("before\n<!-- measured -->\nstale\n<!-- end of measured -->\nafter\n")
    words = ["--worlds", "drifting", "--leads", "250", "--weeks", "6", "--seeds", "1", "--json", str(files["json"])]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["watch.py", *words])
        watch_command.main()
        patch.setattr(sys, "argv", ["watch.py", "--again", str(files["json"]), "--write", str(files["md"])])
        watch_command.main()
    return json.loads(files["json"].read_text()), files["md"].read_text()


def test_each_week_after_the_training_is_looked_at(told):
    """Six looks; the exact probability stands beside what was told; chances are chances."""
    (run,) = told[0]["runs"]
    assert [look["at"] for look in run["looks"]] == [STARTS_AT + week * WEEK for week in range(1, 7)]
    assert 0 < run["exact"] < 1
    assert 0 < run["told"] < 1
    for look in run["looks"]:
        assert all(0 <= p <= 1 for p in look["surprise"].values())
        assert {"drift", "silent-source"} <= set(look["surprise"])
        assert set(look["rules"]) <= set(RULES)


def test_the_page_is_renewed_between_its_marks(told):
    """What stands around stays, the tables are those of the runs."""
    _, page = told
    assert page.startswith("before\n<!-- measured -->\n\n250 leads in the whole history")
    assert page.endswith("\n\n<!-- end of measured -->\nafter\n")
    assert "stale" not in page
    assert "| any alarm |" in page


def _run(world, alarms, weeks=8):
    """A run whose looks raised these alarms by their week."""
    at = [STARTS_AT + week * WEEK for week in range(1, weeks + 1)]
    looks = tuple(
        Look(moment, tuple(alarms.get(k, ())), 0, RULES[:1], {"drift": 0.01}) for k, moment in enumerate(at, 1)
    )
    return Run(world, 1, looks, 0.05, 0.04, 1.0, 100.0, 1.0)


def test_alarms_before_the_change_are_false_and_those_after_it_are_late():
    """By hand: the world changes four weeks after the training; one alarm before, the next two weeks after."""
    assert STARTS_AT + 4 * WEEK == DRIFTS_AT
    runs = [_run("steady", {}), _run("drifting", {2: [("drift", "a")], 6: [("new-kind", "chat")]})]
    page = tables(Setting(("steady", "drifting"), 1_000, 8, range(1, 2)), runs)
    assert "| steady | 8 | 0 | 0.0 % | 100 % | 0 % |" in page
    assert "| drifting | 4 | 1 | 25.0 % | 100 % | 0 % |" in page
    assert "| steady, seed 1 | none | 5.0 % | 4.0 % | 1.00 |" in page
    assert "| any alarm | 1 of 1 | 2 |" in page
    assert "| drift | 12 | 100.0 % |" in page
