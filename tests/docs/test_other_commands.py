"""The commands of the pages that are not the program's own: each program has a test here that runs or judges it."""

import json
import os
import re
import subprocess
import sys
import tomllib

import pytest
import yaml

from tests.docs.pages import PAGES, ROOT, Command, blocks, commands, commands_of, spans
from tests.docs.reading import read_by_the_program

TESTED = {"readiness", "python", "make", "docker", "curl", "printf", "pip", "jupyter"}
"""Programs whose commands are run or judged: here, in test_commands.py and in test_benchmark_commands.py."""


def shown(program: str) -> list[tuple[str, Command]]:
    """(page, command) for each command of a program."""
    return [
        (name, command) for name, page in PAGES.items() for command in commands_of(page) if command.program == program
    ]


def alone(program: str) -> list:
    """Test cases: its commands, named by their pages."""
    return [pytest.param(command, id=f"{name}: {str(command)[:60]}") for name, command in shown(program)]


def in_sentences(start: str) -> list[str]:
    """Commands in code type within sentences."""
    return sorted({span for page in PAGES.values() for span in spans(page) if span.startswith(start)})


def test_there_is_a_test_for_each_program():
    """A command that nothing runs is not documented: whoever shows a new program says here what runs it."""
    found = {command.program: f"{command} ({name})" for name, page in PAGES.items() for command in commands_of(page)}
    assert [where for program, where in found.items() if program not in TESTED] == []


def bash(text: str, folder, **environment: str) -> str:
    """What a line of a page says on stdout, run by a shell."""
    command = ["bash", "-euo", "pipefail", "-c", text]
    done = subprocess.run(
        command, cwd=folder, env={**os.environ, **environment}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{text}: {done.stderr}"
    return done.stdout


@pytest.mark.parametrize(
    "target", sorted({word for _, command in shown("make") for word in command.words[1:]} | {"setup", "lock"})
)
def test_make_knows_what_to_do(target):
    """Every step of the target, printed by make itself; the steps are what these tests and the rest of them run.

    Where all of it was done before, make says that nothing is left to do.
    """
    steps = bash(f"make --dry-run --file '{ROOT / 'Makefile'}' PYTHON='{sys.executable}' {target}", ROOT)
    assert steps.strip()
    assert not re.search("no rule", steps, re.IGNORECASE)


def test_make_targets_in_sentences_are_known():
    """Those that are only spoken of."""
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert {span.split()[1] for span in in_sentences("make ")} <= targets


@pytest.mark.parametrize("command", alone("printf"))
def test_secrets_are_drawn(command, tmp_path):
    """The line that writes `.env` writes what the compose file asks for, each its own secret."""
    bash(command.text, tmp_path)
    values = dict(line.split("=", 1) for line in (tmp_path / ".env").read_text().splitlines())
    assert set(values) == set(re.findall(r"\$\{(\w+)[:}]", (ROOT / "compose.yaml").read_text()))
    assert all(re.fullmatch(r"[0-9a-f]{48}", value) for value in values.values())
    assert len(set(values.values())) == len(values)


SPOKEN = [Command(tuple(span.split()), span) for span in in_sentences("docker ")]


@pytest.mark.parametrize("command", [*(command for _, command in shown("docker")), *SPOKEN], ids=str)
def test_docker_commands_fit_the_compose_file(command):
    """Their services are there, and what a container is told to run is read by the program's own parser.

    There is no engine to run them with: docs/containers.md says so.
    """
    services = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]
    _, compose, verb, *rest = command.words
    assert (compose, verb in {"build", "up", "run", "stop"}) == ("compose", True)
    if verb == "run":
        _, service, *words = rest
        assert rest[0] == "--rm"
        assert "entrypoint" not in services[service]
        read_by_the_program(words)
    else:
        named = [word.partition("=")[0] for word in rest if not word.startswith("-")]
        assert set(named) <= set(services)
        assert {word for word in rest if word.startswith("-")} <= {"-d", "--scale"}


@pytest.mark.parametrize(("name", "command"), shown("curl"), ids=lambda part: str(part)[:40])
def test_what_curl_is_told_is_what_the_page_shows(name, command, service, key):
    """The real program asks a real service, and the answer is the JSON that follows on the page."""
    texts = [text for _, text in blocks(PAGES[name])]
    at = next(place for place, text in enumerate(texts) if text.strip().startswith(command.text))
    said = bash(f"{command.text.replace('http://127.0.0.1:8000', service)} --silent", ROOT, KEY=key)
    assert json.loads(said) == json.loads(texts[at + 1])


@pytest.mark.parametrize("command", alone("pip"))
def test_the_project_is_installed_with_an_extra_that_it_has(command):
    """Pip itself prepares the installation, as far as it goes without fetching and without changing anything."""
    words = [*command.words[1:], "--dry-run", "--no-deps", "--no-index", "--no-build-isolation"]
    done = subprocess.run([sys.executable, "-m", "pip", *words], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "does not provide the extra" not in done.stderr
    assert "Would install readiness" in done.stdout


@pytest.mark.parametrize("command", alone("jupyter"))
def test_jupyter_is_in_the_extra_and_the_folder_has_notebooks(command):
    """Nobody opens a browser here; that the notebooks run is a test of its own (tests/notebooks)."""
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    _, program, folder = command.words
    assert any(requirement.startswith(f"jupyter{program}>") for requirement in extras["notebooks"])
    assert list((ROOT / folder).glob("*.py"))


def test_packages_in_sentences_are_dependencies():
    """What a page says to install with pip is what the project installs, or an extra of it."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    known = {re.split(r"[\[><=]", one)[0] for one in project["dependencies"]}
    known |= {f"readiness[{extra}]" for extra in project["optional-dependencies"]}
    for span in in_sentences("pip install "):
        assert set(commands(span)[0].words[2:]) <= known, span
