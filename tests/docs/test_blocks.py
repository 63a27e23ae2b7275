"""Every code block in README and docs is run, or read by what would read it."""

import json
import re
import shlex
import tomllib
from contextlib import nullcontext
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import pytest
import typer
from markdown_it import MarkdownIt
from typer.testing import CliRunner

from data.contract import Contract, parse_contract
from data.errors import ContractError
from data.simulation.folder import write
from data.simulation.market import simulate
from serving.cli import app
from serving.store.store import Store

ROOT = Path(__file__).resolve().parents[2]
PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").glob("*.md"))]
SHELL = {"sh", "console", "bash", "shell"}
READY = '[ready]\noutcome = ["won"]\nterminal = ["won"]\nhorizons = ["30d", "90d"]\nprimary = "90d"\n'
SOURCE = '[source]\nleads = { table = "leads.csv" }\noutcomes = { table = "outcomes.csv" }\n'
SECTIONS = set(Contract.model_fields)


@cache
def tokens_of(page: Path) -> list:
    """The code blocks of a page, as the parser found them."""
    found = MarkdownIt("commonmark").enable("table").parse(page.read_text(encoding="utf-8"))
    return [token for token in found if token.type in ("fence", "code_block")]


def blocks(page: Path) -> list[tuple[str, str]]:
    """(language, text) of every code block of a page; an indented block has the language ``indented``."""
    return [((token.info.split() or ["indented"])[0], token.content) for token in tokens_of(page)]


def marked(*languages: str) -> list:
    """Test cases: the blocks of all pages in these languages, unless they name what runs them."""
    return [
        pytest.param(text, id=f"{page.name}-{at}")
        for page in PAGES
        for at, (language, text) in enumerate(blocks(page))
        if language in languages and not runners(text, page)
    ]


def runners(text: str, page: Path) -> list[str]:
    """The files that a block names as those that run it: too long to be run here, it is run there."""
    return [name for token in tokens_of(page) if token.content == text for name in token.info.split()[1:]]


def long_ones() -> list:
    """Test cases: (block, the file that runs it)."""
    return [
        pytest.param(text, name, id=f"{page.name}-{at}")
        for page in PAGES
        for at, (_, text) in enumerate(blocks(page))
        for name in runners(text, page)
    ]


def commands(text: str) -> list[list[str]]:
    """The words of each command of a shell block: prompts, comments and what is piped elsewhere are left out."""
    found = []
    for line in whole_lines(text):
        lexer = shlex.shlex(line.strip().removeprefix("$ "), posix=True, punctuation_chars=";&|<>")
        lexer.whitespace_split = True
        command: list[str] = []
        for word in lexer:
            if set(word) <= set(";&|<>"):
                found.append(command)
                command = []
            else:
                command.append(word)
        found.append(command)
    return [[word for word in command if not re.fullmatch(r"[A-Z_]+=\S*", word)] for command in found if command]


def whole_lines(text: str) -> list[str]:
    """The lines of a shell block; one that ends within quotes, or with a backslash, goes on in the next."""
    found, open_ = [], ""
    for line in text.replace("\\\n", " ").splitlines():
        open_ += line
        try:
            shlex.split(open_, comments=True)
        except ValueError:
            open_ += " "
            continue
        found.append(open_)
        open_ = ""
    assert not open_, f"a quotation is never closed: {open_[:80]}"
    return found


def lines_of_shell() -> list:
    """Test cases: each command of every shell block, and of every indented one where it is one of ours."""
    cases = {}
    for page in PAGES:
        for language, text in blocks(page):
            if language in SHELL or language == "indented":
                for words in commands(text) if language in SHELL else ours(text):
                    cases[f"{page.name}: {' '.join(words)[:70]}"] = words
    return [pytest.param(words, id=name) for name, words in cases.items() if words]


def ours(text: str) -> list[list[str]]:
    """The commands of an indented block that begin like one of ours: the others may be output."""
    lines = [line for line in text.replace("\\\n", " ").splitlines() if line.split()[:1]]
    starts = ("readiness ", ".venv/bin/readiness ", "make ", "python ", ".venv/bin/python ")
    return [words for line in lines if line.strip().startswith(starts) for words in commands(line)[:1]]


