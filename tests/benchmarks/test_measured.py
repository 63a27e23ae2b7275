"""What benchmarks leave behind."""

import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from benchmarks.measured import renew, runs_in, write_runs  # noqa: E402


@dataclass
class Asked:
    """What was asked."""

    world: str
    seeds: range


@dataclass
class Run:
    """What was measured."""

    seed: int
    won: float


def test_a_page_without_a_place_for_tables_is_left_as_it_is(tmp_path):
    """It ends with what is missing, and nothing is written."""
    page = tmp_path / "page.md"
    page.write_text("no marks")
    with pytest.raises(SystemExit, match="no place for the tables"):
        renew(page, "| a |")
    assert page.read_text() == "no marks"


def test_a_page_is_renewed_any_number_of_times(tmp_path):
    """The same tables twice give the same page."""
    page = tmp_path / "page.md"
    page.write_text("before\n<!-- measured -->\nstale\n<!-- end of measured -->\nafter\n")
    renew(page, "| a |\n")
    once = page.read_text()
    renew(page, "| a |")
    assert page.read_text() == once == "before\n<!-- measured -->\n\n| a |\n\n<!-- end of measured -->\nafter\n"


def test_runs_come_back_as_they_were(tmp_path):
    """With the seeds as a range."""
    asked, runs = Asked("steady", range(3, 5)), [Run(3, 1.5), Run(4, 2.0)]
    write_runs(tmp_path / "runs.json", asked, runs)
    told, found = runs_in(tmp_path / "runs.json")
    assert (Asked(**told), [Run(**one) for one in found]) == (asked, runs)
