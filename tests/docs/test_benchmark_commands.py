"""The benchmarks that the pages show: what stands there is read by their own parsers, and their parts run elsewhere."""

import argparse
import re
import runpy
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.docs.pages import PAGES, ROOT, commands, commands_of, spans

RUN_BY = {
    "benchmarks/feature_compile.py": "tests/benchmarks/test_features.py",
    "benchmarks/features.py": "tests/benchmarks/test_features.py",
    "benchmarks/few_outcomes.py": "tests/docs/test_benchmark_commands.py",
    "benchmarks/policy.py": "tests/benchmarks/test_policy.py",
    "benchmarks/real_data.py": "tests/benchmarks/test_real_data.py",
    "benchmarks/unlearning.py": "tests/benchmarks/test_unlearning.py",
    "benchmarks/watch.py": "tests/benchmarks/test_watch.py",
    "benchmarks/quality.py": "tests/benchmarks/test_quality.py",
    "benchmarks/censoring.py": "tests/benchmarks/test_quality.py",
}
"""A benchmark: the test that runs it, or its parts, on something small."""
TOO_LONG = {
    "benchmarks/chaos.py": "kills services for half a minute at the least; once: tests/serving/outbox/test_chaos.py",
    "benchmarks/cluster.py": "starts a Dask cluster and Spark; what it times is tested by tests/serving/test_score.py",
    "benchmarks/desk.py": "trains and fills thirty weeks; its pages are tested by tests/serving/desk/test_browser.py",
    "benchmarks/fresh.py": "trains for minutes; that what serves has learned more: tests/training/test_refit.py",
    "benchmarks/leaks.py": "trains on hundreds of leads with each planted leak; tests/training/test_leaks_training.py",
    "benchmarks/learning_curve.py": "trains at five sizes; tests/training/test_learning_curve.py tests the law",
    "benchmarks/serving.py": "trains, then loads servers; the service under load: tests/serving/live/test_live.py",
    "benchmarks/shadow.py": "trains two versions, then loads services; tests/serving/shadowing/test_shadow.py",
}
"""A benchmark that takes minutes at its smallest: why, and the test that runs what it measures."""


def shown() -> dict[str, list[list[str]]]:
    """The words after each script of this repository, from blocks and from sentences."""
    found: dict[str, list[list[str]]] = {}
    for page in PAGES.values():
        said = [command for span in spans(page) if span.startswith("python ") for command in commands(span)]
        for command in [*commands_of(page), *said]:
            words = [word for word in command.words[1:] if word != "-P"] if command.program == "python" else []
            if words[:1] == ["-m"]:
                words = [words[1].replace(".", "/") + ".py", *words[2:]]
            if words and words[0].startswith("benchmarks/"):
                found.setdefault(words[0], []).append(words[1:])
    return found


SHOWN = shown()


class Read(Exception):  # noqa: N818 - it is no error
    """The words were read."""


@pytest.fixture
def only_reading(monkeypatch):
    """A benchmark ends as soon as its own parser has read its words."""
    parse = argparse.ArgumentParser.parse_args

    def read(self, *arguments):
        parse(self, *arguments)
        raise Read

    monkeypatch.setattr(argparse.ArgumentParser, "parse_args", read)


@pytest.mark.parametrize(
    ("script", "words"), [pytest.param(s, w, id=f"{s} {' '.join(w)}") for s, each in SHOWN.items() for w in each]
)
@pytest.mark.usefixtures("only_reading")
def test_a_benchmark_reads_what_its_page_shows(script, words, monkeypatch):
    """Every option is one that it has, with a value that it takes."""
    monkeypatch.setattr(sys, "argv", [script, *words])
    monkeypatch.setattr(sys, "path", [str(ROOT), *sys.path])
    with pytest.raises(Read):
        runpy.run_path(str(ROOT / script), run_name="__main__")


def test_it_is_said_what_runs_each_benchmark():
    """A test that imports it, or a reason why it takes too long and the test of what it measures; none is left over."""
    assert set(SHOWN) == set(RUN_BY) | set(TOO_LONG)
    for script, test in RUN_BY.items():
        begins = Path(script).stem.partition("_")[0]
        assert re.search(rf"benchmarks\W.*\b{begins}", (ROOT / test).read_text()), f"{test} never runs {script}"
    for why in TOO_LONG.values():
        (test,) = re.findall(r"tests/\S+\.py", why)
        assert (ROOT / test).is_file()


def test_few_outcomes_run_on_one_small_market(monkeypatch, capsys):
    """`benchmarks/few_outcomes.py` at its smallest: a table with a line for the wins that there were."""
    monkeypatch.setattr(sys, "argv", ["few_outcomes.py", "--worlds", "quick", "--leads", "40", "--seeds", "1"])
    runpy.run_path(str(ROOT / "benchmarks" / "few_outcomes.py"), run_name="__main__")
    told = capsys.readouterr().out
    assert re.search(r"^\| \d+ to [\d,]+ \| 1 \|", told, re.MULTILINE)
    assert "0 markets had nothing to learn from" in told


def test_modules_that_pages_run_are_there():
    """`python -m NAME` names a module of this repository or of what it installs."""
    said = [span for page in PAGES.values() for span in spans(page) if re.match(r"python (-P )?-m ", span)]
    names = {words[words.index("-m") + 1] for words in (span.split() for span in said)}
    assert "features.warm" in names
    for name in names:
        assert find_spec(name) is not None or Path(ROOT, *name.split(".")).with_suffix(".py").is_file()
