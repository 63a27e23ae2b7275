"""Every code block in README and docs is run, or read by what would read it; commands have files of their own."""

import json
import re
import tomllib
from contextlib import nullcontext

import pytest

from data.contract import parse_contract
from data.errors import ContractError
from models.mautic_map import load_map
from models.points import load_points
from models.states import STATES
from tests.docs.pages import OURS, PAGES, ROOT, SHELL, blocks, code_of, runners

READY = '[ready]\noutcome = ["won"]\nterminal = ["won"]\nhorizons = ["30d", "90d"]\nprimary = "90d"\n'
SOURCE = '[source]\nleads = { table = "leads.csv" }\noutcomes = { table = "outcomes.csv" }\n'
READ = {*SHELL, "indented", "toml", "json", "python", "http", "mermaid", "text"}
"""The languages whose blocks a test reads. What is `text` is output, or written from the code (docs/cli.md)."""


def marked(*languages: str) -> list:
    """Test cases: the blocks of all pages in these languages, unless they name what runs them."""
    return [
        pytest.param(text, id=f"{name}-{at}")
        for name, page in PAGES.items()
        for at, (language, text) in enumerate(blocks(page))
        if language in languages and not runners(text, page)
    ]


def long_ones() -> list:
    """Test cases: (block, the file that runs it)."""
    return [
        pytest.param(text, name, id=f"{name}-{at}")
        for name, page in PAGES.items()
        for at, (_, text) in enumerate(blocks(page))
        for name in runners(text, page)
    ]


def raises_for_missing_tables():
    """What the parser says of a [source] that is right as far as it goes."""
    return pytest.raises(ContractError, match=r"is missing\. Add it, with the table")


@pytest.mark.parametrize("text", marked("toml"))
def test_toml_is_what_its_parser_takes(text):
    """It is read by the parser of such a file: a contract, a points table, a map of Mautic's events."""
    there = tomllib.loads(text)
    if "rule" in there:
        load_points(text)
        return
    if "event" in there:
        load_map(text)
        return
    whole = text + ("" if "ready" in there else READY)
    needed = "source" not in there or (set(there["source"]) & {"leads"} == set() and "kind" not in there["source"])
    # a part of [source] may be shown without the tables that another part of its page maps
    expected = nullcontext() if not needed or "source" not in there else raises_for_missing_tables()
    with expected:
        parse_contract(whole if "source" in there else whole + SOURCE, ROOT)


@pytest.mark.parametrize("text", marked("json"))
def test_json_is_json(text):
    """It can be pasted."""
    json.loads(text)


@pytest.mark.parametrize("text", marked("python"))
def test_python_runs(text, own_ground, monkeypatch):
    """Each block by itself, beside the contract of a simulated market."""
    monkeypatch.chdir(own_ground)
    exec(compile(text, "block", "exec"), {"__name__": "block"})  # noqa: S102 - that is what is asked


@pytest.mark.parametrize(("text", "name"), long_ones())
def test_a_block_that_takes_long_is_run_where_it_says(text, name):
    """Each of its lines stands in the file that it names, which the tests or a benchmark run."""
    there = {line.strip() for line in (ROOT / name).read_text(encoding="utf-8").splitlines()}
    assert [line for line in text.splitlines() if line.strip() and line.strip() not in there] == []


@pytest.mark.parametrize("text", marked("mermaid"))
def test_the_drawn_states_are_those_of_a_lead(text):
    """Every state is in the picture, and nothing else; every arrow is between two of them."""
    names = {alias: name for name, alias in re.findall(r'state "(.*)" as (\w+)', text)}
    arrows = re.findall(r"(\S+) --> (\w+)", text)
    drawn = {names.get(state, state) for arrow in arrows for state in arrow if state != "[*]"}
    assert drawn == set(STATES)


def test_a_command_never_stands_where_nobody_looks_for_one():
    """An indented block is commands alone; output has none, and how a verb is called (docs/cli.md) is output."""
    like_one = re.compile(r"\s*(\$ |(\.venv/bin/)?(readiness|make|python|docker|curl) [a-z-]+(?!.*\[OPTIONS\]))")
    hidden = [
        (name, line)
        for name, page in PAGES.items()
        for language, text in blocks(page)
        for line in text.replace("\\\n", " ").splitlines()
        if (language == "indented" and not line.strip().startswith(OURS))
        or (language == "text" and like_one.match(line))
    ]
    assert hidden == []


def test_every_block_says_what_it_is():
    """A fenced block without a language is read by nobody, nor is one in a language that no test knows."""
    fences = [
        (name, token.info, token.content[:60])
        for name, page in PAGES.items()
        for token in code_of(page)
        if token.type == "fence" and (token.info.split() or [""])[0] not in READ
    ]
    assert fences == []