def read_by_the_command_line(words: list[str]) -> None:
    """Let the program's own parser read the words of a `readiness` command; nothing is run."""
    command, name = typer.main.get_command(app), "readiness"
    while hasattr(command, "commands") and words and not words[0].startswith("-"):
        name, words = words[0], words[1:]
        assert name in command.commands, f"there is no verb {name!r}"
        command = command.commands[name]
    if words in (["--help"], ["-h"], ["--version"]):
        return
    command.make_context(name, list(words))


@pytest.mark.parametrize("words", lines_of_shell())
def test_a_command_is_one_that_there_is(words):
    """A verb with options that it takes, a target of the Makefile, a file or a module of this repository."""
    program, *rest = words
    if program.endswith("readiness"):
        read_by_the_command_line(rest)
    elif program == "make":
        targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
        assert {word for word in rest if "=" not in word and not word.startswith("-")} <= targets
    elif Path(program).name in ("python", "python3") and rest[:1] == ["-m"]:
        assert find_spec(rest[1]) is not None
    elif Path(program).name in ("python", "python3") and rest and rest[0].endswith(".py"):
        assert (ROOT / rest[0]).is_file()


def raises_for_missing_tables():
    """What the parser says of a [source] that is right as far as it goes."""
    return pytest.raises(ContractError, match=r"is missing\. Add it, with the table")


@pytest.mark.parametrize("text", marked("toml"))
def test_toml_is_a_contract_or_a_table_of_its_own(text):
    """What stands under the names of a contract's sections is read by the contract's own parser."""
    there = tomllib.loads(text)
    if not there or not set(there) <= SECTIONS:
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


@pytest.fixture(scope="module")
def market(tmp_path_factory) -> Path:
    """The folder of a small simulated market, asked rarely, with an empty store beside its contract."""
    folder = tmp_path_factory.mktemp("market")
    write(simulate("steady", 300, 3), folder, paths=1)
    weekly = (folder / "readiness.toml").read_text()
    coarse = weekly.replace('every = "7d"', 'every = "28d"')
    (folder / "readiness.toml").write_text(coarse + "\n[backtest]\nfolds = 2\n\n[model]\nthreads = 1\nbins = 1\n")
    (folder / ".readiness").mkdir()
    Store.open(f"sqlite:///{folder / '.readiness' / 'store.db'}").close()
    return folder


@pytest.mark.parametrize("text", marked("python"))
def test_python_runs(text, market, monkeypatch):
    """Each block by itself, beside the contract of a simulated market."""
    monkeypatch.chdir(market)
    exec(compile(text, "block", "exec"), {"__name__": "block"})  # noqa: S102 - that is what is asked


@pytest.mark.parametrize(("text", "name"), long_ones())
def test_a_block_that_takes_long_is_run_where_it_says(text, name):
    """Each of its lines stands in the file that it names, which the tests or a benchmark run."""
    there = {line.strip() for line in (ROOT / name).read_text(encoding="utf-8").splitlines()}
    assert [line for line in text.splitlines() if line.strip() and line.strip() not in there] == []


def test_the_first_steps_of_the_readme_run(market, tmp_path, monkeypatch):
    """Those that take no training, in the order of the page: a first contract from files, what was read, a key."""
    monkeypatch.chdir(tmp_path)
    (page,) = [text for language, text in blocks(ROOT / "README.md") if language == "indented" and " init " in text]
    cheap = [words for words in ours(page) if words[1] in ("init", "check", "keys")]
    assert [words[1] for words in cheap] == ["init", "check", "keys"]
    (tmp_path / "exports").symlink_to(market)
    for words in cheap:
        done = CliRunner().invoke(app, words[1:])
        assert done.exit_code == 0, done.output


def test_every_block_says_what_it_is():
    """A fenced block without a language is read by nobody."""
    fences = [
        (page.name, token.content[:60])
        for page in PAGES
        for token in tokens_of(page)
        if token.type == "fence" and not token.info.strip()
    ]
    assert fences == []
