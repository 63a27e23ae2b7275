"""Commands that are read and not run: by the parser that would read them."""

from collections.abc import Sequence
from typing import Any

import typer

from serving.cli import app

ALWAYS = {"--help", "-h", "--version"}


def read_by_the_program(words: Sequence[str]) -> None:
    """Let the program's own parser read the words of a whole command; nothing is run. Raises what it says of them."""
    name, command, rest = _verb(words)
    command.make_context(name, rest)


def spoken_of(words: Sequence[str]) -> None:
    """Words in a sentence name a verb that there is, and options that it has; what these need may be left out."""
    _, command, rest = _verb(words)
    known = {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}
    assert {word.partition("=")[0] for word in rest if word.startswith("-")} <= known | ALWAYS


def _verb(words: Sequence[str]) -> tuple[str, Any, list[str]]:
    """The name of the verb, its command, and the words after it."""
    command: Any = typer.main.get_command(app)
    name, rest = "readiness", list(words)
    while hasattr(command, "commands") and rest and not rest[0].startswith("-"):
        name, *rest = rest
        assert name in command.commands, f"there is no verb {name!r}"
        command = command.commands[name]
    return name, command, rest
