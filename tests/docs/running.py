"""How a command of the program's own is run as its page shows it."""

import socket
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from tests.docs.ground import within
from tests.docs.pages import Command
from tests.docs.servers import STOPS, Staying, answer
from tests.docs.stories import RUNNING, Story

SERVERS = {"serve", "work", "ui"}
STAY = {"--watch", "--nightly"}


def run_page(commands: Sequence[Command], story: Story, ground: Path, ask: Callable[[str], str]) -> None:
    """Run the commands of a page one after the other; ``ask`` gives where something runs that a word stands for."""
    happenings, meanings = dict(story.before), dict(story.words)
    for command in commands:
        shown = " ".join(command.words[1:])
        for start in [start for start in happenings if shown.startswith(start)]:
            happenings.pop(start)(ground)
        words = meant(command.words[1:], meanings, ask)
        if stays(words):
            stay(words, ground, unready=story.unready)
            continue
        done = within(ground, *words)
        expected = next((code for start, code in story.exits.items() if shown.startswith(start)), 0)
        if done.exit_code != expected:
            pytest.fail(f"{command} ended with {done.exit_code}, not {expected}: {done.output} {done.exception!r}")
    assert not happenings | meanings, f"no command of the page begins so: {[*happenings, *meanings]}"


def meant(words: Sequence[str], meanings: dict[str, str], ask: Callable[[str], str]) -> list[str]:
    """What the words of a command are here. A meaning that was used is taken out of ``meanings``."""
    for start in list(meanings):
        first = start.split()
        if list(words[: len(first)]) == first:
            words = [*meanings.pop(start).split(), *words[len(first) :]]
    return [_running(word, ask) for word in words]


def _running(word: str, ask: Callable[[str], str]) -> str:
    """A word, with the address of what runs here in place of the page's."""
    for shown, fixture in RUNNING.items():
        if word.startswith(shown):
            return ask(fixture) + word.removeprefix(shown)
    return word


def stays(words: Sequence[str]) -> bool:
    """Whether a command ends only when it is told to."""
    return words[0] in SERVERS or bool(STAY & set(words))


def stay(words: Sequence[str], ground: Path, *, unready: bool) -> None:
    """Start it, on a free port, see that it answers, tell it to stop: it ends in order, with exit code 0."""
    verb = words[0]
    begun = Staying(ground, on_a_free_port(words) if verb in {"serve", "ui"} else words)
    try:
        if verb == "serve":
            url = begun.line("http://")
            assert answer(f"{url}/healthz", 200)
            assert answer(f"{url}/readyz", 503 if unready else 200)
        elif verb == "ui":
            address = begun.line("http://")
            assert answer(f"{address.partition('/#/')[0]}/health", 200)
        else:
            begun.line(STOPS)
    finally:
        code = begun.stop()
    assert code == 0, f"readiness {' '.join(words)} ended with {code} when it was told to stop: {begun.said}"


def on_a_free_port(words: Sequence[str]) -> list[str]:
    """The words with a port that nobody has, whatever port they name."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    at = words.index("--port") if "--port" in words else len(words)
    return [*words[:at], "--port", port, *words[at + 2 :]]
