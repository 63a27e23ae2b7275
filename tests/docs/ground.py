"""The ground that the pages' commands stand on: what a company has after some months with Readiness, in one folder.

A simulated market and its contract, a registry with a champion (version 1) and a challenger (version 2), a store with
the market's past in which every open lead was looked at once, and the champion live.
"""

import shutil
import warnings
from collections.abc import Collection
from contextlib import ExitStack, chdir
from pathlib import Path
from unittest.mock import patch

from typer.testing import CliRunner, Result

from data.contract import load_contract
from data.simulation.folder import write
from data.simulation.market import simulate
from serving.cli import app
from serving.commands import fetching
from tests.docs.pages import ROOT
from training import plots, registry, retraining
from training.fetch import fetch_version
from training.plots import draw_plots

FACTS = ("leads", "events", "outcomes", "changes")
SMALL = '\n[backtest]\nfolds = 2\nsegments = ["seniority"]\n\n[model]\nthreads = 1\nbins = 1\nmax_rows = 1000\n'
"""What makes a training a matter of seconds, beside cutoffs that are four weeks apart."""


def within(folder: Path, *words: str) -> Result:
    """The program in this process, called from a folder; of the ten pictures of a training it draws one."""
    with ExitStack() as stack:
        stack.enter_context(chdir(folder))
        stack.enter_context(patch.object(fetching, "fetch", _fetch))
        for module in (plots, registry, retraining):
            stack.enter_context(patch.object(module, "draw_plots", _draw_one))
        stack.enter_context(warnings.catch_warnings())
        warnings.simplefilter("ignore")  # what libraries say of each other; users do not see it either
        return CliRunner().invoke(app, list(words))


def _fetch(contract: Path, reference: str, state_folder: Path) -> dict[str, str]:
    """What is fetched from the registry, without a process of its own each time: MLflow is here already."""
    fetched = fetch_version(load_contract(contract), reference, state_folder / "bundles")
    return {"folder": str(fetched.folder), "number": fetched.number}


def _draw_one(report: plots.Report, only: Collection[str] | None = None) -> dict[str, bytes]:
    """One picture for all: drawing takes most of the time of a small training, and has tests of its own."""
    return draw_plots(report, {"reliability.png", "folds.png"} if only is None else only)


def make_ground(folder: Path) -> Path:
    """The ground, made by the program itself."""
    write(simulate("quick", 400, 4), folder, paths=1)
    contract = folder / "readiness.toml"
    champions = coarse(contract)
    _must(folder, "train", "--quiet")
    contract.write_text(champions.replace("[model]", "[model]\nseed = 1"))
    _must(folder, "train", "--quiet")
    contract.write_text(champions)
    for words in ("store load --quiet", "deploy", "pass --quiet"):
        _must(folder, *words.split())
    (folder / "examples").symlink_to(ROOT / "examples")
    return folder


def coarse(contract: Path) -> str:
    """Let a contract ask rarely and train quickly; its text."""
    text = contract.read_text().replace('every = "7d"', 'every = "28d"') + SMALL
    contract.write_text(text)
    return text


def copy_of(ground: Path, folder: Path) -> Path:
    """Ground for a page alone, to be changed at will. What the registry holds stays where it was made."""
    return Path(shutil.copytree(ground, folder, symlinks=True, ignore=shutil.ignore_patterns("mlartifacts", "truth")))


def _must(folder: Path, *words: str) -> None:
    done = within(folder, *words)
    assert done.exit_code == 0, f"readiness {' '.join(words)}: {done.output[-1_000:]} {done.exception!r}"
