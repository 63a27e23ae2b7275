"""The notebooks: they run from clean, on a simulated market and on real orders, and read like what they show."""

import os
import re
import subprocess
import sys
from pathlib import Path

import jupytext
import nbclient
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from nbformat.v4 import new_code_cell

ROOT = Path(__file__).resolve().parents[2]
NAMES = sorted(path.stem for path in (ROOT / "notebooks").glob("*.py"))
LONGEST_CELL = 16
PART = 10
"""Of the real orders every so many-th customer takes part."""


@pytest.fixture(scope="module")
def market(tmp_path_factory) -> Path:
    """The contract of what `readiness simulate` writes, asked every four weeks and trained quickly."""
    folder = tmp_path_factory.mktemp("notebooks") / "market"
    words = ["simulate", "--out", str(folder), "--leads", "600", "--quiet"]
    subprocess.run([sys.executable, "-P", "-m", "serving.cli", *words], check=True, capture_output=True)
    path = folder / "readiness.toml"
    weekly = path.read_text()
    assert 'every = "7d"' in weekly
    coarse = weekly.replace('every = "7d"', 'every = "28d"')
    path.write_text(coarse + "\n[backtest]\nfolds = 2\n\n[model]\nthreads = 1\nbins = 1\n")
    return path


@pytest.fixture(scope="module")
def orders(tmp_path_factory, shared_data) -> Path:
    """The contract of the public orders of an online shop, every PART-th customer of it."""
    folder = tmp_path_factory.mktemp("orders")
    leads = pq.read_table(shared_data / "online_retail" / "leads.parquet").sort_by("lead_id")
    few = leads.take(list(range(0, len(leads), PART)))
    pq.write_table(few, folder / "leads.parquet")
    for name in ("events", "outcomes"):
        table = pq.read_table(shared_data / "online_retail" / f"{name}.parquet")
        pq.write_table(table.filter(pc.is_in(table["lead_id"], few["lead_id"])), folder / f"{name}.parquet")
    text = (ROOT / "examples" / "online_retail.toml").read_text()
    path = folder / "readiness.toml"
    path.write_text(text.replace("../../shared/data/online_retail", ".") + "folds = 2\n\n[model]\nthreads = 1\n")
    return path


def read(name: str):
    """A notebook as it is kept."""
    return jupytext.read(ROOT / "notebooks" / f"{name}.py")


def run(notebook, contract: Path, into: Path):
    """The notebook after a run from its first cell to its last, in a fresh kernel; an error in a cell is raised."""
    client = nbclient.NotebookClient(
        notebook, timeout=600, kernel_name="python3", resources={"metadata": {"path": str(into)}}
    )
    paths = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep)
    client.execute(env={**os.environ, "PYTHONPATH": paths, "READINESS_CONTRACT": str(contract)})
    return notebook


def outputs(notebook) -> list:
    """All that its cells wrote and drew."""
    return [output for cell in notebook.cells for output in cell.get("outputs", ())]


def said_on_stderr(notebook) -> str:
    """All complaints."""
    return "".join(output.text for output in outputs(notebook) if output.get("name") == "stderr")


def pictures(notebook) -> int:
    """How many plots it has."""
    return sum("image/png" in output.get("data", {}) for output in outputs(notebook))


@pytest.mark.parametrize("name", NAMES)
def test_it_runs_from_clean_on_a_simulated_market(name, market, tmp_path):
    """Every cell runs, every plot is drawn, and nothing complains."""
    notebook = run(read(name), market, tmp_path)
    asked = [cell for cell in cells(name, "code") if re.search(r"^(Image|show)\(", cell, re.MULTILINE)]
    assert pictures(notebook) == len(asked) > 0
    assert said_on_stderr(notebook) == ""


def test_they_run_on_real_orders(orders, tmp_path):
    """The same pages serve a shop whose outcome may come again, without points and without sales touches.

    All in one kernel, which forgets its names in between: what it has imported it need not import again.
    """
    whole = read(NAMES[0])
    for name in NAMES[1:]:
        whole.cells += [new_code_cell("%reset -f"), *read(name).cells]
    run(whole, orders, tmp_path)
    assert pictures(whole) >= 3 * len(NAMES)
    assert said_on_stderr(whole) == ""


def cells(name: str, kind: str) -> list[str]:
    """The texts of its cells of one kind."""
    return [cell.source for cell in read(name).cells if cell.cell_type == kind]


@pytest.mark.parametrize("name", NAMES)
def test_its_cells_are_short(name):
    """A cell fits a glance."""
    assert [cell for cell in cells(name, "code") if len(cell.splitlines()) > LONGEST_CELL] == []


@pytest.mark.parametrize("name", NAMES)
def test_figures_in_its_prose_are_computed(name):
    """No prose says a figure that a run might contradict."""
    assert [cell for cell in cells(name, "markdown") if re.search(r"\d+[.,]\d|\d\s*%", cell)] == []


@pytest.mark.parametrize("name", NAMES)
def test_it_uses_the_public_rooms_alone(name):
    """Neither private names nor the command line's own modules are needed."""
    code = "\n".join(cells(name, "code"))
    assert re.findall(r"(?:from|import) serving|import _\w+|\._\w+", code) == []


@pytest.mark.parametrize("name", NAMES)
def test_its_source_is_what_jupyter_would_write(name):
    """Saved from Jupyter, a cell that nobody touched does not change: what is kept diffs well."""
    text = (ROOT / "notebooks" / f"{name}.py").read_text()
    again = jupytext.reads(jupytext.writes(jupytext.reads(text, "py:percent"), "py:percent"), "py:percent")
    before = jupytext.reads(text, "py:percent")
    assert [(cell.cell_type, cell.source) for cell in again.cells] == [
        (cell.cell_type, cell.source) for cell in before.cells
    ]


def test_no_output_is_kept():
    """Only sources are in git, never an executed notebook."""
    assert [*(ROOT / "notebooks").rglob("*.ipynb")] == []
